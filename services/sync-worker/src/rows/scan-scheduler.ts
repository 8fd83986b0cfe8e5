import { randomUUID } from 'node:crypto';
import type { ConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import type { DataSourceRef, StoredProgress } from '@notion-mirror/mirror-store/contents-document';
import type { ScanClaim, ScanLedger } from '@notion-mirror/mirror-store/scan-ledger';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import { abortScope, type AbortScope } from '@notion-mirror/service-kit/async/abort-scope';
import { backoffMs } from '@notion-mirror/service-kit/async/backoff';
import { startRepeating } from '@notion-mirror/service-kit/async/repeating';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { Registry } from '@notion-mirror/service-kit/metrics';
import { traceFieldsOf } from '@notion-mirror/service-kit/tracing/trace-context';
import type { ScanHooks, ScanOutcome } from './run-scan.ts';
import { createScanMetrics, type ScanFigures, type ScanResult } from './scan-metrics.ts';
import { nextFullScanAt } from './scan-schedule.ts';

export interface ScanScheduler {
  stop(): Promise<void>;
}

/** A new table is shown when it has been scanned. */
const everyMs = 1_000;
/** How often due scans are read again while many are due: each worker reads those of all tenants. */
const everyMsIfMany = 5_000;
const many = 100;
const figuresEveryMs = 60_000;
/** A worker that does not renew its claim for this long is considered crashed, and another one resumes the scan. */
const leaseMs = 60_000;
const renewEveryMs = 15_000;
/** Maximum number of concurrent scans, each of a different tenant. */
const atOnce = 8;
/** Due scans that are remembered: few of each tenant, so that one with many data sources does not keep others waiting. */
const mostDue = 1_000;
const mostDueOfTenant = 10;
const firstWaitMs = 60_000;
const longestWaitMs = 3_600_000;
/** How long the scans of a tenant without an active connection are left alone. Its sweep wants new ones when it has one again. */
const unconnectedMs = 600_000;

/**
 * Runs the scans that are due, of the tenants whose events this worker consumes. They hold no slot of a lane, and make calls only within the part of a
 * connection's budget that is not reserved for events. Where others wait, a long scan gives way between two windows, and queues again.
 */
export function startScanScheduler(deps: {
  readonly ledger: ScanLedger;
  readonly connections: Pick<ConnectionDirectory, 'activeByWorkspace'>;
  readonly notion: Pick<NotionSource, 'spareAt'>;
  /** Whether this worker consumes the tenant's events. */
  readonly owns: (workspaceId: string) => boolean;
  /** Whether scans may begin: one sees everything that happened before events about rows were no longer missed. */
  readonly isReady: () => boolean;
  readonly runScan: (claim: ScanClaim, hooks: ScanHooks, signal: AbortSignal) => Promise<ScanOutcome>;
  /** How often all rows are scanned. */
  readonly intervalMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly logger: Logger;
  readonly metrics: Registry;
}): ScanScheduler {
  const { ledger, connections, notion, owns, isReady, runScan, intervalMs, now, logger } = deps;
  const worker = randomUUID();
  const stopping = new AbortController();
  /** By tenant. */
  const running = new Map<string, Promise<void>>();
  const claims = new Set<ScanClaim>();
  /** Scans that were due at `dueAt` and have not begun. While many scans end, reading them again each time would cost more than the scans. */
  let due: DataSourceRef[] = [];
  let dueAt = Number.NEGATIVE_INFINITY;
  let areMany = false;
  /** Tenants with a scan that waits for another one of theirs; and whether others wait because there are too many. */
  let waiting: ReadonlySet<string> = new Set();
  let isFull = false;
  let figures: ScanFigures = { incomplete: 0, oldestMs: null };
  let figuresAt = Number.NEGATIVE_INFINITY;
  const metrics = createScanMetrics(deps.metrics, () => figures);

  const loop = startRepeating({
    everyMs,
    async turn() {
      if (!isReady()) return;
      await startDue();
      if (now() - figuresAt >= figuresEveryMs) await refreshFigures();
    },
    onFailure: (error) => logger.warn({ err: error }, 'cannot start scans; retrying'),
  });

  async function readDue(): Promise<void> {
    dueAt = now();
    due = [];
    const ofTenant = new Map<string, number>();
    let read = 0;
    for await (const ref of ledger.due()) {
      read += 1;
      const known = ofTenant.get(ref.workspaceId) ?? 0;
      if (known >= mostDueOfTenant || !owns(ref.workspaceId)) continue;
      ofTenant.set(ref.workspaceId, known + 1);
      due.push(ref);
      if (due.length >= mostDue || stopping.signal.aborted) break;
    }
    areMany = read >= many;
  }

  async function startDue(): Promise<void> {
    if (now() - dueAt >= (areMany ? everyMsIfMany : everyMs)) await readDue();
    const held = new Set<string>();
    const unconnected = new Set<string>();
    const left: DataSourceRef[] = [];
    isFull = false;
    for (const ref of due) {
      const { workspaceId } = ref;
      if (!owns(workspaceId)) continue;
      const active = connections.activeByWorkspace(workspaceId);
      if (active.length === 0) {
        unconnected.add(workspaceId);
      } else if (running.has(workspaceId)) {
        held.add(workspaceId);
        left.push(ref);
      } else if (running.size >= atOnce) {
        isFull = true;
        left.push(ref);
      } else if (!stopping.signal.aborted && active.some((connection) => notion.spareAt(connection) === null)) {
        await start(ref);
      }
    }
    due = left;
    waiting = held;
    for (const workspaceId of unconnected) await ledger.postpone(workspaceId, new Date(now() + unconnectedMs));
  }

  async function start(ref: DataSourceRef): Promise<void> {
    const claim = await ledger.claim(ref, worker, leaseMs);
    if (claim === null) return;
    const { workspaceId, dataSourceId } = claim;
    const scanning = scan(claim)
      .catch((error: unknown) => logger.warn({ err: error, workspaceId, dataSourceId }, 'cannot record the end of a scan'))
      .finally(() => {
        claims.delete(claim);
        running.delete(workspaceId);
        loop.nudge();
      });
    claims.add(claim);
    running.set(workspaceId, scanning);
  }

  async function scan(claim: ScanClaim): Promise<void> {
    const { workspaceId, dataSourceId, startedAt } = claim;
    using over = abortScope(stopping.signal);
    const { signal } = over;
    const renewing = setInterval(() => void renew(claim, over), renewEveryMs);
    const counts = { calls: 0, returned: 0, written: 0, readSingly: 0 };
    const begunAt = now();
    let trace: string | undefined;
    const about = () => ({
      workspaceId,
      dataSourceId,
      reasons: claim.wish.reasons,
      ...counts,
      ms: now() - begunAt,
      ...traceFieldsOf(trace),
    });
    const ended = (depth: ScanClaim['depth'], result: ScanResult): void => metrics.ended(depth, result, counts);
    async function save(progress: StoredProgress | null): Promise<void> {
      if (!(await ledger.save(claim, progress))) over.abort();
      signal.throwIfAborted();
    }
    async function fail(error: unknown, because: string, isIncomplete: boolean): Promise<void> {
      ended(claim.depth, 'failed');
      const failures = claim.failures + 1;
      const waitMs = backoffMs(failures, firstWaitMs, longestWaitMs);
      logger.warn({ ...about(), ...(error === null ? { because } : { err: error }), failures, waitMs }, 'scan failed; postponed');
      await ledger.fail(claim, because, waitMs, isIncomplete);
    }
    try {
      const mustPause = () => isFull || waiting.has(workspaceId);
      const onTrace = (known: string) => void (trace = known);
      const asked = connections.activeByWorkspace(workspaceId).map(({ connectionId }) => connectionId);
      const outcome = await runScan(claim, { counts, save, mustPause, onTrace }, signal);
      switch (outcome.kind) {
        case 'paused':
          ended(claim.depth, 'paused');
          return await ledger.release(claim);
        case 'stopped':
          return await fail(null, outcome.because, outcome.isIncomplete);
        case 'ended': {
          const { depth, finding } = outcome;
          const report = { startedAt, endedAt: new Date(now()), depth, ...counts };
          const nextFullAt = nextFullScanAt(claim, startedAt, intervalMs);
          await ledger.complete({ ...claim, depth }, { finding, report, nextFullAt, connections: asked });
          ended(depth, finding.kind);
          logger.info({ ...about(), depth, finding: finding.kind }, 'scan ended');
          if (finding.kind === 'incomplete') logger.warn({ workspaceId, dataSourceId, reason: finding.reason }, 'rows are incomplete');
        }
      }
    } catch (error) {
      if (!signal.aborted) return await fail(error, error instanceof Error ? error.message : String(error), false);
      ended(claim.depth, 'paused');
      await ledger.release(claim);
    } finally {
      clearInterval(renewing);
    }
  }

  async function giveUp(claim: ScanClaim): Promise<void> {
    try {
      await ledger.release(claim);
    } catch (error) {
      logger.warn({ err: error, workspaceId: claim.workspaceId, dataSourceId: claim.dataSourceId }, 'cannot release the claim of a scan');
    }
  }

  /** Renews the claim; ends the scan when the claim is lost or the tenant has moved to another worker. */
  async function renew(claim: ScanClaim, over: AbortScope): Promise<void> {
    try {
      if (owns(claim.workspaceId) && (await ledger.renew(claim, leaseMs))) return;
      over.abort();
    } catch (error) {
      logger.warn({ err: error, workspaceId: claim.workspaceId, dataSourceId: claim.dataSourceId }, 'cannot renew the claim of a scan');
    }
  }

  function isOurs(workspaceId: string): boolean {
    return owns(workspaceId) && connections.activeByWorkspace(workspaceId).length > 0;
  }

  async function refreshFigures(): Promise<void> {
    figuresAt = now();
    let since = Number.POSITIVE_INFINITY;
    for await (const { workspaceId, followedAt, completeAsOf } of ledger.completions()) {
      if (!isOurs(workspaceId)) continue;
      since = Math.min(since, (completeAsOf ?? followedAt).getTime());
      if (completeAsOf !== null) break;
    }
    const incomplete = (await ledger.incomplete()).filter(isOurs).length;
    figures = { incomplete, oldestMs: Number.isFinite(since) ? Math.max(0, now() - since) : null };
  }

  return {
    async stop() {
      stopping.abort();
      // At once: where a server is slow, a scan may end only after this worker has. Others would wait until the claim expires.
      await Promise.all([...claims].map(giveUp));
      await loop.stop();
      await Promise.all(running.values());
    },
  };
}
