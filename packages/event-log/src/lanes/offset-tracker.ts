import Denque from 'denque';

/** One received record that is not finished. */
export interface PendingOffset {
  readonly offset: bigint;
  /** The record's time, milliseconds since the epoch. */
  readonly timestamp: number;
  done: boolean;
}

/**
 * Which offsets of one partition may be committed: everything before the first unfinished record, in whatever order they finish. Only received
 * offsets count, so gaps (compaction, transaction markers) cost nothing. One tracker serves one assignment of the partition: work that
 * completes after its assignment is over completes in a tracker that is no longer used for commits.
 */
export interface OffsetTracker {
  /** The offset of the next record that has not been received yet. */
  readonly position: bigint;
  /** The offset that may be committed now: where a successor would continue. Never decreases. */
  readonly committable: bigint;
  /** The offset on the broker, as far as we know. */
  readonly committed: bigint;
  /** Records received and not finished, or finished behind one that is not. */
  readonly outstanding: number;
  /** The record that holds the commit back. */
  readonly oldest: PendingOffset | null;
  /** Offsets must be received in ascending order. */
  receive(offset: bigint, timestamp: number): PendingOffset;
  /** Everything before `position` has been received, does not exist, or was skipped. */
  advanceTo(position: bigint): void;
  complete(pending: PendingOffset): void;
  markCommitted(offset: bigint): void;
}

export function createOffsetTracker(start: bigint, committed: bigint = start): OffsetTracker {
  let position = start;
  let committedOffset = committed;
  const pending = new Denque<PendingOffset>();

  return {
    get position() {
      return position;
    },
    get committable() {
      return pending.peekFront()?.offset ?? position;
    },
    get committed() {
      return committedOffset;
    },
    get outstanding() {
      return pending.length;
    },
    get oldest() {
      return pending.peekFront() ?? null;
    },
    receive(offset, timestamp) {
      if (offset < position) throw new Error(`offset ${offset} was received before: the next one is ${position}`);
      const entry = { offset, timestamp, done: false };
      pending.push(entry);
      position = offset + 1n;
      return entry;
    },
    advanceTo(next) {
      if (next > position) position = next;
    },
    complete(entry) {
      entry.done = true;
      while (pending.peekFront()?.done === true) pending.shift();
    },
    // Records that completed while a commit was in flight are not part of it: they stay due.
    markCommitted(offset) {
      committedOffset = offset;
    },
  };
}
