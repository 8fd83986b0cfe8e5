import type { Asking } from '@notion-mirror/notion-source/vote';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import type { DatabasesListing } from '@notion-mirror/mirror-store/entities/database-sources';
import type { DatabaseOutline } from '@notion-mirror/mirror-store/entities/database';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { isUnfinished, type SyncResult, type Unfinished } from '../consume/sync-entity.ts';

export type DatabaseResult = SyncResult<DatabaseOutline>;

export interface DataSourceDependencies {
  readonly databasesListing: DatabasesListing;
  readonly notion: Pick<NotionSource, 'databaseOfDataSource'>;
  /** `hint`: the id is a guess. */
  readonly sync: (databaseId: string, hint: boolean) => Promise<DatabaseResult>;
}

/** `not_found`: no database contains this data source, so there is nothing to mirror. */
export type DataSourceResult =
  | { readonly kind: 'synced'; readonly results: readonly DatabaseResult[] }
  | { readonly kind: 'not_found' }
  | Unfinished;

/**
 * An event about a data source concerns the database that contains it, which the event does not name reliably: its parent may be the database,
 * the page above it or a wiki. So the mirror is queried first, then the hint is tried, and Notion is asked last. `moved` concerns both the
 * previous database (known from the mirror) and the current one (known from Notion).
 */
export async function syncDataSource(
  deps: DataSourceDependencies,
  event: DatabaseEvent & { readonly dataSourceId: string },
  asking: Pick<Asking, 'attempt' | 'trace'> & { readonly accessibleBy: readonly string[]; readonly signal: AbortSignal },
): Promise<DataSourceResult> {
  const { workspaceId, dataSourceId } = event;
  const done = new Map<string, DatabaseResult>();
  const sync = async (databaseId: string, hint: boolean): Promise<DatabaseResult> => {
    const known = done.get(databaseId);
    if (known !== undefined) return known;
    const result = await deps.sync(databaseId, hint);
    done.set(databaseId, result);
    return result;
  };
  const holdsIt = (result: DatabaseResult) => sourcesIn(result).includes(dataSourceId);

  const mirrored = await deps.databasesListing(workspaceId, dataSourceId);
  let found = false;
  for (const databaseId of mirrored) {
    const result = await sync(databaseId, false);
    if (isUnfinished(result)) return result;
    found ||= holdsIt(result);
  }
  if (event.databaseId !== null && (!found || event.type === 'data_source.moved')) {
    const result = await sync(event.databaseId, true);
    // A wrong hint is no failure of the event; Notion is asked below.
    if (result.kind === 'retry' || result.kind === 'no_active_connection') return result;
    found ||= holdsIt(result);
  }
  const isDeleted = event.type === 'data_source.deleted' && mirrored.length > 0;
  if ((!found && !isDeleted) || event.type === 'data_source.moved') {
    const { signal, ...rest } = asking;
    const parent = await deps.notion.databaseOfDataSource(
      { workspaceId, dataSourceId, preferConnectionId: event.connectionId, ...rest },
      signal,
    );
    switch (parent.kind) {
      case 'database': {
        const result = await sync(parent.databaseId, true);
        if (isUnfinished(result)) return result;
        break;
      }
      case 'not_found':
        break;
      case 'no_active_connection':
      case 'retry':
      case 'failed':
        return parent;
    }
  }
  const results = [...done.values()].filter(({ kind }) => kind !== 'unknown' && kind !== 'other_kind' && kind !== 'failed');
  return results.length === 0 ? { kind: 'not_found' } : { kind: 'synced', results };
}

/** The current data sources of a database, as far as known from its result. */
export function sourcesIn(result: DatabaseResult): readonly string[] {
  if (result.kind === 'written') return result.outline.dataSourceIds;
  return result.kind === 'skipped' ? (result.before?.dataSourceIds ?? []) : [];
}
