import Denque from 'denque';
import type { DeadLetterRecord, OutgoingRecord } from './log-record.ts';
import { takeBatch } from './publish-batch.ts';
import type { PublishError } from './publish-error.ts';

/** A record that has been neither acknowledged nor rejected. */
export interface Pending {
  readonly record: OutgoingRecord | DeadLetterRecord;
  readonly bytes: number;
  /** Epoch ms. Records must be added in the order of their expiry. */
  readonly expiresAt: number;
  /** It has been in a request. */
  sent: boolean;
  alone: boolean;
  /** Kept by the queue. */
  settled: boolean;
  /** Called once; null: acknowledged. */
  readonly onSettled: (failure: PublishError | null) => void;
}

/** The records of a publisher, from `publish` to their acknowledgement or rejection, whether they are queued or in flight. */
export interface PublishQueue {
  readonly pending: number;
  /** Of those, the ones to be sent. */
  readonly queued: number;
  /** Whether the next record to be sent has been in a request before. */
  readonly resends: boolean;
  hasRoomFor(bytes: number): boolean;
  add(pending: Pending): void;
  /** The next batch, no longer queued. */
  take(): readonly Pending[];
  /** Queues the pending records of a batch again, before all others. */
  putBack(batch: readonly Pending[]): void;
  /** Does nothing when it is settled already. */
  settle(pending: Pending, failure: PublishError | null): void;
  /** Settles and returns the records that have expired, queued or in flight. */
  expire(now: number, failure: PublishError): readonly Pending[];
  /** Epoch ms; null when nothing is pending. */
  nextExpiry(): number | null;
}

export function createPublishQueue(bounds: { readonly maxRecords: number; readonly maxBytes: number }): PublishQueue {
  /** Queued or in flight, in the order of their expiry; behind the first one, some may be settled already. */
  const byExpiry = new Denque<Pending>();
  /** To be sent. */
  const queue = new Denque<Pending>();
  const waiting = { records: 0, bytes: 0 };

  function settle(pending: Pending, failure: PublishError | null): void {
    if (pending.settled) return;
    pending.settled = true;
    waiting.records -= 1;
    waiting.bytes -= pending.bytes;
    dropSettled(byExpiry);
    pending.onSettled(failure);
  }

  return {
    get pending() {
      return waiting.records;
    },
    get queued() {
      return queue.length;
    },
    get resends() {
      return queue.peekFront()?.sent === true;
    },
    hasRoomFor: (bytes) => waiting.records < bounds.maxRecords && waiting.bytes + bytes <= bounds.maxBytes,
    add(pending) {
      byExpiry.push(pending);
      queue.push(pending);
      waiting.records += 1;
      waiting.bytes += pending.bytes;
    },
    take() {
      const batch = takeBatch(queue);
      for (const pending of batch) pending.sent = true;
      return batch;
    },
    putBack(batch) {
      for (const pending of batch.toReversed()) if (!pending.settled) queue.unshift(pending);
    },
    settle,
    expire(now, failure) {
      const expired: Pending[] = [];
      for (let first = byExpiry.peekFront(); first !== undefined && first.expiresAt <= now; first = byExpiry.peekFront()) {
        settle(first, failure);
        expired.push(first);
      }
      // Records are queued in the order of their expiry too.
      dropSettled(queue);
      return expired;
    },
    nextExpiry: () => byExpiry.peekFront()?.expiresAt ?? null,
  };
}

function dropSettled(queue: Denque<Pending>): void {
  while (queue.peekFront()?.settled === true) queue.shift();
}

/**
 * The size of a record in a request. Null: a part of it is neither text nor bytes. The types exclude that, but a record from elsewhere (a spool,
 * a test) may have such a part, and one that cannot be encoded would fail its whole batch.
 */
export function bytesOf({ key, value, headers }: OutgoingRecord | DeadLetterRecord): number | null {
  let bytes = key === null ? 0 : lengthOf(key);
  if (value !== null) bytes += Buffer.isBuffer(value) ? value.length : Number.NaN;
  for (const name in headers) bytes += lengthOf(name) + lengthOf(headers[name]);
  return Number.isNaN(bytes) ? null : bytes;
}

function lengthOf(part: unknown): number {
  if (typeof part === 'string') return Buffer.byteLength(part);
  return Buffer.isBuffer(part) ? part.length : Number.NaN;
}
