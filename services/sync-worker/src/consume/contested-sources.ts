import type { RecordStore } from '@notion-mirror/mirror-store/database-records';
import type { SyncResult } from './sync-database.ts';

/**
 * A data source is in one database only. When a document that was just written lists one that another document of the tenant lists too, the
 * source was moved, and one of the two was fetched before: a fetch that began before the move may be written after the move was handled, and
 * no further event would come. So both are fetched again until one of them has let go. `syncNow` never skips.
 * Resolves to a result that must be settled first (a retry, a failure), or null.
 */
export async function settleContestedSources(
  deps: {
    readonly records: Pick<RecordStore, 'databasesListing'>;
    readonly syncNow: (databaseId: string) => Promise<SyncResult>;
  },
  workspaceId: string,
  databaseId: string,
  gained: readonly string[],
): Promise<SyncResult | null> {
  for (const dataSourceId of gained) {
    const others = (await deps.records.databasesListing(workspaceId, dataSourceId)).filter((other) => other !== databaseId);
    let contested = false;
    for (const other of others) {
      const result = await deps.syncNow(other);
      if (result.kind === 'retry' || result.kind === 'failed' || result.kind === 'no_active_connection') return result;
      contested ||= result.kind === 'written' && result.dataSourceIds.includes(dataSourceId);
    }
    if (!contested) continue;
    const result = await deps.syncNow(databaseId);
    if (result.kind === 'retry' || result.kind === 'failed' || result.kind === 'no_active_connection') return result;
  }
  return null;
}
