import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { Registry } from '@notion-mirror/service-kit/metrics';
import type { Kafka, Producer } from 'kafkajs';
import type { DeadLetterRecord, OutgoingRecord } from './log-record.ts';
import { remedyFor, shouldLinger } from './publish-batch.ts';
import { PublishError, type PublishFailure } from './publish-error.ts';
import { bytesOf, createPublishQueue, type Pending } from './publish-queue.ts';
import { publisherMetrics } from './publisher-metrics.ts';
import { createReplaceableProducer } from './replaceable-producer.ts';
import { createStablePartitioner } from './stable-partitioner.ts';

export { PublishError, type PublishFailure } from './publish-error.ts';

export interface Publisher {
  /** Resolves when all in-sync replicas have the record; rejects with PublishError, after the deadline at the latest. */
  publish(record: OutgoingRecord | DeadLetterRecord): Promise<void>;
  /** Whether the last attempt to connect or to append succeeded. */
  healthy(): boolean;
  /** Accepts no more records, sends the waiting ones until their deadlines, and disconnects. */
  stop(): Promise<void>;
}

/** Nothing larger is ever right: the dead letter topic takes 2 MiB. */
const maxRecordBytes = 4 * 1024 * 1024;
const lingerMs = 1;
const reopenMs = 200;

/**
 * Appends records in micro-batches, one batch in flight at a time, so that the order of calls is the order on each partition unless a
 * broker fails. A record that comes alone is sent at once; under load a batch waits up to 2 ms for more.
 *
 * After a failed send the producer is replaced, and the records of its batch may be appended twice. Resolves when connected, or after the
 * deadline: it keeps trying by itself.
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
  const queue = createPublishQueue({ maxRecords: maxWaiting, maxBytes: maxWaitingBytes });
  const producer = createReplaceableProducer({ create: () => openProducer(kafka), deadlineMs });
  /** Null until the first attempt to connect has ended. */
  let healthy: boolean | null = null;
  let stopping = false;
  let lastBatch = { size: 0, endedAt: 0 };
  let expiry: NodeJS.Timeout | null = null;
  let wake: (() => void) | null = null;

  function publish(record: OutgoingRecord | DeadLetterRecord): Promise<void> {
    const bytes = bytesOf(record);
    if (bytes === null) return refuse('refused', 'a key, value or header is neither text nor bytes');
    if (stopping) return refuse('stopped', 'the publisher is stopping');
    if (bytes > maxRecordBytes) return refuse('refused', `a record of ${bytes} bytes is larger than any topic takes`);
    if (!queue.hasRoomFor(bytes)) return refuse('full', `${queue.pending} records wait already`);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const since = performance.now();
    measure.waiting.inc();
    queue.add({
      record,
      bytes,
      expiresAt: Date.now() + deadlineMs,
      sent: false,
      alone: false,
      settled: false,
      onSettled(failure) {
        measure.waiting.dec();
        measure.records.inc({ result: failure?.reason ?? 'acknowledged' });
        if (failure !== null) return reject(failure);
        measure.seconds.observe((performance.now() - since) / 1000);
        resolve();
      },
    });
    watchExpiry();
    wake?.();
    return promise;
  }

  function refuse(reason: PublishFailure, message: string): Promise<void> {
    measure.records.inc({ result: reason });
    return Promise.reject(new PublishError(reason, message));
  }

  function becomes(health: boolean, error?: unknown): void {
    if (healthy === health) return;
    healthy = health;
    measure.healthy.set(health ? 1 : 0);
    if (health) logger.info('can append to Kafka');
    else if (!stopping) logger.warn({ err: error }, 'cannot append to Kafka; retrying');
  }

  function watchExpiry(): void {
    if (expiry !== null) return;
    const at = queue.nextExpiry();
    if (at !== null) expiry = setTimeout(expire, Math.max(1, at - Date.now()));
  }

  function expire(): void {
    expiry = null;
    const late = new PublishError('deadline', `not acknowledged within ${deadlineMs} ms`);
    // A record that was never sent says nothing about Kafka: those before it took too long.
    if (queue.expire(Date.now(), late).some(({ sent }) => sent)) becomes(false, late);
    watchExpiry();
    wake?.();
  }

  async function work(): Promise<void> {
    for (;;) {
      if (stopping && queue.pending === 0) break;
      if (!producer.isOpen) await reopen();
      else if (queue.queued === 0) await something();
      else await sendSome();
    }
    if (expiry !== null) clearTimeout(expiry);
    await producer.close();
  }

  function something(): Promise<void> {
    return new Promise((resolve) => {
      wake = resolve;
    });
  }

  async function reopen(): Promise<void> {
    try {
      await producer.open();
      // A connection proves nothing about records whose append has failed.
      if (!queue.resends) becomes(true);
      tried.resolve();
    } catch (error) {
      becomes(false, error);
      tried.resolve();
      await delay(reopenMs);
    }
  }

  async function sendSome(): Promise<void> {
    if (!queue.resends && shouldLinger(lastBatch, queue.queued, Date.now())) await delay(lingerMs);
    const batch = queue.take();
    const [first] = batch;
    if (first === undefined) return;
    try {
      await producer.send({
        topic: first.record.topic,
        acks: -1,
        timeout: deadlineMs,
        messages: batch.map(({ record: { key, value, headers } }) => ({ key, value, headers })),
      });
      for (const pending of batch) queue.settle(pending, null);
      measure.batchRecords.observe(batch.length);
      becomes(true);
    } catch (error) {
      recover(batch, error);
    } finally {
      lastBatch = { size: batch.length, endedAt: Date.now() };
    }
  }

  function recover(batch: readonly Pending[], error: unknown): void {
    const remedy = remedyFor(error, batch.length);
    switch (remedy.kind) {
      case 'resend':
        becomes(false, error);
        return queue.putBack(batch);
      case 'split':
        for (const pending of batch) pending.alone = true;
        return queue.putBack(batch);
      case 'reject':
        for (const pending of batch) queue.settle(pending, new PublishError('refused', remedy.reason, { cause: error }));
    }
  }

  const tried = Promise.withResolvers<void>();
  const closed = work();
  await tried.promise;

  return {
    publish,
    healthy: () => healthy === true,
    async stop() {
      stopping = true;
      wake?.();
      // Without a connection there is nothing to flush and nothing to close.
      if (queue.pending > 0 || producer.isOpen) await closed;
    },
  };
}

function openProducer(kafka: Kafka): Producer {
  return kafka.producer({
    createPartitioner: createStablePartitioner,
    allowAutoTopicCreation: false,
    idempotent: true,
    // Enough for a leader that moved; anything that takes longer is retried with a new producer.
    retry: { initialRetryTime: 50, maxRetryTime: 400, retries: 3 },
  });
}
