import { setTimeout as delay } from 'node:timers/promises';
import { withDeadline } from '@notion-mirror/service-kit/async/deadline';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { Registry } from '@notion-mirror/service-kit/metrics';
import Denque from 'denque';
import type { Kafka, Producer } from 'kafkajs';
import type { DeadLetterRecord, OutgoingRecord } from './log-record.ts';
import { describeRefusal } from './produce-errors.ts';
import { sharedCounter, sharedGauge, sharedHistogram } from '@notion-mirror/service-kit/shared-metrics';
import { createStablePartitioner } from './stable-partitioner.ts';

/**
 * - `deadline`: not acknowledged in time. The record may still land, or not.
 * - `full`: too much waits already.
 * - `refused`: no broker will ever take this record (too large, not allowed).
 * - `stopped`: the publisher is stopping.
 */
export type PublishFailure = 'deadline' | 'full' | 'refused' | 'stopped';

export class PublishError extends Error {
  override readonly name = 'PublishError';
  readonly reason: PublishFailure;

  constructor(reason: PublishFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

export interface Publisher {
  /** Resolves when all in-sync replicas have the record; rejects with PublishError, after the deadline at the latest. */
  publish(record: OutgoingRecord | DeadLetterRecord): Promise<void>;
  /** Whether the last thing that was tried worked: an append, or to get ready for one. */
  healthy(): boolean;
  /** Takes no more, goes on with what waits until each record's deadline, and disconnects. */
  stop(): Promise<void>;
}

interface Waiting {
  readonly record: OutgoingRecord | DeadLetterRecord;
  readonly bytes: number;
  readonly expiresAt: number;
  /** Its batch was refused: it is sent by itself, so that it alone is refused if it is the one. */
  alone: boolean;
  settled: boolean;
  settle(failure: PublishError | null): void;
}

/** Of a batch with more than one record. A topic's max.message.bytes (1 MiB) is about the whole batch of a partition. */
const maxBatchBytes = 512 * 1024;
const maxBatchRecords = 1_000;
/** Nothing larger is ever right: the dead letter topic takes 2 MiB. */
const maxRecordBytes = 4 * 1024 * 1024;
const lingerMs = 1;
const maxUndead = 10;
const reopenMs = 200;
const disconnectMs = 2_000;

/**
 * Appends records in micro-batches, one batch on its way at a time, so that the order of calls is the order on each partition unless a
 * broker fails. A record that comes alone leaves at once; under load a batch waits up to 2 ms for company.
 *
 * The client's idempotence guards a batch against the client's own retries of it. After a failed send its sequence numbers cannot be
 * trusted (another batch could pass for the one that failed: acknowledged and dropped), so the producer is replaced, and what was in the
 * batch may be appended twice. Resolves when connected, or after the deadline: it goes on trying by itself.
 */
export async function createPublisher(deps: {
  readonly kafka: Kafka;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** From `publish` to the acknowledgement, ms. Default 3,000. */
  readonly deadlineMs?: number;
  /** Records that may wait (default 10,000), and their bytes (default 32 MiB). */
  readonly maxWaiting?: number;
  readonly maxWaitingBytes?: number;
}): Promise<Publisher> {
  const { kafka, logger, deadlineMs = 3_000, maxWaiting = 10_000, maxWaitingBytes = 32 * 1024 * 1024 } = deps;
  const measure = publisherMetrics(deps.metrics);
  const queue = new Denque<Waiting>();
  /** To be sent once more, before the queue. */
  let again: readonly Waiting[] = [];
  let inFlight: readonly Waiting[] = [];
  let waitingRecords = 0;
  let waitingBytes = 0;
  let producer: Producer | null = null;
  /** Producers that were given up and have not ended yet. */
  let undead = 0;
  let healthy = false;
  /** Whether anybody has been told how it stands. */
  let isKnown = false;
  let stopping = false;
  let lastBatch = { size: 0, endedAt: 0 };
  let expiry: NodeJS.Timeout | null = null;
  let wake: (() => void) | null = null;

  function publish(record: OutgoingRecord | DeadLetterRecord): Promise<void> {
    const bytes = bytesOf(record);
    if (bytes === null) return refuse('refused', 'a key, value or header is neither text nor bytes');
    if (stopping) return refuse('stopped', 'the publisher is stopping');
    if (bytes > maxRecordBytes) return refuse('refused', `a record of ${bytes} bytes is larger than any topic takes`);
    if (waitingRecords >= maxWaiting || waitingBytes + bytes > maxWaitingBytes)
      return refuse('full', `${waitingRecords} records wait already`);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const since = performance.now();
    const waiting: Waiting = {
      record,
      bytes,
      expiresAt: Date.now() + deadlineMs,
      alone: false,
      settled: false,
      settle(failure) {
        if (waiting.settled) return;
        waiting.settled = true;
        count(-1, -bytes);
        measure.records.inc({ result: failure?.reason ?? 'acknowledged' });
        if (failure === null) measure.seconds.observe((performance.now() - since) / 1000);
        if (failure === null) resolve();
        else reject(failure);
      },
    };
    count(1, bytes);
    queue.push(waiting);
    watchExpiry();
    wake?.();
    return promise;
  }

  function refuse(reason: PublishFailure, message: string): Promise<void> {
    measure.records.inc({ result: reason });
    return Promise.reject(new PublishError(reason, message));
  }

  function count(records: number, bytes: number): void {
    waitingRecords += records;
    waitingBytes += bytes;
    measure.waiting.inc(records);
  }

  function becomes(health: boolean, error?: unknown): void {
    if (healthy === health && isKnown) return;
    isKnown = true;
    healthy = health;
    measure.healthy.set(health ? 1 : 0);
    if (health) logger.info('records can be appended');
    else if (!stopping) logger.warn({ err: error }, 'records cannot be appended; going on trying');
  }

  /** Rejects what is past its deadline, wherever it is. All records wait equally long, so the oldest are in front. */
  function expire(): void {
    const now = Date.now();
    const late = new PublishError('deadline', `not acknowledged within ${deadlineMs} ms`);
    for (const waiting of [...inFlight, ...again]) {
      if (waiting.settled || waiting.expiresAt > now) continue;
      waiting.settle(late);
      becomes(false, late);
    }
    for (let first = queue.peekFront(); first !== undefined && first.expiresAt <= now; first = queue.peekFront()) {
      first.settle(late);
      queue.shift();
    }
    again = again.filter(({ settled }) => !settled);
    watchExpiry();
    wake?.();
  }

  function watchExpiry(): void {
    if (expiry !== null) return;
    const first = [...inFlight, ...again].find(({ settled }) => !settled) ?? queue.peekFront();
    if (first === undefined) return;
    expiry = setTimeout(
      () => {
        expiry = null;
        expire();
      },
      Math.max(1, first.expiresAt - Date.now()),
    );
  }

  async function work(): Promise<void> {
    for (;;) {
      if (stopping && waitingRecords === 0) return;
      if (producer === null) await reopen();
      else if (again.length === 0 && queue.length === 0) await something();
      else await sendSome(producer);
    }
  }

  async function workAndClose(): Promise<void> {
    await work();
    if (expiry !== null) clearTimeout(expiry);
    if (producer !== null) await withDeadline(producer.disconnect(), { ms: disconnectMs }).catch(() => {});
  }

  function something(): Promise<void> {
    return new Promise((resolve) => {
      wake = resolve;
    });
  }

  async function reopen(): Promise<void> {
    const candidate = undead < maxUndead ? openProducer(kafka) : null;
    const connecting = candidate?.connect() ?? Promise.reject(new Error('earlier connections hang'));
    try {
      await withDeadline(connecting, { ms: deadlineMs });
      producer = candidate;
      // What failed before has yet to prove that it works now.
      if (again.length === 0) becomes(true);
      tried.resolve();
    } catch (error) {
      if (candidate !== null) giveUp(candidate, connecting);
      becomes(false, error);
      tried.resolve();
      await delay(reopenMs);
    }
  }

  async function sendSome(by: Producer): Promise<void> {
    await linger();
    const batch = takeBatch();
    const [first] = batch;
    if (first === undefined) return;
    inFlight = batch;
    const sent = by.send({
      topic: first.record.topic,
      acks: -1,
      timeout: deadlineMs,
      messages: batch.map(({ record: { key, value, headers } }) => ({ key, value, headers })),
    });
    try {
      await withDeadline(sent, { ms: deadlineMs });
      for (const waiting of batch) waiting.settle(null);
      measure.batchRecords.observe(batch.length);
      becomes(true);
    } catch (error) {
      producer = null;
      giveUp(by, sent);
      sortOut(batch, error);
    } finally {
      inFlight = [];
      lastBatch = { size: batch.length, endedAt: Date.now() };
    }
  }

  function sortOut(batch: readonly Waiting[], error: unknown): void {
    const refusal = describeRefusal(error);
    const left = batch.filter(({ settled }) => !settled);
    if (refusal === null) {
      becomes(false, error);
      again = [...left, ...again];
    } else if (batch.length > 1) {
      for (const waiting of left) waiting.alone = true;
      again = [...left, ...again];
    } else {
      for (const waiting of left) waiting.settle(new PublishError('refused', refusal, { cause: error }));
    }
  }

  /** Under load the next few records are a moment away: one request for all of them is cheaper for everybody. */
  async function linger(): Promise<void> {
    const underLoad = lastBatch.size > 1 && Date.now() - lastBatch.endedAt < 10;
    if (underLoad && again.length === 0 && queue.length < lastBatch.size) await delay(lingerMs);
  }

  /** Records of one topic, from the front, as many as fit in a batch. */
  function takeBatch(): Waiting[] {
    const batch: Waiting[] = [];
    let bytes = 0;
    for (;;) {
      const next = again[0] ?? queue.peekFront();
      const first = batch[0];
      if (next === undefined) return batch;
      if (!next.settled && first !== undefined) {
        const fits = batch.length < maxBatchRecords && bytes + next.bytes <= maxBatchBytes && next.record.topic === first.record.topic;
        if (!fits || first.alone || next.alone) return batch;
      }
      if (again.length > 0) again = again.slice(1);
      else queue.shift();
      if (next.settled) continue;
      batch.push(next);
      bytes += next.bytes;
    }
  }

  function giveUp(old: Producer, underWay: Promise<unknown>): void {
    undead += 1;
    // What is under way ends by the client's own retries; it would open new connections after a disconnect.
    void underWay
      .catch(() => {})
      .then(() => old.disconnect())
      .catch(() => {})
      .finally(() => {
        undead -= 1;
      });
  }

  const tried = Promise.withResolvers<void>();
  const closed = workAndClose();
  await tried.promise;

  return {
    publish,
    healthy: () => healthy,
    async stop() {
      stopping = true;
      wake?.();
      // Without a connection there is nothing to flush and nothing to close.
      if (waitingRecords > 0 || producer !== null) await closed;
    },
  };
}

function openProducer(kafka: Kafka): Producer {
  return kafka.producer({
    createPartitioner: createStablePartitioner,
    allowAutoTopicCreation: false,
    idempotent: true,
    // Enough for a leader that moved; whatever takes longer is tried again with a new producer.
    retry: { initialRetryTime: 50, maxRetryTime: 400, retries: 3 },
  });
}

/**
 * Null: something in it is neither text nor bytes. The types say that this cannot be; a record from elsewhere (a spool, a test) may be so all the
 * same, and one that cannot be encoded would fail its whole batch.
 */
function bytesOf({ key, value, headers }: OutgoingRecord | DeadLetterRecord): number | null {
  let bytes = key === null ? 0 : lengthOf(key);
  if (value !== null) bytes += Buffer.isBuffer(value) ? value.length : Number.NaN;
  for (const name in headers) bytes += lengthOf(name) + lengthOf(headers[name]);
  return Number.isNaN(bytes) ? null : bytes;
}

function lengthOf(part: unknown): number {
  if (typeof part === 'string') return Buffer.byteLength(part);
  return Buffer.isBuffer(part) ? part.length : Number.NaN;
}

export function publisherMetrics(registry: Registry) {
  return {
    records: sharedCounter(registry, 'notion_mirror_published_records_total', 'Records handed to the publisher, by what became of them.', [
      'result',
    ]),
    waiting: sharedGauge(registry, 'notion_mirror_publish_waiting_records', 'Records that wait for their acknowledgement.', []),
    healthy: sharedGauge(registry, 'notion_mirror_publisher_healthy', '1 while the last thing the publisher tried worked.', []),
    seconds: sharedHistogram(
      registry,
      'notion_mirror_publish_seconds',
      'From the call to the acknowledgement of all in-sync replicas.',
      [],
      [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3],
    ),
    batchRecords: sharedHistogram(
      registry,
      'notion_mirror_publish_batch_records',
      'Records in one produce request.',
      [],
      [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000],
    ),
  };
}
