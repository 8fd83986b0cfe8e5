import { refOf } from '@notion-mirror/domain/entity';
import type { RemovalReason } from '@notion-mirror/domain/write-rule';
import type { Db } from 'mongodb';
import type { DataSourceRef } from '../data-source-contents.ts';
import { orUnavailable } from '../errors.ts';
import { openRecords, stateProjection, toStoredRecord, type StoredRecord } from '../records/record-document.ts';
import type { RecordStore } from '../records/record-store.ts';
import { rowStorage, type RowOutline } from './row.ts';
import { ofTenant } from '../records/of-tenant.ts';

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
      const live = { ...ofTenant(workspaceId), dataSourceId, isArchived: { $in: [true, false] } };
      const found = await records.find(live, { projection, limit }).toArray();
      return found.map((document) => ({ id: refOf(document._id)?.id ?? '', record: toStoredRecord(rowStorage, document) }));
    });
}

const rowsAtOnce = 500;

/**
 * Turns the live rows of a data source into tombstones. Every write is conditional on the record being unchanged, so it stops a fetch in flight; a row
 * that was written meanwhile is read again. `onRemoved`: called with the number of each batch. Resolves to their number. Rejects with a
 * `StoreUnavailableError` or the signal's reason.
 */
export async function removeLiveRows(
  deps: { readonly records: Pick<RecordStore<unknown, RowOutline>, 'writeTombstone'>; readonly liveRowsOf: LiveRowsOf },
  removal: { readonly source: DataSourceRef; readonly reason: RemovalReason; readonly eventId: string; readonly now: () => number },
  signal: AbortSignal,
  onRemoved: (rows: number) => void = () => {},
): Promise<number> {
  const { source, reason, eventId, now } = removal;
  const { workspaceId } = source;
  for (let count = 0; ;) {
    signal.throwIfAborted();
    const rows = await deps.liveRowsOf(source, rowsAtOnce);
    if (rows.length === 0) return count;
    const asOf = new Date(now());
    const results = await Promise.all(
      rows.map(({ id, record }) =>
        deps.records.writeTombstone({ workspaceId, id, expected: record, asOf, source: 'delete', reason, eventId }),
      ),
    );
    const rejected = results.find(({ kind }) => kind === 'rejected');
    if (rejected?.kind === 'rejected') throw new Error(`a tombstone was rejected: ${rejected.message}`);
    const removed = results.filter(({ kind }) => kind === 'written').length;
    count += removed;
    onRemoved(removed);
  }
}
