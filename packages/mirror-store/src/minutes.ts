import type { Db } from 'mongodb';
import { openCollection } from './collections.ts';
import { orUnavailable } from './errors.ts';
import { pageReads } from './page-reads.ts';
import type { WorkCounts } from './work-counts.ts';

/** What one worker did in one minute. `at`: its beginning. */
export interface WorkerMinute extends WorkCounts {
  readonly service: string;
  readonly at: Date;
}

interface MinuteDocument extends WorkerMinute {
  /** The worker and the minute. */
  readonly _id: string;
}

/** How long minutes are kept: a day, and what is left of the hour that a chart begins with. */
export const minutesKeptSeconds = 25 * 60 * 60;

/** Writing one again replaces it. Rejects with a `StoreUnavailableError`. */
export async function writeMinutes(db: Db, worker: string, minutes: readonly WorkerMinute[]): Promise<void> {
  if (minutes.length === 0) return;
  const writes = minutes.map((minute) => ({
    replaceOne: { filter: { _id: `${worker}:${minute.at.toISOString()}` }, replacement: { ...minute }, upsert: true },
  }));
  await orUnavailable('the work of a minute could not be written', () =>
    openCollection<MinuteDocument>(db, 'minutes').bulkWrite(writes, { ordered: false }),
  );
}

/** The minutes of all workers from that one on, oldest first. Rejects with a `StoreUnavailableError`. */
export async function minutesSince(db: Db, from: Date): Promise<WorkerMinute[]> {
  return orUnavailable('the work of the last hour could not be read', () =>
    openCollection<MinuteDocument>(db, 'minutes')
      .find<WorkerMinute>({ at: { $gte: from } }, { ...pageReads, projection: { _id: 0 } })
      .sort({ at: 1 })
      .toArray(),
  );
}
