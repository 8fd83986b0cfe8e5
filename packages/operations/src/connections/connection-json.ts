import type { Connection } from '@notion-mirror/domain/connection';
import type { LeftToOperator } from '@notion-mirror/mirror-store/connection-notices';

/** A connection as JSON, without its token. */
export function connectionJson(connection: Connection) {
  const { connectionId, providerConfigKey, workspaceId, notionWorkspaceId, botId, status, statusReason, createdAt, updatedAt } = connection;
  return {
    connectionId,
    providerConfigKey,
    workspaceId,
    notionWorkspaceId,
    botId,
    status,
    statusReason,
    tokenHeldBy: tokenHolder(connection),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}

/** A connection at Nango without a tenant. */
export function leftJson({ connectionId, providerConfigKey, notedAt, problem }: LeftToOperator) {
  return { connectionId, providerConfigKey, notedAt: notedAt.toISOString(), problem };
}

export function tokenHolder({ token, status }: Connection): 'mirror' | 'nango' | null {
  if (token !== null) return 'mirror';
  return status === 'deleted' ? null : 'nango';
}
