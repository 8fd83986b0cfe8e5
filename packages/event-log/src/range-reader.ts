import type { Admin, EachBatchPayload, Kafka } from 'kafkajs';
import { withAdmin } from './kafka-client.ts';
import { toLogRecord, type LogRecord } from './log-record.ts';

/** A part of a partition: from an offset up to, and not including, another. */
export interface LogRange {
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

/**
 * Everything on a topic now; null when there is no such topic. Records of a transaction are included only once the broker has written its end,
 * a moment after the commit was acknowledged.
 */
export async function rangesOn(kafka: Kafka, topic: string): Promise<LogRange[] | null> {
  return withAdmin(kafka, async (admin) => rangesBy(admin, topic));
}

/** The same by a connection that was opened lately. */
export async function rangesBy(admin: Admin, topic: string): Promise<LogRange[] | null> {
  if (!(await admin.listTopics()).includes(topic)) return null;
  const ends = await admin.fetchTopicOffsets(topic);
  return ends
    .map(({ partition, low, high }) => ({ partition, from: BigInt(low), to: BigInt(high) }))
    .toSorted((a, b) => a.partition - b.partition);
}

/** Removes all records before an offset of each partition. A log can only be cut at its old end. */
export async function truncate(kafka: Kafka, topic: string, before: readonly { partition: number; offset: bigint }[]): Promise<void> {
  if (before.length === 0) return;
  await withAdmin(kafka, async (admin) => {
    // deleteTopicRecords looks for the leaders in cached metadata only; this call loads it.
    await admin.fetchTopicOffsets(topic);
    const partitions = before.map(({ partition, offset }) => ({ partition, offset: String(offset) }));
    await admin.deleteTopicRecords({ topic, partitions });
  });
}

/** Records handed over together: all are in memory meanwhile, and heartbeats are sent between chunks. */
const maxChunk = 500;
const checkMs = 2_000;
const patienceMs = 60_000;

/**
 * Reads the ranges, each in order, and hands them over in chunks; nothing is fetched while one is handled. `enough` ends the reading of that
 * partition. Commits nothing, and deletes the group at the end: `groupId` must not be in use. Records that retention removes meanwhile are
 * skipped. Rejects with the error of `onRecords` or of KafkaJS, with the reason of `signal`, or when no record arrives for a minute.
 */
export async function readRanges(options: {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly groupId: string;
  readonly ranges: readonly LogRange[];
  readonly signal: AbortSignal;
  readonly onRecords: (records: readonly LogRecord[]) => Promise<'more' | 'enough'>;
}): Promise<void> {
  const { kafka, topic, groupId, signal, onRecords } = options;
  /** The next offset to read of each partition. */
  const left = new Map(
    options.ranges.filter(({ from, to }) => from < to).map(({ partition, from, to }) => [partition, { next: from, to }]),
  );
  if (left.size === 0) return;
  signal.throwIfAborted();
  const { promise: end, resolve, reject } = Promise.withResolvers<void>();
  const state = { ended: false };
  let handling = false;
  let lastSign = performance.now();
  const finish = (error?: unknown) => {
    state.ended = true;
    if (error === undefined) resolve();
    else reject(error instanceof Error ? error : new Error('the reading failed', { cause: error }));
  };
  // It may reject before it is awaited.
  end.catch(() => {});
  const done = (partition: number) => {
    left.delete(partition);
    if (left.size === 0) finish();
  };

  async function handle(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const { partition } = batch;
    const place = left.get(partition);
    if (state.ended || place === undefined) return;
    const messages = batch.messages.filter(({ offset }) => BigInt(offset) >= place.next && BigInt(offset) < place.to);
    for (let at = 0; at < messages.length && !state.ended; at += maxChunk) {
      const chunk = messages.slice(at, at + maxChunk).map((message) => toLogRecord(topic, partition, message));
      if ((await onRecords(chunk)) === 'enough') return done(partition);
      place.next = (chunk.at(-1)?.offset ?? place.next) + 1n;
      await payload.heartbeat();
    }
    const after = BigInt(batch.lastOffset()) + 1n;
    if (after > place.next) place.next = after;
    if (place.next >= place.to) done(partition);
  }

  /** Records that retention removed will not come. */
  async function skipRemoved(): Promise<void> {
    for (const { partition, from } of (await rangesOn(kafka, topic)) ?? []) {
      const place = left.get(partition);
      if (place !== undefined && from >= place.to) done(partition);
    }
  }

  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    // Handling a chunk may take long; this group has no other member that would wait.
    sessionTimeout: 300_000,
    rebalanceTimeout: 300_000,
    maxWaitTimeInMs: 100,
    // KafkaJS decompresses a whole fetch before it hands over any of it: about ten times its size.
    maxBytes: 2 * 1024 * 1024,
    retry: { restartOnFailure: () => Promise.resolve(false) },
  });
  consumer.on('consumer.crash', ({ payload: { error } }) => finish(error));
  // Transaction markers and aborted records are not handed over: no batch comes for these alone.
  consumer.on('consumer.end_batch_process', ({ payload: { partition, lastOffset } }) => {
    const place = left.get(partition);
    if (place === undefined) return;
    lastSign = performance.now();
    const after = BigInt(lastOffset) + 1n;
    if (after > place.next) place.next = after;
    if (place.next >= place.to) done(partition);
  });
  const onAbort = () => finish(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const watch = setInterval(() => {
    if (state.ended || handling) return;
    const idleMs = performance.now() - lastSign;
    if (idleMs > patienceMs) finish(new Error(`no record of ${topic} came for ${patienceMs / 1000} s`));
    else if (idleMs > checkMs) skipRemoved().catch(finish);
  }, checkMs);
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    const running = consumer.run({
      autoCommit: false,
      async eachBatch(payload) {
        handling = true;
        try {
          await handle(payload);
        } catch (error) {
          finish(error);
        } finally {
          handling = false;
          lastSign = performance.now();
        }
      },
    });
    await Promise.race([running, end]);
    for (const [partition, { next }] of left) consumer.seek({ topic, partition, offset: String(next) });
    await end;
  } finally {
    clearInterval(watch);
    signal.removeEventListener('abort', onAbort);
    state.ended = true;
    await consumer.disconnect();
    await removeGroup(kafka, groupId);
  }
}

/** The brokers forget an empty group without offsets by themselves, so a failure here does not matter. */
export async function removeGroup(kafka: Kafka, groupId: string): Promise<void> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    await admin.deleteGroups([groupId]);
  } catch {
    // See above.
  } finally {
    await admin.disconnect().catch(() => {});
  }
}
