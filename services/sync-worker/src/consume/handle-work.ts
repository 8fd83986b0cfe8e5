import { isRowKind, type DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { Failure } from '@notion-mirror/domain/failure';
import { accessibleByOf } from '@notion-mirror/event-log/event-record';
import type { Outcome, Work, WorkItem } from '@notion-mirror/event-log/lanes/work';
import { backoffMs } from '@notion-mirror/service-kit/async/backoff';
import { traceIdOf } from '@notion-mirror/service-kit/tracing/trace-context';
import type { Span } from '@notion-mirror/service-kit/tracing/tracing';
import { endThrown, endWithOutcome, type ProcessSpans } from '@notion-mirror/worker/process-spans';
import { retryAfter } from '@notion-mirror/worker/retry-after';
import type { OpenEntity } from '../mirrored-entity.ts';
import type { SyncedWork, Trail } from './sync-entity.ts';

/** The outcome of an event, for its log line and the metric. `deferred`: something later answers it, see floods.ts. */
export type SyncOutcome = Extract<SyncedWork, { kind: 'settled' }>['outcome'] | 'parked' | 'deferred';

export interface OutcomeDetail {
  readonly reason?: string;
  /** The event whose fetch answered for this one too. */
  readonly coalescedInto?: string;
  /** Calls to Notion that this event's own fetch would have cost; missing when it was fetched. */
  readonly callsSaved?: number;
  /** The fetch and the record of the entity that decided the outcome; null when nothing was fetched or written. */
  readonly trail: Trail | null;
  readonly attempts: number;
  /** From being read from the log until the work that settled it began, ms. */
  readonly waitedMs: number;
  /** The other events of the task, which have no report of their own. */
  readonly others?: readonly WorkItem<DatabaseEvent>[];
  /** The context of the handling, if it belongs to the event's own trace. */
  readonly handledIn?: string | undefined;
  /** The context of the handling that answered the event, if that is another one's. */
  readonly answeredBy?: string | undefined;
  /** The trace of the scan or sweep that the event was left to. */
  readonly scanTrace?: string;
}

export interface HandlerDependencies {
  /** The first kind that claims an event handles it. */
  readonly entities: readonly Pick<OpenEntity, 'kind' | 'sync'>[];
  /** Reads the tenant's connections again when none is active: what is known may lag behind, or be nothing. True if one is active now, or if some are known only now. */
  readonly recheckConnections: (event: DatabaseEvent) => Promise<boolean>;
  /** Keeps events whose tenant has no active connection until it has one. */
  readonly park: (events: readonly { readonly event: DatabaseEvent; readonly accessibleBy: readonly string[] }[]) => Promise<void>;
  readonly report: (event: WorkItem<DatabaseEvent>, outcome: SyncOutcome, detail: OutcomeDetail) => void;
  /** The event failed and will be retried. Not called while its whole tenant waits. */
  readonly retrying: (event: WorkItem<DatabaseEvent>) => void;
  readonly spans: ProcessSpans;
  readonly now: () => number;
}

/**
 * Handles the waiting events of one task (about one database, one data source whose database is not known yet, or one row) together: Notion's current
 * state answers all of them. Each event still gets its own outcome; events about rows, which outnumber the others by far, get one together.
 */
export function createWorkHandler(deps: HandlerDependencies): (work: Work<DatabaseEvent>) => Promise<Outcome> {
  return async function syncWork(work) {
    const newest = newestOf(work.items);
    const span = deps.spans.start(work.items, newest, work.attempt);
    let outcome: Outcome;
    try {
      outcome = await handle(work, newest.item, span);
    } catch (error) {
      endThrown(span, error);
      throw error;
    }
    endWithOutcome(span, outcome);
    if (outcome.kind === 'retry' && outcome.scope === 'task' && outcome.failure.class !== 'stale') work.items.forEach(deps.retrying);
    return outcome;
  };

  async function handle(work: Work<DatabaseEvent>, newest: DatabaseEvent, span: Span | null): Promise<Outcome> {
    const beganAt = deps.now();
    try {
      const result = await sync(work, span === null ? newest : { ...newest, trace: span.trace });
      return await settle(work, newest, result, { beganAt, span });
    } catch (error) {
      return retryAfter(error, work, deps.now());
    }
  }

  function sync(work: Work<DatabaseEvent>, newest: DatabaseEvent): Promise<SyncedWork> {
    const entity = deps.entities.find(({ kind }) => kind.isAbout(newest));
    if (entity === undefined) throw new Error(`no kind of entity claims the event ${newest.eventId}`);
    return entity.sync(work, newest);
  }

  async function settle(
    work: Work<DatabaseEvent>,
    newest: DatabaseEvent,
    result: SyncedWork,
    { beganAt, span }: { readonly beganAt: number; readonly span: Span | null },
  ): Promise<Outcome> {
    const isInOwnTrace = span !== null && newest.trace !== undefined && traceIdOf(span.trace) === traceIdOf(newest.trace);
    const done = (outcome: SyncOutcome, reason?: string): Outcome => {
      const { trail, calls } = result.kind === 'settled' ? result : { trail: null, calls: 0 };
      const callsOfNewest = outcome === 'skipped' ? calls : 0;
      const report = (
        event: WorkItem<DatabaseEvent>,
        callsSaved: number,
        about: Pick<OutcomeDetail, 'coalescedInto' | 'others' | 'handledIn'>,
      ) =>
        deps.report(event, outcome, {
          trail,
          attempts: work.attempt,
          waitedMs: Math.max(0, beganAt - event.takenAt),
          ...(reason === undefined ? {} : { reason }),
          ...(callsSaved === 0 ? {} : { callsSaved }),
          ...(span === null ? {} : { answeredBy: span.trace }),
          ...about,
        });
      const others = isRowKind(newest.kind) ? work.items.filter(({ item }) => item !== newest) : [];
      const handledIn = isInOwnTrace ? { handledIn: span.trace } : {};
      for (const event of work.items) {
        if (event.item === newest)
          report(event, callsOfNewest + others.length * calls, { ...(others.length === 0 ? {} : { others }), ...handledIn });
        else if (others.length === 0) report(event, calls, { coalescedInto: newest.eventId });
      }
      span?.set({
        'notion_mirror.outcome': outcome,
        'notion_mirror.reason': reason,
        'notion_mirror.calls': calls,
        'notion_mirror.calls_saved': callsOfNewest + (work.items.length - 1) * calls,
      });
      return { kind: 'done' };
    };
    switch (result.kind) {
      case 'settled':
        return done(result.outcome, result.reason);
      case 'no_active_connection': {
        if (await deps.recheckConnections(newest)) {
          // Also if it is listed as active, but just refused: back off until the new status is stored, instead of retrying in a tight loop.
          const failure: Failure = { class: 'connection', code: 'not_active_yet', message: 'no connection of the tenant could be used' };
          return { kind: 'retry', at: deps.now() + backoffMs(work.attempt, 100, 10_000), scope: 'task', failure };
        }
        if (result.statuses.every((status) => status === 'deleted')) return done('ignored', 'no_connection');
        const parked = (item: DatabaseEvent): DatabaseEvent => (item === newest && isInOwnTrace ? { ...item, trace: span.trace } : item);
        await deps.park(work.items.map(({ record, item }) => ({ event: parked(item), accessibleBy: accessibleByOf(record) })));
        return done('parked', result.statuses.join(','));
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

/** The event received last; of several at the same time, the last one on the log. */
export function newestOf(items: readonly WorkItem<DatabaseEvent>[]): WorkItem<DatabaseEvent> {
  return items.reduce((a, b) => (b.item.receivedAt >= a.item.receivedAt ? b : a));
}
