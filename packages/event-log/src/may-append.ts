import type { Kafka } from 'kafkajs';

/**
 * Whether this process's user may append to a topic: a broker gives the id of an idempotent producer to those who may write to any. Nothing is written. Rejects
 * with KafkaJS's error when no broker answers.
 */
export async function mayAppend(kafka: Kafka): Promise<boolean> {
  const producer = kafka.producer({ allowAutoTopicCreation: false, idempotent: true, retry: { retries: 1 } });
  try {
    await producer.connect();
    return true;
  } catch (error) {
    if (isRefused(error)) return false;
    throw error;
  } finally {
    await producer.disconnect();
  }
}

function isRefused(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('type' in at && at.type === 'CLUSTER_AUTHORIZATION_FAILED') return true;
  }
  return false;
}
