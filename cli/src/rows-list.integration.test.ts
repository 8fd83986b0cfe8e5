import { randomUUID } from 'node:crypto';
import type { AccessibleDataSource } from '@notion-mirror/domain/database-content';
import type { RowContent, RowProperty } from '@notion-mirror/domain/entities/row';
import { openMongo, type Mongo } from '@notion-mirror/mirror-store/client';
import { openDataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { rowStorage } from '@notion-mirror/mirror-store/entities/row';
import { initMongo } from '@notion-mirror/mirror-store/init';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { someContent } from '../../packages/mirror-store/test/databases.ts';
import { someLayout } from '../../packages/mirror-store/test/mongo.ts';
import { someRow } from '../../packages/mirror-store/test/rows.ts';
import { mirror } from '../test/surroundings.ts';

const stack = inject('stack');
const uri = new URL(stack.mongodbUri);
uri.pathname = `/rows_${randomUUID().slice(0, 8)}`;
const [databaseId, source, other] = [randomUUID(), randomUUID(), randomUUID()];
const pages = Array.from({ length: 4 }, (_, n) => `00000000-0000-4000-8000-00000000000${n}`);
const env = { MIRROR_MONGODB_URI: uri.href };
const at = new Date('2026-05-01T00:00:00Z');

const property = (id: string, name: string, type: string) => ({ id, name, type, description: null, config: {} });

let mongo: Mongo;
beforeAll(async () => {
  mongo = await openMongo(uri.href, { appName: 'rows-list-test' });
  await initMongo(mongo.db, someLayout);
  const [tasks] = someContent().dataSources as [AccessibleDataSource];
  const schema = [
    property('title', 'Name', 'title'),
    property('s%3A', 'Status', 'status'),
    property('d', 'Due', 'date'),
    property('n', 'Price', 'number'),
    property('t', 'Tags', 'multi_select'),
    property('r', 'Blocks', 'relation'),
  ];
  const content = someContent({
    dataSources: [
      { ...tasks, id: source, properties: schema },
      { id: other, name: 'Hidden', accessible: false },
    ],
  });
  const databases = createRecordStore(databaseStorage, { db: mongo.db, metrics: new Registry() });
  const lastEvent = { id: 'e', type: 'database.created', occurredAt: at };
  for (const workspaceId of ['acme', 'globex']) {
    await databases.writeLive({ workspaceId, id: databaseId, expected: null, content, connectionId: 'c', asOf: at, lastEvent });
  }
  await putRow(0, 'Kale', [status('Done'), due('2026-11-30'), price(2.5), tags('a', 'b')]);
  await putRow(1, 'Leek, "young"\nand green', [
    status('In progress'),
    due('2026-12-01T00:30:00.000+01:00'),
    price(-1),
    tags(),
    blocks(0, 3),
  ]);
  await putRow(2, '=cmd()', [status(null), due(null), price(null), tags('b')], { isArchived: true });
});
afterAll(async () => {
  await mongo.db.dropDatabase();
  await mongo.close();
});

const status = (value: string | null): RowProperty => ({ id: 's:', name: 'Status', type: 'status', value, optionId: null });
const due = (start: string | null): RowProperty => ({
  id: 'd',
  name: 'Due',
  type: 'date',
  value: start === null ? null : { start, end: null, timeZone: null },
  startAt: start === null ? null : new Date(start),
  endAt: null,
});
const price = (value: number | null): RowProperty => ({ id: 'n', name: 'Price', type: 'number', value });
const tags = (...value: string[]): RowProperty => ({ id: 't', name: 'Tags', type: 'multi_select', value, optionIds: value });
const blocks = (...of: number[]): RowProperty => ({ id: 'r', name: 'Blocks', type: 'relation', value: of.map((n) => pages[n] ?? '') });

/** Created in the reverse order of their ids. */
async function putRow(n: number, title: string, properties: readonly RowProperty[], change: Partial<RowContent> = {}): Promise<void> {
  const records = createRecordStore(rowStorage, { db: mongo.db, metrics: new Registry() });
  await records.writeLive({
    workspaceId: 'acme',
    id: pages[n] ?? '',
    expected: null,
    content: someRow({
      databaseId,
      dataSourceId: source,
      title,
      createdTime: new Date(at.getTime() - n * 60_000),
      properties: [{ id: 'title', name: 'Name', type: 'title', value: title }, ...properties],
      ...change,
    }),
    connectionId: 'c',
    asOf: at,
    lastEvent: null,
    seenBy: 'query',
  });
}

const list = (...args: string[]) => mirror(['rows', 'list', ...args, '--workspace-id', 'acme'], { env });

async function listed(...where: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await list(source, '--format', 'json', ...where.flatMap((one) => ['--where', one]));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => (JSON.parse(line) as { pageId: string }).pageId);
}

const ids = (...of: number[]) => of.map((n) => pages[n]);

test('a table of which rows may be missing says so, and is shown all the same', async () => {
  const contents = openDataSourceContents(mongo.db);
  await contents.follow({ workspaceId: 'acme', databaseId }, [{ dataSourceId: source, schema: null }]);
  const { code, stdout, stderr } = await list(source, '--format', 'csv');
  expect(code).toBe(0);
  expect(stdout).toContain('Kale');
  expect(stderr).toContain(`the mirror may not have all its rows (scanning); see mirror rows status ${source}`);
  await contents.forget({ workspaceId: 'acme', dataSourceId: source });
  expect((await list(source)).stderr).toBe('');
});

test('a table has the columns of the schema, and titles for related pages', async () => {
  const { code, stdout } = await list(`https://www.notion.so/acme/Tasks-${source.replaceAll('-', '')}?v=1`);
  expect(code).toBe(0);
  expect(stdout.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | '))).toEqual([
    'Tasks › Tasks',
    'Name | Status | Due | Price | Tags | Blocks | PAGE',
    `=cmd() | b | ${pages[2]} archived`,
    `Leek, "young"?and green | In progress | 2026-12-01T00:30:00.000+01:00 | -1 | Kale, 00000000-0000-4000-8000-000000000… | ${pages[1]}`,
    `Kale | Done | 2026-11-30 | 2.5 | a, b | ${pages[0]}`,
    '3 rows.',
    '',
  ]);
  const limited = await list(source, '--limit', '1');
  expect(limited.stdout).toContain('The first 1; --limit shows more.');
});

test('CSV quotes what it must', async () => {
  const { stdout } = await list(source, '--format', 'csv', '--where', 'Name~leek');
  expect(stdout).toBe(
    `pageId,Name,Status,Due,Price,Tags,Blocks,isArchived\r\n${pages[1]},"Leek, ""young""\nand green",In progress,2026-12-01T00:30:00.000+01:00,-1,,"Kale, ${pages[3]}",false\r\n`,
  );
});

test('--json gives one object with the schema and the documents', async () => {
  const { stdout } = await list(source, '--json', '--limit', '2', '--where', 'Status!=Done');
  expect(JSON.parse(stdout)).toMatchObject({
    ok: true,
    workspaceId: 'acme',
    databaseId,
    dataSourceId: source,
    columns: [{ id: 'title', name: 'Name', type: 'title' }, {}, {}, {}, {}, {}],
    rows: [
      { pageId: pages[2], isArchived: true, createdTime: '2026-04-30T23:58:00.000Z' },
      { pageId: pages[1], properties: [{ name: 'Name' }, { name: 'Status', value: 'In progress' }, {}, {}, {}, {}] },
    ],
    hasMore: false,
  });
});

describe('conditions', () => {
  test.each<[string[], number[]]>([
    [['Status=Done'], [0]],
    [['Status!=Done'], [2, 1]],
    [['Status='], [2]],
    [['Status!='], [1, 0]],
    [['Tags=b'], [2, 0]],
    [['Tags='], [1]],
    [['Tags!=a'], [2, 1]],
    // Half past midnight of the first, an hour east of UTC.
    [['Due=2026-11-30'], [1, 0]],
    [['Due<2026-12-01'], [1, 0]],
    [['Due>2026-11-29', 'Due<=2026-11-30T00:00:00Z'], [0]],
    [['Due>=2026-12-01'], []],
    [['Price<0'], [1]],
    [['Price>=2.5'], [0]],
    [['Name~.*'], []],
    [['Name~=CMD('], [2]],
    [[`Blocks=${pages[3]}`], [1]],
    [['Name=Kale', 'Status=Done', 'Price!=2.5'], []],
  ])('%j', async (where, found) => {
    expect(await listed(...where)).toEqual(ids(...found));
  });
});

describe('refusals name what to do', () => {
  test.each([
    [[randomUUID()], 1, 'has a data source'],
    [['nonsense'], 1, 'has a data source nonsense'],
    [[databaseId], 2, '2 data sources'],
    [[other], 1, 'can read the data source'],
    [[source, '--where', 'Colour=red'], 2, 'Its properties: Name, Status'],
    [[source, '--limit', '0'], 2, '--limit takes'],
    [[source, '--format', 'xml'], 2, '--format is'],
  ])('%j', async (args, code, message) => {
    expect(await list(...args)).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) });
  });

  test('several tenants with the same data source', async () => {
    const { code, stderr } = await mirror(['rows', 'list', source], { env });
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(/acme .*globex [\s\S]*--workspace-id/) });
  });
});
