import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { accessibleByOf } from '@notion-mirror/event-log/event-record';
import type { Outcome, Work, WorkItem } from '@notion-mirror/event-log/lane-scheduler';
import type { Failure } from '@notion-mirror/domain/failure';
import { StoreUnavailableError } from '@notion-mirror/mirror-store/errors';
import { backoffMs } from '@notion-mirror/service-kit/async/backoff';
import { settleContestedSources } from './contested-sources.ts';
import { syncDataSource, type DataSourceDependencies, type DataSourceResult } from './sync-data-source.ts';
import { syncDatabase, type SyncDependencies, type SyncResult, type SyncTarget, type Trail } from './sync-database.ts';

/** What became of one event, for its log line and the metric. */
export type EventOutcome = 'written' | 'removed' | 'skipped' | 'ignored' | 'parked';

export interface OutcomeDetail {
  readonly reason?: string;
  /** The event whose fetch answered for this one too. */
  readonly coalescedInto?: string;
  /** Calls to Notion that a fetch of this event's own would have cost, when it cost none. */
  readonly callsSaved?: number;
  /** Of the database that decided the outcome; null when nothing was found to fetch or write. */
  readonly trail: Trail | null;
  readonly attempts: number;
  /** From being taken from the log until the work that settled it began, ms. */
  readonly waitedMs: number;
}

export interface HandlerDependencies extends SyncDependencies {
  readonly records: SyncDependencies['records'] & DataSourceDependencies['records'];
  readonly notion: SyncDependencies['notion'] & DataSourceDependencies['notion'];
  /** Reads the tenant's connections anew when none is active: the cache may be a moment behind the ingress's. True if one is active now. */
  readonly recheckConnections: (event: DatabaseEvent) => Promise<boolean>;
  /** Keeps events whose tenant has no active connection until it has one. */
  readonly park: (events: readonly { readonly event: DatabaseEvent; readonly accessibleBy: readonly string[] }[]) => Promise<void>;
  readonly report: (event: WorkItem<DatabaseEvent>, outcome: EventOutcome, detail: OutcomeDetail) => void;
  /** The event has failed by itself, and will be tried again. Not called while its whole tenant waits. */
  readonly retrying: (event: WorkItem<DatabaseEvent>) => void;
}

type Finished = SyncResult | DataSourceResult;

/**
 * Handles the waiting events of one database (or of one data source whose database is not known yet) as one: whatever Notion says now is
 * the answer to all of them. Each event still gets its outcome line.
 */
export function createWorkHandler(deps: HandlerDependencies): (work: Work<DatabaseEvent>) => Promise<Outcome> {
  return async function syncWork(work) {
    const outcome = await handle(work);
    if (outcome.kind === 'retry' && outcome.scope === 'task') work.items.forEach(deps.retrying);
    return outcome;
  };

  async function handle(work: Work<DatabaseEvent>): Promise<Outcome> {
    const events = work.items.map(({ item }) => item);
    const newest = events.reduce((a, b) => (b.receivedAt >= a.receivedAt ? b : a));
    const beganAt = deps.now();
    try {
      const result = await run(work, newest);
      return await settle(work, newest, result, beganAt);
    } catch (error) {
      if (work.signal.aborted) return { kind: 'retry', at: deps.now(), scope: 'task', failure: stopping };
      if (!(error instanceof StoreUnavailableError)) throw error;
      const failure: Failure = { class: 'dependency', code: 'mongodb_unavailable', message: error.message };
      return { kind: 'retry', at: deps.now() + backoffMs(work.attempt, 250, 10_000), scope: 'lane', failure };
    }
  }

  async function run(work: Work<DatabaseEvent>, newest: DatabaseEvent): Promise<Finished> {
    const { workspaceId, databaseId } = newest;
    const { attempt, signal } = work;
    const accessibleBy = [...new Set(work.items.flatMap(({ record }) => accessibleByOf(record)))];
    const done = new Map<string, SyncResult>();
    const sync = async (target: Pick<SyncTarget, 'databaseId' | 'hint'>): Promise<SyncResult> => {
      const known = done.get(target.databaseId);
      if (known !== undefined) return known;
      const synced = await syncDatabase(deps, { ...target, workspaceId, event: newest, accessibleBy, attempt }, signal);
      done.set(target.databaseId, synced);
      if (synced.kind !== 'written' || synced.gained.length === 0) return synced;
      const unsettled = await settleContestedSources({ records: deps.records, syncNow }, workspaceId, target.databaseId, synced.gained);
      return unsettled ?? synced;
    };
    const syncNow = (other: string): Promise<SyncResult> => {
      const event = { ...newest, receivedAt: new Date(deps.now()) };
      return syncDatabase(deps, { databaseId: other, hint: true, workspaceId, event, accessibleBy, attempt }, signal);
    };
    let result: Finished = { kind: 'not_found' };
    if (databaseId !== null && work.items.some(({ item }) => item.dataSourceId === null)) {
      result = await sync({ databaseId, hint: false });
      if (isUnfinished(result)) return result;
    }
    for (const event of distinctDataSources(work.items.map(({ item }) => item))) {
      const found = await syncDataSource({ records: deps.records, notion: deps.notion, sync }, event, { accessibleBy, attempt, signal });
      if (isUnfinished(found)) return found;
      if (result.kind === 'not_found') result = found;
    }
    return result;
  }

  async function settle(work: Work<DatabaseEvent>, newest: DatabaseEvent, result: Finished, beganAt: number): Promise<Outcome> {
    const tell = (outcome: EventOutcome, reason?: string): Outcome => {
      const callsSaved = callsOf(result);
      const trail = trailOf(result);
      for (const event of work.items) {
        const { item, takenAt } = event;
        deps.report(event, outcome, {
          trail,
          attempts: work.attempt,
          waitedMs: Math.max(0, beganAt - takenAt),
          ...(reason === undefined ? {} : { reason }),
          ...(item === newest ? {} : { coalescedInto: newest.eventId }),
          ...(item === newest && outcome !== 'skipped' ? {} : { callsSaved }),
        });
      }
      return { kind: 'done' };
    };
    switch (result.kind) {
      case 'written':
      case 'skipped':
        return tell(result.kind);
      case 'removed':
        return tell('removed', result.reason);
      case 'synced': {
        const best = decisive(result.results);
        return best?.kind === 'removed' ? tell('removed', best.reason) : tell(best === null ? 'skipped' : 'written');
      }
      case 'not_found':
      case 'unknown':
        return tell('ignored', 'database_not_found');
      case 'no_database':
        return tell('ignored', 'not_a_database');
      case 'no_active_connection': {
        if (await deps.recheckConnections(newest)) {
          // Active by the list, refused a moment ago: until that is written down, it is not asked again and again.
          const failure: Failure = { class: 'connection', code: 'not_active_yet', message: 'no connection of the tenant could be used' };
          return { kind: 'retry', at: deps.now() + backoffMs(work.attempt, 100, 10_000), scope: 'task', failure };
        }
        if (result.statuses.every((status) => status === 'deleted')) return tell('ignored', 'no_connection');
        await deps.park(work.items.map(({ record, item }) => ({ event: item, accessibleBy: accessibleByOf(record) })));
        return tell('parked', result.statuses.join(','));
      }
      case 'retry':
        return { kind: 'retry', at: result.at, scope: result.scope === 'connection' ? 'lane' : 'task', failure: result.failure };
      case 'failed':
        return { kind: 'dead', failure: result.failure };
      case 'unwritable':
        return { kind: 'dead', failure: { class: 'unwritable', code: 'document_rejected', message: result.message } };
    }
  }
}

/** Which of several databases stands for the event: one that was written, else one that was removed. */
function decisive(results: readonly SyncResult[]): Extract<SyncResult, { kind: 'written' | 'removed' }> | null {
  return results.find((result) => result.kind === 'written') ?? results.find((result) => result.kind === 'removed') ?? null;
}

function trailOf(result: Finished): Trail | null {
  if (result.kind !== 'synced') return 'trail' in result ? result.trail : null;
  const best = decisive(result.results) ?? result.results.find((one) => one.kind === 'skipped');
  return best?.trail ?? null;
}

/** The calls that a fetch takes: the container, and each data source that it lists. */
function callsOf(result: Finished): number {
  switch (result.kind) {
    case 'written':
    case 'skipped':
      return 1 + result.dataSourceIds.length;
    case 'synced':
      return result.results.reduce((sum, one) => sum + callsOf(one), 0);
    case 'no_active_connection':
      return 0;
    case 'removed':
    case 'no_database':
    case 'unknown':
    case 'not_found':
    case 'unwritable':
    case 'retry':
    case 'failed':
      return 1;
  }
}

const stopping: Failure = { class: 'shutdown', code: 'stopping', message: 'the worker is stopping' };

function isUnfinished(result: Finished): boolean {
  return ['retry', 'failed', 'no_active_connection', 'unwritable'].includes(result.kind);
}

/** One event for each data source, the newest; a move is kept before the others since it concerns two databases. */
function distinctDataSources(events: readonly DatabaseEvent[]): (DatabaseEvent & { dataSourceId: string })[] {
  const latest = new Map<string, DatabaseEvent & { dataSourceId: string }>();
  for (const event of events) {
    const { dataSourceId } = event;
    if (dataSourceId === null || latest.get(dataSourceId)?.type === 'data_source.moved') continue;
    latest.set(dataSourceId, { ...event, dataSourceId });
  }
  return [...latest.values()];
}
