import type { EachBatchPayload, Kafka } from 'kafkajs';
import { toLogRecord, type LogRecord } from './log-record.ts';

/** A part of a partition: from an offset up to, and not including, another. */
export interface LogRange {
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

/**
 * Everything that lies on a topic now; null when there is no such topic. What a transaction appended is not among it before the broker has written
 * the transaction's end, a moment after its commit was acknowledged.
 */
export async function rangesOn(kafka: Kafka, topic: string): Promise<LogRange[] | null> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    if (!(await admin.listTopics()).includes(topic)) return null;
    const ends = await admin.fetchTopicOffsets(topic);
    return ends
      .map(({ partition, low, high }) => ({ partition, from: BigInt(low), to: BigInt(high) }))
      .toSorted((a, b) => a.partition - b.partition);
  } finally {
    await admin.disconnect();
  }
}

/** Removes what lies before an offset of each partition. A log can only be cut at its old end. */
export async function truncate(kafka: Kafka, topic: string, before: readonly { partition: number; offset: bigint }[]): Promise<void> {
  if (before.length === 0) return;
  const admin = kafka.admin();
  try {
    await admin.connect();
    // KafkaJS looks for the leaders in what it has been told before, and asks for nothing.
    await admin.fetchTopicOffsets(topic);
    const partitions = before.map(({ partition, offset }) => ({ partition, offset: String(offset) }));
    await admin.deleteTopicRecords({ topic, partitions });
  } finally {
    await admin.disconnect();
  }
}

/** Records that are handed over together: their bytes are in memory meanwhile, and the group hears from us in between. */
const maxChunk = 500;
const checkMs = 2_000;
const patienceMs = 60_000;

/**
 * Reads the ranges, each in its order, and hands them over in chunks; nothing is fetched while one is handled. `enough` ends the reading of that
 * partition. Commits nothing, and the group is removed at the end: `groupId` must be nobody else's. What retention removes meanwhile is not
 * seen. Rejects with what `onRecords` rejects with, with KafkaJS's error, with the reason of `signal`, or when nothing comes for a minute.
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
  /** Where the reading of each partition goes on. */
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
  // Nobody may be waiting for it yet.
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
    // Whoever handles a chunk may wait for others; nobody else waits for this group.
    sessionTimeout: 300_000,
    rebalanceTimeout: 300_000,
    maxWaitTimeInMs: 100,
    // KafkaJS unpacks the whole of a fetch before it hands over any of it, and what is compressed is ten times as much then.
    maxBytes: 2 * 1024 * 1024,
    retry: { restartOnFailure: () => Promise.resolve(false) },
  });
  consumer.on('consumer.crash', ({ payload: { error } }) => finish(error));
  // What ends a transaction, or was left out of it, is no record: no batch is handed over for these alone.
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

/** The brokers forget an empty group without offsets by themselves: failing to be tidy is no failure. */
async function removeGroup(kafka: Kafka, groupId: string): Promise<void> {
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
