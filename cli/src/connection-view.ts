import type { Connection } from '@notion-mirror/domain/connection';
import type { LeftToOperator } from '@notion-mirror/mirror-store/connection-notices';
import { oneLine } from '@notion-mirror/operations/text';
import { tokenHolder } from '@notion-mirror/operations/connections/connection-json';
import { minute, table, type Colors } from './output.ts';

export function renderConnections(connections: readonly Connection[], colors: Colors): string {
  if (connections.length === 0) return 'There are no connections. Add one: mirror connections add <connectionId> --workspace-id <tenant>';
  const header = ['CONNECTION', 'TENANT', 'NOTION WORKSPACE', 'STATUS', 'TOKEN', 'SINCE', 'REASON'].map((text) => ({
    text,
    style: colors.dim,
  }));
  const rows = connections.map((connection) => [
    oneLine(connection.connectionId),
    oneLine(connection.workspaceId),
    connection.notionWorkspaceId,
    { text: connection.status, style: statusColor(connection, colors) },
    tokenHolder(connection) ?? '–',
    minute(connection.updatedAt),
    oneLine(connection.statusReason ?? ''),
  ]);
  return table([header, ...rows]);
}

export function renderLeft(left: readonly LeftToOperator[], colors: Colors): string[] {
  return left.map(
    ({ connectionId, problem }) =>
      `${colors.yellow('left to you')} ${oneLine(connectionId)}: ${oneLine(problem)} ${colors.dim('(mirror connections add …)')}`,
  );
}

/** One line. */
export function renderConnection(connection: Connection, colors: Colors): string {
  const { connectionId, workspaceId, notionWorkspaceId, botId, status, statusReason } = connection;
  const parts = [
    `tenant ${oneLine(workspaceId)}`,
    `Notion workspace ${notionWorkspaceId}`,
    ...(botId === null ? [] : [`bot ${botId}`]),
    `token: ${tokenHolder(connection) ?? 'none'}`,
    `${statusColor(connection, colors)(status)}${statusReason === null ? '' : ` (${oneLine(statusReason)})`}`,
  ];
  return `connection ${colors.bold(oneLine(connectionId))}: ${parts.join(', ')}`;
}

function statusColor({ status }: Connection, colors: Colors): (text: string) => string {
  switch (status) {
    case 'active':
      return colors.green;
    case 'paused':
      return colors.yellow;
    case 'unauthorized':
      return colors.red;
    case 'deleted':
      return colors.dim;
  }
}
