import type { DatabaseContent, JsonObject } from '@notion-mirror/domain/database-content';
import { keyOf, type EntityRef } from '@notion-mirror/domain/entity';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { someContent } from '../../test/databases.ts';
import { openTestDatabase, serverAddress, someLayout, uriThrough } from '../../test/mongo.ts';
import { startTcpProxy } from '../../test/tcp-proxy.ts';
import { openMongo } from '../client.ts';
import { databaseStorage, type DatabaseOutline } from '../entities/database.ts';
import { createDatabasesListing } from '../entities/database-sources.ts';
import { StoreUnavailableError } from '../errors.ts';
import { initMongo } from '../init.ts';
import { createRecordStore, type RecordStore, type StoredRecord } from './record-store.ts';

type DatabaseRecords = RecordStore<DatabaseContent, DatabaseOutline>;
type DatabaseRecord = StoredRecord<DatabaseOutline>;

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
let records: DatabaseRecords;
let metrics: Registry;
beforeAll(async () => {
  mongo = await openTestDatabase();
  await initMongo(mongo.db, someLayout);
  metrics = new Registry();
  records = createRecordStore(databaseStorage, { db: mongo.db, metrics });
});
afterAll(async () => {
  await mongo.drop();
});

let databases = 0;
/** The key of a new database. */
function key(workspaceId = 'acme'): EntityRef {
  databases += 1;
  return { workspaceId, id: `00000000-0000-0000-0000-${String(databases).padStart(12, '0')}` };
}

const asOf = new Date('2026-01-01T00:00:00.000Z');
const lastEvent = { id: 'event-1', type: 'database.created', occurredAt: new Date('2026-01-01T00:00:00.500Z') };
const live = (content: Partial<DatabaseContent> = {}) => ({ content: someContent(content), connectionId: 'connection-1', asOf, lastEvent });
const tombstone = { asOf, source: 'delete' as const, reason: 'deleted' as const, eventId: 'event-2' };

async function written(id: EntityRef, content: Partial<DatabaseContent> = {}): Promise<DatabaseRecord> {
  expect(await records.writeLive({ ...id, expected: null, ...live(content) })).toEqual({ kind: 'written' });
  return must(await records.read(id));
}

function must<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('unexpectedly missing');
  return value;
}

const inView = (ref: EntityRef) =>
  mongo.db.collection<{ _id: string; raw?: { database: JsonObject } }>('databases').findOne({ _id: keyOf(ref) });
const stored = (ref: EntityRef) => mongo.db.collection<{ _id: string }>('database_records').findOne({ _id: keyOf(ref) });

const recalled = (ref: EntityRef) => records.recall(ref);

describe('a recalled record', () => {
  test('equals the live record that a read would return', async () => {
    const id = key();
    expect(recalled(id)).toBeNull();
    const first = await written(id);
    expect(recalled(id)).toEqual(first);
    await records.writeLive({ ...id, expected: first, ...live({ title: 'Another' }), connectionId: 'connection-2' });
    expect(recalled(id)).toEqual(await records.read(id));
  });

  test('is null after a conflict or a tombstone', async () => {
    const id = key();
    const first = await written(id);
    expect(await records.writeLive({ ...id, expected: { ...first, rev: 7 }, ...live() })).toEqual({ kind: 'conflict' });
    expect(recalled(id)).toBeNull();
    const second = key();
    await records.writeTombstone({ ...second, expected: await written(second), ...tombstone });
    expect(recalled(second)).toBeNull();
  });

  test('conflicts when another process has written the record since', async () => {
    const id = key();
    const mine = await written(id);
    await createRecordStore(databaseStorage, { db: mongo.db, metrics: new Registry() }).writeTombstone({
      ...id,
      expected: mine,
      ...tombstone,
    });
    expect(recalled(id)).toEqual(mine);
    expect(await records.writeLive({ ...id, expected: recalled(id), ...live() })).toEqual({ kind: 'conflict' });
    expect(recalled(id)).toBeNull();
  });
});

describe('documents', () => {
  test('a live document matches the contract exactly, in the view too', async () => {
    const id = key();
    const before = Date.now();
    await written(id);
    const document = must(await inView(id));
    expect(document).toEqual({
      _id: `acme:${id.id}`,
      workspaceId: 'acme',
      databaseId: id.id,
      ...someContent(),
      rev: 1,
      asOf,
      source: 'fetch',
      connectionId: 'connection-1',
      lastEvent,
      syncedAt: expect.any(Date),
      historyDigest: expect.any(String),
    });
    expect(await stored(id)).toEqual(document);
    const { syncedAt } = document as unknown as { syncedAt: Date };
    expect(syncedAt.getTime()).toBeGreaterThanOrEqual(before);
    expect(syncedAt.getTime()).toBeLessThanOrEqual(Date.now());
  });

  test('a tombstone has no content and is not in the view', async () => {
    const id = key();
    const expected = await written(id);
    expect(await records.writeTombstone({ ...id, expected, ...tombstone })).toEqual({ kind: 'written' });
    expect(await stored(id)).toEqual({
      _id: `acme:${id.id}`,
      workspaceId: 'acme',
      databaseId: id.id,
      connectionId: 'connection-1',
      rev: 2,
      asOf,
      source: 'delete',
      removed: { at: expect.any(Date), reason: 'deleted', eventId: 'event-2' },
    });
    expect(await inView(id)).toBeNull();
  });

  test('a restored database is a live document again, without traces of the tombstone', async () => {
    const id = key();
    await records.writeTombstone({ ...id, expected: null, ...tombstone });
    const expected = await records.read(id);
    await records.writeLive({ ...id, expected, ...live() });
    expect(await inView(id)).toEqual(expect.objectContaining({ rev: 2, title: 'Tasks' }));
    expect(await stored(id)).not.toHaveProperty('removed');
  });

  test('a read returns the fields that the write rule needs', async () => {
    const id = key();
    expect(await records.read(id)).toBeNull();
    const first = await written(id);
    expect(first).toEqual({
      rev: 1,
      asOf: asOf.getTime(),
      syncedAt: expect.any(Number),
      source: 'fetch',
      live: true,
      dataSourceIds: ['source-1', 'source-2'],
      connectionId: 'connection-1',
      removed: null,
      historyDigest: expect.any(String),
    });
    await records.writeTombstone({ ...id, expected: first, ...tombstone });
    expect(await records.read(id)).toEqual({
      rev: 2,
      asOf: asOf.getTime(),
      syncedAt: expect.any(Number),
      source: 'delete',
      live: false,
      dataSourceIds: [],
      connectionId: 'connection-1',
      removed: { at: expect.any(Date), reason: 'deleted', eventId: 'event-2' },
    });
  });

  test('a record written by another program fails alone', async () => {
    const [good, bad] = [key(), key()];
    await written(good);
    await mongo.db.collection<{ _id: string }>('database_records').insertOne({ _id: keyOf(bad) });
    const [a, b] = await Promise.allSettled([good, bad].map((id) => records.read(id)));
    expect(a?.status).toBe('fulfilled');
    expect(String((b as PromiseRejectedResult).reason)).toContain('is not as this program writes it');
  });
});

describe("users' text", () => {
  const awkward = JSON.parse(`{
    "$set": {"id": "a", "$inc": {"rev": 100}}, "$ref": {"x": 1}, "$id": {"y": 2}, "$db": {}, "a.b": {"c.d": [{"$where": "1"}]},
    "__proto__": {"polluted": true}, "constructor": {"prototype": 1}, "": {"": ""}, "🙂": "🙂", "_bsontype": {"_bsontype": "ObjectId", "id": "x"},
    "toBSON": {"a": 1}, "_id": "x", "2024": 1, "length": 5, "$$ROOT": "$$ROOT", "$title": "$title", "large": 12345678901234, "float": 0.1, "minus": -0.5,
    "ü\\u0301": "\\u0000 in a value", "null": null
  }`);

  test('is stored literally and returned unchanged', async () => {
    const id = key('$workspace.with:odd "id"');
    const name = '$set.a\0b';
    const properties = [{ id: '$x', name, type: 'select', description: '$$NOW', config: awkward }];
    const source = { ...must(someContent().dataSources[0]), properties };
    await written(id, { title: '$title', raw: { database: { properties: awkward }, dataSources: [awkward] }, dataSources: [source] });
    const document = must(await inView(id));
    expect(JSON.stringify(sorted(document.raw))).toEqual(
      JSON.stringify(sorted({ database: { properties: awkward }, dataSources: [awkward] })),
    );
    expect(Object.hasOwn(document.raw?.database['properties'] as object, '__proto__')).toBe(true);
    expect(document).toMatchObject({ title: '$title', rev: 1, dataSources: [{ properties: [{ name, description: '$$NOW' }] }] });
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    // A replacement stores it as literally as an insert.
    const expected = await records.read(id);
    await records.writeLive({ ...id, expected, ...live({ raw: { database: { properties: awkward }, dataSources: [] } }) });
    expect(JSON.stringify(sorted((await inView(id))?.raw))).toEqual(
      JSON.stringify(sorted({ database: { properties: awkward }, dataSources: [] })),
    );
  });

  test('NUL in a key of raw becomes ␀', async () => {
    const id = key();
    await written(id, { raw: { database: { properties: { 'a\0b': { name: 'a\0b' } } }, dataSources: [] } });
    expect((await inView(id))?.raw?.database).toEqual({ properties: { 'a␀b': { name: 'a\0b' } } });
  });
});

/** Object keys in one order: `toEqual` does not see a key named `__proto__`, JSON does. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .map(([name, inner]) => [name, sorted(inner)])
    .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}

describe('conditions', () => {
  test('of many writers that read the same state, exactly one succeeds', async () => {
    for (const make of [async () => null, async (id: ReturnType<typeof key>) => written(id)]) {
      const id = key();
      const expected = await make(id);
      const results = await Promise.all(
        Array.from({ length: 20 }, async (_, n) => {
          // Reads in between spread the writers over one batch and several.
          if (n % 3 === 0) await records.read({ workspaceId: 'acme', id: 'another' });
          return n % 2 === 0
            ? records.writeLive({ ...id, expected, ...live() })
            : records.writeTombstone({ ...id, expected, ...tombstone, eventId: `event ${n}` });
        }),
      );
      expect(results.filter(({ kind }) => kind === 'written')).toHaveLength(1);
      expect(results.filter(({ kind }) => kind === 'conflict')).toHaveLength(19);
      expect(await records.read(id)).toMatchObject({ rev: (expected?.rev ?? 0) + 1 });
    }
  });

  test('a counter incremented with retries on conflict loses no increment', async () => {
    const id = key();
    await written(id, { title: '0' });
    const stores = [records, createRecordStore(databaseStorage, { db: mongo.db, metrics: new Registry() })];
    const increment = async (store: DatabaseRecords): Promise<void> => {
      for (;;) {
        const expected = await store.read(id);
        const { title } = must(await mongo.db.collection<{ _id: string; title?: string }>('databases').findOne({ databaseId: id.id }));
        const result = await store.writeLive({ ...id, expected, ...live({ title: String(Number(title) + 1) }) });
        if (result.kind === 'written') return;
      }
    };
    await Promise.all(Array.from({ length: 30 }, (_, n) => increment(stores[n % 2] ?? records)));
    expect(await inView(id)).toMatchObject({ title: '30', rev: 31 });
  });

  test('touching a tombstone raises rev, renews its time and keeps the rest', async () => {
    const id = key();
    await records.writeTombstone({ ...id, expected: null, ...tombstone, source: 'fetch', reason: 'trashed' });
    const expected = must(await records.read(id));
    const at = must(expected.removed).at;
    await expect.poll(() => Date.now()).toBeGreaterThan(at.getTime());
    expect(await records.touch({ ...id, expected })).toEqual({ kind: 'written' });
    const touched = must(await records.read(id));
    const syncedAt = must(touched.removed).at.getTime();
    expect(touched).toEqual({ ...expected, rev: 2, syncedAt, removed: { ...expected.removed, at: expect.any(Date) } });
    expect(syncedAt).toBeGreaterThan(at.getTime());
    expect(await records.touch({ ...id, expected })).toEqual({ kind: 'conflict' });
    await expect(records.touch({ ...id, expected: await written(key()) })).rejects.toThrow('only a tombstone');
  });

  test('a tombstone that expired meanwhile is no conflict; its successor is one, even with the same rev', async () => {
    const [expired, replaced] = [key(), key()];
    const seen = await Promise.all(
      [expired, replaced].map(async (id) => {
        await records.writeTombstone({ ...id, expected: null, ...tombstone });
        const expected = must(await records.read(id));
        await mongo.db.collection<{ _id: string }>('database_records').deleteOne({ _id: keyOf(id) });
        return expected;
      }),
    );
    await expect.poll(() => Date.now()).toBeGreaterThan(must(seen[1]?.removed).at.getTime());
    await records.writeTombstone({ ...replaced, expected: null, ...tombstone });
    expect(await records.read(replaced)).toMatchObject({ rev: seen[1]?.rev });
    expect(await records.writeLive({ ...expired, expected: must(seen[0]), ...live() })).toEqual({ kind: 'written' });
    expect(await records.writeLive({ ...replaced, expected: must(seen[1]), ...live() })).toEqual({ kind: 'conflict' });
  });

  test('one database has a record per tenant', async () => {
    const { id } = key();
    await written({ workspaceId: 'tenant-a', id }, { title: 'of a' });
    await written({ workspaceId: 'tenant-b', id }, { title: 'of b' });
    expect(await inView({ workspaceId: 'tenant-a', id })).toMatchObject({ title: 'of a' });
    expect(await inView({ workspaceId: 'tenant-b', id })).toMatchObject({ title: 'of b' });
  });
});

const deep = (levels: number): JsonObject => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);
const megabytes = (count: number) => 'x'.repeat(Math.round(count * 1024 * 1024));

describe('batches', () => {
  test('simultaneous operations are sent as one batch', async () => {
    const ids = Array.from({ length: 60 }, () => key());
    const batches = await sumOf('notion_mirror_store_batch_size_count', { kind: 'write' });
    await Promise.all(ids.map((id) => records.writeLive({ ...id, expected: null, ...live() })));
    expect((await sumOf('notion_mirror_store_batch_size_count', { kind: 'write' })) - batches).toBeLessThanOrEqual(2);
    const reads = await sumOf('notion_mirror_store_batch_size_count', { kind: 'read' });
    const found = await Promise.all(ids.map((id) => records.read(id)));
    expect(found.every((record) => record?.rev === 1)).toBe(true);
    expect((await sumOf('notion_mirror_store_batch_size_count', { kind: 'read' })) - reads).toBeLessThanOrEqual(2);
  });

  test.each([
    ['too large', { raw: { database: { text: megabytes(17) }, dataSources: [] } }, 'the document has 17.0 MiB'],
    ['nested too deep', { raw: { database: deep(300), dataSources: [] } }, 'nested deeper than 100 levels'],
    // Values that the types exclude but nothing checks at run time: the driver or the server refuses the whole command.
    ['refused by the driver', { title: JSON.parse('{"_bsontype": "Nonsense"}') }, 'cannot be written as BSON (BSONVersionError)'],
    ['refused by the server', { title: JSON.parse(JSON.stringify(deep(300))) }, 'MongoDB does not take the document (code 15)'],
  ])('a document that is %s is rejected alone', async (_what, content, message) => {
    const bad = key();
    const others = Array.from({ length: 9 }, () => key());
    const taken = key();
    await written(taken);
    const ids = [...others.slice(0, 4), bad, ...others.slice(4), taken];
    const results = await Promise.all(ids.map((id) => records.writeLive({ ...id, expected: null, ...live(id === bad ? content : {}) })));
    expect(results[4]).toEqual({ kind: 'rejected', message: expect.stringContaining(message) });
    expect(results.at(-1)).toEqual({ kind: 'conflict' });
    expect(results.filter(({ kind }) => kind === 'written')).toHaveLength(9);
    expect(await records.read(bad)).toBeNull();
  });

  test('a document of 15 MiB is stored', async () => {
    const id = key();
    await written(id, { raw: { database: { text: megabytes(15) }, dataSources: [] } });
    expect(await inView(id)).not.toBeNull();
  });
});

async function sumOf(metric: string, labels: Readonly<Record<string, string>>): Promise<number> {
  const lines = (await metrics.metrics()).split('\n').filter((line) => line.startsWith(`${metric}{`));
  const wanted = lines.filter((line) => Object.entries(labels).every(([name, value]) => line.includes(`${name}="${value}"`)));
  return wanted.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

describe('queries', () => {
  test('finds the live databases that list a data source', async () => {
    const [a, b, other, removed] = [key('w1'), key('w1'), key('w2'), key('w1')];
    for (const id of [b, a, other]) await written(id);
    await records.writeTombstone({ ...removed, expected: await written(removed), ...tombstone });
    const databasesListing = createDatabasesListing({ db: mongo.db, metrics });
    expect(await databasesListing('w1', 'source-2')).toEqual([a.id, b.id]);
    expect(await databasesListing('w1', 'source-3')).toEqual([]);
    expect(await records.liveIds('w1')).toEqual([a.id, b.id]);
  });
});

test('every operation is unavailable while MongoDB does not answer, and works again afterwards', async () => {
  const proxy = await startTcpProxy(serverAddress());
  const through = await openMongo(uriThrough(proxy.port, mongo.name), { appName: 'through-proxy' });
  try {
    const store = createRecordStore(databaseStorage, { db: through.db, metrics: new Registry() });
    const id = key();
    expect(await store.read(id)).toBeNull();
    proxy.cut();
    const results = await Promise.allSettled([
      store.read(id),
      store.writeLive({ ...id, expected: null, ...live() }),
      createDatabasesListing({ db: through.db, metrics: new Registry() })('acme', 'source-1'),
    ]);
    expect(results.map((result) => result.status === 'rejected' && result.reason instanceof StoreUnavailableError)).toEqual([
      true,
      true,
      true,
    ]);
    proxy.restore();
    await expect.poll(() => store.read(id).catch(() => 'unavailable')).toBeNull();
    expect(await store.writeLive({ ...id, expected: null, ...live() })).toEqual({ kind: 'written' });
  } finally {
    await through.close();
    await proxy.stop();
  }
});
