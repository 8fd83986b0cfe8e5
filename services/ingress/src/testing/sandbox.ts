import { randomBytes } from 'node:crypto';
import { createKafka } from '@notion-mirror/event-log/kafka-client';
import { registerSchemas } from '@notion-mirror/event-log/register-schemas';
import { createTopics, topicsFor, type Topics } from '@notion-mirror/event-log/topics';
import { openMongo, type Mongo } from '@notion-mirror/mirror-store/client';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { initMongo } from '@notion-mirror/mirror-store/init';
import { createLogger } from '@notion-mirror/service-kit/logger';
import type { Kafka } from 'kafkajs';

export interface StackAddresses {
  readonly kafkaBrokers: string;
  readonly schemaRegistryUrl: string;
  readonly mongodbUri: string;
}

/** Topics, schemas and databases of one test file on real servers, all removed at the end. For tests. */
export interface Sandbox {
  readonly prefix: string;
  readonly topics: Topics;
  readonly kafka: Kafka;
  readonly schemaRegistry: { readonly url: string; readonly username: null; readonly password: null };
  /** MongoDB's address. */
  readonly mongodb: { readonly host: string; readonly port: number };
  /** Creates and initialises a database. */
  newDatabase(): Promise<SandboxDatabase>;
  close(): Promise<void>;
}

export interface SandboxDatabase {
  readonly name: string;
  readonly mongo: Mongo;
  /** The database's URI; through another port when given, e.g. a proxy's. */
  uri(port?: number): string;
}

/** As a sync-worker does when every worker knows rows. */
export async function letRowsIn({ mongo }: SandboxDatabase): Promise<void> {
  await mongo.db.collection<{ _id: string; since: Date }>('switches').insertOne({ _id: 'rows', since: new Date() });
}

export async function openSandbox(stack: StackAddresses): Promise<Sandbox> {
  const prefix = `test-${randomBytes(4).toString('hex')}.`;
  const topics = topicsFor(prefix);
  const logger = createLogger({ service: 'sandbox', level: 'silent' });
  const kafka = createKafka({ brokers: stack.kafkaBrokers.split(','), ssl: false, sasl: null, clientId: 'sandbox', logger });
  const schemaRegistry = { url: stack.schemaRegistryUrl, username: null, password: null };
  await createTopics(kafka, prefix, { partitions: 3, replicationFactor: 1, retentionMs: 3_600_000 }, []);
  await registerSchemas({ schemaRegistry, subject: topics.eventsSubject });
  const { hostname, port } = new URL(stack.mongodbUri);
  const databases: Mongo[] = [];

  return {
    prefix,
    topics,
    kafka,
    schemaRegistry,
    mongodb: { host: hostname, port: Number(port) },
    async newDatabase() {
      const name = `test_${randomBytes(4).toString('hex')}`;
      const uri = (proxyPort?: number) => {
        const address = proxyPort === undefined ? `${hostname}:${port}` : `127.0.0.1:${proxyPort}`;
        return `mongodb://${address}/${name}?directConnection=true`;
      };
      const mongo = await openMongo(uri(), { appName: 'sandbox' });
      databases.push(mongo);
      await initMongo(mongo.db, { storages: [databaseStorage], tombstoneTtlMs: 3_600_000, schemaHistoryMs: 3_600_000 });
      return { name, mongo, uri };
    },
    async close() {
      const admin = kafka.admin();
      await admin.connect();
      await admin.deleteTopics({ topics: [topics.events, topics.deadLetters] });
      await admin.disconnect();
      await fetch(`${stack.schemaRegistryUrl}/subjects/${encodeURIComponent(topics.eventsSubject)}`, { method: 'DELETE' });
      for (const mongo of databases) {
        await mongo.db.dropDatabase();
        await mongo.close();
      }
    },
  };
}
