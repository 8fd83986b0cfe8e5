import { openDataSourceContents, type DataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import { openRowsSwitch, type RowsSwitch } from '@notion-mirror/mirror-store/rows-switch';
import { readinessPollMs } from '@notion-mirror/mirror-store/rows-readiness';
import { createSweepLedger, type SweepLedger } from '@notion-mirror/mirror-store/sweep-ledger';
import { systemClock } from '@notion-mirror/service-kit/async/clock';
import { settlesBefore } from '@notion-mirror/service-kit/async/deadline';
import type { Config } from '@notion-mirror/service-kit/config';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { Worker } from '@notion-mirror/worker/run-worker';

/** By then every ingress that reaches MongoDB has seen the switch, so no event is ignored any more. */
const seenMs = 3 * readinessPollMs;
/** How often it is checked whether events are missed again. */
const pollMs = 5_000;
/** A worker of the previous version that could not report either does so by then. */
const afterFailureMs = 10_000;

export interface RowsReadiness {
  /** Rejects with a `StoreUnavailableError`; what was known stays. */
  check(): Promise<void>;
  /** Whether scans may begin. */
  isReady(): boolean;
}

export function createRowsReadiness(deps: {
  readonly rows: Pick<RowsSwitch, 'turnOnWhenPossible'>;
  readonly contents: Pick<DataSourceContents, 'outdate'>;
  readonly sweeps: Pick<SweepLedger, 'outdate'>;
  readonly lagMs: number;
  readonly toleranceMs: number;
  readonly logger: Logger;
}): RowsReadiness {
  const { rows, contents, sweeps, lagMs, toleranceMs, logger } = deps;
  /** Queries that begin this long after a change show it. */
  const settledMs = Math.max(seenMs, lagMs + toleranceMs + 1);
  /** Data sources that were read too early are outdated as of then. */
  let outdated: Date | null = null;
  let isReady = false;

  return {
    async check() {
      const on = await rows.turnOnWhenPossible();
      if (on === null) return;
      const { since, forMs } = on;
      if (outdated === null || since > outdated) {
        isReady = false;
        const sources = await contents.outdate(since, lagMs);
        if (sources > 0) logger.warn({ since, sources }, 'events about rows were missed: all rows will be scanned again');
        outdated = since;
      }
      if (isReady || forMs < settledMs) return;
      // They find the databases whose data sources no one has followed.
      await sweeps.outdate(since);
      isReady = true;
      logger.info({ since }, 'rows are ready');
    },
    isReady: () => isReady,
  };
}

/**
 * Turns the switch of rows on as soon as every worker knows rows, and follows it: whenever a process with MIRROR_ROWS=off has missed events, nothing counts
 * as complete any more that was read before. The result says whether rows may be scanned: not before a scan sees all that was missed.
 */
export async function startRowsReadiness(
  { db, logger, available, onStopBriefly }: Worker,
  config: Config<'sync-worker'>,
): Promise<() => boolean> {
  if (config.rows === 'off') return () => false;
  const { notionLagMs: lagMs, clockToleranceMs: toleranceMs } = config;
  const readiness = createRowsReadiness({
    rows: openRowsSwitch(db),
    contents: openDataSourceContents(db),
    sweeps: createSweepLedger(db),
    lagMs,
    toleranceMs,
    logger,
  });
  await available('the switch of rows', () => readiness.check());
  const stopping = new AbortController();

  async function poll(): Promise<void> {
    let pauseMs = readinessPollMs;
    for (;;) {
      await systemClock.sleep(pauseMs, stopping.signal);
      if (stopping.signal.aborted) return;
      try {
        await readiness.check();
        pauseMs = readiness.isReady() ? pollMs : readinessPollMs;
      } catch (error) {
        logger.warn({ err: error }, 'cannot find out whether rows are ready; retrying');
        pauseMs = afterFailureMs;
      }
    }
  }

  const polling = poll();
  onStopBriefly('the switch of rows', {
    async stop() {
      stopping.abort();
      await settlesBefore(polling, Date.now() + 500);
    },
  });
  return () => readiness.isReady();
}
