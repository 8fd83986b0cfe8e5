import { afterAll, beforeAll, expect, test } from 'vitest';
import { richText } from '@notion-mirror/demo/notion-user';
import { setScene, type Scene } from './scene.ts';
import { waitUntil } from './wait-until.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await setScene('recovery');
  await scene.startAll();
});
afterAll(() => scene.end());

// After an outage in which Notion answered 401 to everything, each tenant with an event in it stayed unauthorized until an operator resumed it.
test('a connection that Notion refused for too long becomes active again by itself, and changes made meanwhile are mirrored', async () => {
  const acme = await scene.connect('acme', 'Acme');
  const { databaseId } = await acme.user.createDatabase(acme.pages.home, 'Tasks', { Name: { title: {} } });
  await scene.untilEqual();
  await scene.untilSwept('acme');
  const connections = scene.db.collection<{ _id: string; status: string }>('connections');
  const becomes = (status: string) =>
    waitUntil(async () => (await connections.findOne({ _id: acme.connectionId }))?.status === status, { timeoutMs: 240_000 });

  scene.notion.faults.inject({ kind: 'unauthorized', token: acme.botToken });
  await acme.user.editDatabase(databaseId, { title: richText('During the spell') });
  await becomes('unauthorized');
  await waitUntil(async () => (await scene.db.collection('parked_events').countDocuments({ workspaceId: 'acme' })) > 0);
  scene.notion.faults.clear();
  await becomes('active');
  await scene.untilEqual();
  expect(await scene.db.collection('databases').findOne({ databaseId })).toMatchObject({ title: 'During the spell' });
}, 300_000);
