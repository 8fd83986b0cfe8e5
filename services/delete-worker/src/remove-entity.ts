import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { applyDelete, type DeleteSteps } from '@notion-mirror/domain/apply-event';
import type { EntityKind, EntityRef } from '@notion-mirror/domain/entity';
import { nextRev, type DeleteDecision, type EventTimes } from '@notion-mirror/domain/write-rule';
import type { EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import type { RecordStore, StoredRecord, WriteResult } from '@notion-mirror/mirror-store/records/record-store';

/** `removed`: content erased. Others: why there was nothing to remove, or that a fetch will decide. `ignored`: a page that is no row of the mirror. */
export type RemoveResult = 'removed' | 'missing' | 'already_removed' | 'stale' | 'rechecking' | 'ignored';

/** `isElsewhere`: the event names no database. */
export type DecideRemoval = (
  record: StoredRecord | null,
  event: EventTimes & { readonly isElsewhere: boolean },
  toleranceMs: number,
) => DeleteDecision;

export interface RemoveDependencies {
  readonly kind: EntityKind;
  readonly decide: DecideRemoval;
  readonly records: Pick<RecordStore<unknown, object>, 'read' | 'writeTombstone' | 'touch'>;
  /** Appends a sync event for the same entity; resolves when it is durable. */
  readonly recheck: (event: DatabaseEvent) => Promise<void>;
  readonly toleranceMs: number;
}

/**
 * The delete half of the write rule. `record`: its state afterwards, null when a fetch will decide or has decided. Rejects with the store's or
 * the log's errors; then nothing was decided, and it is safe to run again.
 */
export async function removeEntity(
  deps: RemoveDependencies,
  ref: EntityRef,
  event: DatabaseEvent,
  signal: AbortSignal,
): Promise<{ readonly outcome: RemoveResult; readonly record: EventOutcome['record'] }> {
  const { kind, decide, records, recheck, toleranceMs } = deps;
  let record: EventOutcome['record'] = null;
  const steps: DeleteSteps<StoredRecord, WriteResult> = {
    read: () => {
      signal.throwIfAborted();
      return records.read({ ...ref, trace: event.trace });
    },
    write: async (expected, decision) => {
      const began = performance.now();
      const key = { ...ref, expected, trace: event.trace };
      const isTouch = decision === 'touch_tombstone';
      const tombstone = { asOf: event.receivedAt, source: 'delete', reason: 'deleted', eventId: event.eventId } as const;
      const result = await (isTouch ? records.touch(key) : records.writeTombstone({ ...key, ...tombstone }));
      const asOf = isTouch && expected !== null ? new Date(expected.asOf) : event.receivedAt;
      const { databaseId, pageId } = kind.targetOf(ref.id);
      record = { databaseId, pageId, rev: nextRev(expected), asOf, ms: Math.round(performance.now() - began) };
      return result;
    },
    recheck: () => recheck(event),
  };
  const { occurredAt, receivedAt, databaseId: parent } = event;
  const facts = { occurredAt: occurredAt.getTime(), receivedAt: receivedAt.getTime(), isElsewhere: parent === null };
  const { decision, written } = await applyDelete(steps, facts, toleranceMs, decide);
  if (written?.kind === 'rejected') throw new Error(`a tombstone was rejected: ${written.message}`);
  return { outcome: results[decision], record: written === null ? null : record };
}

const results: Readonly<Record<DeleteDecision, RemoveResult>> = {
  erase: 'removed',
  tombstone_missing: 'missing',
  touch_tombstone: 'already_removed',
  stale: 'stale',
  recheck: 'rechecking',
  ignore: 'ignored',
};
