import { databaseKind } from '@notion-mirror/domain/entities/database';
import { rowKind } from '@notion-mirror/domain/entities/row';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase, someLayout, uriOf } from '../test/mongo.ts';
import { openMongo } from './client.ts';
import { StoreMisconfiguredError, StoreUnavailableError } from './errors.ts';
import { describeDifference, initMongo, inspectMongo } from './init.ts';

const ttl = { ...someLayout, tombstoneTtlMs: 30 * 86_400_000 };

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => {
  mongo = await openTestDatabase();
});
beforeEach(async () => {
  await mongo.db.dropDatabase();
});
afterAll(async () => {
  await mongo.drop();
});

async function ttlOfTombstones(): Promise<unknown> {
  const indexes = await mongo.db.collection('database_records').indexes();
  return indexes.find(({ key }) => Object.keys(key).join() === 'removed.at')?.expireAfterSeconds;
}

test('sets everything up, and a second run changes nothing', async () => {
  const repaired = await initMongo(mongo.db, ttl);
  expect(repaired.map(describeDifference)).toContain('view databases is missing');
  const collections = (await mongo.db.listCollections().toArray()).map(({ name, type }) => `${type} ${name}`);
  expect(collections.filter((line) => !line.includes('system.')).toSorted()).toEqual([
    'collection connection_notices',
    'collection connections',
    'collection data_source_contents',
    'collection database_records',
    'collection event_outcomes',
    'collection handshakes',
    'collection minutes',
    'collection operator_actions',
    'collection parked_events',
    'collection planned_reads',
    'collection replays',
    'collection row_records',
    'collection rows_off',
    'collection schema_changes',
    'collection settled_dead_letters',
    'collection shadow_records',
    'collection shadow_row_records',
    'collection spooled_events',
    'collection state_log',
    'collection sweeps',
    'collection switches',
    'collection tenant_signs',
    'collection worker_status',
    'view databases',
    'view rows',
  ]);
  expect(await ttlOfTombstones()).toBe(30 * 86_400);
  expect(await initMongo(mongo.db, ttl)).toEqual([]);
});

// A TTL of 4,898.88 s, from 0.0567 days.
test('a TTL with a fraction of a second is set once', async () => {
  const fraction = { ...someLayout, tombstoneTtlMs: 4_898_880 };
  await initMongo(mongo.db, fraction);
  expect(await initMongo(mongo.db, fraction)).toEqual([]);
});

test('concurrent runs are as good as one', async () => {
  await Promise.all(Array.from({ length: 5 }, () => initMongo(mongo.db, ttl)));
  expect((await inspectMongo(mongo.db, ttl)).differences).toEqual([]);
});

test('another TTL, a changed view and a lost index are repaired', async () => {
  await initMongo(mongo.db, ttl);
  await mongo.db.command({ collMod: 'databases', viewOn: 'database_records', pipeline: [] });
  await mongo.db.collection('database_records').dropIndex('by_data_source');
  const markers = mongo.db.collection('settled_dead_letters');
  await markers.dropIndex('expiry');
  await markers.createIndex({ expiresAt: 1 }, { name: 'expiry' });
  const other = { ...someLayout, tombstoneTtlMs: 60_000, schemaHistoryMs: 86_400_000 };
  const { differences } = await inspectMongo(mongo.db, other);
  expect(differences.map(describeDifference)).toEqual([
    'index by_data_source of database_records is missing',
    'tombstones in database_records expire after 2592000 s instead of 60 s',
    'tombstones in row_records expire after 2592000 s instead of 60 s',
    'index expiry of schema_changes has other keys or another expiry',
    'index expiry of settled_dead_letters has other keys or another expiry',
    'tombstones in shadow_records expire after 2592000 s instead of 60 s',
    'tombstones in shadow_row_records expire after 2592000 s instead of 60 s',
    'view databases is not as it should be',
  ]);
  expect(await initMongo(mongo.db, other)).toEqual(differences);
  expect(await ttlOfTombstones()).toBe(60);
  expect((await markers.indexes()).find(({ name }) => name === 'expiry')?.expireAfterSeconds).toBe(0);
  const history = await mongo.db.collection('schema_changes').indexes();
  expect(history.find(({ name }) => name === 'expiry')).toMatchObject({ key: { at: 1 }, expireAfterSeconds: 86_400 });
  expect((await inspectMongo(mongo.db, other)).differences).toEqual([]);
});

test("an operator's index with the same keys is accepted", async () => {
  await mongo.db.collection('connections').createIndex({ workspaceId: 1 }, { name: 'mine' });
  await initMongo(mongo.db, ttl);
  expect((await inspectMongo(mongo.db, ttl)).differences).toEqual([]);
});

test('a collection with the view’s name is not touched', async () => {
  await mongo.db.collection('databases').insertOne({ precious: true });
  await expect(initMongo(mongo.db, ttl)).rejects.toThrow('a collection is named databases');
  expect(await mongo.db.collection('databases').countDocuments()).toBe(1);
});

test('the queries of the views use indexes', async () => {
  await initMongo(mongo.db, ttl);
  const queries = [
    ['databases', { workspaceId: 'a' }],
    ['databases', { workspaceId: 'a', 'dataSources.id': 'b' }],
    ['databases', { workspaceId: 'a', 'parent.id': 'c' }],
    ['rows', { workspaceId: 'a', dataSourceId: 'b', properties: { $elemMatch: { name: 'Status', value: 'Done' } } }],
    ['rows', { workspaceId: 'a', databaseId: 'b' }],
    ['rows', { workspaceId: 'a', related: 'c' }],
    ['schema_changes', { dataSourceId: 'b' }],
    ['schema_changes', { workspaceId: 'a', databaseId: 'b' }],
  ] as const;
  for (const [view, filter] of queries) {
    const plan = JSON.stringify(await mongo.db.collection(view).find(filter).explain('queryPlanner'));
    expect(plan).toContain('"IXSCAN"');
    expect(plan).not.toContain('"COLLSCAN"');
  }
});

test('reports the differences found', async () => {
  await initMongo(mongo.db, ttl);
  await mongo.db.collection('spooled_events').insertOne({});
  await mongo.db.collection('data_source_contents').insertMany([{ state: 'incomplete' }, { state: 'complete' }]);
  await mongo.db.collection('row_records').insertMany([{}, {}, { removed: { at: new Date() } }]);
  const report = await inspectMongo(mongo.db, ttl);
  expect(report).toEqual({
    serverVersion: expect.stringMatching(/^\d+\./),
    replicaSet: 'rs0',
    unevenSharding: [],
    differences: [],
    records: [
      { kind: databaseKind, live: 0, tombstones: 0 },
      { kind: rowKind, live: 2, tombstones: 1 },
    ],
    counts: { spooled: 1, parked: 0, stoppedSweeps: 0, incompleteSweeps: 0, incompleteSources: 1 },
  });
});

test('the database is the one in the URI, or notion_mirror', async () => {
  expect(mongo.db.databaseName).toBe(mongo.name);
  const named = await openMongo(uriOf(''), { appName: 'test' });
  expect(named.db.databaseName).toBe('notion_mirror');
  await named.close();
});

test('a missing server is reported as unavailable, quickly and without the password', async () => {
  const opening = openMongo('mongodb://user:hunter2@127.0.0.1:1/x', { appName: 'test' });
  const error = await opening.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreUnavailableError);
  expect(String(error)).toContain('127.0.0.1:1');
  expect(String(error)).not.toContain('hunter2');
});

test('a bad URI is a misconfiguration', async () => {
  await expect(openMongo('mongodb://localhost/x?w=banana&foo=bar', { appName: 'test' })).rejects.toThrow(StoreMisconfiguredError);
});

test('every operation waits for the majority', async () => {
  const plain = new MongoClient(uriOf('x'));
  expect(mongo.db.writeConcern?.w).toBe('majority');
  expect(mongo.db.readConcern?.level).toBe('majority');
  await plain.close();
});
