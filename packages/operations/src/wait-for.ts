import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '@notion-mirror/service-kit/async/backoff';
import { withDeadline } from '@notion-mirror/service-kit/async/deadline';

const attemptMs = 20_000;
const progressMs = 5_000;

/**
 * Retries a step until it succeeds, for at most `waitMs` (0: one attempt), and calls `onWaiting` with the error about every five seconds. Rejects
 * with the last error, immediately with one that `isFatal` marks as not retriable, or when `signal` aborts.
 */
export async function waitFor<T>(
  step: () => Promise<T>,
  options: {
    readonly waitMs: number;
    readonly signal: AbortSignal;
    readonly isFatal: (error: unknown) => boolean;
    readonly onWaiting: (error: unknown, waitedMs: number) => void;
  },
): Promise<T> {
  const { waitMs, signal, isFatal, onWaiting } = options;
  const started = performance.now();
  let reportedAt = Number.NEGATIVE_INFINITY;
  for (let attempt = 1; ; attempt += 1) {
    try {
      signal.throwIfAborted();
      return await withDeadline(step(), { ms: attemptMs, message: `no answer within ${attemptMs / 1000} s`, signal });
    } catch (error) {
      const waited = performance.now() - started;
      const pause = backoffMs(attempt, 200, 2_000);
      if (signal.aborted || isFatal(error) || waited + pause > waitMs) throw error;
      if (waited - reportedAt >= progressMs) {
        onWaiting(error, waited);
        reportedAt = waited;
      }
      await delay(pause, undefined, { signal });
    }
  }
}
