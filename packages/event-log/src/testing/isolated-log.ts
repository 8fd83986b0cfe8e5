import { randomUUID } from 'node:crypto';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { createLogger } from '@notion-mirror/service-kit/logger';
import type { Admin, ITopicConfig, Kafka } from 'kafkajs';
import { databaseStates } from '../entities/database-state.ts';
import { rowStates } from '../entities/row-state.ts';
import { createKafka } from '../kafka-client.ts';
import { registerSchemas, schemaSubjects } from '../register-schemas.ts';
import type { SchemaRegistrySettings } from '../schema-registry.ts';
import { stateLogOf, type StateContract } from '../state-contract.ts';
import { createTopics } from '../topics.ts';

export const silent = createLogger({ service: 'test', level: 'silent' });

/** A prefix for one test file, a client, and the removal of everything created under the prefix. */
export function isolatedLog(stack: { kafkaBrokers: string; schemaRegistryUrl: string }): {
  readonly prefix: string;
  readonly kafka: Kafka;
  readonly schemaRegistry: SchemaRegistrySettings;
  /** Creates the topics and schemas that `mirror init` would create for these kinds of entities; by default for databases and rows. */
  readonly init: (partitions: number, states?: readonly StateContract<unknown>[]) => Promise<void>;
  readonly remove: () => Promise<void>;
} {
  const prefix = `test-${randomUUID().slice(0, 8)}.`;
  const kafka = createKafka({ brokers: stack.kafkaBrokers.split(','), ssl: false, sasl: null, clientId: 'test', logger: silent });
  const schemaRegistry = { url: stack.schemaRegistryUrl, username: null, password: null };
  return {
    prefix,
    kafka,
    schemaRegistry,
    async init(partitions, states = [databaseStates, rowStates]) {
      const settings = { partitions, replicationFactor: 1, retentionMs: 3_600_000 };
      await createTopics(
        kafka,
        prefix,
        settings,
        states.map((contract) => stateLogOf(prefix, contract)),
      );
      for (const { subject, contract } of schemaSubjects(prefix, states)) await registerSchemas({ schemaRegistry, subject, contract });
    },
    async remove() {
      const admin = kafka.admin();
      await admin.connect();
      const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
      if (topics.length > 0) await admin.deleteTopics({ topics });
      const { groups } = await admin.listGroups();
      const mine = groups.map(({ groupId }) => groupId).filter((groupId) => groupId.startsWith(prefix));
      // A group whose members were killed is not empty yet; the broker removes it.
      if (mine.length > 0) await admin.deleteGroups(mine).catch(() => {});
      await admin.disconnect();
      const subjects = (await (await fetch(`${schemaRegistry.url}/subjects`)).json()) as string[];
      for (const subject of subjects.filter((name) => name.startsWith(prefix))) {
        await fetch(`${schemaRegistry.url}/subjects/${encodeURIComponent(subject)}`, { method: 'DELETE' });
      }
    },
  };
}

/** Creates `wanted` and waits for its leaders. KafkaJS's own wait fails while the broker does not know the topic yet. */
export async function createTopic(admin: Admin, wanted: ITopicConfig): Promise<void> {
  await admin.createTopics({ waitForLeaders: false, topics: [wanted] });
  await until(() => admin.fetchTopicMetadata({ topics: [wanted.topic] }));
}

/** Waits until `holds` does not throw and is not false. Rejects with the reason when that takes too long. */
export async function until(holds: () => unknown, milliseconds = 60_000): Promise<void> {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    let why: unknown = new Error('the condition does not hold');
    try {
      if ((await holds()) !== false) return;
    } catch (error) {
      why = error;
    }
    if (Date.now() > deadline) throw why;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function eventOf(overrides: Partial<DatabaseEvent> = {}): DatabaseEvent {
  return {
    eventId: randomUUID(),
    kind: 'sync',
    type: 'database.content_updated',
    workspaceId: 'acme',
    connectionId: 'connection-1',
    providerConfigKey: 'notion',
    notionWorkspaceId: '13950b26-c203-4f3b-b97d-93ec06319565',
    databaseId: '248104cd-477e-80fd-b757-e945d38000bd',
    dataSourceId: null,
    pageId: null,
    occurredAt: new Date('2025-11-30T11:04:05.123Z'),
    receivedAt: new Date('2025-11-30T11:04:06.987Z'),
    origin: 'nango',
    ...overrides,
  };
}

export interface ReadRecord {
  readonly partition: number;
  readonly offset: string;
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers: Record<string, string>;
}

/** Everything on a topic now, in the order of each partition. */
export async function readAll(kafka: Kafka, topic: string): Promise<ReadRecord[]> {
  const admin = kafka.admin();
  await admin.connect();
  const left = new Map(
    (await admin.fetchTopicOffsets(topic))
      .filter(({ low, high }) => low !== high)
      .map(({ partition, high }) => [partition, Number(high) - 1]),
  );
  await admin.disconnect();
  const records: ReadRecord[] = [];
  if (left.size === 0) return records;
  const { promise: all, resolve } = Promise.withResolvers<void>();
  const groupId = `${topic}.reader-${randomUUID().slice(0, 8)}`;
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    async eachMessage({ partition, message: { offset, key, value, headers = {} } }) {
      const texts = Object.fromEntries(Object.entries(headers).map(([name, header]) => [name, String(header)]));
      records.push({ partition, offset, key: key === null ? null : String(key), value, headers: texts });
      if (Number(offset) >= (left.get(partition) ?? Infinity)) left.delete(partition);
      if (left.size === 0) resolve();
    },
  });
  await all;
  await consumer.disconnect();
  return records;
}
