import type { Db } from 'mongodb';
import { openContents, type ContentsDocument } from '../contents-document.ts';
import { orUnavailable } from '../errors.ts';
import { openRecords } from '../records/record-document.ts';
import { rowStorage } from './row.ts';

/** The data sources that live rows of the tenant are in, sorted. Rejects with a `StoreUnavailableError`. */
export async function sourcesOfRows(db: Db, workspaceId: string): Promise<string[]> {
  const records = openRecords(db, rowStorage);
  return orUnavailable('rows could not be read', async () => {
    const found: string[] = [];
    // Tombstones name their data source, too.
    for (const dataSourceId of await records.distinct('dataSourceId', { workspaceId })) {
      if (typeof dataSourceId !== 'string') continue;
      const isArchived = { $in: [false, true] };
      if ((await records.countDocuments({ workspaceId, dataSourceId, isArchived }, { limit: 1 })) > 0) found.push(dataSourceId);
    }
    return found.toSorted();
  });
}

/** The data sources of that id, or of the database of that id, whose rows the mirror follows. Of all tenants. Rejects with a `StoreUnavailableError`. */
export async function findFollowedSources(
  db: Db,
  id: string,
): Promise<Pick<ContentsDocument, 'workspaceId' | 'databaseId' | 'dataSourceId'>[]> {
  return orUnavailable('data sources could not be read', () =>
    openContents(db)
      .find({ $or: [{ dataSourceId: id }, { databaseId: id }] }, { projection: { _id: 0, workspaceId: 1, databaseId: 1, dataSourceId: 1 } })
      .sort({ _id: 1 })
      .toArray(),
  );
}
