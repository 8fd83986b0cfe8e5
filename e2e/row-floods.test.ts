import type { Customer } from '@notion-mirror/demo/customers';
import type { ServiceProcess } from '@notion-mirror/demo/service-process';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';
import { waitUntil } from './wait-until.ts';

// Many events about the rows of one data source, from Notion's webhooks to the mirror, within a budget that is too small to read each of them.

const floodEvents = 1_000;

let scene: Scene;
let customer: Customer;
let dataSourceId: string;
let syncWorker: ServiceProcess;

beforeAll(async () => {
  scene = await setScene('row_floods', {
    emulators: { notion: { delivery: { aggregationMs: 1_000 }, rows: { lagMs: [0, 1_500] } } },
    env: {
      MIRROR_NOTION_REQUESTS_PER_MINUTE: '400',
      MIRROR_NOTION_LAG_SECONDS: '2',
      MIRROR_CLOCK_TOLERANCE_SECONDS: '1',
      MIRROR_ROWS_FLOOD_EVENTS: String(floodEvents),
    },
  });
  await Promise.all([scene.start('ingress'), scene.start('delete-worker')]);
  syncWorker = await scene.start('sync-worker');
});
afterAll(() => scene.end());

/** Each test has a tenant of its own: the last one may have used its budget up. */
let tenants = 0;
beforeEach(async () => {
  tenants += 1;
  customer = await scene.connect(`tenant-${tenants}`, `Tenant ${tenants}`);
  const properties = { Name: { title: {} }, N: { number: {} } };
  ({ dataSourceId } = await customer.user.createDatabase(customer.pages.home, 'Tasks', properties));
  await waitUntil(async () => (await contents()) !== null);
});

const cells = (n: number) => ({ N: { number: n } });
const rowOf = (n: number) => ({ properties: { Name: { title: [{ text: { content: `row ${n}` } }] }, ...cells(0) } });
const range = (count: number) => Array.from({ length: count }, (_, index) => index);
const contents = () =>
  scene.db.collection<{ _id: string }>('data_source_contents').findOne({ _id: `${customer.workspaceId}:${dataSourceId}` });
/** How many rows have this number. */
const withNumber = (n: number) =>
  scene.db.collection('rows').countDocuments({ dataSourceId, properties: { $elemMatch: { name: 'N', value: n } } });
const calls = () => scene.notion.calls.counts({ token: customer.botToken }).reduce((sum, one) => sum + one.calls, 0);
const outcomes = (outcome: string) =>
  scene.lines.filter((line) => line['dataSourceId'] === dataSourceId && line['outcome'] === outcome).length;

/** Does something whose events come to a worker all at once, however fast this machine is. */
async function flooding<T>(act: () => T): Promise<T> {
  await syncWorker.stop();
  const result = act();
  await scene.pair.settle({ timeoutMs: 60_000 });
  syncWorker = await scene.start('sync-worker');
  return result;
}

test('a bulk edit is answered by queries, with far fewer calls than rows', async () => {
  const { ids } = await flooding(() => scene.notion.createRows({ dataSourceId, rows: range(600).map(rowOf) }));
  await expect.poll(() => withNumber(0)).toBe(600);
  // A scan may have been faster; events of both edits together would be too many.
  await scene.untilHandled();
  await flooding(() => scene.notion.editRows({ ids: [...ids], properties: cells(1) }));
  await expect.poll(() => withNumber(1)).toBe(600);
  // Of 1,200 edited rows: a few singly whenever a flood begins, and what else the tenant needed.
  expect(calls()).toBeLessThan(200);
  const queried = await scene.db.collection('row_records').countDocuments({ dataSourceId, seenBy: 'query' });
  expect(queried).toBeGreaterThan(500);
  expect(outcomes('deferred')).toBe(0);
  await scene.untilHandled();
});

test('too many events are deferred to a scan, also while the tenant may make no call, and an edit afterwards is not', async () => {
  scene.notion.faults.inject({ kind: 'rate_limited', retryAfterSeconds: 5, token: customer.botToken });
  const { ids } = await flooding(() => scene.notion.createRows({ dataSourceId, rows: range(1.5 * floodEvents).map(rowOf) }));
  await expect.poll(contents).toMatchObject({ wanted: { raisesAll: true, depth: 'all', reasons: expect.arrayContaining(['flood']) } });
  await expect.poll(() => outcomes('deferred')).toBeGreaterThanOrEqual(floodEvents);
  expect(await withNumber(0)).toBe(0);
  scene.notion.faults.clear();
  scene.notion.editRows({ ids: ids.slice(0, 1), properties: cells(7) });
  await expect.poll(() => withNumber(7)).toBe(1);
  await scene.untilHandled();
  await expect.poll(() => withNumber(0), { timeout: 120_000 }).toBe(ids.length - 1);
});
