import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { EntityKind } from '@notion-mirror/domain/entity';
import { accessibleByOf } from '@notion-mirror/event-log/event-record';
import type { Outcome, Work, WorkItem } from '@notion-mirror/event-log/lanes/work';
import type { EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import { retryAfter } from '@notion-mirror/worker/retry-after';
import { removeEntity, type RemoveDependencies, type RemoveResult } from './remove-entity.ts';

/** How an event reached its outcome. */
export type OutcomeDetail = Pick<EventOutcome, 'record' | 'attempts' | 'waitedMs'>;

export interface HandlerDependencies extends Pick<RemoveDependencies, 'toleranceMs'> {
  /** The first one that claims an event handles it. */
  readonly entities: readonly { readonly kind: EntityKind; readonly records: RemoveDependencies['records'] }[];
  /** Appends the sync event for a delete that only a fetch can decide. `accessibleBy`: the bots named in the delete's record. */
  readonly recheck: (event: DatabaseEvent, accessibleBy: readonly string[]) => Promise<void>;
  readonly report: (event: WorkItem<DatabaseEvent>, outcome: RemoveResult, detail: OutcomeDetail) => void;
  readonly now: () => number;
}

/** Handles the waiting delete events of one entity in order. Repeating some of them after a failure is safe. */
export function createWorkHandler(deps: HandlerDependencies): (work: Work<DatabaseEvent>) => Promise<Outcome> {
  return async function deleteWork(work) {
    const beganAt = deps.now();
    try {
      for (const one of work.items) {
        const { item: event, record: place, takenAt } = one;
        const entity = deps.entities.find(({ kind }) => kind.isAbout(event));
        const id = entity?.kind.idOf(event) ?? null;
        if (entity === undefined || id === null) {
          return { kind: 'dead', failure: { class: 'poison', code: 'no_database_id', message: 'a delete event names no database' } };
        }
        const recheck = (deleted: DatabaseEvent) => deps.recheck(deleted, accessibleByOf(place));
        const { outcome, record } = await removeEntity(
          { ...deps, ...entity, recheck },
          { workspaceId: event.workspaceId, id },
          event,
          work.signal,
        );
        deps.report(one, outcome, { record, attempts: work.attempt, waitedMs: Math.max(0, beganAt - takenAt) });
      }
      return { kind: 'done' };
    } catch (error) {
      return retryAfter(error, work, deps.now());
    }
  };
}
