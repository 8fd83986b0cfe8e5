import type { TenantCounts } from '@notion-mirror/mirror-store/tenant-data';
import type { PurgePlan, Receipt } from '@notion-mirror/operations/purge/purge-tenant';
import { renderConnections } from './connection-view.ts';
import { oneLine } from '@notion-mirror/operations/text';
import type { JsonObject } from '@notion-mirror/domain/database-content';
import { table, type Colors } from './output.ts';

export function renderPlan({ workspaceId, connections, documents }: PurgePlan, colors: Colors): string {
  return [
    `${colors.bold(oneLine(workspaceId))}: these are erased`,
    ...(connections.length === 0 ? [] : [renderConnections(connections, colors)]),
    renderCounts(documents),
  ].join('\n');
}

export function receiptJson({ agesOut, erasedAt, ...receipt }: Receipt): JsonObject {
  return {
    ...receipt,
    erasedAt: erasedAt.toISOString(),
    agesOut: agesOut.map(({ what, where, at }) => ({ what, where, at: at?.toISOString() ?? null })),
  };
}

export function renderReceipt({ workspaceId, erased, erasedAt, agesOut }: Receipt, colors: Colors): string {
  return [
    `${colors.green('erased')} ${colors.bold(oneLine(workspaceId))}, at ${erasedAt.toISOString()}`,
    renderCounts(erased),
    'What ages out:',
    table(
      agesOut.map(({ what, where, at }) => [
        `  ${what}`,
        where,
        at === null ? 'never: the topic keeps all' : `by ${at.toISOString().slice(0, 10)}`,
      ]),
    ),
    'Not ours to erase: the grant at Nango (delete it there), your backups, and MongoDB’s own oplog.',
  ].join('\n');
}

function renderCounts(counts: TenantCounts): string {
  return table(Object.entries(counts).map(([name, number]) => [`  ${name}`, String(number)]));
}
