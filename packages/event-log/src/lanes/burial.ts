import type { Failure } from '@notion-mirror/domain/failure';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { placeOf, type LogRecord } from '../log-record.ts';
import { shortBackoffMs } from './retries.ts';
import type { Timers } from './timers.ts';
import type { DeadLetter } from './work.ts';

/** Writes the dead letter of a record for as long as it takes, unless `isWanted` is false before an attempt. True: it is durable. */
export type Bury = (
  entry: { readonly record: LogRecord; readonly attempts: number; readonly firstFailedAt: number | null },
  failure: Failure,
  isWanted: () => boolean,
) => Promise<boolean>;

export function createBurial(deps: { readonly deadLetter: DeadLetter; readonly timers: Timers; readonly logger: Logger }): Bury {
  const { deadLetter, timers, logger } = deps;
  return async function bury({ record, attempts, firstFailedAt }, failure, isWanted) {
    const context = { attempts, firstFailedAt: new Date(firstFailedAt ?? Date.now()) };
    for (let attempt = 1; isWanted(); attempt += 1) {
      try {
        await deadLetter(record, failure, context);
        return true;
      } catch (error) {
        logger.warn({ err: error, attempt, ...placeOf(record) }, 'cannot write a dead letter; retrying');
      }
      if (!(await timers.sleep(shortBackoffMs(attempt)))) return false;
    }
    return false;
  };
}
