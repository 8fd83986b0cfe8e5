import type { DatabaseContent } from './database-content.ts';
import type { RecordState, RemovalReason } from './write-rule.ts';

interface Identity {
  readonly workspaceId: string;
  readonly databaseId: string;
}

/** What a live record held: all that is needed to write the same document again. */
export interface LiveState extends Identity {
  readonly kind: 'live';
  readonly rev: number;
  readonly asOf: Date;
  readonly connectionId: string | null;
  readonly lastEvent: { readonly id: string; readonly type: string; readonly occurredAt: Date };
  readonly syncedAt: Date;
  readonly content: DatabaseContent;
}

/** What a tombstone held. */
export interface RemovedState extends Identity {
  readonly kind: 'removed';
  readonly rev: number;
  readonly asOf: Date;
  readonly source: RecordState['source'];
  readonly connectionId: string | null;
  readonly removed: { readonly at: Date; readonly reason: RemovalReason; readonly eventId: string | null };
}

/** The record itself was taken away: a tombstone expired, a tenant was purged. `at` is MongoDB's time. */
export interface ErasedState extends Identity {
  readonly kind: 'erased';
  readonly at: Date;
}

/** One value of the log `notion.database-states`: what a change left behind. */
export type DatabaseState = LiveState | RemovedState | ErasedState;

/** Where a value lies on the state log. */
export interface StatePlace {
  readonly partition: number;
  readonly offset: number;
}

/** A record that a value of the state log could replace. `restoredFrom`: the value that it was written from; null when a worker wrote it. */
export interface RestorableRecord extends Pick<RecordState, 'rev' | 'live'> {
  readonly asOf: Date;
  /** Null for a tombstone. */
  readonly syncedAt: Date | null;
  readonly restoredFrom: StatePlace | null;
}

/**
 * - `write`: the state replaces the record, or the absence of one.
 * - `erase`: the record goes.
 * - `keep`: the record is at least as fresh, or the same.
 */
export type RestoreDecision = 'write' | 'erase' | 'keep';

/**
 * What a rebuild does with one value of the state log. Of two values of one database the later on the log wins, whatever their times say; in
 * which order they are applied does not matter. What a worker wrote is replaced only by what is newer: a later `asOf`, and, where two clocks
 * could disagree about that, no lower `rev` too. So nothing fresher is ever overwritten, and doing it again changes nothing.
 */
export function decideRestore(
  record: RestorableRecord | null,
  state: DatabaseState,
  place: StatePlace,
  toleranceMs: number,
): RestoreDecision {
  if (state.kind === 'erased') {
    const isOlder = record?.live === true && record.syncedAt !== null && record.syncedAt < state.at;
    return isOlder ? 'erase' : 'keep';
  }
  if (record === null || isLater(place, record.restoredFrom)) return 'write';
  const newerByMs = state.asOf.getTime() - record.asOf.getTime();
  return newerByMs > toleranceMs || (newerByMs > 0 && state.rev >= record.rev) ? 'write' : 'keep';
}

/** The revision of a record that is written from the log: the state's own, unless a record in its place has come further. */
export function restoredRev(record: Pick<RestorableRecord, 'rev'> | null, state: Pick<LiveState, 'rev'>): number {
  return record === null ? state.rev : Math.max(record.rev + 1, state.rev);
}

function isLater(place: StatePlace, than: StatePlace | null): boolean {
  return than !== null && place.partition === than.partition && place.offset > than.offset;
}
