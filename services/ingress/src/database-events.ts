import type { Connection } from '@notion-mirror/domain/connection';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { DatabaseNotice, Route } from './webhook-body.ts';

/** The event for one tenant. */
export function databaseEventOf(
  notice: DatabaseNotice,
  connection: Connection,
  { origin, receivedAt, trace }: { readonly origin: Route; readonly receivedAt: Date; readonly trace: string },
): DatabaseEvent {
  return {
    eventId: notice.eventId,
    kind: notice.kind,
    type: notice.type,
    workspaceId: connection.workspaceId,
    connectionId: connection.connectionId,
    providerConfigKey: connection.providerConfigKey,
    notionWorkspaceId: notice.notionWorkspaceId,
    databaseId: notice.databaseId,
    dataSourceId: notice.dataSourceId,
    pageId: notice.pageId,
    occurredAt: notice.occurredAt,
    receivedAt,
    origin,
    trace,
  };
}
