/**
 * The write rule: the one place that decides what an event does to a record. Pure: no I/O, no clock.
 *
 * Every record has a revision, raised by every write, and a write happens only if the revision is still the one that was read.
 * A sync reads the record before its fetch begins, so what it writes is newer than anything the record can hold.
 * `docs/guarantees.md` says what follows from it; `write-rule.test.ts` runs it against random histories.
 */

export type RemovalReason = 'deleted' | 'trashed' | 'inaccessible';

/** What the rule needs to know of a record. Times are milliseconds since the epoch. */
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

/** `skip`: a fetch that began later has seen this event. `fetch`: only Notion can tell. */
export type SyncDecision = 'skip' | 'fetch';

export function decideSync(record: RecordState | null, event: EventTimes, toleranceMs: number): SyncDecision {
  if (record === null || record.source !== 'fetch') return 'fetch';
  return record.asOf > event.receivedAt + toleranceMs ? 'skip' : 'fetch';
}

/**
 * - `erase`: the content goes, a tombstone stays.
 * - `tombstone_missing`: there was no record; leave a tombstone so that a sync in flight notices.
 * - `touch_tombstone`: already gone; raise the revision so that a sync in flight notices.
 * - `stale`: a fetch has since seen the database alive; nothing to do.
 * - `recheck`: nobody can know (it may have been restored since); append a sync event and let the fetch decide.
 */
export type DeleteDecision = 'erase' | 'tombstone_missing' | 'touch_tombstone' | 'stale' | 'recheck';

export function decideDelete(record: RecordState | null, event: EventTimes, toleranceMs: number): DeleteDecision {
  if (record === null) return 'tombstone_missing';
  if (!record.live) return 'touch_tombstone';
  if (record.asOf + toleranceMs < event.occurredAt && record.asOf + toleranceMs < event.receivedAt) return 'erase';
  if (record.asOf > event.receivedAt + toleranceMs) return 'stale';
  return 'recheck';
}

/** The revision that the next write of a record carries. */
export function nextRev(record: Pick<RecordState, 'rev'> | null): number {
  return (record?.rev ?? 0) + 1;
}
