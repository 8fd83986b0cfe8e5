import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import type { ActiveTenant, SweepClaim, SweepLedger } from '@notion-mirror/mirror-store/sweep-ledger';
import { abortScope, type AbortScope } from '@notion-mirror/notion-source/abort-scope';
import { backoffMs } from '@notion-mirror/service-kit/backoff';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { Registry } from '@notion-mirror/service-kit/metrics';
import { startRepeating } from './repeating.ts';
import { createSweepMetrics, type SweepFigures } from './sweep-metrics.ts';
import { depthOf, nextSweepAt, removalsAllowed } from './sweep-schedule.ts';
import { sweepTenant, type SweepDependencies } from './sweep.ts';

export interface Reconciler {
  stop(): Promise<void>;
}

const everyMs = 5_000;
const figuresEveryMs = 60_000;
/** Who does not renew its claim for so long has crashed, and another one begins anew. */
const leaseMs = 60_000;
const renewEveryMs = 15_000;
/** Sweeps of different tenants beside each other. */
const atOnce = 8;
const firstWaitMs = 60_000;
const longestWaitMs = 3_600_000;

/**
 * Sweeps this worker's tenants when they are due: at once when a connection becomes active, repeated while Notion's search catches up, then
 * on schedule. The ledger lets one worker have a tenant at a time; a worker sweeps only tenants whose events come to it, so that it sees
 * what becomes of the events that it appends, and lets go of a tenant that goes to another one.
 */
export function startReconciler(
  deps: Omit<SweepDependencies, 'activeConnections' | 'sleep'> & {
    readonly connections: Pick<ConnectionDirectory, 'activeByWorkspace' | 'allActive' | 'onChange'>;
    readonly ledger: SweepLedger;
    /** Whether the tenant's events come to this worker. */
    readonly owns: (workspaceId: string) => boolean;
    readonly intervalMs: number;
    readonly logger: Logger;
    readonly metrics: Registry;
  },
): Reconciler {
  const { connections, ledger, owns, intervalMs, logger, now } = deps;
  const worker = randomUUID();
  const stopping = new AbortController();
  const running = new Map<string, Promise<void>>();
  let figures: SweepFigures = { oldestSeconds: null, stopped: 0 };
  let figuresAt = 0;
  const metrics = createSweepMetrics(deps.metrics, () => figures);
  const sweepDependencies: SweepDependencies = {
    ...deps,
    activeConnections: (workspaceId) => connections.activeByWorkspace(workspaceId),
    sleep: async (ms, signal) => {
      await delay(Math.max(0, ms), undefined, { signal }).catch(() => {});
    },
  };

  /** Of this worker. */
  function tenants(): ActiveTenant[] {
    const found = new Map<string, ActiveTenant>();
    for (const { workspaceId, updatedAt } of connections.allActive()) {
      const known = found.get(workspaceId);
      if (known === undefined || known.activation < updatedAt) found.set(workspaceId, { workspaceId, activation: updatedAt });
    }
    return [...found.values()].filter(({ workspaceId }) => owns(workspaceId));
  }

  const looking = startRepeating({
    everyMs,
    async turn() {
      const mine = tenants();
      await startDue(mine);
      await lookUpFigures(mine);
    },
    onFailure: (error) => logger.warn({ err: error }, 'sweeps are put off'),
  });
  const unsubscribe = connections.onChange(({ connection }) => {
    if (connection?.status === 'active') looking.nudge();
  });

  async function startDue(mine: readonly ActiveTenant[]): Promise<void> {
    const idle = mine.filter(({ workspaceId }) => !running.has(workspaceId));
    if (running.size >= atOnce || idle.length === 0) return;
    for (const tenant of await ledger.due(idle)) {
      if (running.size >= atOnce || stopping.signal.aborted) return;
      const claim = await ledger.claim(tenant, worker, leaseMs);
      if (claim === null) continue;
      const sweeping = sweep(claim)
        .catch((error: unknown) => logger.warn({ err: error, workspaceId: claim.workspaceId }, 'the end of a sweep could not be recorded'))
        .finally(() => {
          running.delete(claim.workspaceId);
          looking.nudge();
        });
      running.set(claim.workspaceId, sweeping);
    }
  }

  async function sweep(claim: SweepClaim): Promise<void> {
    const { workspaceId, request } = claim;
    using over = abortScope(stopping.signal);
    const { signal } = over;
    const holding = setInterval(() => void hold(claim, over), renewEveryMs);
    const startedAt = new Date(now());
    const depth = depthOf(claim);
    const order = { workspaceId, id: `sweep-${startedAt.toISOString()}`, depth, acceptRemovals: request?.acceptRemovals === true };
    try {
      const result = await sweepTenant(sweepDependencies, order, signal);
      const report = { ...result, startedAt, endedAt: new Date(now()), depth };
      const nextAt = new Date(nextSweepAt(claim, { startedAt: startedAt.getTime(), now: now(), intervalMs }));
      await ledger.complete(claim, report, nextAt);
      metrics.ended(report.stopped ? 'stopped' : 'complete');
      metrics.appended(report.events);
      const { held, found, events, removals } = report;
      const ms = report.endedAt.getTime() - startedAt.getTime();
      logger.info({ workspaceId, depth, held, found, events, removals, ms, nextAt }, 'sweep ended');
      if (report.stopped) {
        logger.warn(
          { workspaceId, held, removals, allowed: removalsAllowed(held) },
          'a sweep would remove too much and has stopped before it: see mirror reconcile status',
        );
      }
      figuresAt = 0;
    } catch (error) {
      metrics.ended(signal.aborted ? 'broken_off' : 'failed');
      if (signal.aborted) return await ledger.release(claim);
      const waitMs = backoffMs(claim.failures + 1, firstWaitMs, longestWaitMs);
      logger.warn({ err: error, workspaceId, depth, failures: claim.failures + 1, waitMs }, 'a sweep is put off');
      await ledger.putOff(claim, error instanceof Error ? error.message : String(error), waitMs);
    } finally {
      clearInterval(holding);
    }
  }

  /** Keeps the claim; breaks the sweep off when it is lost, or the tenant is somebody else's now. */
  async function hold(claim: SweepClaim, over: AbortScope): Promise<void> {
    try {
      if (owns(claim.workspaceId) && (await ledger.renew(claim, leaseMs))) return;
      over.abort();
    } catch (error) {
      logger.warn({ err: error, workspaceId: claim.workspaceId }, 'the claim of a sweep could not be renewed');
    }
  }

  async function lookUpFigures(mine: readonly ActiveTenant[]): Promise<void> {
    if (now() - figuresAt < figuresEveryMs) return;
    figuresAt = now();
    const known = new Map((await ledger.list()).map((status) => [status.workspaceId, status]));
    const ages = mine.map(({ workspaceId, activation }) => now() - (known.get(workspaceId)?.completedAt ?? activation).getTime());
    figures = {
      oldestSeconds: ages.length === 0 ? null : Math.max(0, ...ages) / 1000,
      stopped: mine.filter(({ workspaceId }) => known.get(workspaceId)?.last?.stopped === true).length,
    };
  }

  return {
    async stop() {
      unsubscribe();
      stopping.abort();
      await looking.stop();
      await Promise.all(running.values());
    },
  };
}
