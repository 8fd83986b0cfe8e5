import type { Connection } from './connection.ts';
import type { DatabaseEvent } from './database-event.ts';

/** A sync event created by the mirror itself, for a connection. `at` is both its time and its receipt. */
export function syncEventFor(
  { workspaceId, connectionId, providerConfigKey, notionWorkspaceId }: Connection,
  about: Pick<DatabaseEvent, 'eventId' | 'type' | 'databaseId' | 'dataSourceId' | 'origin'>,
  at: Date,
): DatabaseEvent {
  return { ...about, kind: 'sync', workspaceId, connectionId, providerConfigKey, notionWorkspaceId, occurredAt: at, receivedAt: at };
}
