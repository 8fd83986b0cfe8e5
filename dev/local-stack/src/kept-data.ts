import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { Kafka, logLevel } from 'kafkajs';
import { MongoClient } from 'mongodb';
import type { StackAddresses } from './provider.ts';

/** For the tests of both providers: data written to each server that must survive a restart. */
export type KeptData = { topic: string; text: string };

export async function writeData({ kafkaBrokers, schemaRegistryUrl, mongodbUri }: StackAddresses): Promise<KeptData> {
  const data = { topic: `kept-${randomUUID()}`, text: randomUUID() };
  const kafka = new Kafka({ brokers: [kafkaBrokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  // KafkaJS's wait for leaders fails while the broker does not know the topic yet; its producer retries.
  await admin.createTopics({ topics: [{ topic: data.topic, numPartitions: 1, replicationFactor: 1 }], waitForLeaders: false });
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic: data.topic, messages: [{ value: data.text }] });
  await producer.disconnect();

  // Too many for the registry to have read them all when it first answers after a restart; ours comes last.
  const others = Array.from({ length: 150 }, (_, index) => `${data.topic}-other-${index}`);
  await Promise.all(others.map((subject) => register(schemaRegistryUrl, subject)));
  await register(schemaRegistryUrl, `${data.topic}-value`);

  const client = await MongoClient.connect(mongodbUri);
  // A transaction, which needs a replica set.
  await client.withSession((session) =>
    session.withTransaction(() => client.db('kept').collection<{ text: string }>('things').insertOne({ text: data.text }, { session })),
  );
  await client.close();
  return data;
}

async function register(schemaRegistryUrl: string, subject: string): Promise<void> {
  const response = await fetch(`${schemaRegistryUrl}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: JSON.stringify({ type: 'enum', name: 'Kept', symbols: ['A', 'B'] }) }),
  });
  if (!response.ok) throw new Error(`The registry answered ${response.status}: ${await response.text()}`);
}

/** Reads the data back from the servers: `{ record, schemaType, documents }`. */
export async function readData({ kafkaBrokers, schemaRegistryUrl, mongodbUri }: StackAddresses, { topic, text }: KeptData) {
  const consumer = new Kafka({ brokers: [kafkaBrokers], logLevel: logLevel.NOTHING }).consumer({ groupId: randomUUID() });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const first = Promise.withResolvers<string | undefined>();
  await consumer.run({ eachMessage: async ({ message }) => first.resolve(message.value?.toString()) });
  const record = await first.promise;
  await consumer.disconnect();

  const response = await fetch(`${schemaRegistryUrl}/subjects/${topic}-value/versions/latest`);
  const { schema = 'null' }: { schema?: string } = JSON.parse(await response.text());
  const schemaType: unknown = JSON.parse(schema)?.type;

  const client = await MongoClient.connect(mongodbUri);
  const documents = await client.db('kept').collection('things').countDocuments({ text });
  await client.close();
  return { record, schemaType, documents };
}

/** Listens on the address, so that a restart must use another port. */
export async function occupy(address: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy()).listen(Number(address.split(':').at(-1)), '127.0.0.1');
  await once(server, 'listening');
  return server;
}
