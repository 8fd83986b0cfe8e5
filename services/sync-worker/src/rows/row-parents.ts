import type { DatabaseOutline } from '@notion-mirror/mirror-store/entities/database';
import type { DatabasesListing } from '@notion-mirror/mirror-store/entities/database-sources';
import type { RecordStore } from '@notion-mirror/mirror-store/records/record-store';
import type { RowsOff } from '@notion-mirror/mirror-store/rows-off';
import { isUnfinished, type Fetched, type SyncTarget, type Unfinished } from '../consume/sync-entity.ts';
import type { DatabaseSync } from '../databases/sync-databases.ts';

/** Where a row is, as Notion or its record says. */
export interface RowParent {
  readonly databaseId: string;
  readonly dataSourceId: string;
}

/** Why a row may not be live. */
export type Parentless = Extract<Fetched<never>, { readonly kind: 'removed' }>;

/** The parents that rows may have. All reject with the store's errors. */
export interface RowParents {
  /** Whether a live database of the mirror has the data source, outside its trash. */
  has(workspaceId: string, dataSourceId: string): Promise<boolean>;
  /** Whether an operator turned its rows off, some seconds ago or earlier. */
  isOff(workspaceId: string, dataSourceId: string): Promise<boolean>;
  /**
   * Why the row of an event may not be live with this parent; null: it may. A database that the mirror does not know, or that does not have the data
   * source, is synced first: its own event may still be on the way. A tombstone is believed. A data source that is off has no rows. Unfinished: the
   * database could not be synced.
   */
  problemOf(parent: RowParent, target: RowTarget, signal: AbortSignal): Promise<Parentless | Unfinished | null>;
  /** Why the rows of a data source that no live database has are to go. */
  reasonFor(workspaceId: string, databaseId: string): Promise<Parentless['reason']>;
}

/** The row's event, and how the database is asked for. */
export type RowTarget = Pick<SyncTarget, 'event' | 'accessibleBy' | 'attempt'>;

export function createRowParents(deps: {
  /** Those that have it outside their trash. */
  readonly databasesListing: DatabasesListing;
  readonly databaseRecords: Pick<RecordStore<never, DatabaseOutline>, 'read'>;
  readonly syncDatabase: DatabaseSync['syncOne'];
  readonly rowsOff: RowsOff;
}): RowParents {
  const { databasesListing, databaseRecords, syncDatabase, rowsOff } = deps;

  async function has(workspaceId: string, dataSourceId: string): Promise<boolean> {
    return (await databasesListing(workspaceId, dataSourceId)).length > 0;
  }

  async function isGone(workspaceId: string, databaseId: string): Promise<boolean | null> {
    const record = await databaseRecords.read({ workspaceId, id: databaseId });
    return record === null ? null : !record.live;
  }

  return {
    has,
    isOff: (workspaceId, dataSourceId) => rowsOff.isOff({ workspaceId, dataSourceId }),
    async problemOf({ databaseId, dataSourceId }, target, signal) {
      const { workspaceId } = target.event;
      if (await rowsOff.isOffNow({ workspaceId, dataSourceId })) return parentless('data_source_removed');
      if (await has(workspaceId, dataSourceId)) return null;
      if ((await isGone(workspaceId, databaseId)) === true) return parentless('database_removed');
      const synced = await syncDatabase({ ...target, workspaceId, id: databaseId }, signal);
      if (isUnfinished(synced)) return synced;
      if (await has(workspaceId, dataSourceId)) return null;
      return parentless(await this.reasonFor(workspaceId, databaseId));
    },
    async reasonFor(workspaceId, databaseId) {
      return (await isGone(workspaceId, databaseId)) === false ? 'data_source_removed' : 'database_removed';
    },
  };
}

function parentless(reason: Parentless['reason']): Parentless {
  return { kind: 'removed', reason, source: 'delete' };
}
