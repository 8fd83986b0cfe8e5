import type { Connection, ConnectionStatus } from '@notion-mirror/domain/connection';
import type { TenantBacklog } from '@notion-mirror/mirror-store/worker-status';
import { bestStatus } from '../status/mirror-status.ts';

/**
 * How old the tenant's oldest waiting event is: at most a second (or nothing waits), ten seconds, a minute, or more. `held`: nothing of it can be handled,
 * since Notion or an error holds it or it has no active connection.
 */
export const freshnesses = ['second', 'ten_seconds', 'minute', 'more', 'held'] as const;
export type Freshness = (typeof freshnesses)[number];

export interface TenantSummary {
  readonly workspaceId: string;
  /** The best of its connections. */
  readonly state: ConnectionStatus;
  readonly freshness: Freshness;
  readonly connections: Readonly<Record<ConnectionStatus, number>>;
  /** As far as the workers report it: they name the held tenants and those that wait longest, and no others. */
  readonly waiting: number;
  readonly oldestAt: Date | null;
  readonly held: NonNullable<TenantBacklog['held']> | null;
}

/** All tenants with a connection, in no order. `tenants`: the connections of each. `backlog`: of all workers. */
export type SummariseTenants = (tenants: Iterable<readonly Connection[]>, backlog: readonly TenantBacklog[], now: Date) => TenantSummary[];

/**
 * perf: keeps the summary of a tenant of which nothing waits, as long as the array of its connections is the same. New ones for 10,000 tenants every two seconds
 * cost an open console 13 MB (156 and 143) and a fifth of its CPU. Remove when a sample no longer holds all tenants.
 */
export function createTenantSummaries(): SummariseTenants {
  const quiet = new WeakMap<readonly Connection[], TenantSummary>();
  return (tenants, backlog, now) => {
    const waiting = Map.groupBy(backlog, ({ workspaceId }) => workspaceId);
    const summaries: TenantSummary[] = [];
    for (const own of tenants) {
      const workspaceId = own[0]?.workspaceId ?? '';
      const behind = waiting.get(workspaceId);
      const summary = (behind === undefined && quiet.get(own)) || summaryOf(workspaceId, own, behind ?? [], now);
      if (behind === undefined) quiet.set(own, summary);
      summaries.push(summary);
    }
    return summaries;
  };
}

function summaryOf(workspaceId: string, own: readonly Connection[], backlog: readonly TenantBacklog[], now: Date): TenantSummary {
  const counts = { active: 0, paused: 0, unauthorized: 0, deleted: 0 };
  for (const { status } of own) counts[status] += 1;
  const state = bestStatus(own);
  const oldest = backlog.map(({ oldestAt }) => oldestAt.getTime());
  const oldestAt = oldest.length === 0 ? null : new Date(Math.min(...oldest));
  const held = backlog.flatMap((one) => (one.held !== null && one.held.until > now ? [one.held] : [])).at(0) ?? null;
  return {
    workspaceId,
    state,
    freshness: held !== null || state !== 'active' ? 'held' : freshnessOf(oldestAt, now),
    connections: counts,
    waiting: backlog.reduce((sum, one) => sum + one.waiting, 0),
    oldestAt,
    held,
  };
}

function freshnessOf(oldestAt: Date | null, now: Date): Freshness {
  const ms = oldestAt === null ? 0 : now.getTime() - oldestAt.getTime();
  if (ms <= 1_000) return 'second';
  if (ms <= 10_000) return 'ten_seconds';
  return ms <= 60_000 ? 'minute' : 'more';
}

/** Those that need an operator first: unauthorized, held, the longest behind. Equally bad ones by name. */
export function byNeed(a: TenantSummary, b: TenantSummary): number {
  return rankOf(b) - rankOf(a) || ageOf(a) - ageOf(b) || (a.workspaceId < b.workspaceId ? -1 : 1);
}

function rankOf({ state, freshness }: TenantSummary): number {
  if (state === 'deleted') return -1;
  if (state === 'unauthorized') return 6;
  if (state === 'paused') return freshnesses.length - 1.5;
  return freshnesses.indexOf(freshness);
}

function ageOf({ oldestAt }: TenantSummary): number {
  return oldestAt?.getTime() ?? Number.MAX_SAFE_INTEGER;
}

/** How many tenants are how fresh, without those whose connections are all deleted. */
export function countFreshness(tenants: readonly TenantSummary[]): Record<Freshness, number> {
  const counts = { second: 0, ten_seconds: 0, minute: 0, more: 0, held: 0 };
  for (const { state, freshness } of tenants) if (state !== 'deleted') counts[freshness] += 1;
  return counts;
}
