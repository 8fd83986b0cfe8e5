import type { Batch, EachBatchPayload, Kafka, Offsets } from 'kafkajs';
import type { FetchControl, FetchedBatch } from './assignments.ts';
import { settlesBefore } from '@notion-mirror/service-kit/async/deadline';

/** One KafkaJS consumer, from joining the group until it crashes or leaves. After a crash a new session is opened. */
export interface GroupSession extends FetchControl {
  /** Resolves when the group has been joined (`onJoin`) or the session crashed (`onCrash`); rejects when it could not start. */
  start(): Promise<void>;
  pauseAll(): void;
  /** One attempt, for the group generation that this member is in now. False: not possible before the first batch. */
  commit(offsets: readonly { readonly partition: number; readonly offset: bigint }[]): Promise<boolean>;
  /** Leaves the group. False: it did not do so before the deadline (epoch ms). */
  close(deadline: number): Promise<boolean>;
}

export interface SessionEvents {
  readonly onJoin: (partitions: readonly number[]) => void;
  /** The group is about to change; until `onJoin` the old generation may still commit. */
  readonly onRebalancing: () => void;
  /** Whether the batch is accepted. If not, it is fetched again. */
  readonly onBatch: (batch: FetchedBatch) => boolean;
  readonly onCrash: (error: Error) => void;
  /** The client is alive. */
  readonly onSign: () => void;
}

/** How long an idle fetch waits for a record, and how long a consumer sleeps when all its partitions are paused. */
const maxWaitMs = 250;
const rebalanceTimeoutMs = 30_000;

/**
 * Automatic behaviour of KafkaJS is switched off where it would lose records or hide failures: it neither commits nor decides where to read,
 * and it does not restart.
 */
export function openGroupSession(options: {
  readonly kafka: Kafka;
  readonly groupId: string;
  readonly topic: string;
  readonly sessionTimeoutMs: number;
  readonly events: SessionEvents;
}): GroupSession {
  const { kafka, groupId, topic, sessionTimeoutMs, events } = options;
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    sessionTimeout: sessionTimeoutMs,
    heartbeatInterval: Math.min(3_000, Math.floor(sessionTimeoutMs / 4)),
    rebalanceTimeout: rebalanceTimeoutMs,
    maxWaitTimeInMs: maxWaitMs,
    maxBytes: 1024 * 1024,
    retry: { restartOnFailure: () => Promise.resolve(false) },
  });
  let closing = false;
  let commitOffsets: ((offsets: Offsets) => Promise<void>) | null = null;
  /** While the client starts: settles when it has started or failed. */
  let starting: PromiseWithResolvers<void> | null = null;

  consumer.on('consumer.fetch_start', events.onSign);
  consumer.on('consumer.heartbeat', events.onSign);
  consumer.on('consumer.connect', events.onSign);
  consumer.on('consumer.rebalancing', () => {
    events.onSign();
    if (!closing) events.onRebalancing();
  });
  consumer.on('consumer.group_join', ({ payload }) => {
    events.onSign();
    starting?.resolve();
    starting = null;
    if (!closing) events.onJoin(payload.memberAssignment[topic] ?? []);
  });
  consumer.on('consumer.crash', ({ payload: { error } }) => {
    starting?.resolve();
    starting = null;
    commitOffsets = null;
    if (!closing) events.onCrash(error);
  });

  /** Returns without waiting for the records: KafkaJS fetches nothing from a broker until the calls for all of its partitions have returned. */
  async function eachBatch(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    commitOffsets = (offsets) => payload.commitOffsetsIfNecessary(offsets);
    if (closing || payload.isStale()) return;
    const taken = events.onBatch({
      partition: batch.partition,
      fetchedOffset: fetchedOffsetOf(batch),
      lastOffset: batch.lastOffset(),
      highWatermark: batch.highWatermark,
      messages: batch.messages,
    });
    // This sets only where the next fetch begins; the commit follows the work.
    if (taken) payload.resolveOffset(batch.lastOffset());
  }

  return {
    async start() {
      await consumer.connect();
      // A new group reads the whole log.
      if (!closing) await consumer.subscribe({ topics: [topic], fromBeginning: true });
      // KafkaJS ignores a disconnect while it connects or joins.
      if (closing) return consumer.disconnect();
      starting = Promise.withResolvers();
      return consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch });
    },
    pause: (partitions) => steer(() => consumer.pause([{ topic, partitions: [...partitions] }])),
    resume: (partitions) => steer(() => consumer.resume([{ topic, partitions: [...partitions] }])),
    seek: (partition, offset) => steer(() => consumer.seek({ topic, partition, offset: String(offset) })),
    pauseAll: () => steer(() => consumer.pause([{ topic }])),

    async commit(offsets) {
      if (commitOffsets === null) return false;
      // Not consumer.commitOffsets: that one retries by itself, and a retry after a rebalance would count for the new generation.
      const partitions = offsets.map(({ partition, offset }) => ({ partition, offset: String(offset) }));
      await commitOffsets({ topics: [{ topic, partitions }] });
      return true;
    },

    async close(deadline) {
      closing = true;
      if (starting !== null) await settlesBefore(starting.promise, deadline);
      return settlesBefore(consumer.disconnect(), deadline);
    },
  };
}

/** Where the fetch of the batch began. KafkaJS has it, but its types do not. */
function fetchedOffsetOf(batch: Batch): string {
  if ('fetchedOffset' in batch && typeof batch.fetchedOffset === 'string') return batch.fetchedOffset;
  throw new Error('this version of KafkaJS does not expose where a fetch began');
}

/** KafkaJS throws after a crash: then there is nothing to control. */
function steer(act: () => void): void {
  try {
    act();
  } catch {
    // The crash event reports it.
  }
}
