import Denque from 'denque';

/** One received record that is not done yet. */
export interface PendingOffset {
  readonly offset: bigint;
  /** The record's time, milliseconds since the epoch. */
  readonly timestamp: number;
  done: boolean;
}

/**
 * Which offsets of one partition may be committed: everything before the first record that is not done, in whatever order they get done.
 * Only received offsets count, so gaps (compaction, transaction markers) cost nothing. One tracker serves one assignment of the partition:
 * what completes late, for an assignment that is over, completes in a tracker that nobody commits from any more.
 */
export interface OffsetTracker {
  /** The offset of the next record that has not been received yet. */
  readonly position: bigint;
  /** The offset a commit may say now: where a successor would go on. Never decreases. */
  readonly committable: bigint;
  /** What the broker holds, as far as we know. */
  readonly committed: bigint;
  /** Records received and not done, or done behind one that is not. */
  readonly outstanding: number;
  /** The record that holds the commit back. */
  readonly oldest: PendingOffset | null;
  /** Offsets must be received in ascending order. */
  receive(offset: bigint, timestamp: number): PendingOffset;
  /** All before `position` has been received: there is nothing in between, or it was skipped. */
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
    // A commit that was under way while records completed marks only what it said: the rest stays due.
    markCommitted(offset) {
      committedOffset = offset;
    },
  };
}
