import type { Connection } from '@notion-mirror/domain/connection';
import type { ConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import type { ConnectionName, DatabaseNotice } from './webhook-body.ts';

/** Finds the connections that an event is appended for: one for each tenant, active ones only. */
export type FindConnections = (notice: DatabaseNotice, named: ConnectionName | null) => Promise<readonly Connection[]>;

/**
 * A connection that Nango named is the only one: Nango sends one webhook for each. Without a name every tenant that has an active connection to
 * the event's Notion workspace gets the event. A miss asks the database once before it counts: the connection may have been added just now.
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

/** Of each tenant the connection whose bot can read the entity, else the first by id. In the order of the tenants' ids. */
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
