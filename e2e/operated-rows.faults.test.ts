import type { Customer } from '@notion-mirror/demo/customers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';

// What operators do with rows, while the services run.

let scene: Scene;
let customer: Customer;
let databaseId: string;
let source: string;
let rows: readonly string[];

const titled = (content: string) => ({ Name: { title: [{ text: { content } }] } });

beforeAll(async () => {
  // No tolerance: scans need not wait ten seconds for the changes that they are to find.
  scene = await setScene('operated_rows', {
    env: { MIRROR_CLOCK_TOLERANCE_SECONDS: '0', MIRROR_NOTION_REQUESTS_PER_MINUTE: '20000' },
  });
  await scene.startAll();
  customer = await scene.connect('acme', 'Acme');
  ({ databaseId, dataSourceId: source } = await customer.user.createDatabase(customer.pages.home, 'Tasks', {
    Name: { title: {} },
    N: { number: {} },
  }));
  rows = scene.notion.createRows({
    dataSourceId: source,
    rows: Array.from({ length: 120 }, (_, n) => ({ properties: titled(`Row ${n}`) })),
  }).ids;
  await scene.untilEqual();
});
afterAll(() => scene.end());

async function mirror(...args: string[]): Promise<{ code: number | null; result: Record<string, unknown> }> {
  const { code, stdout, stderr } = await scene.tryMirror(...args, '--json');
  if (stdout === '') throw new Error(stderr);
  return { code, result: JSON.parse(stdout) as Record<string, unknown> };
}

const shown = () => scene.db.collection('rows').countDocuments({ dataSourceId: source });
const verify = (...args: string[]) => mirror('verify', '--rows', source, '--grace', '1', '--requests-per-minute', '1000', ...args);

test('the table is complete, and equal to Notion', async () => {
  expect(await mirror('rows', 'status', 'acme')).toMatchObject({
    code: 0,
    result: { dataSources: [{ dataSourceId: source, databaseId, database: 'Tasks', state: 'complete', completeAsOf: expect.any(String) }] },
  });
  expect(await verify()).toMatchObject({ code: 0, result: { compared: 120, dataSources: 1, differences: [], unanswered: [] } });
  expect(await mirror('status')).toMatchObject({ result: { rows: { mirrored: 120, dataSources: { complete: 1 } } } });
});

test('a scan finds what nothing announced', async () => {
  scene.notion.archiveRows({ ids: rows.slice(0, 5), archived: true });
  expect(await verify()).toMatchObject({ code: 1, result: { differences: { length: 5 } } });
  expect(await mirror('rows', 'scan', source)).toMatchObject({
    code: 0,
    result: { dataSources: [{ state: 'complete', rows: { live: 115, archived: 5 }, last: { depth: 'all' } }] },
  });
  expect(await verify()).toMatchObject({ code: 0, result: { compared: 120 } });
});

test('verify finds a damaged row and a missing one, and has them fixed', async () => {
  const records = scene.db.collection<{ _id: string }>('row_records');
  // Not edited lately: otherwise a scan of edited rows could find them first.
  const [damaged = '', missing = ''] = rows.slice(60);
  await records.updateOne({ _id: `acme:${damaged}` }, { $set: { title: 'by hand' } });
  await records.deleteOne({ _id: `acme:${missing}` });
  const lost = { code: expect.stringMatching(/^no_(?:event|record)$/) };
  expect(await mirror('explain', missing)).toMatchObject({ code: 1, result: { pageId: missing, causes: [lost] } });
  expect(await verify('--fix')).toMatchObject({ code: 1, result: { differences: { length: 2 }, appended: 2 } });
  await scene.untilEqual();
  const url = `https://www.notion.so/acme/Tasks-${databaseId.replaceAll('-', '')}?p=${missing.replaceAll('-', '')}`;
  await expect
    .poll(() => mirror('explain', url, '--last', '1'))
    .toMatchObject({
      code: 0,
      result: { pageId: missing, causes: [], events: [{ type: 'mirror.verify', outcome: 'written' }] },
    });
});

test('rows that are off are erased and stay away; on again, the table is complete again', async () => {
  expect(await mirror('rows', 'off', source, '--yes')).toMatchObject({ code: 0, result: { erased: 120 } });
  scene.notion.editRows({ ids: rows.slice(20, 23), properties: titled('while off') });
  await scene.pair.settle();
  await scene.untilHandled();
  expect(await shown()).toBe(0);
  expect(await mirror('explain', rows[20] ?? '')).toMatchObject({ code: 1, result: { causes: [{ code: 'rows_off' }] } });
  await mirror('rows', 'on', source);
  await scene.untilEqual();
  expect(await shown()).toBe(120);
});

test('a replay from events reads each row once; one from states rebuilds the mirror with them', async () => {
  scene.notion.editRows({ ids: rows.slice(40, 50), properties: { N: { number: 7 } } });
  scene.notion.editRows({ ids: rows.slice(40, 50), properties: { N: { number: 8 } } });
  await scene.untilEqual();
  const { result } = await mirror('replay', 'plan', '--database-id', databaseId);
  const plan = result['plan'] as { readonly targets: number; readonly rows: number };
  // Events from before all workers knew rows are not on the log.
  expect(plan).toMatchObject({ rows: plan.targets - 1 });
  expect(plan.rows).toBeGreaterThanOrEqual(10);
  expect(plan.rows).toBeLessThanOrEqual(rows.length);
  expect(await mirror('replay', 'run', '--database-id', databaseId, '--yes')).toMatchObject({
    code: 0,
    result: { replay: { counts: { appended: plan.targets } } },
  });
  await scene.untilHandled();
  await mirror('replay', 'run', '--from-states', '--shadow', '--yes');
  await expect.poll(async () => (await mirror('replay', 'diff')).code).toBe(0);
  expect(await mirror('replay', 'switch', '--yes')).toMatchObject({ code: 0, result: { lastMomentCaughtUp: true } });
  scene.notion.editRows({ ids: rows.slice(30, 33), properties: titled('after the switch') });
  await scene.untilEqual();
  expect(await shown()).toBe(120);
});

test('a purge leaves nothing of the rows', async () => {
  expect(await mirror('connections', 'purge', '--workspace-id', 'acme', '--yes')).toMatchObject({ code: 0 });
  for (const name of ['row_records', 'shadow_row_records', 'data_source_contents'])
    expect(await scene.db.collection(name).countDocuments()).toBe(0);
});
