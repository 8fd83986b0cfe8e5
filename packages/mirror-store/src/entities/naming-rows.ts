import { keyOf } from '@notion-mirror/domain/entity';
import type { Db, Document, Filter } from 'mongodb';
import { orUnavailable } from '../errors.ts';
import { openRecords, type RecordDocument } from '../records/record-document.ts';
import { rowStorage } from './row.ts';
import { ofTenant } from '../records/of-tenant.ts';

export interface FoundRow {
  readonly pageId: string;
  readonly dataSourceId: string;
}

/** Live rows, up to `limit`, without their content. All reject with a `StoreUnavailableError` when MongoDB is unavailable. */
export interface NamingRows {
  /** Rows of these data sources that name the page in a relation. */
  naming(workspaceId: string, pageId: string, dataSourceIds: readonly string[], limit: number): Promise<readonly FoundRow[]>;
  /** Those of the pages that are live rows. */
  among(workspaceId: string, pageIds: readonly string[], limit: number): Promise<readonly FoundRow[]>;
}

export function openNamingRows(db: Db): NamingRows {
  const records = openRecords(db, rowStorage);
  const find = (filter: Filter<RecordDocument>, limit: number) =>
    orUnavailable('records could not be read', async () => {
      const found = await records
        .find({ ...filter, removed: { $exists: false } }, { projection: { pageId: 1, dataSourceId: 1 }, limit })
        .toArray();
      return found.map(({ pageId, dataSourceId }: Document) => ({ pageId: String(pageId), dataSourceId: String(dataSourceId) }));
    });
  return {
    naming: (workspaceId, pageId, dataSourceIds, limit) =>
      find({ ...ofTenant(workspaceId), related: pageId, dataSourceId: { $in: dataSourceIds } }, limit),
    among: (workspaceId, pageIds, limit) => find({ _id: { $in: pageIds.map((id) => keyOf({ workspaceId, id })) } }, limit),
  };
}
