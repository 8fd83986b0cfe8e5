/** Counts work in flight, so that a test can wait until there is none. */
export interface PendingWork {
  readonly count: number;
  begin(): void;
  end(): void;
  /** Tracks a promise, which must not reject. */
  track(work: Promise<void>): void;
  /** Resolves as soon as nothing is in flight; rejects with `describe()` in its message after `timeoutMs`. */
  settle(timeoutMs: number, describe: () => string): Promise<void>;
}

export function createPendingWork(): PendingWork {
  let count = 0;
  let waiting: (() => void)[] = [];
  const end = () => {
    count -= 1;
    if (count > 0) return;
    const settled = waiting;
    waiting = [];
    for (const resolve of settled) resolve();
  };
  return {
    get count() {
      return count;
    },
    begin: () => {
      count += 1;
    },
    end,
    track: (work) => {
      count += 1;
      void work.finally(end);
    },
    settle: (timeoutMs, describe) => {
      if (count === 0) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`Not settled after ${timeoutMs} ms: ${describe()}`)), timeoutMs);
        waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
  };
}
