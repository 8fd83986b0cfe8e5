import { randomUUID } from 'node:crypto';
import { readDeadLetter } from '@notion-mirror/event-log/dead-letters';
import { createEventCodec, type EventCodec } from '@notion-mirror/event-log/event-codec';
import { toRecord } from '@notion-mirror/event-log/event-record';
import { eventOf, isolatedLog, silent } from '@notion-mirror/event-log/testing/isolated-log';
import { topicsFor } from '@notion-mirror/event-log/topics';
import { openMongo, type Mongo } from '@notion-mirror/mirror-store/client';
import { loadConfig } from '@notion-mirror/service-kit/config';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { operatedEntities } from '../entities.ts';
import type { OperationContext } from '../operation-context.ts';
import { estimateCalls } from './estimate-calls.ts';
import type { Letter } from './topic.ts';

const stack = inject('stack');
const log = isolatedLog(stack);
const { events: topic, eventsSubject, deadLetters } = topicsFor(log.prefix);
let mongo: Mongo;
let codec: EventCodec;

beforeAll(async () => {
  const uri = new URL(stack.mongodbUri);
  uri.pathname = `/estimate_${randomUUID().slice(0, 8)}`;
  mongo = await openMongo(uri.href, { appName: 'estimate-test' });
  await log.init(1);
  codec = await createEventCodec({ schemaRegistry: log.schemaRegistry, subject: eventsSubject });
});
afterAll(async () => {
  await mongo.db.dropDatabase();
  await mongo.close();
  await log.remove();
});

function contextFor(registry: string): OperationContext {
  const env = {
    MIRROR_KAFKA_BROKERS: stack.kafkaBrokers,
    MIRROR_SCHEMA_REGISTRY_URL: registry,
    MIRROR_MONGODB_URI: stack.mongodbUri,
    MIRROR_TOPIC_PREFIX: log.prefix,
  };
  const config = loadConfig(env, 'cli');
  const signal = new AbortController().signal;
  return { config, entities: operatedEntities, clientName: 'test', logger: silent, signal, redact: (text) => text, onProgress: () => {} };
}

let offset = 0n;
function letterOf(value: Buffer): Letter {
  offset += 1n;
  const headers = { 'dlq.original.topic': topic };
  const record = { topic: deadLetters, partition: 0, offset, timestamp: 0, key: Buffer.from('acme'), value, headers };
  return { ...readDeadLetter(record), record, settlement: null };
}
const bytesOf = (change: Parameters<typeof eventOf>[0]) => toRecord({ topic, event: eventOf(change), codec }).value;
const estimated = async (letters: readonly Letter[], registry = stack.schemaRegistryUrl) => {
  const calls = estimateCalls(contextFor(registry), mongo.db);
  for (const letter of letters) await calls.add(letter);
  return calls.sum();
};

test('several events about one database are one fetch; deletes, and what nothing can read, cost none', async () => {
  const another = { databaseId: randomUUID() };
  const letters = [bytesOf({}), bytesOf({}), bytesOf(another), bytesOf({ ...another, kind: 'delete' }), Buffer.from('no event')];
  // A call for the database, and one for its data source.
  expect(await estimated(letters.map((value) => letterOf(value)))).toBe(4);
  expect(await estimated([letterOf(bytesOf({ databaseId: null, pageId: randomUUID(), kind: 'row_sync' }))])).toBe(1);
});

test('the cost of webhooks, and without the schema registry of anything, is not known', async () => {
  const webhook = letterOf(Buffer.from('{'));
  expect(await estimated([{ ...webhook, redrive: { to: 'ingress', route: 'nango' } }, letterOf(bytesOf({}))])).toBeNull();
  expect(await estimated([letterOf(bytesOf({}))], 'http://127.0.0.1:1')).toBeNull();
});
