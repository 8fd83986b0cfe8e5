import type { AccessibleDataSource, DataSourceContent, PropertyContent } from '@notion-mirror/domain/database-content';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { someContent } from '../../test/databases.ts';
import { openTestDatabase, someLayout } from '../../test/mongo.ts';
import { openDataSourceContents } from '../data-source-contents.ts';
import { initMongo } from '../init.ts';
import { createRecordStore } from '../records/record-store.ts';
import { createDatabasesListing } from './database-sources.ts';
import { databaseStorage } from './database.ts';
import { createFollowedSources } from './followed-sources.ts';
import { createLiveRowsOf } from './rows-of-source.ts';
import { rowStorage } from './row.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
const metrics = new Registry();
beforeAll(async () => {
  mongo = await openTestDatabase();
  await initMongo(mongo.db, { ...someLayout, storages: [databaseStorage, rowStorage] });
});
afterAll(() => mongo.drop());

const asOf = new Date('2026-01-01T00:00:00Z');
const lastEvent = { id: 'e1', type: 'database.created', occurredAt: asOf };
const [readable] = someContent().dataSources as [AccessibleDataSource];
const source = (id: string, given: Partial<AccessibleDataSource> = {}): DataSourceContent => ({ ...readable, id, ...given });
const removal = { asOf, source: 'delete', reason: 'deleted', eventId: 'e2' } as const;

async function database(workspaceId: string, id: string, dataSources: readonly DataSourceContent[]): Promise<void> {
  const records = createRecordStore(databaseStorage, { db: mongo.db, metrics });
  const expected = await records.read({ workspaceId, id });
  const content = someContent({ dataSources });
  await records.writeLive({ workspaceId, id, expected, content, connectionId: 'c1', asOf, lastEvent });
}

async function trash(workspaceId: string, id: string): Promise<void> {
  const records = createRecordStore(databaseStorage, { db: mongo.db, metrics });
  await records.writeTombstone({ workspaceId, id, expected: await records.read({ workspaceId, id }), ...removal });
}

test('the sources of a record are followed without those in the trash; an unreadable one has no schema; a tombstone has none', async () => {
  const sourcesOf = createFollowedSources({ db: mongo.db, metrics });
  await database('acme', 'd1', [source('s1'), source('s2', { inTrash: true }), { id: 's3', name: 'Hidden', accessible: false }]);
  const [first, ...others] = await sourcesOf('acme', 'd1');
  expect(first).toEqual({ dataSourceId: 's1', schema: expect.stringMatching(/^[\w-]{43}$/) });
  expect(others).toEqual([{ dataSourceId: 's3', schema: null }]);
  await trash('acme', 'd1');
  expect([await sourcesOf('acme', 'd1'), await sourcesOf('acme', 'never seen')]).toEqual([[], []]);
});

test('a schema changes with the id, name, type and configuration of a property, not with their order or anything else', async () => {
  const sourcesOf = createFollowedSources({ db: mongo.db, metrics });
  const status: PropertyContent = {
    id: 's',
    name: 'Status',
    type: 'select',
    description: null,
    config: { options: [{ id: 'o', name: 'Open' }], x: 1 },
  };
  const title: PropertyContent = { id: 'title', name: 'Name', type: 'title', description: null, config: {} };
  const schemaOf = async (properties: readonly PropertyContent[], given: Partial<AccessibleDataSource> = {}) => {
    await database('acme', 'd2', [source('s1', { properties, ...given })]);
    return (await sourcesOf('acme', 'd2'))[0]?.schema;
  };
  const before = await schemaOf([title, status]);
  const config = { x: 1, options: [{ name: 'Open', id: 'o' }] };
  const same = [
    await schemaOf([{ ...status, description: 'new', config }, title]),
    await schemaOf([title, status], { title: 'Another', lastEditedTime: new Date() }),
  ];
  expect(same).toEqual([before, before]);
  const changes: Partial<PropertyContent>[] = [
    { id: 'z' },
    { name: 'State' },
    { type: 'status' },
    { config: { options: [{ id: 'o', name: 'New' }] } },
  ];
  const changed = await Promise.all(
    changes.map(async (change, n) => {
      await database('acme', `d3-${n}`, [source('s1', { properties: [title, { ...status, ...change }] })]);
      return (await sourcesOf('acme', `d3-${n}`))[0]?.schema;
    }),
  );
  expect(new Set([before, ...changed]).size).toBe(5);
  expect(await schemaOf([title])).not.toBe(before);
});

test('a database may count that lists a data source in its trash', async () => {
  await database('globex', 'd1', [source('s1', { inTrash: true }), source('s2')]);
  const any = createDatabasesListing({ db: mongo.db, metrics });
  const untrashed = createDatabasesListing({ db: mongo.db, metrics, trashed: 'does not count' });
  expect([await any('globex', 's1'), await untrashed('globex', 's1'), await untrashed('globex', 's2')]).toEqual([['d1'], [], ['d1']]);
});

test('an unreadable data source is known as well, and a document says in which database a data source is', async () => {
  const contents = openDataSourceContents(mongo.db);
  const hidden = { workspaceId: 'acme', dataSourceId: 'hidden' };
  expect(await contents.holderOf(hidden)).toBeNull();
  await contents.follow({ workspaceId: 'acme', databaseId: 'd9' }, [{ dataSourceId: 'hidden', schema: null }]);
  expect(await contents.holderOf(hidden)).toBe('d9');
  expect(await contents.follow({ workspaceId: 'acme', databaseId: 'd9' }, [])).toEqual(['hidden']);
});

function row(dataSourceId: string, isArchived: boolean): RowContent {
  const times = { createdTime: asOf, lastEditedTime: asOf, createdBy: null, lastEditedBy: null };
  const looks = { title: '', url: null, publicUrl: null, icon: null, cover: null, isLocked: false };
  return { databaseId: 'd1', dataSourceId, ...looks, ...times, isArchived, properties: [], related: [], raw: {} };
}

test('the live rows of a data source are those of both partitions, without tombstones and other data sources', async () => {
  const records = createRecordStore(rowStorage, { db: mongo.db, metrics });
  const live = async (workspaceId: string, id: string, content: RowContent) =>
    records.writeLive({ workspaceId, id, expected: null, content, connectionId: 'c1', asOf, lastEvent: null, seenBy: 'page' });
  await live('acme', 'p1', row('s1', false));
  await live('acme', 'p2', row('s1', true));
  await live('acme', 'p3', row('s1', false));
  await live('acme', 'p4', row('s2', false));
  await live('globex', 'p5', row('s1', false));
  await records.writeTombstone({
    workspaceId: 'acme',
    id: 'p3',
    expected: await records.read({ workspaceId: 'acme', id: 'p3' }),
    ...removal,
  });
  const liveRowsOf = createLiveRowsOf(mongo.db);
  const found = await liveRowsOf({ workspaceId: 'acme', dataSourceId: 's1' }, 10);
  expect(found.map(({ id }) => id).toSorted()).toEqual(['p1', 'p2']);
  for (const { id, record } of found) expect(record).toEqual(await records.read({ workspaceId: 'acme', id }));
  expect(await liveRowsOf({ workspaceId: 'acme', dataSourceId: 's1' }, 1)).toHaveLength(1);
});
