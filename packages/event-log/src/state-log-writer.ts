import kafkajs, { type Kafka, type Producer } from 'kafkajs';
import { describeRefusal } from './produce-errors.ts';
import { createStablePartitioner } from './stable-partitioner.ts';
import type { StateRecord } from './state-record.ts';

/** One writer of the state log at a time. */
export interface StateLogWriter {
  /**
   * Appends in order, as one transaction; resolves when all in-sync replicas have it. Rejects with KafkaJS's error (the records may or may not be on
   * the log, and this writer must not be used again) or with a `StateRefusedError`.
   */
  append(records: readonly StateRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** No broker will ever accept these records together, or, if there is only one, that record. */
export class StateRefusedError extends Error {
  override readonly name = 'StateRefusedError';
}

/** The broker aborts a dead writer's transaction after this. */
const transactionMs = 20_000;

/**
 * Resolves when every earlier writer of this topic is fenced: the transactional id belongs to the topic, so the coordinator aborts an earlier
 * writer's open transaction and rejects its later requests. Otherwise a delayed request of a process presumed dead could append an old state
 * after a newer one, permanently.
 */
export async function openStateLogWriter(options: {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly transactionalId: string;
}): Promise<StateLogWriter> {
  const { topic, transactionalId } = options;
  const producer = options.kafka.producer({
    createPartitioner: createStablePartitioner,
    allowAutoTopicCreation: false,
    idempotent: true,
    maxInFlightRequests: 1,
    transactionalId,
    transactionTimeout: transactionMs,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5 },
  });
  await producer.connect();
  try {
    // Beginning a transaction fences: KafkaJS requests its epoch here.
    await (await producer.transaction()).abort();
  } catch (error) {
    await disconnect(producer);
    throw error;
  }
  return {
    async append(records) {
      const transaction = await producer.transaction();
      try {
        await transaction.send({
          topic,
          acks: -1,
          compression: kafkajs.CompressionTypes.GZIP,
          messages: records.map(({ key, value, headers }) => ({ key, value, headers })),
        });
      } catch (error) {
        const refusal = describeRefusal(error);
        if (refusal === null) throw error;
        await transaction.abort();
        throw new StateRefusedError(refusal, { cause: error });
      }
      await transaction.commit();
    },
    close: () => disconnect(producer),
  };
}

/** The next writer or the broker aborts a transaction that is still open. */
async function disconnect(producer: Producer): Promise<void> {
  await producer.disconnect().catch(() => {});
}
