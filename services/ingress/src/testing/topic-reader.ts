import { randomUUID } from 'node:crypto';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import type { Kafka } from 'kafkajs';

export interface ReadRecord {
  readonly key: string | null;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

export interface TopicReader {
  /** The records read so far, in order within each partition. */
  readonly records: readonly ReadRecord[];
  stop(): Promise<void>;
}

/** Reads a topic from its beginning with a plain consumer, without our code. For tests. */
export async function startTopicReader(kafka: Kafka, topic: string): Promise<TopicReader> {
  const records: ReadRecord[] = [];
  const consumer = kafka.consumer({ groupId: `${topic}.reader-${randomUUID()}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message }) => {
      const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)] as const);
      records.push({ key: message.key?.toString() ?? null, value: message.value ?? Buffer.alloc(0), headers: Object.fromEntries(headers) });
    },
  });
  return { records, stop: () => consumer.disconnect() };
}

/** Decodes values as a foreign client would, using only the schema registry. */
export function createForeignDecoder(schemaRegistryUrl: string): (value: Buffer) => Promise<unknown> {
  const registry = new SchemaRegistry({ host: schemaRegistryUrl });
  return async (value) => JSON.parse(JSON.stringify(await registry.decode(value))) as unknown;
}
