import type { DatabasesListing } from '@notion-mirror/mirror-store/entities/database-sources';
import { sourcesIn, type DatabaseResult } from './sync-data-source.ts';

/**
 * A data source belongs to one database only. When a newly written document lists a source that another document of the tenant lists too, the
 * source was moved, and one of the two documents is outdated: a fetch that began before the move may be written after the move was handled, and
 * no further event would follow. So both are fetched again until only one lists the source. `syncNow` never skips.
 * Resolves to a result that must be settled first (a retry, a failure), or null.
 */
export async function settleContestedSources(
  deps: {
    readonly databasesListing: DatabasesListing;
    readonly syncNow: (databaseId: string) => Promise<DatabaseResult>;
  },
  workspaceId: string,
  databaseId: string,
  gained: readonly string[],
): Promise<DatabaseResult | null> {
  for (const dataSourceId of gained) {
    const others = (await deps.databasesListing(workspaceId, dataSourceId)).filter((other) => other !== databaseId);
    let contested = false;
    for (const other of others) {
      const result = await deps.syncNow(other);
      if (result.kind === 'retry' || result.kind === 'failed' || result.kind === 'no_active_connection') return result;
      contested ||= result.kind === 'written' && sourcesIn(result).includes(dataSourceId);
    }
    if (!contested) continue;
    const result = await deps.syncNow(databaseId);
    if (result.kind === 'retry' || result.kind === 'failed' || result.kind === 'no_active_connection') return result;
  }
  return null;
}
