import { MongoServerError, type Db } from 'mongodb';
import { collectionNames } from './collections.ts';
import { isUnavailable, orUnavailable, unavailable } from './errors.ts';
import { compareLayout, describeDifference, repair, type Difference, type MongoLayout } from './layout.ts';
import { countRecords, type RecordCounts } from './records/record-counts.ts';
import { unevenSharding, type UnevenSharding } from './sharding.ts';

/** Another run was faster: namespace exists, index exists (with other options), index not found, conflicting operation in progress. */
const racing: ReadonlySet<unknown> = new Set([48, 68, 85, 86, 27, 117]);

/**
 * Creates missing collections, indexes, the tombstones' TTL and the views, and corrects differences. Safe to run again or
 * concurrently. Resolves to the repaired differences; empty when there were none.
 */
export async function initMongo(db: Db, layout: MongoLayout): Promise<Difference[]> {
  const repaired: Difference[] = [];
  for (let attempt = 1; ; attempt += 1) {
    const differences = await orUnavailable('MongoDB could not be read', () => compareLayout(db, layout));
    if (differences.length === 0) return repaired;
    if (attempt > 10) throw new Error(`MongoDB still differs after 10 attempts: ${differences.map(describeDifference).join('; ')}`);
    for (const difference of differences) {
      try {
        await repair(db, difference, layout);
        repaired.push(difference);
      } catch (error) {
        if (error instanceof MongoServerError && racing.has(error.code)) continue;
        throw isUnavailable(error) ? unavailable('MongoDB could not be set up', error) : error;
      }
    }
  }
}

export interface MongoReport {
  readonly serverVersion: string;
  /** Null: not a replica set, so change streams do not work. */
  readonly replicaSet: string | null;
  /** The differences `initMongo` would repair. */
  readonly differences: readonly Difference[];
  /** Of each kind of entity. */
  readonly records: readonly RecordCounts[];
  /** Behind a router only. */
  readonly unevenSharding: readonly UnevenSharding[];
  readonly counts: {
    readonly spooled: number;
    readonly parked: number;
    readonly stoppedSweeps: number;
    readonly incompleteSweeps: number;
    /** Data sources whose rows the mirror does not all have. */
    readonly incompleteSources: number;
  };
}

/** For `mirror doctor`. Changes nothing. */
export async function inspectMongo(db: Db, layout: MongoLayout): Promise<MongoReport> {
  return orUnavailable('MongoDB cannot be inspected', async () => {
    const hello = await db.command({ hello: 1 });
    const build = await db.command({ buildInfo: 1 });
    return {
      serverVersion: String(build['version']),
      replicaSet: typeof hello['setName'] === 'string' ? hello['setName'] : null,
      differences: await compareLayout(db, layout),
      unevenSharding: typeof hello['setName'] === 'string' ? [] : await unevenSharding(db, layout.storages),
      records: await Promise.all(layout.storages.map((storage) => countRecords(db, storage))),
      counts: {
        spooled: await db.collection(collectionNames.spooledEvents).countDocuments(),
        parked: await db.collection(collectionNames.parkedEvents).countDocuments(),
        stoppedSweeps: await db.collection(collectionNames.sweeps).countDocuments({ 'last.stopped': true }),
        incompleteSweeps: await db.collection(collectionNames.sweeps).countDocuments({ incompleteSince: { $gt: new Date(0) } }),
        incompleteSources: await db.collection(collectionNames.dataSourceContents).countDocuments({ state: 'incomplete' }),
      },
    };
  });
}

export { describeDifference, type Difference } from './layout.ts';
