import type { Clock } from '@notion-mirror/service-kit/async/clock';
import { settlesBefore } from '@notion-mirror/service-kit/async/deadline';
import type { Logger } from '@notion-mirror/service-kit/logger';

/** Whether rows may be used, as far as this process knows. */
export interface RowsReadiness {
  /** Since when (MongoDB's clock); null: not yet. Once it is a time, it stays one. */
  since(): Date | null;
  stop(): Promise<void>;
}

/** How often a process asks until rows are ready. */
export const readinessPollMs = 1_000;

/**
 * Asks `check` until it gives a time, then never again. Resolves after the first answer, so a process that starts later knows at once. Rejects with
 * the error of the first call; later errors are logged, and the next call comes `afterFailureMs` later.
 */
export async function openRowsReadiness(deps: {
  readonly check: () => Promise<Date | null>;
  readonly logger: Logger;
  readonly sleep: Clock['sleep'];
  readonly afterFailureMs?: number;
}): Promise<RowsReadiness> {
  const { check, logger, sleep, afterFailureMs = readinessPollMs } = deps;
  const stopping = new AbortController();
  let since = await check();

  async function poll(): Promise<void> {
    let pauseMs = readinessPollMs;
    for (;;) {
      await sleep(pauseMs, stopping.signal);
      if (stopping.signal.aborted) return;
      try {
        pauseMs = readinessPollMs;
        since = await check();
        if (since !== null) return logger.info({ since }, 'rows are ready');
      } catch (error) {
        logger.warn({ err: error }, 'cannot find out whether rows are ready; retrying');
        pauseMs = afterFailureMs;
      }
    }
  }

  const polling = since === null ? poll() : Promise.resolve();
  return {
    since: () => since,
    async stop() {
      stopping.abort();
      await settlesBefore(polling, Date.now() + 500);
    },
  };
}
