import type { MissedRows } from '@notion-mirror/mirror-store/missed-rows';
import type { Clock } from '@notion-mirror/service-kit/async/clock';
import { settlesBefore } from '@notion-mirror/service-kit/async/deadline';
import type { Logger } from '@notion-mirror/service-kit/logger';

export interface NoteMissedRows {
  /**
   * Notes that an event about a row is ignored because rows are off. Resolves at the latest after `deadlineMs`: a webhook that is ignored anyway is not
   * refused because MongoDB is unavailable. Then it is noted as soon as that answers.
   */
  note(): Promise<void>;
  stop(): Promise<void>;
}

const pauseMs = 1_000;

export function createNoteMissedRows(deps: {
  readonly missed: MissedRows;
  readonly deadlineMs: number;
  readonly sleep: Clock['sleep'];
  readonly logger: Logger;
}): NoteMissedRows {
  const { missed, deadlineMs, sleep, logger } = deps;
  const stopping = new AbortController();
  let noting: Promise<void> | null = null;

  async function untilNoted(): Promise<void> {
    for (let failures = 0; ; failures += 1) {
      try {
        return await missed.note();
      } catch (error) {
        if (failures === 0) logger.warn({ err: error }, 'cannot note that events about rows are missed; retrying');
        if (stopping.signal.aborted) return;
        await sleep(pauseMs, stopping.signal);
      }
    }
  }

  return {
    async note() {
      noting ??= untilNoted().finally(() => {
        noting = null;
      });
      await settlesBefore(noting, Date.now() + deadlineMs);
    },
    async stop() {
      stopping.abort();
      if (noting !== null) await settlesBefore(noting, Date.now() + deadlineMs);
    },
  };
}
