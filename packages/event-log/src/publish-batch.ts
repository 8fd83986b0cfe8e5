import type Denque from 'denque';
import { describeRefusal } from './produce-errors.ts';

/** What batching needs to know of a record that waits. */
export interface Sendable {
  readonly record: { readonly topic: string };
  readonly bytes: number;
  /** Its batch was refused: it is sent by itself, so that it alone is refused if it is the cause. */
  readonly alone: boolean;
}

/** Of a batch with more than one record. A topic's max.message.bytes (1 MiB) applies to the whole batch of a partition. */
const maxBatchBytes = 512 * 1024;
const maxBatchRecords = 1_000;

/** Takes the records of the next request from the front of the queue: of one topic, as many as fit. */
export function takeBatch<S extends Sendable>(queue: Denque<S>): S[] {
  const batch: S[] = [];
  let bytes = 0;
  for (let next = queue.peekFront(); next !== undefined; next = queue.peekFront()) {
    const first = batch[0];
    if (first !== undefined) {
      const fits = batch.length < maxBatchRecords && bytes + next.bytes <= maxBatchBytes && next.record.topic === first.record.topic;
      if (!fits || first.alone || next.alone) return batch;
    }
    queue.shift();
    batch.push(next);
    bytes += next.bytes;
  }
  return batch;
}

/** Of the last request: its records, and when it ended, epoch ms. */
export interface LastBatch {
  readonly size: number;
  readonly endedAt: number;
}

/** Whether to wait a moment for more records: under load the next ones are about to come, and one request for all of them is cheaper. */
export function shouldLinger(last: LastBatch, queued: number, now: number): boolean {
  return last.size > 1 && now - last.endedAt < 10 && queued < last.size;
}

/** What to do with a batch whose request failed: send it again, send its records one by one, or reject its only record. */
export type Remedy = { readonly kind: 'resend' } | { readonly kind: 'split' } | { readonly kind: 'reject'; readonly reason: string };

export function remedyFor(error: unknown, size: number): Remedy {
  const refusal = describeRefusal(error);
  if (refusal === null) return { kind: 'resend' };
  return size > 1 ? { kind: 'split' } : { kind: 'reject', reason: refusal };
}
