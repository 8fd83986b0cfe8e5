import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openTestDatabase, silent } from '../test/mongo.ts';
import { openMissedRows } from './missed-rows.ts';
import { openRowsSwitch, type RowsSwitch } from './rows-switch.ts';
import { noWork } from './work-counts.ts';
import { startWorkerReports, type WorkerCapability } from './worker-status.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
let rows: RowsSwitch;
beforeAll(async () => {
  mongo = await openTestDatabase();
  rows = openRowsSwitch(mongo.db);
});
afterEach(async () => {
  await mongo.db.collection('switches').deleteMany({});
  await mongo.db.collection('worker_status').deleteMany({});
});
afterAll(() => mongo.drop());

const idle = { state: () => ({ partitions: [], running: 0, waiting: 0, lanes: 0, oldestAt: null }), backlog: () => [] };

const noWorkAtAll = { lastMinute: () => ({ ...noWork, seconds: 1 }), takeMinutes: () => [] };

/** A worker as it reports itself. Resolves when it has. */
async function worker(service: string, capabilities: readonly WorkerCapability[] = ['rows']): Promise<{ stop(): Promise<void> }> {
  const statuses = mongo.db.collection('worker_status');
  const before = await statuses.countDocuments();
  const reports = startWorkerReports({
    db: mongo.db,
    service,
    capabilities,
    sample: idle,
    work: noWorkAtAll,
    notion: null,
    logger: silent,
  });
  onTestFinished(() => reports.stop());
  await expect.poll(() => statuses.countDocuments()).toBe(before + 1);
  return reports;
}

/** What a worker of version 0.1.0 reports. `ageMs`: how long ago. */
async function oldWorker(service: string, ageMs = 0): Promise<{ stop(): Promise<void> }> {
  const at = new Date(Date.now() - ageMs);
  const status = { service, at, expiresAt: new Date(at.getTime() + 60_000), partitions: [0], running: 0, waiting: 0, tenants: 0 };
  const { insertedId } = await mongo.db.collection('worker_status').insertOne({ ...status, oldestAt: null, backlog: [] });
  return {
    async stop() {
      await mongo.db.collection('worker_status').deleteOne({ _id: insertedId });
    },
  };
}

test('rows are let in when workers of both kinds know them, not before', async () => {
  expect(await rows.turnOnWhenPossible()).toBeNull();
  await worker('sync-worker');
  expect(await rows.turnOnWhenPossible()).toBeNull();
  await worker('delete-worker');
  expect(await rows.read()).toBeNull();
  const on = await rows.turnOnWhenPossible();
  expect(on).toEqual({ since: expect.any(Date), forMs: expect.any(Number) });
  expect(await rows.read()).toMatchObject({ since: on?.since });
});

test.each(['sync-worker', 'delete-worker'])('a %s of version 0.1.0 keeps them out until it has stopped', async (service) => {
  await worker('sync-worker');
  await worker('delete-worker');
  const old = await oldWorker(service);
  expect(await rows.turnOnWhenPossible()).toBeNull();
  await old.stop();
  expect(await rows.turnOnWhenPossible()).not.toBeNull();
});

// A worker that cannot reach MongoDB still consumes events.
test('an old worker that has not reported for a while keeps them out until its status expires', async () => {
  await worker('sync-worker');
  await worker('delete-worker');
  await oldWorker('sync-worker', 50_000);
  expect(await rows.turnOnWhenPossible()).toBeNull();
});

test('a worker with MIRROR_ROWS=off counts as one that does not know rows', async () => {
  await worker('sync-worker');
  const off = await worker('delete-worker', []);
  expect(await rows.turnOnWhenPossible()).toBeNull();
  await off.stop();
  await worker('delete-worker');
  expect(await rows.turnOnWhenPossible()).not.toBeNull();
});

test('once on, it stays on: without any worker, and with an old one; the time stays the first', async () => {
  const workers = [await worker('sync-worker'), await worker('delete-worker')];
  const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => rows.turnOnWhenPossible()));
  expect(new Set([first, ...others].map((on) => on?.since.getTime())).size).toBe(1);
  for (const one of workers) await one.stop();
  await oldWorker('sync-worker');
  expect((await rows.turnOnWhenPossible())?.since).toEqual(first?.since);
  await expect.poll(async () => (await rows.read())?.forMs).toBeGreaterThan(first?.forMs ?? 0);
});

test('while events are missed the switch stays on, and the time is later than now; afterwards it is when that ended', async () => {
  await worker('sync-worker');
  await worker('delete-worker');
  const on = await rows.turnOnWhenPossible();
  let time = 0;
  const missed = openMissedRows(mongo.db, () => time);
  await Promise.all([missed.note(), missed.note()]);
  const during = await rows.read();
  expect(during?.since.getTime()).toBeGreaterThan(on?.since.getTime() ?? 0);
  expect(during?.forMs).toBeLessThan(0);
  // Written ahead, so not each time.
  await expect.poll(async () => (await rows.read())?.forMs).toBeGreaterThan(during?.forMs ?? 0);
  time = 4_999;
  await missed.note();
  expect((await rows.read())?.since).toEqual(during?.since);
  time = 5_000;
  await missed.note();
  const after = await rows.read();
  expect(after?.since.getTime()).toBeGreaterThan(during?.since.getTime() ?? 0);
  // A process that started again does not take back what another one has noted.
  await mongo.db.collection('switches').updateOne({ _id: 'rows_missed' as never }, { $set: { until: new Date('2100-01-01') } });
  await openMissedRows(mongo.db).note();
  expect((await rows.turnOnWhenPossible())?.since).toEqual(new Date('2100-01-01'));
});

test('events that were missed before rows were let in do not let them in', async () => {
  await openMissedRows(mongo.db).note();
  expect(await rows.read()).toBeNull();
});
