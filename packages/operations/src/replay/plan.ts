import type { Mongo } from '@notion-mirror/mirror-store/client';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import type { ReplayOrder, ReplayRange } from '@notion-mirror/mirror-store/replays';
import { Registry } from '@notion-mirror/service-kit/metrics';
import type { OperationContext } from '../operation-context.ts';
import { activeConnections, collectTargets, type Target } from './from-events.ts';

/** The size and cost of a replay, before it runs. */
export interface ReplayPlan {
  readonly order: ReplayOrder;
  readonly ranges: readonly ReplayRange[];
  /** Maximum number of records to read: compaction leaves gaps. */
  readonly records: number;
  /** Databases and rows to fetch again (`targets`; `rows` of them), their tenants, and those skipped for want of a connection; null for a replay from states. */
  readonly fetches: {
    readonly targets: number;
    readonly rows: number;
    readonly tenants: number;
    readonly withoutConnection: number;
    readonly notionCalls: number;
  } | null;
  /** In whole seconds. */
  readonly estimatedMs: number;
}

/** State log values per second on the slowest machine measured: docs/replay.md. */
const statesPerSecond = 1_500;

export async function makeReplayPlan(
  context: OperationContext,
  db: Mongo['db'],
  order: ReplayOrder,
  ranges: readonly ReplayRange[],
): Promise<ReplayPlan> {
  const records = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
  if (order.source === 'states') return { order, ranges, records, fetches: null, estimatedMs: Math.ceil(records / statesPerSecond) * 1000 };
  const asRead = ranges.map(({ partition, from, to }) => ({ partition, from: BigInt(from), to: BigInt(to) }));
  const { targets } = await collectTargets(context, order, asRead, context.signal);
  const connections = await activeConnections(db);
  const reachable = targets.filter(({ workspaceId }) => connections.has(workspaceId));
  const calls = await callsByTenant(db, reachable);
  const most = Math.max(0, ...calls.values());
  return {
    order,
    ranges,
    records,
    fetches: {
      targets: reachable.length,
      rows: reachable.filter(({ pageId }) => pageId !== null).length,
      tenants: calls.size,
      withoutConnection: targets.length - reachable.length,
      notionCalls: [...calls.values()].reduce((sum, number) => sum + number, 0),
    },
    // Tenants are fetched in parallel: the one with the most calls takes longest.
    estimatedMs: Math.ceil((most / context.config.notionRequestsPerMinute) * 60) * 1000,
  };
}

/** Calls to Notion by tenant: one per row, one per database, and one per data source known to the mirror. */
export async function callsByTenant(db: Mongo['db'], targets: readonly Target[]): Promise<Map<string, number>> {
  const store = createRecordStore(databaseStorage, { db, metrics: new Registry() });
  const calls = new Map<string, number>();
  for (let at = 0; at < targets.length; at += 500) {
    await Promise.all(
      targets.slice(at, at + 500).map(async ({ workspaceId, databaseId, pageId }) => {
        const record = databaseId === null ? null : await store.read({ workspaceId, id: databaseId });
        const sources = pageId === null ? Math.max(1, record?.dataSourceIds.length ?? 1) : 0;
        calls.set(workspaceId, (calls.get(workspaceId) ?? 0) + 1 + sources);
      }),
    );
  }
  return calls;
}
