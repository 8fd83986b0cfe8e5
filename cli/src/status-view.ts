import { oneLine } from '@notion-mirror/operations/text';
import { minute, table, type Cell, type Colors } from './output.ts';
import { lagSeconds } from '@notion-mirror/operations/status/status-json';
import type { MirrorStatus } from '@notion-mirror/operations/status/mirror-status';

export function renderStatus(status: MirrorStatus, colors: Colors): string {
  const { at, tenants, connections, groups, pending, held, silent, rows, notion } = status;
  const bad = (number: number): Cell => ({ text: String(number), style: number === 0 ? undefined : colors.yellow });
  const dim = (texts: readonly string[]): Cell[] => texts.map((text) => ({ text, style: colors.dim }));
  const kinds = ['active', 'unauthorized', 'paused', 'deleted'] as const;
  const parts = [
    at.toISOString(),
    table([
      dim(['', ...kinds]),
      ['tenants', ...kinds.map((kind) => (kind === 'unauthorized' ? bad(tenants[kind]) : String(tenants[kind])))],
      ['connections', ...kinds.map((kind) => String(connections[kind]))],
    ]),
    table([
      dim(['group', 'workers', 'lag', 'behind', 'running', 'waiting']),
      ...groups.map((group): Cell[] => [
        group.service,
        { text: String(group.workers), style: group.workers === 0 ? colors.red : undefined },
        String(group.lag),
        `${lagSeconds(group, at)} s`,
        String(group.running),
        String(group.waiting),
      ]),
    ]),
    table([dim(['dead letters', 'in the spool', 'parked']), [bad(status.deadLetters), bad(status.spooled), bad(status.parked)]]),
    table([
      dim(['rows', 'data sources complete', 'scanning', 'incomplete', 'off', 'complete as of']),
      [
        String(rows.mirrored),
        String(rows.states.complete),
        String(rows.states.scanning),
        bad(rows.states.incomplete),
        String(rows.states.off),
        rows.oldestCompleteAsOf === null ? '–' : `${minute(rows.oldestCompleteAsOf)} or later`,
      ],
    ]),
    ...(pending.length === 0
      ? []
      : [
          table([
            dim(['pending of tenant', 'events', 'oldest']),
            ...pending.map(({ workspaceId, waiting, oldestAt }): Cell[] => [
              oneLine(workspaceId),
              String(waiting),
              `${Math.round((at.getTime() - oldestAt.getTime()) / 1000)} s`,
            ]),
          ]),
        ]),
    ...(held.length === 0
      ? []
      : [
          table([
            dim(['held tenant', 'until', 'because']),
            ...held.map(({ workspaceId, held: by }): Cell[] => [
              oneLine(workspaceId),
              by?.until.toISOString() ?? '',
              oneLine(`${by?.class ?? ''}/${by?.code ?? ''}`),
            ]),
          ]),
        ]),
    table([
      dim(['calls to Notion in 60 s', 'of', 'connections in use']),
      [String(notion.calls), String(notion.limit), String(notion.connections)],
    ]),
    ...(notion.limits.length === 0
      ? []
      : [
          table([
            dim(['limited in 60 s', 'count', 'because']),
            ...notion.limits.map(({ kind, reason, count, text }): Cell[] => [
              kind === 'refused' ? 'refused by Notion' : 'postponed',
              bad(count),
              `${text} (${reason})`,
            ]),
          ]),
        ]),
    ...(notion.busiest.length === 0
      ? []
      : [
          table([
            dim(['busiest connection', 'tenant', 'calls', 'of', 'window ends', 'held until']),
            ...notion.busiest.map(({ connectionId, workspaceId, calls, limit, windowEndsAt, heldUntil }): Cell[] => [
              oneLine(connectionId),
              oneLine(workspaceId ?? '–'),
              calls < limit ? String(calls) : bad(calls),
              String(limit),
              windowEndsAt?.toISOString() ?? '–',
              heldUntil?.toISOString() ?? '–',
            ]),
          ]),
        ]),
    ...silent.map(({ workspaceId, lastWebhookAt }) =>
      colors.yellow(
        `${oneLine(workspaceId)} is silent: Notion shows edits, and the last webhook came ${lastWebhookAt?.toISOString() ?? 'never'}.`,
      ),
    ),
    ...rows.incomplete.map(({ workspaceId, dataSourceId, reason }) =>
      colors.yellow(`${oneLine(workspaceId)}: the rows of ${dataSourceId} are incomplete: ${oneLine(reason ?? 'unknown')}`),
    ),
    ...(groups.some(({ workers }) => workers === 0)
      ? [
          colors.red(
            `No ${groups.flatMap(({ service, workers }) => (workers === 0 ? [service] : [])).join(' and no ')} has reported lately.`,
          ),
        ]
      : []),
  ];
  return parts.join('\n\n');
}
