import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '@notion-mirror/service-kit/async/backoff';

/**
 * Opens a change stream again after each break, until `signal` aborts. `follow` reads it until it breaks, and calls `opened` when it is open, so that the
 * pause after the next break is short. `onFailure`: it broke with an error. Rejects only with what `onFailure` throws.
 */
export async function keepFollowing(
  signal: AbortSignal,
  follow: (opened: () => void, isFirst: boolean) => Promise<void>,
  onFailure: (error: unknown) => void,
): Promise<void> {
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      await follow(() => (attempt = 1), attempt === 1);
    } catch (error) {
      onFailure(error);
    }
    await delay(backoffMs(attempt, 100, 5_000), undefined, { signal }).catch(() => {});
  }
}
