import type { Customer } from '@notion-mirror/demo/customers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';
import { waitUntil } from './wait-until.ts';

// One partition for all tenants. One of them imports rows, whose events are far more than its budget allows to read and a worker has memory for; the others
// edit theirs.

const rows = 24_000;
const rowsAtOnce = 240;
const tables = 40;
const quietTenants = 3;
const edits = 10;

let scene: Scene;
let noisy: Table;
let quiet: Table[];

interface Table {
  readonly customer: Customer;
  readonly databaseId: string;
  readonly dataSourceId: string;
}

beforeAll(async () => {
  scene = await setScene('row_fairness', {
    env: {
      MIRROR_ROWS: 'on',
      MIRROR_KAFKA_PARTITIONS: '1',
      MIRROR_NOTION_REQUESTS_PER_MINUTE: '180',
      // So that a flood fills the memory before queries may answer it, however slow this machine is.
      MIRROR_NOTION_LAG_SECONDS: '60',
    },
  });
  await scene.startAll();
  noisy = await tableOf('noisy');
  quiet = [];
  for (let index = 0; index < quietTenants; index += 1) quiet.push(await tableOf(`quiet-${index}`));
}, 180_000);

afterAll(() => scene.end());

const rowOf = (n: number) => ({ properties: { N: { number: n } } });
const withNumber = ({ dataSourceId }: Table, n: number) =>
  scene.db.collection('rows').countDocuments({ dataSourceId, properties: { $elemMatch: { name: 'N', value: n } } });
const ends = (workspaceId: string, outcome: string) =>
  scene.lines.filter((line) => line['workspaceId'] === workspaceId && line['outcome'] === outcome).length;

/** A connected tenant with a data source that the mirror follows. */
async function tableOf(workspaceId: string): Promise<Table> {
  const customer = await scene.connect(workspaceId, workspaceId);
  return { customer, ...(await createTable(customer)) };
}

async function createTable({ user, pages, workspaceId }: Customer): Promise<Omit<Table, 'customer'>> {
  const { databaseId, dataSourceId } = await user.createDatabase(pages.home, 'Table', { Name: { title: {} }, N: { number: {} } });
  await waitUntil(async () => (await scene.db.collection('data_source_contents').findOne({ workspaceId, dataSourceId })) !== null);
  return { databaseId, dataSourceId };
}

/** Creates a part of the rows, round the data sources. */
async function createRows(dataSourceIds: readonly string[], from: number, until: number): Promise<void> {
  for (let sent = from; sent < until; sent += rowsAtOnce) {
    const dataSourceId = dataSourceIds[(sent / rowsAtOnce) % dataSourceIds.length] ?? '';
    scene.notion.createRows({ dataSourceId, rows: Array.from({ length: rowsAtOnce }, (_, n) => rowOf(sent + n)) });
    await scene.pair.settle({ timeoutMs: 120_000 });
  }
}

/** While the flood comes: each edit comes behind a part of it in the log, and is mirrored before the next part is sent. */
async function editWhile(first: number, flood: (from: number, until: number) => Promise<void>): Promise<void> {
  const edited = quiet.map(({ dataSourceId }) => scene.notion.createRows({ dataSourceId, rows: [rowOf(-1)] }).ids[0] ?? '');
  for (const table of quiet) await waitUntil(async () => (await withNumber(table, -1)) === 1);
  for (let edit = 0; edit < edits; edit += 1) {
    await flood((rows * edit) / edits, (rows * (edit + 1)) / edits);
    scene.notion.editRows({ ids: edited, properties: rowOf(first + edit).properties });
    for (const table of quiet) await waitUntil(async () => (await withNumber(table, first + edit)) === 1);
  }
  expect(quiet.map(({ customer }) => ends(customer.workspaceId, 'deferred'))).toEqual(quiet.map(() => 0));
}

test(
  `while a tenant imports ${rows.toLocaleString('en')} rows, the edits of others on its partition are mirrored`,
  { timeout: 600_000 },
  async () => {
    await editWhile(0, (from, until) => createRows([noisy.dataSourceId], from, until));
    // The flood was one, and its rows were still to be scanned.
    expect(ends('noisy', 'deferred')).toBeGreaterThan(0);
    expect(await scene.db.collection('rows').countDocuments({ workspaceId: 'noisy' })).toBeLessThan(rows);
    await scene.untilHandled();
  },
);

// No table has a flood of its own.
test(`the same, in ${tables} tables of a tenant that may make no call`, { timeout: 600_000 }, async () => {
  const { customer } = await tableOf('spread');
  const dataSourceIds: string[] = [];
  for (let table = 0; table < tables; table += 1) dataSourceIds.push((await createTable(customer)).dataSourceId);
  scene.notion.faults.inject({ kind: 'rate_limited', retryAfterSeconds: 600, token: customer.botToken });
  await editWhile(edits, (from, until) => createRows(dataSourceIds, from, until));
  expect(await scene.db.collection('rows').countDocuments({ workspaceId: 'spread' })).toBeLessThan(rowsAtOnce);
  expect(ends('spread', 'deferred')).toBeGreaterThan(0);
});
