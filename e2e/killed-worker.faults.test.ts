import type { ServiceProcess } from '@notion-mirror/demo/service-process';
import { groupIdFor, topicsFor } from '@notion-mirror/event-log/topics';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';

let scene: Scene;
let syncWorker: ServiceProcess;

beforeAll(async () => {
  scene = await setScene('killed_worker');
  await scene.start('ingress');
  // Rows become ready when workers of both kinds have reported.
  await scene.start('delete-worker');
  syncWorker = await scene.start('sync-worker');
});
afterAll(() => scene.end());

test('a sync-worker killed right after a commit has logged each event below the offset and stored its outcome', async () => {
  const prefix = String(scene.env['MIRROR_TOPIC_PREFIX']);
  const admin = new Kafka({ brokers: String(scene.env['MIRROR_KAFKA_BROKERS']).split(','), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const committed = async (): Promise<string> => {
    const place = { groupId: groupIdFor(prefix, 'sync-worker'), topics: [topicsFor(prefix).events] };
    return JSON.stringify(await admin.fetchOffsets(place));
  };

  const customers = Array.from({ length: 2 }, (_, index) => scene.prepare(`tenant-${index}`, `tenant-${index}`));
  for (const customer of customers) {
    await scene.register(customer);
    await scene.untilSwept(customer.workspaceId);
  }
  const before = await committed();
  const creating = new AbortController();
  // Several tenants at once, so that some events finish between the last flush and the commit.
  const creations = customers.map(async ({ user, pages }) => {
    for (let count = 0; count < 60 && !creating.signal.aborted; count += 1) {
      await user.createDatabase(pages.home, `Tasks ${count}`, { Name: { title: {} } });
    }
  });
  // Polls without a pause: the worker must die before it does anything else.
  let now = before;
  while (now === before) now = await committed();
  await syncWorker.kill();
  creating.abort();
  await Promise.all(creations);
  await admin.disconnect();

  await scene.start('sync-worker');
  await scene.untilEqual();
  await scene.untilHandled();
  const accepted = new Set(scene.lines.filter(({ msg }) => msg === 'event accepted').map(({ eventId }) => String(eventId)));
  const withoutOutcome = async (): Promise<string[]> => {
    const stored = new Set(await scene.db.collection('event_outcomes').distinct('eventId', { service: 'sync-worker' }));
    return [...accepted].filter((eventId) => !stored.has(eventId));
  };
  await expect.poll(withoutOutcome).toEqual([]);
});
