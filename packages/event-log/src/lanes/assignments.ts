import type { KafkaMessage } from 'kafkajs';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { shouldPause, type Load } from './intake-bounds.ts';
import type { Claim } from './work.ts';
import { sharedKey, sizeOf, toLogRecord, type LogRecord } from '../log-record.ts';
import { createOffsetTracker, type OffsetTracker, type PendingOffset } from './offset-tracker.ts';
import type { Whereabouts } from '../whereabouts.ts';

/** The result of a fetch for one partition. Offsets as KafkaJS has them: decimal. */
export interface FetchedBatch {
  readonly partition: number;
  /** Where the fetch began. */
  readonly fetchedOffset: string;
  readonly lastOffset: string;
  readonly highWatermark: string;
  readonly messages: readonly KafkaMessage[];
}

/** Controls which partitions are fetched, and from where. */
export interface FetchControl {
  pause(partitions: readonly number[]): void;
  resume(partitions: readonly number[]): void;
  seek(partition: number, offset: bigint): void;
}

export interface PartitionState {
  readonly partition: number;
  /** Because of the bound. */
  readonly paused: boolean;
  /** Null until the position is known. */
  readonly lagRecords: bigint | null;
  /** Of the record that holds the commit back; null when there is none. */
  readonly oldestTimestamp: number | null;
}

export interface DueCommit {
  readonly partition: number;
  readonly offset: bigint;
  /** To be called when the broker has acknowledged it. */
  readonly committed: () => void;
}

/**
 * The partitions assigned to this member, from one assignment to the next. Each assignment of a partition has its own tracker and its own
 * claims, so nothing left over from an earlier one can touch its offsets: that is the fence.
 */
export interface Assignments {
  /** A new assignment of the group. All earlier ones are over; nothing is taken until `place`. */
  begin(partitions: readonly number[]): void;
  end(): void;
  readonly partitions: readonly number[];
  /** Starts a partition that has no position yet. */
  place(whereabouts: Whereabouts): void;
  /** Accepts a batch if it begins where the last one ended. False: it is not ours, or not the next one; it must be fetched again. */
  accept(batch: FetchedBatch): boolean;
  noteHighWatermark(partition: number, high: bigint): void;
  dueCommits(): DueCommit[];
  states(): PartitionState[];
}

interface Assignment {
  readonly partition: number;
  readonly load: { records: number; bytes: number };
  active: boolean;
  paused: boolean;
  tracker: OffsetTracker | null;
  highWatermark: bigint;
  /** Where an unexpected batch began; then the fetch was sent back to our position. */
  unexpected: bigint | null;
}

export function createAssignments(deps: {
  readonly topic: string;
  readonly bound: Load;
  readonly control: FetchControl;
  readonly push: (record: LogRecord, claim: Claim) => void;
  /** An assignment is over: its waiting records are to be forgotten. */
  readonly onEnd: () => void;
  /** A record of an assignment that is over was completed. */
  readonly onLateCompletion: () => void;
  readonly onSkipped: (records: number) => void;
  readonly logger: Logger;
}): Assignments {
  const { topic, bound, control, push, logger } = deps;
  let assigned = new Map<number, Assignment>();
  /** Whether a partition is paused because of the bound. */
  let holdsBack = false;

  function begin(partitions: readonly number[]): void {
    for (const assignment of assigned.values()) assignment.active = false;
    assigned = new Map(partitions.map((partition) => [partition, createAssignment(partition)]));
    deps.onEnd();
    if (partitions.length > 0) control.pause(partitions);
  }

  function place({ partition, committed, low, high }: Whereabouts): void {
    const assignment = assigned.get(partition);
    if (assignment === undefined || assignment.tracker !== null) return;
    const start = committed ?? low;
    const isOnLog = start >= low && start <= high;
    if (!isOnLog) {
      logger.error(
        { partition, committed: String(start), low: String(low), high: String(high) },
        'the committed offset is no longer on the log',
      );
      if (start < low) deps.onSkipped(Number(low - start));
    }
    const position = isOnLog ? start : low;
    assignment.tracker = createOffsetTracker(position, committed ?? low);
    assignment.highWatermark = high;
    control.seek(partition, position);
    balance();
  }

  function accept(batch: FetchedBatch): boolean {
    const assignment = assigned.get(batch.partition);
    if (assignment === undefined || assignment.tracker === null) return false;
    const fetched = BigInt(batch.fetchedOffset);
    if (fetched !== assignment.tracker.position && !jump(assignment, assignment.tracker.position, fetched)) return false;
    // A jump back restarts the partition.
    const current = assigned.get(batch.partition) ?? assignment;
    take(current, batch);
    balance();
    return true;
  }

  /**
   * A batch that does not begin at our position was in flight when the partition was assigned to us, or the client has moved. The first time,
   * the fetch is sent back to our position. If the next batch begins at the same other offset, the records in between no longer exist.
   */
  function jump(assignment: Assignment, position: bigint, fetched: bigint): boolean {
    if (assignment.unexpected !== fetched) {
      assignment.unexpected = fetched;
      control.seek(assignment.partition, position);
      return false;
    }
    const { partition } = assignment;
    logger.error(
      { partition, position: String(position), found: String(fetched) },
      'the log does not continue at our position: records have been removed',
    );
    if (fetched > position) {
      deps.onSkipped(Number(fetched - position));
      assignment.tracker?.advanceTo(fetched);
      // The client has reset the committed offset on the broker.
      assignment.tracker?.markCommitted(-1n);
    } else {
      assignment.active = false;
      deps.onEnd();
      const restarted = createAssignment(partition);
      restarted.tracker = createOffsetTracker(fetched, -1n);
      assigned.set(partition, restarted);
    }
    return true;
  }

  function take(assignment: Assignment, batch: FetchedBatch): void {
    const { tracker, load, partition } = assignment;
    if (tracker === null) return;
    assignment.unexpected = null;
    assignment.highWatermark = BigInt(batch.highWatermark);
    for (const message of batch.messages) {
      const record = toLogRecord(topic, partition, message, sharedKey);
      const pending = tracker.receive(record.offset, record.timestamp);
      const bytes = sizeOf(record);
      load.records += 1;
      load.bytes += bytes;
      push(record, new Held(assignment, tracker, pending, bytes, onSettled));
    }
    tracker.advanceTo(BigInt(batch.lastOffset) + 1n);
  }

  function onSettled({ active }: Assignment): void {
    if (!active) deps.onLateCompletion();
    else if (holdsBack) balance();
  }

  /** Pauses and resumes according to the bound. */
  function balance(): void {
    const total = { records: 0, bytes: 0 };
    for (const { load } of assigned.values()) {
      total.records += load.records;
      total.bytes += load.bytes;
    }
    const pause: number[] = [];
    const resume: number[] = [];
    holdsBack = false;
    for (const assignment of assigned.values()) {
      if (assignment.tracker === null) continue;
      const paused = shouldPause(assignment.load, total, bound, assignment.paused);
      if (paused !== assignment.paused) (paused ? pause : resume).push(assignment.partition);
      assignment.paused = paused;
      holdsBack ||= paused;
    }
    if (pause.length > 0) control.pause(pause);
    if (resume.length > 0) control.resume(resume);
  }

  return {
    begin,
    end: () => begin([]),
    get partitions() {
      return [...assigned.keys()];
    },
    place,
    accept,

    noteHighWatermark(partition, high) {
      const assignment = assigned.get(partition);
      if (assignment !== undefined) assignment.highWatermark = high;
    },

    dueCommits() {
      return [...assigned.values()].flatMap(({ partition, tracker }) => {
        if (tracker === null || tracker.committable === tracker.committed) return [];
        const offset = tracker.committable;
        return [{ partition, offset, committed: () => tracker.markCommitted(offset) }];
      });
    },

    states() {
      return [...assigned.values()].map(({ partition, paused, tracker, highWatermark }) => ({
        partition,
        paused: paused && tracker !== null,
        lagRecords: tracker === null ? null : highWatermark - tracker.committable,
        oldestTimestamp: tracker?.oldest?.timestamp ?? null,
      }));
    },
  };
}

function createAssignment(partition: number): Assignment {
  // Paused until its position is known.
  return { partition, load: { records: 0, bytes: 0 }, active: true, paused: true, tracker: null, highWatermark: 0n, unexpected: null };
}

/** A class, since there are tens of thousands of them: an object with closures of its own takes half a kilobyte each. */
class Held implements Claim {
  readonly #assignment: Assignment;
  readonly #tracker: OffsetTracker;
  readonly #pending: PendingOffset;
  readonly #bytes: number;
  readonly #onSettled: (assignment: Assignment) => void;

  constructor(
    assignment: Assignment,
    tracker: OffsetTracker,
    pending: PendingOffset,
    bytes: number,
    onSettled: (assignment: Assignment) => void,
  ) {
    this.#assignment = assignment;
    this.#tracker = tracker;
    this.#pending = pending;
    this.#bytes = bytes;
    this.#onSettled = onSettled;
  }

  get active(): boolean {
    return this.#assignment.active;
  }

  settle(): void {
    this.#tracker.complete(this.#pending);
    this.#assignment.load.records -= 1;
    this.#assignment.load.bytes -= this.#bytes;
    this.#onSettled(this.#assignment);
  }
}
