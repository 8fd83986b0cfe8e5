import type { Failure } from '@notion-mirror/domain/failure';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { placeOf, type LogRecord } from '../log-record.ts';
import type { Lane } from './lane.ts';
import type { Entry } from './lane-task.ts';
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

/** Sets records of lanes apart until their dead letters are durable, however long that takes: until then their offsets stand. */
export function createLaneBurial<T>(deps: {
  readonly bury: Bury;
  readonly onBuried: (failure: Failure) => void;
  readonly onEnd: (lane: Lane<T>) => void;
}): {
  readonly buryAll: (lane: Lane<T>, entries: readonly Entry<T>[], failure: Failure) => Promise<void>;
  /** Resolves when those that have begun have ended. */
  readonly allBuried: () => Promise<unknown>;
} {
  const burials = new Set<Promise<unknown>>();

  async function buryOne({ apart }: Lane<T>, entry: Entry<T>, failure: Failure): Promise<void> {
    if (!(await deps.bury(entry, failure, () => apart.has(entry)))) return;
    deps.onBuried(failure);
    if (apart.delete(entry)) entry.claim.settle();
  }

  return {
    async buryAll(lane, entries, failure) {
      for (const entry of entries) lane.apart.add(entry);
      const burial = Promise.all(entries.map((entry) => buryOne(lane, entry, failure)));
      burials.add(burial);
      await burial;
      burials.delete(burial);
      deps.onEnd(lane);
    },
    allBuried: () => Promise.all(burials),
  };
}
