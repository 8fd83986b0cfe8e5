import type { EntityKind } from '@notion-mirror/domain/entity';
import type { Db } from 'mongodb';
import type { EntityStorage } from '../entity-storage.ts';
import { orUnavailable } from '../errors.ts';
import { pageReads } from '../page-reads.ts';
import { openRecords } from './record-document.ts';

export interface RecordCounts {
  readonly kind: EntityKind;
  readonly live: number;
  readonly tombstones: number;
}

/**
 * Counts the records of all tenants without reading them, from MongoDB's own statistics and the tombstones' index: after a crash of MongoDB, `live` can
 * be off by the last minute's writes. Rejects with a `StoreUnavailableError`.
 */
export async function countRecords(db: Db, storage: EntityStorage<unknown, object>): Promise<RecordCounts> {
  const records = openRecords(db, storage);
  const [all, tombstones] = await orUnavailable('records could not be counted', () =>
    Promise.all([records.estimatedDocumentCount(pageReads), records.countDocuments({ 'removed.at': { $gt: new Date(0) } }, pageReads)]),
  );
  return { kind: storage.kind, live: Math.max(0, all - tombstones), tombstones };
}
