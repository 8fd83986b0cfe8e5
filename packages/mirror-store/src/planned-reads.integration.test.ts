import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../test/mongo.ts';
import { openPlannedReads, type PlannedReads, type RowEvent } from './planned-reads.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
let planned: PlannedReads;
beforeAll(async () => {
  mongo = await openTestDatabase();
  planned = openPlannedReads(mongo.db);
});
beforeEach(async () => {
  await mongo.db.collection('planned_reads').deleteMany({});
});
afterAll(async () => {
  await mongo.drop();
});

function eventOf(pageId: string, change: Partial<RowEvent> = {}): RowEvent {
  return {
    eventId: 'event-1',
    kind: 'row_sync',
    type: 'mirror.dependency.1',
    workspaceId: 'acme',
    connectionId: 'connection-1',
    providerConfigKey: 'notion',
    notionWorkspaceId: 'notion-1',
    databaseId: null,
    dataSourceId: 'source-1',
    pageId,
    occurredAt: new Date(1000),
    receivedAt: new Date(2000),
    origin: 'dependency',
    trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
    ...change,
  };
}

test('those that were due before a time are found unchanged, the oldest first', async () => {
  const reads = [30, 10, 20, 40].map((at) => ({ event: eventOf(`page ${at}`), dueAt: new Date(at) }));
  for (const read of reads) await planned.keep(read);
  expect(await planned.dueBefore(new Date(40), 10)).toEqual([reads[1], reads[2], reads[0]]);
  expect(await planned.dueBefore(new Date(40), 1)).toEqual([reads[1]]);
});

test('a row has one plan, the last', async () => {
  const before = { event: eventOf('page'), dueAt: new Date(10) };
  const last = { event: eventOf('page', { type: 'mirror.dependency.2' }), dueAt: new Date(20) };
  const other = { event: eventOf('page', { workspaceId: 'initech' }), dueAt: new Date(15) };
  for (const read of [before, last, other]) await planned.keep(read);
  expect(await planned.dueBefore(new Date(100), 10)).toEqual([other, last]);
});

test('the end of a plan leaves one that is due later', async () => {
  const before = { event: eventOf('page'), dueAt: new Date(10) };
  const later = { event: eventOf('page'), dueAt: new Date(20) };
  await planned.keep(later);
  await planned.end(before);
  expect(await planned.dueBefore(new Date(100), 10)).toEqual([later]);
  await planned.end(later);
  expect(await planned.dueBefore(new Date(100), 10)).toEqual([]);
});
