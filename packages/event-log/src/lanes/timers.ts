export interface Timers {
  /** Resolves with true after `ms`, or with false once stopped. */
  sleep(ms: number): Promise<boolean>;
  stop(): void;
}

const longestTimerMs = 2 ** 31 - 1;

export function createTimers(): Timers {
  const sleeping = new Map<NodeJS.Timeout, (elapsed: boolean) => void>();
  let stopped = false;
  return {
    sleep(ms) {
      if (stopped) return Promise.resolve(false);
      return new Promise((resolve) => {
        const timer = setTimeout(
          () => {
            sleeping.delete(timer);
            resolve(true);
          },
          Math.min(Math.max(0, ms), longestTimerMs),
        );
        sleeping.set(timer, resolve);
      });
    },
    stop() {
      stopped = true;
      for (const [timer, wake] of sleeping) {
        clearTimeout(timer);
        wake(false);
      }
      sleeping.clear();
    },
  };
}
