import type { Clock } from '@notion-mirror/service-kit/async/clock';

export interface FakeClock extends Clock {
  /** Advances the time and wakes sleepers that are due, in the order of their times. */
  advance(ms: number): Promise<void>;
  readonly sleepers: number;
}

export function createFakeClock(start = Date.parse('2026-03-01T12:00:00.000Z')): FakeClock {
  let time = start;
  const sleeping = new Set<{ readonly until: number; readonly wake: () => void }>();
  return {
    now: () => time,
    get sleepers() {
      return sleeping.size;
    },
    async sleep(ms, signal) {
      if (signal.aborted) return;
      const done = Promise.withResolvers<void>();
      const sleeper = { until: time + ms, wake: () => done.resolve() };
      sleeping.add(sleeper);
      signal.addEventListener('abort', sleeper.wake, { once: true });
      await done.promise;
      sleeping.delete(sleeper);
    },
    async advance(ms) {
      const target = time + ms;
      for (;;) {
        const next = [...sleeping].filter(({ until }) => until <= target).toSorted((a, b) => a.until - b.until)[0];
        if (next === undefined) break;
        time = Math.max(time, next.until);
        sleeping.delete(next);
        next.wake();
        await settled();
      }
      time = target;
      await settled();
    },
  };
}

/** Lets everything run that waits only for other promises. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
