import { randomUUID } from 'node:crypto';
import type { Connection } from '@notion-mirror/domain/connection';
import type { ConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import type { ActiveTenant, SweepClaim, SweepLedger } from '@notion-mirror/mirror-store/sweep-ledger';
import { abortScope, type AbortScope } from '@notion-mirror/service-kit/async/abort-scope';
import { backoffMs } from '@notion-mirror/service-kit/async/backoff';
import { systemClock } from '@notion-mirror/service-kit/async/clock';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { Registry } from '@notion-mirror/service-kit/metrics';
import { endFailed } from '@notion-mirror/service-kit/tracing/in-span';
import { traceFieldsOf } from '@notion-mirror/service-kit/tracing/trace-context';
import { createSpanAllowance } from '@notion-mirror/service-kit/tracing/span-allowance';
import type { Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import { startRepeating } from '@notion-mirror/service-kit/async/repeating';
import { createSweepMetrics, type SweepFigures } from './sweep-metrics.ts';
import { depthOf, nextAfterIncomplete, nextSweepAt, removalsAllowed } from './sweep-schedule.ts';
import { sweepTenant, type SweepDependencies } from './sweep.ts';

export interface Reconciler {
  stop(): Promise<void>;
}

const everyMs = 5_000;
const figuresEveryMs = 60_000;
/** How soon it notices a tenant that the ledger has lost (a restore of MongoDB, or a purge). Costs one lookup by id per tenant. */
const forgetEveryMs = 600_000;
/** A worker that does not renew its claim for this long is considered crashed, and another one starts the sweep over. */
const leaseMs = 60_000;
const renewEveryMs = 15_000;
/** Maximum number of concurrent sweeps, each of a different tenant. */
const atOnce = 8;
const firstWaitMs = 60_000;
const longestWaitMs = 3_600_000;

/**
 * Sweeps this worker's tenants when they are due: at once when a connection becomes active, repeated while Notion's search catches up, then
 * on schedule. The ledger lets only one worker claim a tenant at a time. A worker sweeps only tenants whose events it consumes, so that it sees
 * the outcomes of the events it appends, and gives up a tenant that moves to another worker.
 */
export function startReconciler(
  deps: Omit<SweepDependencies, 'activeConnections' | 'sleep'> & {
    readonly connections: Pick<ConnectionDirectory, 'activeByWorkspace' | 'allActive' | 'onChange'>;
    readonly ledger: SweepLedger;
    /** Whether this worker consumes the tenant's events. */
    readonly owns: (workspaceId: string) => boolean;
    readonly intervalMs: number;
    readonly tracing: Tracing;
    readonly logger: Logger;
    readonly metrics: Registry;
  },
): Reconciler {
  const { connections, ledger, owns, intervalMs, tracing, logger, now } = deps;
  const worker = randomUUID();
  const stopping = new AbortController();
  const running = new Map<string, Promise<void>>();
  let figures: SweepFigures = { oldestMs: null, stopped: 0, incomplete: 0 };
  let figuresAt = 0;
  /** A sweep has ended since the figures were last refreshed. */
  let haveChanged = false;
  const metrics = createSweepMetrics(deps.metrics, () => figures);
  const sweepDependencies: SweepDependencies = {
    ...deps,
    activeConnections: (workspaceId) => connections.activeByWorkspace(workspaceId),
    sleep: systemClock.sleep,
  };

  /** By tenant, the activation known to the ledger, epoch ms. Forgotten when a connection is rewritten, and every `forgetEveryMs`. */
  const planned = new Map<string, number>();
  /** Tenants due because of their activation and not started; the ledger does not know them yet. */
  let newlyActive: ActiveTenant[] = [];
  /** When the tenants were last compared with the ledger; reset when a connection becomes active. */
  let comparedAt = Number.NEGATIVE_INFINITY;
  let forgottenAt = now();

  /** Null: the tenant has no active connection. */
  function activeTenant(workspaceId: string): ActiveTenant | null {
    return connections.activeByWorkspace(workspaceId).reduce<ActiveTenant | null>(newer, null);
  }

  /** Active tenants of this worker. */
  function tenants(): ActiveTenant[] {
    const found = new Map<string, ActiveTenant>();
    for (const connection of connections.allActive()) {
      found.set(connection.workspaceId, newer(found.get(connection.workspaceId) ?? null, connection));
    }
    return [...found.values()].filter(({ workspaceId }) => owns(workspaceId));
  }

  const loop = startRepeating({
    everyMs,
    async turn() {
      if (now() - comparedAt >= everyMs) await compareTenants();
      await startDue();
      await refreshFigures();
    },
    onFailure: (error) => logger.warn({ err: error }, 'cannot start sweeps; retrying'),
  });
  const unsubscribe = connections.onChange(({ connection }) => {
    if (connection?.status !== 'active') return;
    // The connection was rewritten, perhaps after MongoDB and with it the ledger was lost.
    planned.delete(connection.workspaceId);
    comparedAt = Number.NEGATIVE_INFINITY;
    loop.nudge();
  });

  /** Checks all tenants in memory, and asks the ledger only about those whose activation it is not known to have. */
  async function compareTenants(): Promise<void> {
    comparedAt = now();
    if (now() - forgottenAt >= forgetEveryMs) {
      planned.clear();
      forgottenAt = now();
    }
    const unknown = tenants().filter(({ workspaceId, activation }) => planned.get(workspaceId) !== activation.getTime());
    // Tenants already waiting for their turn are not looked up again.
    const waiting = new Map(newlyActive.map(({ workspaceId, activation }) => [workspaceId, activation.getTime()]));
    const asked = unknown.filter(({ workspaceId, activation }) => waiting.get(workspaceId) !== activation.getTime());
    const { free, taken } = await ledger.newlyActive(asked);
    const isUnplanned = new Set([...free, ...taken]);
    for (const tenant of asked) if (!isUnplanned.has(tenant)) planned.set(tenant.workspaceId, tenant.activation.getTime());
    newlyActive = [...newlyActive, ...free];
  }

  async function startDue(): Promise<void> {
    if (running.size >= atOnce) return;
    const later: ActiveTenant[] = [];
    let begun = 0;
    for (const tenant of newlyActive) {
      if (running.size >= atOnce || stopping.signal.aborted) break;
      begun += 1;
      const { workspaceId, activation } = tenant;
      if (running.has(workspaceId)) later.push(tenant);
      else if (owns(workspaceId) && activeTenant(workspaceId)?.activation.getTime() === activation.getTime()) await start(tenant);
    }
    newlyActive = [...later, ...newlyActive.slice(begun)];
    const inactive: string[] = [];
    for await (const workspaceId of ledger.due()) {
      if (running.size >= atOnce || stopping.signal.aborted) break;
      if (running.has(workspaceId) || !owns(workspaceId)) continue;
      const tenant = activeTenant(workspaceId);
      if (tenant === null) inactive.push(workspaceId);
      else await start(tenant);
    }
    await ledger.postpone(inactive, new Date(now() + intervalMs));
  }

  async function start(tenant: ActiveTenant): Promise<void> {
    const claim = await ledger.claim(tenant, worker, leaseMs);
    if (claim === null) return;
    planned.set(tenant.workspaceId, tenant.activation.getTime());
    const sweeping = sweep(claim)
      .catch((error: unknown) => logger.warn({ err: error, workspaceId: claim.workspaceId }, 'cannot record the end of a sweep'))
      .finally(() => {
        running.delete(claim.workspaceId);
        loop.nudge();
      });
    running.set(claim.workspaceId, sweeping);
  }

  async function sweep(claim: SweepClaim): Promise<void> {
    const { workspaceId, request } = claim;
    using over = abortScope(stopping.signal);
    const { signal } = over;
    const renewing = setInterval(() => void renew(claim, over), renewEveryMs);
    const startedAt = new Date(now());
    const depth = depthOf(claim);
    const isRequested = request !== null;
    const acceptRemovals = request?.acceptRemovals === true;
    const promised = request?.trace;
    const context = promised ?? tracing.newTrace();
    const first = {
      name: `sweep ${isRequested ? 'requested' : depth}`,
      kind: 'internal',
      attributes: { 'notion_mirror.workspace_id': workspaceId, 'notion_mirror.depth': depth },
    } as const;
    const span = promised === undefined ? tracing.root(context, first) : tracing.child(context, first);
    const trace = span?.trace ?? context;
    const calls = createSpanAllowance(trace);
    const about = { workspaceId, id: `sweep-${startedAt.toISOString()}`, depth, isRequested, acceptRemovals };
    const order = { ...about, trace, traceOfNext: () => calls.next() };
    try {
      const result = await sweepTenant(sweepDependencies, order, signal);
      const report = { ...result, startedAt, endedAt: new Date(now()), depth };
      const times = { startedAt: startedAt.getTime(), now: now(), intervalMs };
      const regularAt = nextSweepAt(claim, times);
      const nextAt = new Date(report.incomplete === undefined ? regularAt : Math.min(regularAt, nextAfterIncomplete(claim, times)));
      await ledger.complete(claim, report, nextAt);
      metrics.ended(report.stopped ? 'stopped' : report.incomplete === undefined ? 'complete' : 'incomplete');
      metrics.appended(report.events);
      const { held, found, events, removals } = report;
      span?.set({
        'notion_mirror.held': held,
        'notion_mirror.found': found,
        'notion_mirror.removals': removals,
        'notion_mirror.appended': Object.values(events).reduce((sum, count) => sum + count, 0),
        'notion_mirror.spans_left_out': calls.leftOut,
      });
      span?.end(report.stopped ? 'stopped' : report.incomplete === undefined ? undefined : 'incomplete');
      const ms = report.endedAt.getTime() - startedAt.getTime();
      logger.info({ workspaceId, depth, held, found, events, removals, ms, nextAt, ...traceFieldsOf(trace) }, 'sweep ended');
      if (report.stopped) {
        logger.warn(
          { workspaceId, held, removals, allowed: removalsAllowed(held) },
          'sweep stopped before removing too much: see mirror reconcile status',
        );
      }
      if (report.incomplete !== undefined) logger.warn({ workspaceId, ...report.incomplete, nextAt }, 'sweep incomplete');
      haveChanged = true;
    } catch (error) {
      metrics.ended(signal.aborted ? 'broken_off' : 'failed');
      endFailed(span, error);
      if (signal.aborted) return await ledger.release(claim);
      const waitMs = backoffMs(claim.failures + 1, firstWaitMs, longestWaitMs);
      logger.warn({ err: error, workspaceId, depth, failures: claim.failures + 1, waitMs }, 'sweep failed; postponed');
      await ledger.recordFailure(claim, error instanceof Error ? error.message : String(error), waitMs);
    } finally {
      clearInterval(renewing);
    }
  }

  /** Renews the claim; aborts the sweep when the claim is lost or the tenant has moved to another worker. */
  async function renew(claim: SweepClaim, over: AbortScope): Promise<void> {
    try {
      if (owns(claim.workspaceId) && (await ledger.renew(claim, leaseMs))) return;
      over.abort();
    } catch (error) {
      logger.warn({ err: error, workspaceId: claim.workspaceId }, 'cannot renew the claim of a sweep');
    }
  }

  function isOurs(workspaceId: string): boolean {
    return owns(workspaceId) && activeTenant(workspaceId) !== null;
  }

  async function refreshFigures(): Promise<void> {
    if (now() - figuresAt < (haveChanged ? everyMs : figuresEveryMs)) return;
    figuresAt = now();
    haveChanged = false;
    let since = newlyActive.reduce((oldest, { activation }) => Math.min(oldest, activation.getTime()), Number.POSITIVE_INFINITY);
    for await (const { workspaceId, completedAt } of ledger.completions()) {
      const tenant = owns(workspaceId) ? activeTenant(workspaceId) : null;
      if (tenant === null) continue;
      since = Math.min(since, (completedAt ?? tenant.activation).getTime());
      if (completedAt !== null) break;
    }
    const [stopped, incomplete] = [await ledger.stopped(), await ledger.incomplete()];
    figures = {
      oldestMs: Number.isFinite(since) ? Math.max(0, now() - since) : null,
      stopped: stopped.filter(isOurs).length,
      incomplete: incomplete.filter(isOurs).length,
    };
  }

  return {
    async stop() {
      unsubscribe();
      stopping.abort();
      await loop.stop();
      await Promise.all(running.values());
    },
  };
}

/** A tenant's activation is that of its most recently activated connection. */
function newer(tenant: ActiveTenant | null, { workspaceId, updatedAt }: Connection): ActiveTenant {
  return tenant !== null && tenant.activation >= updatedAt ? tenant : { workspaceId, activation: updatedAt };
}
