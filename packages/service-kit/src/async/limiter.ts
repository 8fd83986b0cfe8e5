/** Runs work concurrently up to a limit, and makes the caller wait for a free slot (p-limit would queue everything). */
export interface Limiter {
  /** Resolves when a slot is free and `work` has begun. Rejects with the first failure of earlier work. */
  begin(work: () => Promise<void>): Promise<void>;
  /** Resolves when all work has ended. Rejects with its first failure. */
  end(): Promise<void>;
}

/** `atOnce` is the current limit, asked before each begin. */
export function createLimiter(atOnce: () => number): Limiter {
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];

  async function run(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      failures.push(error);
    }
  }

  function fail(): void {
    if (failures.length > 0) throw failures[0];
  }

  return {
    async begin(work) {
      while (running.size >= atOnce()) await Promise.race(running);
      fail();
      const ran = run(work);
      running.add(ran);
      void ran.then(() => running.delete(ran));
    },
    async end() {
      await Promise.all(running);
      fail();
    },
  };
}
