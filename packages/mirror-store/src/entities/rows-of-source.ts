import { refOf } from '@notion-mirror/domain/entity';
import type { Db } from 'mongodb';
import type { DataSourceRef } from '../data-source-contents.ts';
import { orUnavailable } from '../errors.ts';
import { openRecords, stateProjection, toStoredRecord, type StoredRecord } from '../records/record-document.ts';
import { rowStorage, type RowOutline } from './row.ts';

export interface HeldRow {
  /** The page's. */
  readonly id: string;
  readonly record: StoredRecord<RowOutline>;
}

/** Up to `limit` live rows of a data source, without their content. Rejects with a `StoreUnavailableError` when MongoDB is unavailable. */
export type LiveRowsOf = (source: DataSourceRef, limit: number) => Promise<readonly HeldRow[]>;

export function createLiveRowsOf(db: Db): LiveRowsOf {
  const records = openRecords(db, rowStorage);
  const projection = { ...stateProjection, ...rowStorage.outlineProjection };
  return ({ workspaceId, dataSourceId }, limit) =>
    orUnavailable('records could not be read', async () => {
      // Tombstones keep the data source, not the flag: so the index alone leaves them out.
      const live = { workspaceId, dataSourceId, isArchived: { $in: [true, false] } };
      const found = await records.find(live, { projection, limit }).toArray();
      return found.map((document) => ({ id: refOf(document._id)?.id ?? '', record: toStoredRecord(rowStorage, document) }));
    });
}
