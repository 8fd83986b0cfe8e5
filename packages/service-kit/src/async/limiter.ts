/** Runs work side by side, at most so many at a time, and holds back the one that brings it (p-limit would queue it all). */
export interface Limiter {
  /** Begins `work` when there is room for it, and resolves then. Rejects with the first failure of what ran before. */
  begin(work: () => Promise<void>): Promise<void>;
  /** Resolves when nothing runs any more. Rejects likewise. */
  end(): Promise<void>;
}

/** `atOnce` is asked each time. */
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
