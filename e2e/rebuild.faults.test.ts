import type { Customer } from '@notion-mirror/demo/customers';
import type { ServiceName, ServiceProcess } from '@notion-mirror/demo/service-process';
import { createSeededLife } from '@notion-mirror/emulators/seeded-life';
import type { Document } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isOfCompleteness } from './row-scans.ts';
import { setScene, type Scene } from './scene.ts';
import { waitUntil } from './wait-until.ts';

const seed = process.env['MIRROR_TEST_SEED'] ?? '20261126';
let scene: Scene;
let customers: Customer[];
const services = new Map<ServiceName, ServiceProcess>();

beforeAll(async () => {
  scene = await setScene('rebuild', { emulators: { seed }, env: { MIRROR_NOTION_REQUESTS_PER_MINUTE: '5000' } });
  await startAll();
  customers = await Promise.all(['acme', 'globex', 'initech'].map((tenant) => scene.connect(tenant, tenant)));
  await live(120);
  await scene.untilEqual();
});
afterAll(() => scene.end());

async function startAll(): Promise<void> {
  for (const name of ['ingress', 'sync-worker', 'delete-worker'] as const) services.set(name, await scene.start(name));
}

async function live(actions: number): Promise<void> {
  const life = createSeededLife({ pair: scene.pair, workspaces: customers.map(({ inNotion }) => inNotion), seed: `${seed}-${actions}` });
  await life.run(actions);
}

async function replay(...args: string[]): Promise<{ code: number | null; result: Record<string, unknown> }> {
  const { code, stdout, stderr } = await scene.tryMirror('replay', ...args, '--json');
  if (stdout === '') throw new Error(stderr);
  return { code, result: JSON.parse(stdout) as Record<string, unknown> };
}

const calls = () => scene.notion.calls.recent().length;
/** The records, with the content readers see and the fields of the write rule. */
const recordsIn = (name: string) => scene.db.collection(name).find().sort({ _id: 1 }).toArray();
const records = async () => [...(await recordsIn('database_records')), ...(await recordsIn('row_records'))];

/** Records without what is on no log: the log position they were restored from, and what the history of properties knows. */
const withoutPlace = (all: Awaited<ReturnType<typeof records>>) =>
  all.map((record) => ({ ...record, restoredFrom: undefined, historyDigest: undefined }));

/** Drops the database and restores the operator's backup of the connections. */
async function loseMongo(): Promise<void> {
  const connections = await scene.db.collection('connections').find().toArray();
  await scene.db.dropDatabase();
  await scene.mirror('init');
  await scene.db.collection('connections').insertMany(connections);
}

test('the state log and the mirror are equal', async () => {
  expect(await replay('run', '--from-states', '--shadow', '--yes')).toMatchObject({
    code: 0,
    result: { replay: { status: 'done', into: 'shadow' } },
  });
  // The last writes may still be on their way to the log.
  await waitUntil(async () => (await replay('diff')).code === 0, { timeoutMs: 90_000 });
});

test('a lost MongoDB is rebuilt from the state log without a call to Notion; a second run changes nothing', async () => {
  await Promise.all([...services.values()].map((service) => service.stop()));
  const before = await records();
  await loseMongo();
  expect(await records()).toEqual([]);
  const callsBefore = calls();
  expect(await replay('run', '--from-states', '--yes')).toMatchObject({ code: 0, result: { replay: { status: 'done' } } });
  const rebuilt = await records();
  expect(withoutPlace(rebuilt)).toEqual(withoutPlace(before));
  // Which tables are complete is on no log: a scan finds that out.
  expect((await scene.differences()).filter((difference) => !isOfCompleteness(difference))).toEqual([]);
  expect(await replay('run', '--from-states', '--yes')).toMatchObject({
    code: 0,
    result: { replay: { counts: { written: 0, erased: 0 } } },
  });
  expect(await records()).toEqual(rebuilt);
  expect(calls()).toBe(callsBefore);
});

/** Drops the database and restores this backup of it. */
async function restore(backup: ReadonlyMap<string, Document[]>): Promise<void> {
  await scene.db.dropDatabase();
  await scene.mirror('init');
  for (const [name, documents] of backup) if (documents.length > 0) await scene.db.collection(name).insertMany(documents);
}

// docs/kubernetes.md, "Backup and restore".
test('a MongoDB restored from a backup that is older than the state log is brought up to date without a call to Notion', async () => {
  await startAll();
  await scene.untilEqual();
  const collections = await scene.db.listCollections({ type: 'collection', name: { $not: /^system\./ } }).toArray();
  const backup = new Map<string, Document[]>();
  for (const { name } of collections) backup.set(name, await scene.db.collection(name).find().toArray());
  await live(60);
  await scene.untilEqual();
  await Promise.all([...services.values()].map((service) => service.stop()));
  await restore(backup);
  const stale = (await scene.differences()).filter((difference) => !isOfCompleteness(difference));
  expect(stale.length).toBeGreaterThan(0);
  const callsBefore = calls();
  expect(await replay('run', '--from-states', '--yes')).toMatchObject({ code: 0, result: { replay: { status: 'done' } } });
  expect((await scene.differences()).filter((difference) => !isOfCompleteness(difference))).toEqual([]);
  expect(calls()).toBe(callsBefore);
  // What the workers then append to the log is not older than what it holds.
  await startAll();
  await scene.untilEqual();
  await replay('run', '--from-states', '--shadow', '--yes');
  let last: unknown = null;
  const differs = async (): Promise<boolean> => {
    const diff = await replay('diff');
    last = diff.result;
    return diff.code !== 0;
  };
  await waitUntil(async () => !(await differs()), { timeoutMs: 180_000, describe: () => JSON.stringify(last) });
  await Promise.all([...services.values()].map((service) => service.stop()));
});

test('the shadow replaces the mirror under load, and no write made meanwhile is lost', async () => {
  await startAll();
  await replay('run', '--from-states', '--shadow', '--yes');
  const life = live(80);
  const switched = await replay('switch', '--yes');
  await life;
  expect(switched).toMatchObject({ code: 0, result: { lastMomentCaughtUp: true } });
  await scene.untilEqual();
  expect(await replay('diff')).toMatchObject({ code: 1 });
  // The state log follows the new collection.
  await live(20);
  await scene.untilEqual();
  await replay('run', '--from-states', '--shadow', '--yes');
  await waitUntil(async () => (await replay('diff')).code === 0, { timeoutMs: 90_000 });
});

test('a shadow too old to have seen all removals does not replace the mirror', async () => {
  const replays = scene.db.collection('replays');
  await replays.updateMany({}, [{ $set: { startedAt: { $dateSubtract: { startDate: '$startedAt', unit: 'day', amount: 8 } } } }]);
  expect(await replay('switch', '--yes')).toMatchObject({ code: 1, result: { error: { code: 'shadow_too_old' } } });
  expect(await replay('diff')).toMatchObject({ code: 1, result: { error: { code: 'shadow_too_old' } } });
});

test('a MongoDB lost under load is rebuilt and equal, while live traffic is served', async () => {
  const life = live(60);
  await loseMongo();
  expect(await replay('run', '--from-states', '--yes')).toMatchObject({ code: 0 });
  await life;
  // See docs/replay.md: the last writes before the loss may not have reached the state log.
  expect(await replay('run', '--since', '1h', '--yes')).toMatchObject({ code: 0 });
  // Events that came while there were no connections are recovered by comparing each tenant with Notion.
  for (const { workspaceId } of customers) await scene.mirror('reconcile', 'run', workspaceId, '--accept-removals', '--wait');
  await scene.untilEqual();
});
