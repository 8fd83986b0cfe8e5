import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openTestDatabase, silent, someLayout } from '../test/mongo.ts';
import { initMongo } from './init.ts';
import { minutesSince } from './minutes.ts';
import { noWork, type WorkCounts } from './work-counts.ts';
import { liveWorkers, startWorkerReports, type NotionUse } from './worker-status.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => {
  mongo = await openTestDatabase();
  await initMongo(mongo.db, someLayout);
});
afterAll(() => mongo.drop());

// Not long ago: they expire.
const hour = Math.floor(Date.now() / 60_000) - 60;
const minute = (n: number) => new Date((hour + n) * 60_000);
const idle = { state: () => ({ partitions: [], running: 0, waiting: 0, lanes: 0, oldestAt: null }), backlog: () => [] };
const lastMinute = { ...noWork, events: 7, freshness: [[8, 7]], seconds: 30 } satisfies WorkCounts & { seconds: number };
const use = { connectionId: 'c', workspaceId: 'acme', calls: 9, limit: 180, windowEndsAt: minute(1), heldUntil: null };
const notion: NotionUse = { connections: 1, calls: 9, limit: 180, busiest: [use] };

/** A worker whose minutes end when they are pushed. */
function worker(service: string, ended: ({ at: Date } & WorkCounts)[]) {
  const takeMinutes = (isLast = false) => [...ended.splice(0), ...(isLast ? [{ ...noWork, at: minute(9), events: 1 }] : [])];
  const work = { lastMinute: () => lastMinute, takeMinutes };
  const reports = startWorkerReports({ db: mongo.db, service, capabilities: [], sample: idle, work, notion: () => notion, logger: silent });
  onTestFinished(() => reports.stop());
  return reports;
}

test('a worker reports its last minute and its use of the budgets, and keeps each minute that has ended', async () => {
  const counts: WorkCounts = {
    events: 120,
    documents: 60,
    saved: 5,
    calls: 90,
    limited: 2,
    limitedBy: { public_api_request_rate_limit: 2 },
    postponedBy: { window: 9 },
    freshness: [
      [16, 30],
      [128, 30],
    ],
  };
  const first = worker('sync-worker', [
    { ...counts, at: minute(1) },
    { ...noWork, at: minute(2) },
  ]);
  worker('delete-worker', [{ ...noWork, at: minute(2) }]);
  await expect.poll(async () => (await minutesSince(mongo.db, minute(0))).length).toBe(3);
  expect((await minutesSince(mongo.db, minute(0)))[0]).toEqual({ service: 'sync-worker', at: minute(1), ...counts });
  expect(await minutesSince(mongo.db, minute(2))).toHaveLength(2);
  expect(await liveWorkers(mongo.db, new Date())).toMatchObject([
    { service: 'delete-worker' },
    { service: 'sync-worker', lastMinute, notion },
  ]);

  // The minute that it stops in is kept, too.
  await first.stop();
  expect(await minutesSince(mongo.db, minute(9))).toMatchObject([{ service: 'sync-worker', events: 1 }]);
});

test('a minute that could not be written is written later', async () => {
  const minutes = mongo.db.collection('minutes');
  await minutes.deleteMany({});
  await mongo.db.command({ collMod: 'minutes', validator: { at: { $lt: minute(0) } } });
  worker('sync-worker', [{ ...noWork, at: minute(5), events: 3 }]);
  const statuses = mongo.db.collection('worker_status');
  const writtenAt = async () => Number((await statuses.findOne({ service: 'sync-worker' }, { sort: { at: -1 } }))?.['at'] ?? 0);
  const before = await writtenAt();
  await expect.poll(writtenAt).toBeGreaterThan(before);
  expect(await minutesSince(mongo.db, minute(0))).toEqual([]);
  await mongo.db.command({ collMod: 'minutes', validator: {} });
  await expect.poll(async () => minutesSince(mongo.db, minute(0))).toMatchObject([{ at: minute(5), events: 3 }]);
});
