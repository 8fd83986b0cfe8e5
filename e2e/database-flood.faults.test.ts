import { randomUUID } from 'node:crypto';
import type { Customer } from '@notion-mirror/demo/customers';
import { richText } from '@notion-mirror/demo/notion-user';
import { createEventCodec } from '@notion-mirror/event-log/event-codec';
import { toRecord } from '@notion-mirror/event-log/event-record';
import { createPublisher } from '@notion-mirror/event-log/publisher';
import { topicsFor } from '@notion-mirror/event-log/topics';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';

// More events about the databases of one tenant than a worker has memory for, on the partition of another tenant.

const events = 60_000;

let scene: Scene;
let noisy: Customer;
let quiet: Customer;

beforeAll(async () => {
  scene = await setScene('database_flood', { env: { MIRROR_KAFKA_PARTITIONS: '1', MIRROR_ROWS: 'off' } });
  await scene.startAll();
  noisy = await scene.connect('noisy', 'Noisy');
  quiet = await scene.connect('quiet', 'Quiet');
  await Promise.all([scene.untilSwept('noisy'), scene.untilSwept('quiet')]);
});
afterAll(() => scene.end());

/** Appends an event for each of many databases, as the ingress does. */
async function flood({ workspaceId, connectionId, notionWorkspaceId }: Customer): Promise<void> {
  const { events: topic, eventsSubject: subject } = topicsFor(String(scene.env['MIRROR_TOPIC_PREFIX']));
  const schemaRegistry = { url: String(scene.env['MIRROR_SCHEMA_REGISTRY_URL']), username: null, password: null };
  const codec = await createEventCodec({ schemaRegistry, subject });
  const kafka = new Kafka({ brokers: String(scene.env['MIRROR_KAFKA_BROKERS']).split(','), logLevel: logLevel.NOTHING });
  const logger = createLogger({ service: 'test', level: 'silent' });
  const publisher = await createPublisher({ kafka, logger, metrics: new Registry(), deadlineMs: 60_000, maxWaiting: events });
  const about = { workspaceId, connectionId, notionWorkspaceId, providerConfigKey: 'notion', dataSourceId: null, pageId: null };
  const what = { kind: 'sync', type: 'database.content_updated', origin: 'notion' } as const;
  const appended = Array.from({ length: events }, () => {
    const now = new Date();
    const event = { ...about, ...what, eventId: randomUUID(), databaseId: randomUUID(), occurredAt: now, receivedAt: now };
    return publisher.publish(toRecord({ topic, event, codec }));
  });
  await Promise.all(appended);
  await publisher.stop();
}

const ends = (workspaceId: string, outcome: string) =>
  scene.lines.filter((line) => line['workspaceId'] === workspaceId && line['outcome'] === outcome).length;

test(`while ${events.toLocaleString('en')} events of a tenant that may make no call wait, those of others are handled`, async () => {
  const { databaseId } = await quiet.user.createDatabase(quiet.pages.home, 'Tasks', {});
  scene.notion.faults.inject({ kind: 'rate_limited', retryAfterSeconds: 600, token: noisy.botToken });
  const held = Date.now();
  await flood(noisy);
  // Behind all of them on the log.
  await quiet.user.editDatabase(databaseId, { title: richText('edited') });
  await expect.poll(() => scene.db.collection('databases').countDocuments({ workspaceId: 'quiet', title: 'edited' })).toBe(1);
  // The flood still waits: for a comparison with Notion, which waits for the budget.
  await expect.poll(() => ends('noisy', 'deferred')).toBeGreaterThan(events / 2);
  expect(ends('noisy', 'written')).toBe(0);
  expect(ends('quiet', 'deferred')).toBe(0);
  // It may have tried, without being allowed a call. That is recorded as incomplete, and it repeats in full.
  const sweep = await scene.db.collection<{ _id: string; completedAt: Date }>('sweeps').findOne({ _id: 'noisy' });
  expect(sweep?.completedAt.getTime()).toBeLessThan(held);
});
