import type { Connection } from '@notion-mirror/domain/connection';

export interface ConnectionChange {
  /** The previous version; null when it is new. */
  readonly previous: Connection | null;
  /** The current version; null when it was removed. */
  readonly connection: Connection | null;
}

/** An in-memory index of connections by id, tenant and Notion workspace. Oldest first. */
export interface ConnectionIndex {
  byId(connectionId: string): Connection | null;
  ofWorkspace(workspaceId: string): readonly Connection[];
  ofNotionWorkspace(notionWorkspaceId: string): readonly Connection[];
  all(): Iterable<Connection>;
  tenants(): Iterable<readonly Connection[]>;
  /** Returns the change, or null when nothing differs. */
  set(connection: Connection): ConnectionChange | null;
  delete(connectionId: string): ConnectionChange | null;
}

export function createConnectionIndex(): ConnectionIndex {
  const byId = new Map<string, Connection>();
  const byWorkspace = new Map<string, readonly Connection[]>();
  const byNotionWorkspace = new Map<string, readonly Connection[]>();

  function remove(connection: Connection): void {
    byId.delete(connection.connectionId);
    take(byWorkspace, connection.workspaceId, connection);
    take(byNotionWorkspace, connection.notionWorkspaceId, connection);
  }

  return {
    byId: (connectionId) => byId.get(connectionId) ?? null,
    ofWorkspace: (workspaceId) => byWorkspace.get(workspaceId) ?? [],
    ofNotionWorkspace: (notionWorkspaceId) => byNotionWorkspace.get(notionWorkspaceId) ?? [],
    all: () => byId.values(),
    tenants: () => byWorkspace.values(),
    set(connection) {
      const previous = byId.get(connection.connectionId) ?? null;
      if (previous !== null && isSame(previous, connection)) return null;
      if (previous !== null) remove(previous);
      byId.set(connection.connectionId, connection);
      put(byWorkspace, connection.workspaceId, connection);
      put(byNotionWorkspace, connection.notionWorkspaceId, connection);
      return { previous, connection };
    },
    delete(connectionId) {
      const previous = byId.get(connectionId);
      if (previous === undefined) return null;
      remove(previous);
      return { previous, connection: null };
    },
  };
}

function put(map: Map<string, readonly Connection[]>, key: string, connection: Connection): void {
  map.set(key, [...(map.get(key) ?? []), connection].toSorted(oldestFirst));
}

function take(map: Map<string, readonly Connection[]>, key: string, connection: Connection): void {
  const left = (map.get(key) ?? []).filter((other) => other !== connection);
  if (left.length === 0) map.delete(key);
  else map.set(key, left);
}

function oldestFirst(a: Connection, b: Connection): number {
  return a.createdAt.getTime() - b.createdAt.getTime() || (a.connectionId < b.connectionId ? -1 : 1);
}

function isSame(a: Connection, b: Connection): boolean {
  return fingerprint(a) === fingerprint(b);
}

function fingerprint(connection: Connection): string {
  const { connectionId, providerConfigKey, workspaceId, notionWorkspaceId, botId, status, statusReason, token, createdAt, updatedAt } =
    connection;
  return JSON.stringify([
    connectionId,
    providerConfigKey,
    workspaceId,
    notionWorkspaceId,
    botId,
    status,
    statusReason,
    token,
    createdAt,
    updatedAt,
  ]);
}
