import type { RowContent } from '@notion-mirror/domain/entities/row';
import type { Partition } from '@notion-mirror/domain/row-scan';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../../test/mongo.ts';
import { layoutWithRows, someRow } from '../../test/rows.ts';
import { initMongo } from '../init.ts';
import { openMirroredDocuments } from '../records/mirrored-documents.ts';
import { stateOf } from '../records/record-state.ts';
import { createRecordStore, type RecordStore } from '../records/record-store.ts';
import { digestOfRow, openRowRecords, type DigestedRow, type RowRecords } from './row-records.ts';
import { rowStorage, type RowOutline } from './row.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
let store: RecordStore<RowContent, RowOutline>;
let rows: RowRecords;
beforeAll(async () => {
  mongo = await openTestDatabase();
  await initMongo(mongo.db, layoutWithRows);
  store = createRecordStore(rowStorage, { db: mongo.db, metrics: new Registry() });
  rows = openRowRecords(mongo.db);
});
beforeEach(async () => {
  await mongo.db.collection('row_records').deleteMany({});
});
afterAll(async () => {
  await mongo.drop();
});

const source = { workspaceId: 'acme', dataSourceId: 'source-1' };
const minute = 60_000;
const first = Date.parse('2026-03-01T19:05:00.000Z');
const at = (minutes: number) => new Date(first + minutes * minute);
const idOf = (number: number) => `page-${String(number).padStart(5, '0')}`;
const asOf = new Date('2026-04-01T00:00:00.000Z');

async function write(id: string, change: Partial<RowContent> = {}, workspaceId = 'acme', connectionId = 'c1'): Promise<void> {
  const content = someRow(change);
  await store.writeLive({ workspaceId, id, expected: null, content, connectionId, asOf, lastEvent: null, seenBy: 'query' });
}

async function idsIn(from: number | null, until: number | null, partition: Partition = 'live'): Promise<string[]> {
  const range = { partition, from: from === null ? null : at(from).getTime(), until: until === null ? null : at(until).getTime() };
  return (await all(rows.live(source, range))).map(({ id }) => id);
}

async function all(found: AsyncIterable<DigestedRow>): Promise<DigestedRow[]> {
  const read: DigestedRow[] = [];
  for await (const row of found) read.push(row);
  return read;
}

test('the live rows of one partition and data source come in order of created time, from a minute until another', async () => {
  const minutes = [3, 1, 2, 2, 0, 5];
  await Promise.all(minutes.map((of, index) => write(idOf(index), { createdTime: at(of) })));
  await write('archived', { createdTime: at(2), isArchived: true });
  await write('elsewhere', { createdTime: at(2), dataSourceId: 'source-2' });
  await write('theirs', { createdTime: at(2) }, 'globex');
  await write('before 1970', { createdTime: new Date('0001-01-01') });
  expect(await idsIn(null, null)).toEqual(['before 1970', idOf(4), idOf(1), idOf(2), idOf(3), idOf(0), idOf(5)]);
  expect(await idsIn(1, 3)).toEqual([idOf(1), idOf(2), idOf(3)]);
  expect(await idsIn(2, null)).toEqual([idOf(2), idOf(3), idOf(0), idOf(5)]);
  expect(await idsIn(null, 1)).toEqual(['before 1970', idOf(4)]);
  expect(await idsIn(null, null, 'archived')).toEqual(['archived']);
  expect(await rows.count(source)).toEqual({ live: 7, archived: 1 });
});

test('neither a tombstone nor a row without a created time is returned', async () => {
  await write('kept');
  await write('timeless', { createdTime: null });
  await write('gone');
  const expected = await store.read({ workspaceId: 'acme', id: 'gone' });
  await store.writeTombstone({ workspaceId: 'acme', id: 'gone', expected, asOf, source: 'fetch', reason: 'trashed', eventId: 'e1' });
  expect(await idsIn(null, null)).toEqual(['kept']);
  const tombstone = await mongo.db.collection<{ _id: string }>('row_records').findOne({ _id: 'acme:gone' });
  expect(stateOf(rowStorage, tombstone!)).toMatchObject({
    kind: 'removed',
    kept: { dataSourceId: 'source-1', createdTime: someRow().createdTime },
  });
  const removedAt = (await store.read({ workspaceId: 'acme', id: 'gone' }))?.removed?.at ?? asOf;
  expect(await rows.hasRemovedSince(source, removedAt)).toBe(true);
  expect(await rows.hasRemovedSince(source, new Date(removedAt.getTime() + 1))).toBe(false);
  expect(await rows.hasRemovedSince({ ...source, dataSourceId: 'source-2' }, removedAt)).toBe(false);
});

test('more rows of one minute than are read at once come once each, though some go meanwhile', async () => {
  const count = 1_203;
  await Promise.all(Array.from({ length: count }, (_, index) => write(idOf(index), { createdTime: at(index === count - 1 ? 9 : 1) })));
  const found: string[] = [];
  for await (const { id } of rows.live(source, { partition: 'live', from: null, until: null })) {
    found.push(id);
    // Also the row at which the next read begins.
    if (found.length === 300)
      await mongo.db.collection<{ _id: string }>('row_records').deleteMany({ _id: { $in: found.map((one) => `acme:${one}`) } });
    if (found.length === 501) await mongo.db.collection<{ _id: string }>('row_records').deleteOne({ _id: `acme:${id}` });
  }
  expect(found).toEqual(Array.from({ length: count }, (_, index) => idOf(index)));
});

test('a hidden row is in neither the view nor the counts, and keeps its content', async () => {
  await write('row');
  await write('template');
  const ref = { workspaceId: 'acme', id: 'template' };
  const list = async (isListed: boolean) => store.setListed({ ...ref, expected: await store.read(ref), isListed });
  const shown = async () => (await mongo.db.collection('rows').find().toArray()).map(({ pageId }) => String(pageId)).toSorted();
  const before = await store.read(ref);
  await mongo.db.collection('row_records').updateOne({ pageId: 'template' }, { $set: { restoredFrom: { partition: 0, offset: 1 } } });

  expect(await list(false)).toEqual({ kind: 'written' });
  expect([await shown(), await rows.count(source)]).toEqual([['row'], { live: 1, archived: 0 }]);
  const [row, template] = await all(rows.live(source, { partition: 'live', from: null, until: null }));
  expect([row?.isListed, template]).toEqual([undefined, { ...row, id: 'template', isListed: false }]);
  expect(await store.read(ref)).toMatchObject({ rev: 2, live: true, isListed: false });
  const raw = await mongo.db.collection<{ _id: string }>('row_records').findOne({ _id: 'acme:template' });
  // The state log publishes it: it is not as it was restored any more.
  expect(raw).not.toHaveProperty('restoredFrom');
  expect(stateOf(rowStorage, raw!)).toMatchObject({ kind: 'live', isListed: false, content: { title: someRow().title } });
  expect((await openMirroredDocuments(mongo.db, rowStorage).read(ref))?.fields).toBeNull();
  expect(await store.setListed({ ...ref, expected: before, isListed: true })).toEqual({ kind: 'conflict' });

  expect(await list(true)).toEqual({ kind: 'written' });
  expect([await shown(), await rows.count(source)]).toEqual([['row', 'template'], { live: 2, archived: 0 }]);
  expect(await store.read(ref)).not.toHaveProperty('isListed');
});

test('a row has the digest of an equal answer, its connection and its created time', async () => {
  await write('p1', {}, 'acme', 'c7');
  const resigned = { type: 'file', file: { url: 'https://files.example/a.png?signature=2', expiry_time: 'later' } };
  const raw = { request_id: 'r1', ...someRow().raw, icon: resigned };
  const digest = digestOfRow(someRow({ icon: resigned, raw }));
  expect(await all(rows.live(source, { partition: 'live', from: null, until: null }))).toEqual([
    { id: 'p1', createdTime: first, connectionId: 'c7', digest, asOf: asOf.getTime() },
  ]);
  expect(digestOfRow(someRow({ title: 'Cabbage' }))).not.toBe(digest);
});

test('records are read by id, with their digest, and tombstones without', async () => {
  await write('p1');
  await store.writeTombstone({ workspaceId: 'acme', id: 'p2', expected: null, asOf, source: 'delete', reason: 'deleted', eventId: 'e1' });
  const found = await rows.read('acme', ['p1', 'p2', 'p3']);
  expect([...found.keys()].toSorted()).toEqual(['p1', 'p2']);
  const read = await store.read({ workspaceId: 'acme', id: 'p1' });
  expect(found.get('p1')).toEqual({ ...read, digest: digestOfRow(someRow()) });
  expect(found.get('p2')).toMatchObject({ live: false, digest: null, rev: 1 });
});

test('a row that MongoDB can never store has no digest', () => {
  const deep = JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`) as RowContent['cover'];
  expect(digestOfRow(someRow({ cover: deep }))).toBeNull();
});
