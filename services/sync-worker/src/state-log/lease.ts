import { setTimeout as delay } from 'node:timers/promises';
import type { StateLogProgress } from '@notion-mirror/mirror-store/state-log-progress';
import { backoffMs } from '@notion-mirror/service-kit/async/backoff';

/** A process that died is followed by another one after this. */
const leaseMs = 15_000;
const holdEveryMs = 4_000;
const minBackoffMs = 250;
const maxBackoffMs = 5_000;

/** What a leader works with. */
export interface Leadership {
  /** Aborts when it is to stop, or the lease is lost. */
  readonly signal: AbortSignal;
  /** Gives the lease up. */
  readonly leave: () => void;
  /** It gets somewhere: should it fail, another try may come at once. */
  readonly works: () => void;
}

/**
 * Runs `lead` while the lease is held, and again after it has failed or the lease was lost. Resolves when `stopping` aborts and `lead` has ended; never
 * rejects.
 */
export async function leadWhileHeld(
  progress: Pick<StateLogProgress, 'hold' | 'release'>,
  options: {
    readonly stopping: AbortSignal;
    readonly lead: (leadership: Leadership) => Promise<void>;
    readonly onFailure: (error: unknown) => void;
    /** Called after each try. */
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
        // MongoDB is unavailable: then there is nothing to append either, and the next hold tells.
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
