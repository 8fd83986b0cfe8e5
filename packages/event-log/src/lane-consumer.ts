import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '@notion-mirror/service-kit/backoff';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { Registry } from '@notion-mirror/service-kit/metrics';
import type { Batch, EachBatchPayload, Kafka, Offsets } from 'kafkajs';
import { createAssignments, type Whereabouts } from './assignments.ts';
import { isFenced, isOutage, isUnknownTopic } from './kafka-errors.ts';
import { createConsumerMetrics } from './lane-consumer-metrics.ts';
import { createLaneScheduler, type DeadLetter, type Handle, type Route } from './lane-scheduler.ts';

export type { DeadLetter, Handle, Outcome, Route, Routing, Work } from './lane-scheduler.ts';
export type { Failure, LogRecord } from './log-record.ts';

export interface ConsumerLimits {
  /** Tasks of one lane that run at a time (default 4), and of all lanes (default 256). */
  readonly perLane?: number;
  readonly total?: number;
  /**
   * What may wait in memory, in all: records (default 100,000) and about their bytes (default 128 MiB). One partition alone may hold half of
   * it, about 35,000 events; beyond that it is paused, not dropped, and goes on at 80 %. A fetch can go over the bound by 4 MiB a broker.
   */
  readonly maxRecords?: number;
  readonly maxBytes?: number;
  /** How long the group waits for a member that died without leaving, ms. Default 10,000. */
  readonly sessionTimeoutMs?: number;
  /** Default 1,000. */
  readonly commitIntervalMs?: number;
  /** A call of `handle` that takes longer means that the process is no longer alive, ms. Default 600,000. */
  readonly stuckAfterMs?: number;
}

export interface Health {
  readonly ok: boolean;
  readonly detail: string;
}

export interface LaneConsumer {
  /**
   * Joins the group; resolves when this member has joined. Waits for brokers that are away; rejects when the topic does not exist or the
   * brokers refuse us.
   */
  run(): Promise<void>;
  /**
   * Takes no more records, waits for what runs (its signal aborts a little before the deadline), commits what is done and leaves the group.
   * Never rejects and never takes longer than the deadline. What was not done is done by a successor.
   */
  stop(options: { readonly deadlineMs: number }): Promise<void>;
  /** Whether the process should go on living. Asks nobody else. */
  live(): Health;
  /** Joined once and not stopping. Not about lag, and not about a rebalance in between. */
  ready(): Health;
  /** The consumer cannot go on: the process must end, so that another one goes on from the last commit. */
  onFatal(listener: (error: Error) => void): void;
}

const defaultLimits: Required<ConsumerLimits> = {
  perLane: 4,
  total: 256,
  maxRecords: 100_000,
  maxBytes: 128 * 1024 * 1024,
  sessionTimeoutMs: 10_000,
  commitIntervalMs: 1_000,
  stuckAfterMs: 600_000,
};

/** How long an idle fetch waits for a record, and how long a consumer sleeps whose partitions are all paused. */
const maxWaitMs = 250;
const balanceMs = 100;
const lagMs = 15_000;
/** KafkaJS gives a sign several times a second; longest while the group waits for another member to rejoin. */
const silentAfterMs = 120_000;
const rebalanceTimeoutMs = 30_000;
/** Restarts of the client for other reasons than an outage, without any progress in between. */
const maxCrashes = 10;

/**
 * Reads a topic as one member of a consumer group and hands its records to `handle`, lane by lane (lane = the record's key).
 *
 * Work leaves KafkaJS's eachBatch at once, so no partition waits for another one, and heartbeats do not wait for work. Committed is only
 * what is done without a gap: a crash repeats work and never skips any.
 */
export function createLaneConsumer<T>(deps: {
  readonly kafka: Kafka;
  readonly groupId: string;
  readonly topic: string;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly route: Route<T>;
  readonly handle: Handle<T>;
  readonly deadLetter: DeadLetter;
  readonly limits?: ConsumerLimits;
}): LaneConsumer {
  const { kafka, groupId, topic, route, handle, deadLetter } = deps;
  const limits = { ...defaultLimits, ...deps.limits };
  const logger = deps.logger.child({ group: groupId });
  const metrics = createConsumerMetrics(deps.metrics, groupId);
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    sessionTimeout: limits.sessionTimeoutMs,
    heartbeatInterval: Math.min(3_000, Math.floor(limits.sessionTimeoutMs / 4)),
    rebalanceTimeout: rebalanceTimeoutMs,
    maxWaitTimeInMs: maxWaitMs,
    maxBytes: 4 * 1024 * 1024,
  });
  const scheduler = createLaneScheduler<T>({
    route,
    handle,
    deadLetter,
    perLane: limits.perLane,
    total: limits.total,
    logger,
    observer: metrics,
  });
  const assignments = createAssignments({
    topic,
    bound: { records: limits.maxRecords, bytes: limits.maxBytes },
    control: {
      pause: (partitions) => whileJoined(() => consumer.pause([{ topic, partitions: [...partitions] }])),
      resume: (partitions) => whileJoined(() => consumer.resume([{ topic, partitions: [...partitions] }])),
      seek: (partition, offset) => whileJoined(() => consumer.seek({ topic, partition, offset: String(offset) })),
    },
    push: scheduler.push,
    onEnd: scheduler.dropInactive,
    onLateCompletion: metrics.lateCompletion,
    onSkipped: metrics.skipped,
    logger,
  });

  let state: 'new' | 'starting' | 'joined' | 'stopping' | 'stopped' = 'new';
  let everJoined = false;
  let fatalError: Error | null = null;
  let lastSign = Date.now();
  let crashes = { count: 0, at: 0 };
  /** Counts assignments of the group, so that an answer about an earlier one is not taken for the current one. */
  let assignment = 0;
  let commitOffsets: ((offsets: Offsets) => Promise<void>) | null = null;
  let committing: Promise<void> | null = null;
  const fatalListeners: ((error: Error) => void)[] = [];
  const intervals: NodeJS.Timeout[] = [];
  const stopSignal = new AbortController();
  /** The first join, or the reason why there will be none. */
  const firstJoin = Promise.withResolvers<void>();
  firstJoin.promise.catch(() => {});
  /** While the client starts: settles when that ends, one way or the other. */
  let starting: PromiseWithResolvers<void> | null = null;

  const isStopping = (): boolean => state === 'stopping' || state === 'stopped';

  consumer.on('consumer.fetch_start', sign);
  consumer.on('consumer.connect', sign);
  consumer.on('consumer.heartbeat', sign);
  consumer.on('consumer.rebalancing', () => {
    sign();
    // The old generation may still commit until the new one begins.
    void commit();
  });
  consumer.on('consumer.group_join', ({ payload }) => {
    sign();
    starting?.resolve();
    starting = null;
    metrics.rebalanced();
    if (isStopping()) return;
    state = 'joined';
    everJoined = true;
    assignment += 1;
    const partitions = payload.memberAssignment[topic] ?? [];
    logger.info({ partitions }, 'joined the group');
    assignments.begin(partitions);
    void locate(assignment);
    firstJoin.resolve();
  });
  consumer.on('consumer.crash', ({ payload: { error, restart } }) => {
    sign();
    starting?.resolve();
    starting = null;
    commitOffsets = null;
    if (isStopping()) return;
    assignments.end();
    metrics.crashed();
    if (!restart) return die(new Error('the Kafka client has given up', { cause: error }));
    if (!isOutage(error) && countCrash() >= maxCrashes)
      return die(new Error(`the Kafka client crashed ${maxCrashes} times without progress`, { cause: error }));
    logger.warn({ err: error }, 'the Kafka client starts again');
    state = 'starting';
    starting = Promise.withResolvers();
  });

  function sign(): void {
    lastSign = Date.now();
  }

  function countCrash(): number {
    const now = Date.now();
    crashes = { count: now - crashes.at > 600_000 ? 1 : crashes.count + 1, at: now };
    return crashes.count;
  }

  function die(error: Error): void {
    if (fatalError !== null || isStopping()) return;
    fatalError = error;
    logger.fatal({ err: error }, 'the consumer cannot go on');
    firstJoin.reject(error);
    for (const listener of fatalListeners) listener(error);
  }

  /** KafkaJS throws when the group is gone (a crash, a stop): then there is nothing to steer. */
  function whileJoined(act: () => void): void {
    try {
      act();
    } catch (error) {
      logger.debug({ err: error }, 'the group is gone');
    }
  }

  /** Finds out where each partition goes on. We decide that, not the client: a batch that begins elsewhere is not taken. */
  async function locate(current: number): Promise<void> {
    const isOver = (): boolean => current !== assignment || isStopping() || assignments.partitions.length === 0;
    for (let attempt = 1; !isOver(); attempt += 1) {
      try {
        const found = await whereabouts(kafka, groupId, topic);
        if (isOver()) return;
        const missing = assignments.partitions.filter((partition) => !found.some((known) => known.partition === partition));
        for (const one of found) assignments.place(one);
        if (missing.length === 0) return;
      } catch (error) {
        logger.warn({ err: error, attempt }, 'the committed offsets cannot be read; trying again');
      }
      await delay(backoffMs(attempt, 100, 2_000));
    }
  }

  async function eachBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    commitOffsets = (offsets) => payload.commitOffsetsIfNecessary(offsets);
    if (isStopping() || payload.isStale()) return;
    const taken = assignments.accept({
      partition: batch.partition,
      fetchedOffset: fetchedOffsetOf(batch),
      lastOffset: batch.lastOffset(),
      highWatermark: batch.highWatermark,
      messages: batch.messages,
    });
    if (!taken) return;
    // Only where the next fetch begins. The commit follows the work.
    payload.resolveOffset(batch.lastOffset());
    metrics.consumed(batch.messages.length);
    crashes.count = 0;
  }

  function commit(): Promise<void> {
    committing ??= commitOnce().finally(() => {
      committing = null;
    });
    return committing;
  }

  async function commitOnce(): Promise<void> {
    const due = assignments.dueCommits();
    if (commitOffsets === null || due.length === 0) return;
    const partitions = due.map(({ partition, offset }) => ({ partition, offset: String(offset) }));
    try {
      // Not consumer.commitOffsets: that one tries again by itself, and a repetition after a rebalance would count for the new generation.
      await commitOffsets({ topics: [{ topic, partitions }] });
      for (const { committed } of due) committed();
      metrics.committed('ok');
    } catch (error) {
      const fenced = isFenced(error);
      metrics.committed(fenced ? 'fenced' : 'failed');
      logger[fenced ? 'debug' : 'warn']({ err: error, partitions }, 'offsets were not committed; they are again in a moment');
    }
  }

  function watch(): void {
    intervals.push(
      setInterval(assignments.balance, balanceMs),
      setInterval(() => {
        void commit();
        metrics.sample(scheduler.load(), assignments.states());
      }, limits.commitIntervalMs),
      setInterval(() => void refreshLag(), lagMs),
    );
  }

  /** A paused partition brings no high watermarks. */
  async function refreshLag(): Promise<void> {
    if (state !== 'joined' || assignments.partitions.length === 0) return;
    try {
      for (const { partition, high } of await endsOf(kafka, topic)) assignments.noteHighWatermark(partition, BigInt(high));
    } catch (error) {
      logger.debug({ err: error }, 'the ends of the partitions cannot be read');
    }
  }

  async function subscribe(): Promise<void> {
    for (let attempt = 1; !isStopping(); attempt += 1) {
      try {
        await consumer.connect();
        // A new group reads the whole log, and what retention has cut off is skipped to what is left, not to the end.
        await consumer.subscribe({ topics: [topic], fromBeginning: true });
        return;
      } catch (error) {
        if (isUnknownTopic(error) && attempt > 3)
          throw new Error(`the topic ${topic} does not exist: run \`mirror init\``, { cause: error });
        if (!isOutage(error)) throw error;
        logger.warn({ err: error, attempt }, 'waiting for Kafka');
      }
      sign();
      await delay(backoffMs(attempt, 250, 5_000), undefined, { signal: stopSignal.signal }).catch(() => {});
    }
  }

  return {
    async run() {
      if (state !== 'new') throw new Error('a consumer runs once');
      state = 'starting';
      watch();
      await subscribe();
      if (isStopping()) return;
      starting = Promise.withResolvers();
      await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch });
      await firstJoin.promise;
    },

    async stop({ deadlineMs }) {
      if (isStopping()) return;
      const isNew = state === 'new';
      state = 'stopping';
      stopSignal.abort();
      firstJoin.resolve();
      const deadline = Date.now() + deadlineMs;
      const reserve = Math.min(2_000, deadlineMs * 0.4);
      for (const interval of intervals) clearInterval(interval);
      whileJoined(() => consumer.pause([{ topic }]));

      const drained = scheduler.stop();
      if (!(await inTime(drained, deadline - reserve))) {
        scheduler.abort();
        await inTime(drained, deadline - reserve / 2);
      }
      const { running } = scheduler.load();
      if (running > 0) logger.warn({ running }, 'work was still running at the deadline; a successor repeats it');
      await inTime(commit(), deadline);
      await inTime(commit(), deadline);

      // A stop in the middle of KafkaJS's start is lost on it.
      if (starting !== null) await inTime(starting.promise, deadline);
      if (!isNew && !(await inTime(consumer.disconnect(), deadline))) logger.warn('the Kafka client did not disconnect in time');
      assignments.end();
      metrics.sample(scheduler.load(), []);
      state = 'stopped';
    },

    live() {
      if (fatalError !== null) return { ok: false, detail: fatalError.message };
      const silentMs = Date.now() - lastSign;
      if (state !== 'new' && !isStopping() && silentMs > silentAfterMs)
        return { ok: false, detail: `no sign of the Kafka client for ${Math.round(silentMs / 1000)} s` };
      const { oldestRunSince } = scheduler.load();
      const oldestMs = oldestRunSince === null ? 0 : Date.now() - oldestRunSince;
      if (oldestMs > limits.stuckAfterMs) return { ok: false, detail: `work has been running for ${Math.round(oldestMs / 1000)} s` };
      return { ok: true, detail: state };
    },

    ready() {
      return { ok: everJoined && fatalError === null && !isStopping(), detail: fatalError?.message ?? state };
    },

    onFatal(listener) {
      fatalListeners.push(listener);
    },
  };
}

/** Where the fetch began that brought the batch. KafkaJS knows, but does not say so in its types. */
function fetchedOffsetOf(batch: Batch): string {
  if ('fetchedOffset' in batch && typeof batch.fetchedOffset === 'string') return batch.fetchedOffset;
  throw new Error('this version of KafkaJS does not say where a fetch began');
}

async function whereabouts(kafka: Kafka, groupId: string, topic: string): Promise<Whereabouts[]> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const [groupOffsets, ends] = await Promise.all([admin.fetchOffsets({ groupId, topics: [topic] }), admin.fetchTopicOffsets(topic)]);
    const committed = new Map(
      groupOffsets.flatMap(({ partitions }) => partitions).map(({ partition, offset }) => [partition, BigInt(offset)]),
    );
    return ends.map(({ partition, low, high }) => {
      const offset = committed.get(partition) ?? -1n;
      return { partition, committed: offset < 0n ? null : offset, low: BigInt(low), high: BigInt(high) };
    });
  } finally {
    await admin.disconnect();
  }
}

async function endsOf(kafka: Kafka, topic: string): Promise<{ partition: number; high: string }[]> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await admin.fetchTopicOffsets(topic);
  } finally {
    await admin.disconnect();
  }
}

/** Whether it ended (or failed) before the deadline, epoch ms. */
async function inTime(promise: Promise<unknown>, deadline: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.max(0, deadline - Date.now()));
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } catch {
    return true;
  } finally {
    clearTimeout(timer);
  }
}
