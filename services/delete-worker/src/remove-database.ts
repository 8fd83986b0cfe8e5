import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { applyDelete, type DeleteSteps } from '@notion-mirror/domain/apply-event';
import type { DeleteDecision } from '@notion-mirror/domain/write-rule';
import type { RecordStore, StoredRecord, WriteResult } from '@notion-mirror/mirror-store/database-records';

/** `removed`: content erased. The others say why there was nothing to remove, or that a fetch will decide. */
export type RemoveResult = 'removed' | 'missing' | 'already_removed' | 'stale' | 'rechecking';

export interface RemoveDependencies {
  readonly records: Pick<RecordStore, 'read' | 'writeTombstone' | 'touch'>;
  /** Appends a sync event for the same database; resolves when it is durable. */
  readonly recheck: (event: DatabaseEvent) => Promise<void>;
  readonly toleranceMs: number;
}

/** The delete half of the write rule. Rejects with the store's or the log's errors; then nothing was decided, and it can be run again. */
export async function removeDatabase(
  deps: RemoveDependencies,
  event: DatabaseEvent & { readonly databaseId: string },
  signal: AbortSignal,
): Promise<RemoveResult> {
  const { records, recheck, toleranceMs } = deps;
  const { workspaceId, databaseId } = event;
  const steps: DeleteSteps<StoredRecord, WriteResult> = {
    read: () => {
      signal.throwIfAborted();
      return records.read(workspaceId, databaseId);
    },
    write: (expected, decision) => {
      const key = { workspaceId, databaseId, expected };
      if (decision === 'touch_tombstone') return records.touch(key);
      return records.writeTombstone({ ...key, asOf: event.receivedAt, source: 'delete', reason: 'deleted', eventId: event.eventId });
    },
    recheck: () => recheck(event),
  };
  const times = { occurredAt: event.occurredAt.getTime(), receivedAt: event.receivedAt.getTime() };
  const { decision, written } = await applyDelete(steps, times, toleranceMs);
  if (written?.kind === 'rejected') throw new Error(`a tombstone was rejected: ${written.message}`);
  return results[decision];
}

const results: Readonly<Record<DeleteDecision, RemoveResult>> = {
  erase: 'removed',
  tombstone_missing: 'missing',
  touch_tombstone: 'already_removed',
  stale: 'stale',
  recheck: 'rechecking',
};
