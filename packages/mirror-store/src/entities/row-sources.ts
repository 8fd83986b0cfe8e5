import type { Db } from 'mongodb';
import { orUnavailable } from '../errors.ts';
import { openRecords } from '../records/record-document.ts';
import { rowStorage } from './row.ts';
import { ofTenant } from '../records/of-tenant.ts';

/** The data sources that live rows of the tenant are in, sorted. Rejects with a `StoreUnavailableError`. */
export async function sourcesOfRows(db: Db, workspaceId: string): Promise<string[]> {
  const records = openRecords(db, rowStorage);
  return orUnavailable('rows could not be read', async () => {
    const found: string[] = [];
    // Tombstones name their data source, too.
    for (const dataSourceId of await records.distinct('dataSourceId', { workspaceId })) {
      if (typeof dataSourceId !== 'string') continue;
      const isArchived = { $in: [false, true] };
      if ((await records.countDocuments({ ...ofTenant(workspaceId), dataSourceId, isArchived }, { limit: 1 })) > 0)
        found.push(dataSourceId);
    }
    return found.toSorted();
  });
}
