import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../test/mongo.ts';
import { createParkedEvents, type Parked, type ParkedEvents } from './parked-events.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
let parked: ParkedEvents;
beforeAll(async () => {
  mongo = await openTestDatabase();
  parked = createParkedEvents(mongo.db);
});
beforeEach(async () => {
  await mongo.db.collection('parked_events').deleteMany({});
});
afterAll(async () => {
  await mongo.drop();
});

const event = (change: Partial<DatabaseEvent> = {}): DatabaseEvent => ({
  eventId: 'event-1',
  kind: 'sync',
  type: 'data_source.schema_updated',
  workspaceId: 'acme',
  connectionId: 'connection-1',
  providerConfigKey: 'notion',
  notionWorkspaceId: 'notion-1',
  databaseId: 'database-1',
  dataSourceId: null,
  pageId: null,
  occurredAt: new Date(1000),
  receivedAt: new Date(2000),
  origin: 'nango',
  ...change,
});

async function released(workspaceId = 'acme'): Promise<{ event: DatabaseEvent; accessibleBy: readonly string[] }[]> {
  const seen: { event: DatabaseEvent; accessibleBy: readonly string[] }[] = [];
  await parked.release(workspaceId, async ({ event: each, accessibleBy }) => {
    seen.push({ event: each, accessibleBy });
  });
  return seen;
}

test('an event is released unchanged, with its trace', async () => {
  const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
  await parked.park(event({ trace }), ['bot-1', 'bot-2']);
  expect(await released()).toEqual([{ event: event({ trace }), accessibleBy: ['bot-1', 'bot-2'] }]);
  expect(await parked.count()).toBe(0);
});

test('of several events of one database the last received stays, in whatever order they come', async () => {
  const events = Array.from({ length: 12 }, (_, n) => event({ eventId: `event ${n}`, receivedAt: new Date(2000 + ((n * 5) % 12)) }));
  for (const each of events) await parked.park(each, []);
  expect((await released()).map((each) => each.event.receivedAt.getTime())).toEqual([2011]);
  for (let round = 0; round < 60; round += 1) {
    const databaseId = `at once ${round}`;
    await Promise.all(events.map((each) => parked.park({ ...each, databaseId }, [])));
  }
  expect(new Set((await released()).map((each) => each.event.receivedAt.getTime()))).toEqual(new Set([2011]));
});

test('databases, data sources and tenants are separate, and released in the order of receipt', async () => {
  await parked.park(event({ eventId: 'c', receivedAt: new Date(3000) }), []);
  await parked.park(event({ eventId: 'a', databaseId: 'database-2', receivedAt: new Date(1000) }), []);
  await parked.park(event({ eventId: 'b', databaseId: null, dataSourceId: 'source-1', receivedAt: new Date(2000) }), []);
  await parked.park(event({ eventId: 'x', workspaceId: 'globex' }), []);
  expect(await parked.workspaces()).toEqual(['acme', 'globex']);
  expect(await parked.count('acme')).toBe(3);
  expect((await released()).map((each) => each.event.eventId)).toEqual(['a', 'b', 'c']);
  expect(await parked.workspaces()).toEqual(['globex']);
});

async function publishEvenOnes({ event: { eventId } }: Parked): Promise<void> {
  if (eventId === 'event 1' || eventId === 'event 3') throw new Error(`cannot publish ${eventId}`);
}

test('only published events are removed', async () => {
  for (let n = 0; n < 5; n += 1)
    await parked.park(event({ eventId: `event ${n}`, databaseId: `database-${n}`, receivedAt: new Date(n) }), []);
  await expect(parked.release('acme', publishEvenOnes)).rejects.toThrow('cannot publish event 1');
  expect((await released()).map((each) => each.event.eventId)).toEqual(['event 1', 'event 3']);
});

test('an event parked again during its release stays', async () => {
  await parked.park(event({ eventId: 'old' }), []);
  const seen: string[] = [];
  const count = await parked.release('acme', async ({ event: { eventId } }) => {
    seen.push(eventId);
    if (eventId === 'old') await parked.park(event({ eventId: 'new', receivedAt: new Date(9000) }), []);
  });
  expect(seen).toEqual(['old', 'new']);
  expect(count).toBe(2);
  expect(await parked.count()).toBe(0);
});

test('releases more than one batch', async () => {
  await Promise.all(
    Array.from({ length: 450 }, (_, n) =>
      parked.park(event({ eventId: `${n}`, databaseId: `database-${n}`, receivedAt: new Date(n) }), []),
    ),
  );
  expect((await released()).map((each) => each.event.eventId)).toEqual(Array.from({ length: 450 }, (_, n) => `${n}`));
});

test('a tenant’s events can be discarded', async () => {
  await parked.park(event(), []);
  await parked.park(event({ workspaceId: 'globex' }), []);
  await parked.discard('acme');
  expect(await parked.workspaces()).toEqual(['globex']);
});
