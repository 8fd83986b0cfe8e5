import { isRowKind, type DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { Failure } from '@notion-mirror/domain/failure';
import { accessibleByOf } from '@notion-mirror/event-log/event-record';
import type { Outcome, Work, WorkItem } from '@notion-mirror/event-log/lanes/work';
import type { EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import type { MissedRows } from '@notion-mirror/mirror-store/missed-rows';
import type { Span } from '@notion-mirror/service-kit/tracing/tracing';
import { endThrown, endWithOutcome, type ProcessSpans } from '@notion-mirror/worker/process-spans';
import { retryAfter } from '@notion-mirror/worker/retry-after';
import type { AfterRemoval } from './removed-entity.ts';
import { removeEntity, type RemoveDependencies, type RemoveResult } from './remove-entity.ts';

/** How an event reached its outcome. */
export type OutcomeDetail = Pick<EventOutcome, 'record' | 'reason' | 'attempts' | 'waitedMs'> & {
  /** The context of the event's handling. */
  readonly handledIn?: string | undefined;
};

export interface HandlerDependencies extends Pick<RemoveDependencies, 'toleranceMs'> {
  /** The first one that claims an event handles it. */
  readonly entities: readonly (Pick<RemoveDependencies, 'kind' | 'decide' | 'records'> & { readonly afterRemoval: AfterRemoval | null })[];
  /** Null: rows are mirrored. If not, their events are ignored, once that is noted. */
  readonly missedRows: MissedRows | null;
  /** Appends the sync event for a delete that only a fetch can decide. `accessibleBy`: the bots named in the delete's record. */
  readonly recheck: (event: DatabaseEvent, accessibleBy: readonly string[]) => Promise<void>;
  readonly report: (event: WorkItem<DatabaseEvent>, outcome: RemoveResult, detail: OutcomeDetail) => void;
  readonly spans: ProcessSpans;
  readonly now: () => number;
}

/** Handles the waiting delete events of one entity in order. Repeating some of them after a failure is safe. */
export function createWorkHandler(deps: HandlerDependencies): (work: Work<DatabaseEvent>) => Promise<Outcome> {
  return async function deleteWork(work) {
    const beganAt = deps.now();
    for (const one of work.items) {
      const span = deps.spans.start([one], one, work.attempt);
      let outcome: Outcome;
      try {
        outcome = await handle(work, one, { beganAt, span });
      } catch (error) {
        endThrown(span, error);
        throw error;
      }
      endWithOutcome(span, outcome);
      if (outcome.kind !== 'done') return outcome;
    }
    return { kind: 'done' };
  };

  async function handle(
    work: Work<DatabaseEvent>,
    one: WorkItem<DatabaseEvent>,
    { beganAt, span }: { readonly beganAt: number; readonly span: Span | null },
  ): Promise<Outcome> {
    const { item, record: place, takenAt } = one;
    const event = span === null ? item : { ...item, trace: span.trace };
    const way = { attempts: work.attempt, waitedMs: Math.max(0, beganAt - takenAt), handledIn: event.trace };
    const report = (outcome: RemoveResult, detail: OutcomeDetail): Outcome => {
      span?.set({ 'notion_mirror.outcome': outcome, 'notion_mirror.reason': detail.reason ?? undefined });
      deps.report(one, outcome, detail);
      return { kind: 'done' };
    };
    try {
      if (deps.missedRows !== null && isRowKind(event.kind)) {
        await deps.missedRows.note();
        return report('ignored', { record: null, reason: 'rows_off', ...way });
      }
      const entity = deps.entities.find(({ kind }) => kind.isAbout(event));
      const id = entity?.kind.idOf(event) ?? null;
      if (entity === undefined || id === null) return { kind: 'dead', failure: namesNone(entity?.kind.name ?? 'entity') };
      const recheck = (deleted: DatabaseEvent) => deps.recheck(deleted, accessibleByOf(place));
      const ref = { workspaceId: event.workspaceId, id };
      const { outcome, record } = await removeEntity({ ...deps, ...entity, recheck }, ref, event, work.signal);
      if (leavesTombstone[outcome]) await entity.afterRemoval?.(event, id);
      return report(outcome, { record, reason: outcome === 'ignored' ? 'not_a_row' : null, ...way });
    } catch (error) {
      return retryAfter(error, work, deps.now());
    }
  }
}

function namesNone(kind: string): Failure {
  return { class: 'poison', code: `no_${kind}_id`, message: `a delete event names no ${kind}` };
}

/** Whether the entity is gone. Also if it was gone before: then what goes with it may still be there. */
const leavesTombstone: Readonly<Record<RemoveResult, boolean>> = {
  removed: true,
  missing: true,
  already_removed: true,
  stale: false,
  rechecking: false,
  ignored: false,
};
