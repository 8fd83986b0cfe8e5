import type { EntityRef } from './entity.ts';
import type { RecordState, RemovalReason } from './write-rule.ts';

/** `page`: it was fetched by itself. `query`: a query returned it, which may lag behind. */
export type Sight = 'page' | 'query';

/** The content of a live record: enough to write the same document again. */
export interface LiveState<Content> extends EntityRef {
  readonly kind: 'live';
  readonly rev: number;
  readonly asOf: Date;
  readonly connectionId: string | null;
  /** The event whose fetch this is. Null for a scan. */
  readonly lastEvent: { readonly id: string; readonly type: string; readonly occurredAt: Date } | null;
  readonly syncedAt: Date;
  /** Of kinds that are also queried: what saw this content. */
  readonly seenBy?: Sight;
  /** Of kinds that are also queried: no query lists it, so readers do not see it. Absent: it is listed. */
  readonly isListed?: false;
  /** The sampled trace of the write, a W3C `traceparent`. A header on the state log. */
  readonly trace?: string;
  readonly content: Content;
}

/** Where a row was, as its tombstone still says. */
export interface KeptPlace {
  readonly dataSourceId: string;
  readonly createdTime: Date | null;
}

/** The content of a tombstone. */
export interface RemovedState extends EntityRef {
  readonly kind: 'removed';
  readonly rev: number;
  readonly asOf: Date;
  readonly source: RecordState['source'];
  readonly connectionId: string | null;
  readonly removed: { readonly at: Date; readonly reason: RemovalReason; readonly eventId: string | null };
  /** Of a row that was ever live. */
  readonly kept?: KeptPlace;
  /** As in `LiveState`. */
  readonly trace?: string;
}

/** The record itself was erased: a tombstone expired, or a tenant was purged. `at` is MongoDB's time. */
export interface ErasedState extends EntityRef {
  readonly kind: 'erased';
  readonly at: Date;
}

/** One value of a state log, such as `notion.database-states`: the state after a change. */
export type EntityState<Content> = LiveState<Content> | RemovedState | ErasedState;

/** The place of a value on the state log. */
export interface StatePlace {
  readonly partition: number;
  readonly offset: number;
}

/** A record that a value of the state log could replace. `restoredFrom`: the value it was restored from; null when a worker wrote it. */
export interface RestorableRecord extends Pick<RecordState, 'rev' | 'live'> {
  readonly asOf: Date;
  /** Null for a tombstone. */
  readonly syncedAt: Date | null;
  readonly restoredFrom: StatePlace | null;
}

/**
 * - `write`: the state replaces the record, or the absence of one.
 * - `erase`: the record is erased.
 * - `keep`: the record is at least as fresh, or the same.
 */
export type RestoreDecision = 'write' | 'erase' | 'keep';

/**
 * Decides how a rebuild applies one value of the state log. Of two values of one entity the later on the log wins, whatever their times; the
 * order of application does not matter. A worker's record is replaced only by a newer state: a later `asOf` and, where two clocks could
 * disagree about that, also no lower `rev`. So nothing fresher is ever overwritten, and repeating a rebuild changes nothing.
 */
export function decideRestore(
  record: RestorableRecord | null,
  state: EntityState<unknown>,
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

/** The revision of a restored record: the state's own, unless an existing record has a higher one. */
export function restoredRev(record: Pick<RestorableRecord, 'rev'> | null, state: Pick<LiveState<unknown>, 'rev'>): number {
  return record === null ? state.rev : Math.max(record.rev + 1, state.rev);
}

function isLater(place: StatePlace, than: StatePlace | null): boolean {
  return than !== null && place.partition === than.partition && place.offset > than.offset;
}
