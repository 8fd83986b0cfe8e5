/**
 * The write rule: the only place that decides how an event changes a record. Pure: no I/O, no clock.
 *
 * Every record has a revision, raised by every write, and a write happens only if the revision is still the one that was read.
 * A sync reads the record before its fetch begins, so what it writes is newer than anything the record can hold.
 * `docs/guarantees.md` explains its consequences; `write-rule.test.ts` runs it against random histories.
 */

/**
 * - `deleted`: a delete event. The others: what a fetch found.
 * - `trashed`: it is in the trash. `inaccessible`: no active connection of the tenant can read it.
 * - `moved_away`: the page of a row is in no data source. `data_source_removed`, `database_removed`: the mirror has no such parent of the row.
 */
export const removalReasons = ['deleted', 'trashed', 'inaccessible', 'moved_away', 'data_source_removed', 'database_removed'] as const;

export type RemovalReason = (typeof removalReasons)[number];

/** The parts of a record that the rule needs. Times are milliseconds since the epoch. */
export interface RecordState {
  readonly rev: number;
  /** When the last fetch began (our clock), or the receivedAt of the delete. */
  readonly asOf: number;
  readonly source: 'fetch' | 'delete';
  readonly live: boolean;
}

/** When an event happened (Notion's clock) and when we received it (ours), milliseconds since the epoch. */
export interface EventTimes {
  readonly occurredAt: number;
  readonly receivedAt: number;
}

/** `skip`: a later fetch already covers this event. `fetch`: only Notion knows the current state. */
export type SyncDecision = 'skip' | 'fetch';

export function decideSync(
  record: Pick<RecordState, 'asOf' | 'source'> | null,
  event: Pick<EventTimes, 'receivedAt'>,
  toleranceMs: number,
): SyncDecision {
  if (record === null || record.source !== 'fetch') return 'fetch';
  return record.asOf > event.receivedAt + toleranceMs ? 'skip' : 'fetch';
}

/**
 * - `erase`: erase the content, leave a tombstone.
 * - `tombstone_missing`: there was no record; leave a tombstone so that a sync in flight notices.
 * - `touch_tombstone`: already removed; raise the revision so that a sync in flight notices.
 * - `stale`: a later fetch has seen the database live; nothing to do.
 * - `recheck`: undecidable (it may have been restored since); append a sync event and let the fetch decide.
 * - `ignore`: the mirror never had it, and the event does not say that it should have; leave no tombstone.
 */
export type DeleteDecision = 'erase' | 'tombstone_missing' | 'touch_tombstone' | 'stale' | 'recheck' | 'ignore';

export function decideDelete(record: RecordState | null, event: EventTimes, toleranceMs: number): DeleteDecision {
  if (record === null) return 'tombstone_missing';
  if (!record.live) return 'touch_tombstone';
  if (record.asOf + toleranceMs < event.occurredAt && record.asOf + toleranceMs < event.receivedAt) return 'erase';
  if (record.asOf > event.receivedAt + toleranceMs) return 'stale';
  return 'recheck';
}

/** The revision of the next write of a record. */
export function nextRev(record: Pick<RecordState, 'rev'> | null): number {
  return (record?.rev ?? 0) + 1;
}
