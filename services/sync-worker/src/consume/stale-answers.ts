import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { ReadAgain } from './sync-entity.ts';

/** Answers of Notion that do not show yet what an event announces. */
export interface StaleAnswers {
  /**
   * What to return instead of such an answer: the task waits, without a slot, and asks again. Null: the answer counts, either because it is not
   * older than the event, or because the entity has waited for that minute already. `edits`: when the entity and its parts were last edited,
   * according to the answer; nulls are unknown. None at all: Notion does not show it.
   */
  readonly readAgain: (event: DatabaseEvent, id: string, edits: readonly (Date | null)[]) => ReadAgain | null;
}

/**
 * Events of changes that move the time of the last edit. Not those of the content: nothing says that a page that was added to a data source, or
 * removed from it, moves that of the data source.
 */
export const databaseEdits: ReadonlySet<string> = new Set([
  'database.created',
  'database.properties_updated',
  'database.schema_updated',
  'data_source.created',
  'data_source.schema_updated',
]);
export const rowEdits: ReadonlySet<string> = new Set(['page.created', 'page.properties_updated']);

const waitMs = 5_000;
const minuteMs = 60_000;
/** An entity whose wait is forgotten, as by a restart, may wait a second time. */
const rememberedWaits = 10_000;

/** `types`: of the events that move the time of the last edit, which Notion rounds down to the minute. `now`: epoch ms. */
export function createStaleAnswers(types: ReadonlySet<string>, now: () => number): StaleAnswers {
  /** The start of the minute that each entity waited for, the latest waits last. */
  const waitedFor = new Map<string, number>();
  return {
    readAgain({ type, workspaceId, occurredAt }, id, edits) {
      if (!types.has(type)) return null;
      const minute = Math.floor(occurredAt.getTime() / minuteMs) * minuteMs;
      if (edits.some((edit) => edit === null || edit.getTime() >= minute)) return null;
      const entity = `${workspaceId}:${id}`;
      if ((waitedFor.get(entity) ?? Number.NEGATIVE_INFINITY) >= minute) return null;
      waitedFor.delete(entity);
      waitedFor.set(entity, minute);
      const [oldest] = waitedFor.keys();
      if (waitedFor.size > rememberedWaits && oldest !== undefined) waitedFor.delete(oldest);
      const message = `Notion's answer is older than the event (${type}), so it is asked again`;
      return { kind: 'retry', at: now() + waitMs, scope: 'request', failure: { class: 'stale', code: 'older_than_event', message } };
    },
  };
}
