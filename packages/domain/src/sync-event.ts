import type { Connection } from './connection.ts';
import type { DatabaseEvent } from './database-event.ts';

/** A sync event of the mirror's own, in the name of a connection: it happens, and is received, at `at`. */
export function syncEventFor(
  { workspaceId, connectionId, providerConfigKey, notionWorkspaceId }: Connection,
  about: Pick<DatabaseEvent, 'eventId' | 'type' | 'databaseId' | 'dataSourceId' | 'origin'>,
  at: Date,
): DatabaseEvent {
  return { ...about, kind: 'sync', workspaceId, connectionId, providerConfigKey, notionWorkspaceId, occurredAt: at, receivedAt: at };
}
