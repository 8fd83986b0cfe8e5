import type { Connection } from './connection.ts';
import type { DatabaseEvent } from './database-event.ts';

/** A sync event created by the mirror itself, for a connection. `at` is both its time and its receipt. */
export function syncEventFor(
  { workspaceId, connectionId, providerConfigKey, notionWorkspaceId }: Connection,
  about: Pick<DatabaseEvent, 'eventId' | 'type' | 'databaseId' | 'dataSourceId' | 'pageId' | 'origin' | 'trace'>,
  at: Date,
): DatabaseEvent {
  const kind = about.pageId === null ? 'sync' : 'row_sync';
  return { ...about, kind, workspaceId, connectionId, providerConfigKey, notionWorkspaceId, occurredAt: at, receivedAt: at };
}
