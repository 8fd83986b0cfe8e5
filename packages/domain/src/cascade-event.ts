import type { DatabaseEvent } from './database-event.ts';

/**
 * The event for the sync-worker to remove all rows of a data source that its database no longer has. `cause`: the event whose handling showed
 * that; if it is handled again, the same id results. `receivedAt`: now.
 */
export function cascadeEventOf(
  cause: DatabaseEvent,
  { databaseId, dataSourceId }: { readonly databaseId: string; readonly dataSourceId: string },
  receivedAt: Date,
): DatabaseEvent {
  return {
    ...cause,
    eventId: `${cause.eventId}:removed:${dataSourceId}`,
    kind: 'row_sync',
    type: 'mirror.data_source_removed',
    databaseId,
    dataSourceId,
    pageId: null,
    receivedAt,
    origin: 'recheck',
  };
}
