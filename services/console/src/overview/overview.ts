import type { Connection } from '@notion-mirror/domain/connection';
import type { ConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import type { OutcomePages } from '@notion-mirror/mirror-store/outcome-pages';
import { minutesSince } from '@notion-mirror/mirror-store/minutes';
import { createSweepLedger } from '@notion-mirror/mirror-store/sweep-ledger';
import type { NotionUse } from '@notion-mirror/mirror-store/worker-status';
import { figuresOf, historyOf } from '@notion-mirror/operations/events/figures';
import type { OperationContext } from '@notion-mirror/operations/operation-context';
import { OperatorError } from '@notion-mirror/operations/operator-error';
import type { Kafka } from '@notion-mirror/operations/servers';
import { callLimitsOf } from '@notion-mirror/operations/status/call-limits';
import { headlineOf } from '@notion-mirror/operations/status/headline';
import {
  gatherLogStatus,
  gatherStoreStatus,
  rowsSummary,
  type LogStatus,
  type StoreStatus,
} from '@notion-mirror/operations/status/mirror-status';
import { notionUseOf } from '@notion-mirror/operations/status/notion-use';
import { statusJson } from '@notion-mirror/operations/status/status-json';
import { byNeed, countFreshness, createTenantSummaries, type TenantSummary } from '@notion-mirror/operations/tenants/tenant-summary';
import { DeadlineError, withDeadline } from '@notion-mirror/service-kit/async/deadline';
import type { HistoryOfWork, StatusAnswer } from '../answers/status.ts';
import type { EventViews } from '../views/event-lines.ts';
import type { TenantLines } from '../views/tenant-lines.ts';
import { createSampler, type Sampler } from './sampler.ts';

/** What all viewers share: sampled on demand, and not more often than every two seconds. */
export interface Overview {
  readonly answer: Sampler<StatusAnswer>;
  /** Every tenant, and which of them are silent. */
  readonly tenants: Sampler<TenantFacts>;
  readonly history: Sampler<HistoryOfWork>;
}

export interface TenantFacts {
  readonly summaries: readonly TenantSummary[];
  readonly silent: ReadonlySet<string>;
  /** Of each worker's busiest connections. */
  readonly notion: NotionUse;
}

const sampleMs = 2_000;
/** Every data source is counted: 0.3 s of MongoDB's time for 100,000 of them. */
const rowsMs = 10_000;
const historyMinutes = 60;
/** A minute is written when it has ended. */
const historyMs = 10_000;
/** What MongoDB knows does not wait longer for Kafka. */
const logMs = 3_000;
const latestShown = 8;
const worstShown = 10;

export function createOverview(deps: {
  readonly context: OperationContext;
  readonly db: Mongo['db'];
  readonly kafka: Kafka;
  readonly directory: Pick<ConnectionDirectory, 'all' | 'tenants'>;
  readonly outcomes: OutcomePages;
  readonly views: EventViews;
  readonly lines: TenantLines;
}): Overview {
  const { context, db, kafka, directory, outcomes, views, lines } = deps;
  const sweeps = createSweepLedger(db);
  const summarise = createTenantSummaries();

  const rows = createSampler(rowsMs, async () => rowsSummary(db));
  const store = createSampler(sampleMs, async (): Promise<{ readonly status: StoreStatus } & TenantFacts> => {
    const status = await gatherStoreStatus(db, directory.tenants(), context.config, rows);
    const backlog = status.workers.flatMap((worker) => worker.backlog);
    const summaries = summarise(directory.tenants(), backlog, status.at);
    return {
      status,
      summaries,
      silent: new Set(status.silent.map(({ workspaceId }) => workspaceId)),
      notion: notionUseOf(status.workers, Infinity),
    };
  });

  async function answer(): Promise<StatusAnswer> {
    const { status, summaries, silent } = await store();
    const [log, latest, stoppedSweeps] = await Promise.all([
      logStatus(status),
      outcomes.page({}, null, latestShown),
      sweeps.countStopped(),
    ]);
    const { found, problem } = log;
    const headline = headlineOf({
      at: status.at,
      groups: found?.groups ?? null,
      kafkaProblem: problem?.message ?? null,
      deadLetters: found?.deadLetters ?? null,
      tenants: status.tenants.active,
      paused: status.tenants.paused,
      unauthorized: unauthorizedOf(summaries, directory.all()),
      stoppedSweeps,
      incompleteRows: status.rows.states.incomplete,
      silent: silent.size,
      held: summaries.filter(({ held }) => held !== null).length,
      spooled: status.spooled,
    });
    const worst = summaries.filter(({ state, freshness }) => state !== 'deleted' && freshness !== 'second').toSorted(byNeed);
    const json = statusJson({ ...status, ...(found ?? { groups: [], deadLetters: 0 }) });
    return {
      ...json,
      ...(found === null ? { groups: null, deadLetters: null } : {}),
      headline: { ...headline, needs: headline.needs.map((need) => ({ ...need, since: need.since?.toISOString() ?? null })) },
      figures: figuresOf(status.workers),
      freshness: countFreshness(summaries),
      worst: await lines.of(worst.slice(0, worstShown), silent),
      latest: await views.lines(latest.outcomes),
      unavailable: problem === null ? [] : [{ server: 'kafka', message: problem.message, remedy: problem.remedy }],
    };
  }

  /** One at a time: a broker that hangs is given up after ten seconds and more. */
  let askingLog: Promise<LogStatus> | null = null;

  async function logStatus({
    workers,
  }: StoreStatus): Promise<{ readonly found: LogStatus | null; readonly problem: OperatorError | null }> {
    askingLog ??= gatherLogStatus(context, db, kafka, workers).finally(() => (askingLog = null));
    try {
      return { found: await withDeadline(askingLog, { ms: logMs }), problem: null };
    } catch (error) {
      if (error instanceof OperatorError) return { found: null, problem: error };
      if (!(error instanceof DeadlineError)) throw error;
      const message = `Kafka at ${context.config.kafka.brokers.join(',')}: ${error.message}`;
      return { found: null, problem: new OperatorError('kafka_unavailable', message, { remedy: 'mirror doctor', cause: error }) };
    }
  }

  const history = createSampler(historyMs, async (): Promise<HistoryOfWork> => {
    const now = new Date();
    const reported = await minutesSince(db, new Date(now.getTime() - (historyMinutes + 1) * 60_000));
    const minutes = historyOf(reported, now, historyMinutes);
    return { minutes: minutes.map((minute) => minute && { ...minute, at: minute.at.toISOString() }), limits: callLimitsOf(reported) };
  });

  return { answer: createSampler(sampleMs, answer), tenants: store, history };
}

function unauthorizedOf(
  summaries: readonly TenantSummary[],
  connections: Iterable<Connection>,
): { readonly tenants: number; readonly since: Date | null } {
  const refused = new Set(summaries.filter(({ state }) => state === 'unauthorized').map(({ workspaceId }) => workspaceId));
  if (refused.size === 0) return { tenants: 0, since: null };
  let since: Date | null = null;
  for (const { workspaceId, status, updatedAt } of connections) {
    if (status === 'unauthorized' && refused.has(workspaceId) && (since === null || updatedAt < since)) since = updatedAt;
  }
  return { tenants: refused.size, since };
}
