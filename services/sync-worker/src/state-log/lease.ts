import { setTimeout as delay } from 'node:timers/promises';
import type { StateLogProgress } from '@notion-mirror/mirror-store/state-log-progress';
import { backoffMs } from '@notion-mirror/service-kit/async/backoff';

/** Another process takes over from a dead one after this time. */
const leaseMs = 15_000;
const holdEveryMs = 4_000;
const minBackoffMs = 250;
const maxBackoffMs = 5_000;

/** The control of a leader over its lease. */
export interface Leadership {
  /** Aborts when the process stops or the lease is lost. */
  readonly signal: AbortSignal;
  /** Gives the lease up. */
  readonly leave: () => void;
  /** Reports progress: it resets the backoff after a failure. */
  readonly works: () => void;
}

/**
 * Runs `lead` while the lease is held, and again after it has failed or the lease was lost. Resolves when `stopping` aborts and `lead` has ended;
 * never rejects.
 */
export async function leadWhileHeld(
  progress: Pick<StateLogProgress, 'hold' | 'release'>,
  options: {
    readonly stopping: AbortSignal;
    readonly lead: (leadership: Leadership) => Promise<void>;
    readonly onFailure: (error: unknown) => void;
    /** Called after each attempt. */
    readonly onEnd: () => void;
  },
): Promise<void> {
  const { stopping, onFailure, onEnd } = options;
  for (let attempt = 1; !stopping.aborted; attempt += 1) {
    try {
      if (await progress.hold(leaseMs)) {
        await lead(() => (attempt = 1));
        await progress.release().catch(() => {});
      } else attempt = 1;
    } catch (error) {
      if (!stopping.aborted) onFailure(error);
    }
    onEnd();
    const ms = attempt === 1 ? holdEveryMs : backoffMs(attempt, minBackoffMs, maxBackoffMs);
    await delay(ms, undefined, { signal: stopping, ref: false }).catch(() => {});
  }

  async function lead(works: () => void): Promise<void> {
    const lost = new AbortController();
    const holding = setInterval(() => {
      progress.hold(leaseMs).then(
        (held) => held || lost.abort(),
        // MongoDB is unavailable: nothing can be read to append either, and the next renewal shows whether the lease was lost.
        () => {},
      );
    }, holdEveryMs);
    try {
      await options.lead({ signal: AbortSignal.any([stopping, lost.signal]), leave: () => lost.abort(), works });
    } finally {
      clearInterval(holding);
    }
  }
}
