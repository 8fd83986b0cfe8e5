import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AccessibleDataSource, PropertyContent } from '@notion-mirror/domain/database-content';
import type { RowProperty } from '@notion-mirror/domain/entities/row';
import { Registry } from '@notion-mirror/service-kit/metrics';
import type { Document } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { someContent } from '../test/databases.ts';
import { openTestDatabase, someLayout } from '../test/mongo.ts';
import { someRow } from '../test/rows.ts';
import { openDataSourceContents } from './data-source-contents.ts';
import { databaseStorage } from './entities/database.ts';
import { rowStorage } from './entities/row.ts';
import { initMongo } from './init.ts';
import { createRecordStore } from './records/record-store.ts';

/** The queries of `rows` and `schema_changes` in docs/data-model.md, verbatim, on a table with the ids that they name. */

const dataSourceId = '263104cd-477e-804b-8c32-000b2fcd241a';
const garden = '59833787-2cf9-4fdf-8782-e53db20768a5';
let mongo: Awaited<ReturnType<typeof openTestDatabase>>;

beforeAll(async () => {
  mongo = await openTestDatabase();
  await initMongo(mongo.db, someLayout);
  const records = createRecordStore(rowStorage, { db: mongo.db, metrics: new Registry() });
  const put = async (id: string, minute: number, status: string, due: string, related: readonly string[], isArchived = false) => {
    const properties: RowProperty[] = [
      { id: 's', name: 'Status', type: 'status', value: status, optionId: null },
      { id: 'd', name: 'Due', type: 'date', value: { start: due, end: null, timeZone: null }, startAt: new Date(due), endAt: null },
    ];
    const createdTime = new Date(Date.UTC(2026, 0, 1, 0, minute));
    const content = someRow({ dataSourceId, properties, related, isArchived, createdTime });
    const ref = { workspaceId: 'acme', id, expected: null, connectionId: 'c', asOf: new Date(), lastEvent: null, seenBy: 'query' };
    await records.writeLive({ ...ref, content } as Parameters<typeof records.writeLive>[0]);
  };
  await put('late', 9, 'Done', '2026-12-31', [garden]);
  await put('early', 1, 'In progress', '2027-01-01', []);
  await put('archived', 5, 'Done', '2026-12-01', [], true);
  await openDataSourceContents(mongo.db).follow({ workspaceId: 'acme', databaseId: 'd1' }, [{ dataSourceId, schema: 'x' }]);
});
afterAll(() => mongo.drop());

/** The results of each statement, as `mongosh` would find them. */
async function resultsOf(code: string): Promise<Document[][]> {
  const found: Promise<Document[]>[] = [];
  const collection = (name: string) => ({
    find(filter: Document) {
      const cursor = mongo.db.collection(name).find(filter);
      // The statement may still add an order.
      found.push(Promise.resolve().then(() => cursor.toArray()));
      return cursor;
    },
    findOne(filter: Document, projection: Document) {
      found.push(mongo.db.collection(name).find(filter, { projection }).toArray());
    },
  });
  const names = ['rows', 'data_source_contents', 'schema_changes'];
  const db = Object.fromEntries(names.map((name) => [name, collection(name)]));
  // oxlint-disable-next-line no-new-func, typescript/no-implied-eval -- the page is ours
  new Function('db', 'ISODate', code)(db, (text: string) => new Date(text));
  return Promise.all(found);
}

const ids = (rows: readonly Document[] | undefined) => rows?.map(({ pageId }) => String(pageId));

test('they find what they say', async () => {
  const page = await readFile(join(import.meta.dirname, '../../../docs/data-model.md'), 'utf8');
  const code = /```js\n(const table = [\s\S]*?)```/.exec(page)?.[1] ?? '';
  const [table, byStatus, inDecember, pointing, complete, ...others] = await resultsOf(code);
  expect(ids(table)).toEqual(['early', 'late']);
  expect(new Set(ids(byStatus))).toEqual(new Set(['late', 'archived']));
  expect(new Set(ids(inDecember))).toEqual(new Set(['late', 'archived']));
  expect(ids(pointing)).toEqual(['late']);
  expect(complete).toEqual([{ _id: `acme:${dataSourceId}`, state: 'scanning', completeAsOf: null, rows: null, reason: null }]);
  expect(others).toEqual([]);
});

const property = (id: string, name: string): PropertyContent => ({ id, name, type: 'number', description: null, config: {} });

test('those of the history, too', async () => {
  const records = createRecordStore(databaseStorage, {
    db: mongo.db,
    metrics: new Registry(),
    now: () => new Date('2026-11-30T09:02:11.512Z'),
  });
  const ref = { workspaceId: 'acme', id: 'd1' };
  const [tasks] = someContent().dataSources as [AccessibleDataSource];
  for (const properties of [
    [property(']GpU', 'Price'), property('b', 'B')],
    [property('%5DGpU', 'Cost'), property('b', 'B')],
    [property('%5DGpU', 'Cost')],
  ]) {
    const content = someContent({ dataSources: [{ ...tasks, id: dataSourceId, properties }] });
    const lastEvent = { id: 'e', type: 'data_source.schema_updated', occurredAt: new Date() };
    await records.writeLive({ ...ref, expected: await records.read(ref), content, connectionId: 'c', asOf: new Date(), lastEvent });
  }
  const page = await readFile(join(import.meta.dirname, '../../../docs/data-model.md'), 'utf8');
  const code = /```js\n(const source = [\s\S]*?)```/.exec(page)?.[1] ?? '';
  const [history, renamed, lost, ...others] = await resultsOf(code);
  expect(new Set(history?.map(({ rev }) => Number(rev)))).toEqual(new Set([2, 3]));
  expect(renamed).toMatchObject([{ rev: 2, changes: [{ kind: 'renamed', old: 'Price', new: 'Cost' }] }]);
  expect(lost).toMatchObject([{ rev: 3, changes: [{ kind: 'removed', property: 'B' }] }]);
  expect(others).toEqual([]);
});
