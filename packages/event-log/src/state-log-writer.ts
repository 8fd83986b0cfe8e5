import kafkajs, { type Kafka, type Producer } from 'kafkajs';
import { describeRefusal } from './produce-errors.ts';
import { createStablePartitioner } from './stable-partitioner.ts';
import type { StateRecord } from './state-record.ts';

/** One writer of the state log at a time. */
export interface StateLogWriter {
  /**
   * Appends in order, as one transaction; resolves when all in-sync replicas have it. Rejects with KafkaJS's error: then the records may be on
   * the log or not, and this writer is of no more use; or with a `StateRefusedError`.
   */
  append(records: readonly StateRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** No broker will ever take these records together; one alone: it. */
export class StateRefusedError extends Error {
  override readonly name = 'StateRefusedError';
}

/** The broker ends a transaction of a writer that died after this. */
const transactionMs = 20_000;

/**
 * Resolves when every earlier writer of this topic is fenced: the transactional id is the topic's own, so the coordinator ends what an earlier
 * one has under way and refuses all that it sends later. Without that the delayed request of a process that was thought dead could put an
 * old state behind a newer one for good.
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
    // Beginning one is what fences: KafkaJS asks for its epoch here.
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

/** What is open then is ended by the next writer, or by the broker. */
async function disconnect(producer: Producer): Promise<void> {
  await producer.disconnect().catch(() => {});
}
