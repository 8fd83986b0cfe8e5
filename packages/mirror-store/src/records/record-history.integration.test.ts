import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { AccessibleDataSource, DatabaseContent, Json, PropertyContent } from '@notion-mirror/domain/database-content';
import { keyOf, type EntityRef } from '@notion-mirror/domain/entity';
import { Registry } from '@notion-mirror/service-kit/metrics';
import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { someContent } from '../../test/databases.ts';
import { openTestDatabase, serverAddress, someLayout, uriOf, uriThrough } from '../../test/mongo.ts';
import { startTcpProxy } from '../../test/tcp-proxy.ts';
import { openMongo } from '../client.ts';
import { databaseStorage } from '../entities/database.ts';
import { StoreUnavailableError } from '../errors.ts';
import { initMongo } from '../init.ts';
import { createRecordRestorer } from './record-restorer.ts';
import { stateOf } from './record-state.ts';
import { createRecordStore } from './record-store.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
let metrics: Registry;
let records: ReturnType<typeof openStore>;
const openStore = (registry = new Registry()) => createRecordStore(databaseStorage, { db: mongo.db, metrics: registry });
beforeAll(async () => {
  mongo = await openTestDatabase();
  await initMongo(mongo.db, someLayout);
  metrics = new Registry();
  records = openStore(metrics);
});
afterAll(async () => {
  await mongo.drop();
});

let databases = 0;
function key(): EntityRef {
  databases += 1;
  return { workspaceId: 'acme', id: `database-${databases}` };
}

const price: PropertyContent = { id: 'p', name: 'Price', type: 'number', description: null, config: { format: 'euro' } };
const status = (...options: Json[]): PropertyContent => ({
  id: 's%3A',
  name: 'Status',
  type: 'select',
  description: null,
  config: { options },
});
const [tasks] = someContent().dataSources as [AccessibleDataSource];
const source = (id: string, ...properties: PropertyContent[]): AccessibleDataSource => ({ ...tasks, id, properties });

const large = (letter: string): PropertyContent => ({ ...price, config: { text: letter.repeat(9 * 1024 * 1024) } });

/** A database whose only data source, of the same id, has these properties. */
const having = ({ id }: EntityRef, ...properties: PropertyContent[]): DatabaseContent =>
  someContent({ dataSources: [source(id, ...properties)] });

let events = 0;
async function write(ref: EntityRef, content: DatabaseContent, store = records, expected = store.recall(ref)) {
  events += 1;
  const lastEvent = { id: `event-${events}`, type: 'data_source.schema_updated', occurredAt: new Date(events) };
  const asOf = new Date(Date.UTC(2026, 0, 1) + events);
  return store.writeLive({ ...ref, expected: expected ?? (await store.read(ref)), content, connectionId: 'c1', asOf, lastEvent });
}

const changesOf = ({ id }: EntityRef) => mongo.db.collection('schema_changes').find({ databaseId: id }).sort({ rev: 1 }).toArray();
const kindsOf = async (ref: EntityRef) => (await changesOf(ref)).map(({ changes }) => changes.map(({ kind }: Document) => kind));
const stored = (ref: EntityRef) => mongo.db.collection<Document & { _id: string }>('database_records').findOne({ _id: keyOf(ref) });

async function batches(kind: 'read' | 'write'): Promise<number> {
  const metric = await metrics.getSingleMetric('notion_mirror_store_batch_size')?.get();
  const values = metric?.values as { metricName: string; labels: { kind?: string }; value: number }[];
  return values.find(({ metricName, labels }) => metricName.endsWith('_count') && labels.kind === kind)?.value ?? 0;
}

describe('a change of properties', () => {
  test('leaves one document for its data source, as specified', async () => {
    const ref = key();
    await write(ref, having(ref, price));
    const before = await stored(ref);
    await write(ref, having(ref, { ...price, id: '%70', name: 'Cost' }, status()));
    const after = await stored(ref);
    expect(await changesOf(ref)).toEqual([
      {
        _id: `acme:${ref.id}:1:${before?.['asOf'].getTime()}`,
        workspaceId: 'acme',
        databaseId: ref.id,
        dataSourceId: ref.id,
        at: after?.['syncedAt'],
        asOf: after?.['asOf'],
        rev: 2,
        connectionId: 'c1',
        event: after?.['lastEvent'],
        replaced: { rev: 1, asOf: before?.['asOf'], connectionId: 'c1' },
        changes: [
          { kind: 'renamed', propertyId: '%70', property: 'Cost', old: 'Price', new: 'Cost' },
          {
            kind: 'added',
            propertyId: 's%3A',
            property: 'Status',
            old: null,
            new: { name: 'Status', type: 'select', description: null, config: { options: [] } },
          },
        ],
      },
    ]);
    expect(after).toMatchObject({ rev: 2, dataSources: [{ properties: [{ name: 'Cost' }, { name: 'Status' }] }] });
  });

  test('is one document for each data source that has changed', async () => {
    const ref = key();
    await write(ref, someContent({ dataSources: [source('a', price), source('b', price), source('c', price)] }));
    const cost = { ...price, name: 'Cost' };
    await write(ref, someContent({ dataSources: [source('a', cost), source('b', price), source('c', cost)] }));
    expect((await changesOf(ref)).map(({ dataSourceId }) => dataSourceId)).toEqual(['a', 'c']);
  });

  test('costs one read; a write without one costs none, and joins the batch', async () => {
    const ref = key();
    await write(ref, having(ref, price));
    const reads = await batches('read');
    await write(ref, someContent({ title: 'Another', dataSources: [source(ref.id, { ...price, id: '%70' })] }));
    expect(await batches('read')).toBe(reads);
    await write(ref, having(ref, { ...price, name: 'Cost' }));
    expect(await batches('read')).toBe(reads + 1);
    const others = Array.from({ length: 20 }, () => key());
    const writes = await batches('write');
    await Promise.all(others.map((other) => write(other, having(other, price))));
    expect((await batches('write')) - writes).toBeLessThanOrEqual(2);
  });

  test('is seen against a record without a digest, from before an upgrade or after a rebuild', async () => {
    const [same, other] = [key(), key()];
    for (const ref of [same, other]) {
      await write(ref, having(ref, price));
      await mongo.db.collection('database_records').updateOne({ databaseId: ref.id }, { $unset: { historyDigest: '' } });
    }
    const restarted = openStore();
    await write(same, having(same, price), restarted);
    await write(other, having(other, { ...price, name: 'Cost' }), restarted);
    expect(await kindsOf(same)).toEqual([]);
    expect(await kindsOf(other)).toEqual([['renamed']]);
    expect(await stored(same)).toHaveProperty('historyDigest');
  });

  test("users' text is stored literally, and compared as it is stored", async () => {
    const ref = key();
    const awkward = JSON.parse('{"$set": {"a.b": 1}, "__proto__": {"x": 1}, "_bsontype": "ObjectId", "a\\u0000b": 2}') as Json;
    const odd = { ...price, name: 'lone \ud800 \0 $$NOW', config: awkward };
    await write(ref, having(ref, odd));
    await write(ref, having(ref, odd, status()));
    await write(ref, having(ref, status()));
    const changes = await changesOf(ref);
    expect(changes.map((one) => one['changes'].map(({ kind }: Document) => kind))).toEqual([['added'], ['removed']]);
    const [removed] = changes[1]?.['changes'] ?? [];
    expect(removed.old.name).toBe('lone \ufffd \0 $$NOW');
    expect(Object.keys(removed.old.config).toSorted()).toEqual(['$set', '__proto__', '_bsontype', 'a␀b']);
  });

  test('that cannot be stored as one document does not stop the write', async () => {
    const ref = key();
    await write(ref, having(ref, large('a')));
    expect(await write(ref, having(ref, large('b')))).toEqual({ kind: 'written' });
    expect(await changesOf(ref)).toMatchObject([{ rev: 2, changes: [], isTooLarge: true }]);
  });
});

describe('no document is left by', () => {
  test('a data source that is new, removed, or not readable for a while', async () => {
    const ref = key();
    const hidden = { id: ref.id, name: 'Hidden', accessible: false as const };
    const renamed = { ...price, name: 'Cost' };
    await write(ref, having(ref, price));
    await write(ref, someContent({ dataSources: [hidden] }));
    await write(ref, having(ref, renamed));
    await write(ref, someContent({ dataSources: [] }));
    await write(ref, having(ref, price));
    expect(await kindsOf(ref)).toEqual([]);
  });

  test('a move to another database, in whatever order the two are written', async () => {
    for (const isNewFirst of [false, true]) {
      const [old, other] = [key(), key()];
      await write(old, someContent({ dataSources: [source('moved', price), source('stays', price)] }));
      await write(other, someContent({ dataSources: [] }));
      const steps = [
        () => write(old, someContent({ dataSources: [source('stays', price)] })),
        () => write(other, someContent({ dataSources: [source('moved', price)] })),
      ];
      for (const step of isNewFirst ? steps.toReversed() : steps) await step();
      expect([await kindsOf(old), await kindsOf(other)]).toEqual([[], []]);
    }
  });

  test('a removed database, and its return', async () => {
    const ref = key();
    await write(ref, having(ref, price));
    const tombstone = { asOf: new Date(), source: 'fetch', reason: 'trashed', eventId: 'e' } as const;
    await records.writeTombstone({ ...ref, expected: await records.read(ref), ...tombstone });
    expect(await stored(ref)).not.toHaveProperty('historyDigest');
    await write(ref, having(ref, { ...price, name: 'Cost' }));
    expect(await kindsOf(ref)).toEqual([]);
    await write(ref, having(ref, price));
    expect(await kindsOf(ref)).toEqual([['renamed']]);
  });

  test('a write that comes too late', async () => {
    const ref = key();
    await write(ref, having(ref, price));
    const zombie = await records.read(ref);
    await write(ref, having(ref, { ...price, name: 'Cost' }));
    expect(await write(ref, having(ref, { ...price, name: 'Zombie' }), openStore(), zombie)).toEqual({ kind: 'conflict' });
    expect((await changesOf(ref)).map(({ changes }) => changes[0].new)).toEqual(['Cost']);
  });

  test('all but one of many writers of the same state', async () => {
    const ref = key();
    await write(ref, having(ref, price));
    const expected = await records.read(ref);
    const results = await Promise.allSettled(
      Array.from({ length: 12 }, async (_, n) => write(ref, having(ref, { ...price, name: `Name ${n % 4}` }), openStore(), expected)),
    );
    const kinds = results.map((result) => (result.status === 'fulfilled' ? result.value.kind : String(result.reason)));
    expect(kinds.filter((kind) => kind === 'written')).toHaveLength(1);
    expect(kinds.filter((kind) => kind !== 'written' && kind !== 'conflict' && !kind.includes('StoreUnavailable'))).toEqual([]);
    const [only, ...others] = await changesOf(ref);
    expect(others).toEqual([]);
    expect(await stored(ref)).toMatchObject({
      rev: 2,
      lastEvent: only?.['event'],
      dataSources: [{ properties: [{ name: only?.['changes'][0].new }] }],
    });
  });

  test('a rebuild that changes nothing', async () => {
    const ref = key();
    await write(ref, having(ref, price));
    await write(ref, having(ref, { ...price, name: 'Cost' }));
    await restore(ref);
    await write(ref, having(ref, { ...price, name: 'Cost' }), openStore());
    expect(await kindsOf(ref)).toEqual([['renamed']]);
  });
});

/** Loses the record and rebuilds it from `state`, by default its last one. */
async function restore(ref: EntityRef, state?: Document | null): Promise<void> {
  const document = state ?? (await stored(ref));
  if (!document) throw new Error('there is no record');
  await mongo.db.collection<{ _id: string }>('database_records').deleteOne({ _id: keyOf(ref) });
  const restoreAll = createRecordRestorer(mongo.db, databaseStorage, { toleranceMs: 0, into: 'mirror' });
  const counts = await restoreAll([
    { state: stateOf(databaseStorage, { ...document, _id: keyOf(ref) }), place: { partition: 0, offset: 1 } },
  ]);
  expect(counts.written).toBe(1);
}

// The switch to a shadow leaves out what was written in its last moment until it is fetched again.
test('a change that is written again after a rebuild brought the old state back is there once', async () => {
  const ref = key();
  await write(ref, having(ref, price));
  const old = await stored(ref);
  await write(ref, having(ref, { ...price, name: 'Cost' }));
  await restore(ref, old);
  await write(ref, having(ref, { ...price, name: 'Cost' }), openStore());
  expect(await kindsOf(ref)).toEqual([['renamed']]);
  expect((await changesOf(ref))[0]).toMatchObject({ event: (await stored(ref))?.['lastEvent'] });
});

/** As MongoDB does a minute after their last command. */
async function endTransactionsOf(appName: string): Promise<void> {
  const admin = mongo.client.db('admin');
  const ofWorker = { appName, 'transaction.parameters': { $exists: true } };
  const pipeline = [{ $currentOp: { idleSessions: true } }, { $match: ofWorker }];
  const idle = await admin.aggregate(pipeline, { readConcern: { level: 'local' } }).toArray();
  // An empty list would end the sessions of everyone who uses the server.
  if (idle.length > 0) await admin.command({ killSessions: idle.map(({ lsid }) => ({ id: lsid.id })) });
}

describe('a worker that is killed', () => {
  const script = fileURLToPath(new URL('../../test/killed-writer.ts', import.meta.url));

  /** The state afterwards, and the same write by another worker. */
  async function killedAt(command: string) {
    const ref = key();
    await write(ref, having(ref, price));
    const next = having(ref, { ...price, name: 'Cost' });
    const args = [script, uriOf(mongo.name), JSON.stringify({ ...ref, content: next }), command];
    const signal = await new Promise((resolve) => {
      execFile(process.execPath, args, (error, stdout) => resolve(error?.signal ?? stdout));
    });
    expect(signal).toBe('SIGKILL');
    const left = { record: (await stored(ref))?.['dataSources'][0].properties[0].name, changes: await kindsOf(ref) };
    return { ref, next, left };
  }

  test.each(['update schema_changes', 'update database_records', 'commitTransaction'])(
    'before `%s` has written neither the record nor the change, and the next write has both',
    async (command) => {
      const { ref, next, left } = await killedAt(command);
      expect(left).toEqual({ record: 'Price', changes: [] });
      await endTransactionsOf('killed-writer');
      await expect.poll(async () => (await write(ref, next, openStore()).catch(() => null))?.kind).toBe('written');
      expect(await stored(ref)).toMatchObject({ rev: 2, dataSources: [{ properties: [{ name: 'Cost' }] }] });
      expect(await kindsOf(ref)).toEqual([['renamed']]);
    },
  );

  test('after the commit has written both, and the next write adds nothing', async () => {
    const { ref, next, left } = await killedAt('commitTransaction succeeded');
    expect(left).toEqual({ record: 'Cost', changes: [['renamed']] });
    await write(ref, next, openStore());
    expect(await kindsOf(ref)).toEqual([['renamed']]);
  });

  test('and holds the record lets another worker wait where it can', async () => {
    const { ref, next } = await killedAt('commitTransaction');
    await expect(write(ref, next, openStore())).rejects.toBeInstanceOf(StoreUnavailableError);
    await endTransactionsOf('killed-writer');
  });
});

test('while MongoDB does not answer, neither is written', async () => {
  const proxy = await startTcpProxy(serverAddress());
  const through = await openMongo(uriThrough(proxy.port, mongo.name), { appName: 'through-proxy' });
  try {
    const ref = key();
    await write(ref, having(ref, price));
    const store = createRecordStore(databaseStorage, { db: through.db, metrics: new Registry() });
    const expected = await store.read(ref);
    proxy.cut();
    const next = having(ref, { ...price, name: 'Cost' });
    await expect(write(ref, next, store, expected)).rejects.toBeInstanceOf(StoreUnavailableError);
    expect(await kindsOf(ref)).toEqual([]);
    proxy.restore();
    await expect.poll(async () => (await write(ref, next, store).catch(() => null))?.kind).toBe('written');
    expect(await kindsOf(ref)).toEqual([['renamed']]);
  } finally {
    await through.close();
    await proxy.stop();
  }
});
