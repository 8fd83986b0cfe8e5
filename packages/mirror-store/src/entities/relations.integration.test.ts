import type { AccessibleDataSource, Json, PropertyContent } from '@notion-mirror/domain/database-content';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { someContent } from '../../test/databases.ts';
import { openTestDatabase, someLayout } from '../../test/mongo.ts';
import { initMongo } from '../init.ts';
import { createRecordStore } from '../records/record-store.ts';
import { databaseStorage } from './database.ts';
import { openNamingRows } from './naming-rows.ts';
import { readRelations } from './relations.ts';
import { rowStorage } from './row.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
const metrics = new Registry();
beforeAll(async () => {
  mongo = await openTestDatabase();
  await initMongo(mongo.db, { ...someLayout, storages: [databaseStorage, rowStorage] });
});
afterAll(() => mongo.drop());

const asOf = new Date('2026-01-01T00:00:00Z');
const [readable] = someContent().dataSources as [AccessibleDataSource];
const removal = { asOf, source: 'delete', reason: 'deleted', eventId: 'e2' } as const;

const property = (id: string, type: string, config: Json): PropertyContent => ({ id, name: id, type, description: null, config });
const relation = (dataSourceId: string, type = 'single_property') =>
  property(`to ${dataSourceId}`, 'relation', { data_source_id: dataSourceId, type, [type]: {} });
const rollup = property('sum', 'rollup', { function: 'sum', relation_property_name: 'Tasks' });

test('relations name the data sources that point at each, which of them compute, and whether one is two-way', async () => {
  const records = createRecordStore(databaseStorage, { db: mongo.db, metrics });
  const lastEvent = { id: 'e1', type: 'database.created', occurredAt: asOf };
  const database = (workspaceId: string, id: string, sources: Record<string, readonly PropertyContent[]>) => {
    const dataSources = Object.entries(sources).map(([sourceId, properties]) => ({ ...readable, id: sourceId, properties }));
    const content = someContent({ dataSources: [...dataSources, { id: `hidden in ${id}`, name: 'Hidden', accessible: false }] });
    return records.writeLive({ workspaceId, id, expected: null, content, connectionId: 'c1', asOf, lastEvent });
  };
  await database('acme', 'd1', {
    projects: [relation('tasks'), rollup],
    notes: [relation('tasks', 'dual_property'), relation('projects')],
  });
  await database('acme', 'd2', { tasks: [relation('notes', 'dual_property'), property('odd', 'select', 'a text')] });
  await database('acme', 'gone', { former: [relation('tasks'), rollup] });
  await records.writeTombstone({
    workspaceId: 'acme',
    id: 'gone',
    expected: await records.read({ workspaceId: 'acme', id: 'gone' }),
    ...removal,
  });
  await database('globex', 'd1', { others: [relation('tasks')] });
  const { namedBy } = await readRelations(mongo.db, 'acme');
  expect(namedBy).toEqual(
    new Map([
      ['tasks', { dataSourceIds: new Set(['projects', 'notes']), computing: new Set(['projects']), isTwoWay: true }],
      ['projects', { dataSourceIds: new Set(['notes']), computing: new Set(), isTwoWay: false }],
      ['notes', { dataSourceIds: new Set(['tasks']), computing: new Set(), isTwoWay: true }],
    ]),
  );
});

test('the rows that name a page are live rows of the given data sources', async () => {
  const records = createRecordStore(rowStorage, { db: mongo.db, metrics });
  const live = async (id: string, dataSourceId: string, related: readonly string[], workspaceId = 'acme') => {
    const times = { createdTime: asOf, lastEditedTime: asOf, createdBy: null, lastEditedBy: null };
    const looks = { title: '', url: null, publicUrl: null, icon: null, cover: null, isLocked: false, isArchived: false };
    const content: RowContent = { databaseId: 'd1', dataSourceId, ...looks, ...times, properties: [], related, raw: {} };
    await records.writeLive({ workspaceId, id, expected: null, content, connectionId: 'c1', asOf, lastEvent: null, seenBy: 'page' });
  };
  await live('p1', 'projects', ['task', 'other']);
  await live('p2', 'projects', ['other']);
  await live('n1', 'notes', ['task']);
  await live('gone', 'projects', ['task']);
  await records.writeTombstone({
    workspaceId: 'acme',
    id: 'gone',
    expected: await records.read({ workspaceId: 'acme', id: 'gone' }),
    ...removal,
  });
  await live('p1', 'projects', ['task'], 'globex');
  const rows = openNamingRows(mongo.db);
  expect(await rows.naming('acme', 'task', ['projects'], 10)).toEqual([{ pageId: 'p1', dataSourceId: 'projects' }]);
  expect(await rows.naming('acme', 'task', ['projects', 'notes'], 10)).toHaveLength(2);
  expect(await rows.naming('acme', 'task', ['projects', 'notes'], 1)).toHaveLength(1);
  const among = await rows.among('acme', ['p1', 'gone', 'unknown', 'n1'], 10);
  expect(among.map(({ pageId }) => pageId).toSorted()).toEqual(['n1', 'p1']);
});
