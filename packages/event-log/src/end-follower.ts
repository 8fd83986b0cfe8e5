import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '@notion-mirror/service-kit/async/backoff';
import { settlesBefore } from '@notion-mirror/service-kit/async/deadline';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { Kafka } from 'kafkajs';
import { toLogRecord, type LogRecord } from './log-record.ts';
import { removeGroup } from './range-reader.ts';

export interface EndFollower {
  /** Stops, and deletes the group. */
  close(): Promise<void>;
}

const joinMs = 5_000;

/**
 * Hands over what is appended to a topic from now on, until it is closed. Commits nothing. Never fails: while Kafka is unavailable, it retries, and what was
 * appended meanwhile is left out. `groupId` must not be in use.
 */
export function followEnd(deps: {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly groupId: string;
  readonly logger: Logger;
  readonly onRecords: (records: readonly LogRecord[]) => void;
}): EndFollower {
  const { kafka, topic, groupId, logger, onRecords } = deps;
  const closing = new AbortController();
  const { signal } = closing;

  async function follow(): Promise<void> {
    const consumer = kafka.consumer({
      groupId,
      allowAutoTopicCreation: false,
      maxWaitTimeInMs: 250,
      maxBytes: 1024 * 1024,
      retry: { restartOnFailure: () => Promise.resolve(false) },
    });
    const { promise: end, resolve, reject } = Promise.withResolvers<void>();
    consumer.on('consumer.crash', ({ payload: { error } }) => reject(error));
    const onAbort = () => resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: false });
      const running = consumer.run({
        autoCommit: false,
        eachBatch: ({ batch }) => {
          if (!signal.aborted) onRecords(batch.messages.map((message) => toLogRecord(topic, batch.partition, message)));
          return Promise.resolve();
        },
      });
      await Promise.race([running, end]);
      await end;
      // KafkaJS ignores a disconnect while it joins.
      await settlesBefore(running, Date.now() + joinMs);
    } finally {
      signal.removeEventListener('abort', onAbort);
      await consumer.disconnect().catch(() => {});
    }
  }

  async function run(): Promise<void> {
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        await follow();
      } catch (error) {
        if (signal.aborted) break;
        logger.info({ err: error }, 'cannot follow the end of the log; retrying');
        await delay(backoffMs(attempt, 500, 30_000), undefined, { signal }).catch(() => {});
      }
    }
    await removeGroup(kafka, groupId);
  }

  const running = run();
  return {
    async close() {
      closing.abort();
      await running;
    },
  };
}
