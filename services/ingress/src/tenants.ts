import type { Connection } from '@notion-mirror/domain/connection';
import type { ConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import type { ConnectionName, DatabaseNotice } from './webhook-body.ts';

/** Finds the connections that an event is appended for: one per tenant, active ones only. */
export type FindConnections = (notice: DatabaseNotice, named: ConnectionName | null) => Promise<readonly Connection[]>;

/**
 * Only the connection named by Nango, since Nango sends one webhook for each. Without a name, every tenant with an active connection to
 * the event's Notion workspace. On a miss the database is queried once, since the connection may have been added just now.
 */
export function createFindConnections(
  directory: Pick<ConnectionDirectory, 'byId' | 'activeByNotionWorkspace' | 'refresh'>,
): FindConnections {
  const look = (notice: DatabaseNotice, named: ConnectionName | null): readonly Connection[] => {
    if (named === null) return onePerTenant(directory.activeByNotionWorkspace(notice.notionWorkspaceId), notice.accessibleBy);
    const connection = directory.byId(named.connectionId);
    const isMeant = connection?.status === 'active' && connection.providerConfigKey === named.providerConfigKey;
    return connection !== null && isMeant ? [connection] : [];
  };
  return async function findConnections(notice, named) {
    const found = look(notice, named);
    if (found.length > 0) return found;
    await directory.refresh(named === null ? { notionWorkspaceId: notice.notionWorkspaceId } : { connectionId: named.connectionId });
    return look(notice, named);
  };
}

/** For each tenant the connection whose bot can read the entity, otherwise the first by id. Ordered by tenant id. */
export function onePerTenant(connections: readonly Connection[], accessibleBy: readonly string[]): readonly Connection[] {
  const chosen = new Map<string, Connection>();
  const canRead = ({ botId }: Connection) => botId !== null && accessibleBy.includes(botId);
  for (const connection of connections.toSorted((one, other) => compare(one.connectionId, other.connectionId))) {
    const current = chosen.get(connection.workspaceId);
    if (current === undefined || (!canRead(current) && canRead(connection))) chosen.set(connection.workspaceId, connection);
  }
  return [...chosen.values()].toSorted((one, other) => compare(one.workspaceId, other.workspaceId));
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
