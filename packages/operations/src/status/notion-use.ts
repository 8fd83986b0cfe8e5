import type { ConnectionUse, NotionUse, WorkerStatus } from '@notion-mirror/mirror-store/worker-status';
import { callLimitsOf, type CallLimit } from './call-limits.ts';

/** `limits`: which limits calls met in the last minute. */
export interface NotionStatus extends NotionUse {
  readonly limits: readonly CallLimit[];
}

/** How much of the connections' budgets of calls is used, as the workers report it. `limit`: of the busiest connections. */
export function notionUseOf(workers: readonly Pick<WorkerStatus, 'notion' | 'lastMinute'>[], limit: number): NotionStatus {
  const reported = workers.flatMap(({ notion }) => notion ?? []);
  const sum = (of: (use: NotionUse) => number): number => reported.reduce((total, use) => total + of(use), 0);
  const byConnection = Map.groupBy(
    reported.flatMap(({ busiest }) => busiest),
    ({ connectionId }) => connectionId,
  );
  return {
    connections: sum(({ connections }) => connections),
    calls: sum(({ calls }) => calls),
    limit: sum((use) => use.limit),
    busiest: [...byConnection.values()].flatMap(together).toSorted(busiestFirst).slice(0, limit),
    limits: callLimitsOf(workers.flatMap(({ lastMinute }) => lastMinute ?? [])),
  };
}

/** A tenant can have moved from one worker to another a moment ago. */
function together(uses: readonly ConnectionUse[]): ConnectionUse[] {
  const [first] = uses;
  if (first === undefined || uses.length === 1) return [...uses];
  return [
    {
      ...first,
      calls: uses.reduce((total, { calls }) => total + calls, 0),
      limit: Math.min(...uses.map(({ limit }) => limit)),
      windowEndsAt: latest(uses.map(({ windowEndsAt }) => windowEndsAt)),
      heldUntil: latest(uses.map(({ heldUntil }) => heldUntil)),
    },
  ];
}

function busiestFirst(a: ConnectionUse, b: ConnectionUse): number {
  return b.calls / b.limit - a.calls / a.limit || (a.connectionId < b.connectionId ? -1 : 1);
}

function latest(times: readonly (Date | null)[]): Date | null {
  const known = times.flatMap((time) => time?.getTime() ?? []);
  return known.length === 0 ? null : new Date(Math.max(...known));
}

export function notionUseJson({ connections, calls, limit, busiest, limits }: NotionStatus) {
  return { connections, calls, limit, busiest: busiest.map(connectionUseJson), limits };
}

export function connectionUseJson({ windowEndsAt, heldUntil, ...use }: ConnectionUse) {
  return { ...use, windowEndsAt: windowEndsAt?.toISOString() ?? null, heldUntil: heldUntil?.toISOString() ?? null };
}
