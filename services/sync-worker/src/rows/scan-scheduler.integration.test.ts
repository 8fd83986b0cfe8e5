import type { Connection } from '@notion-mirror/domain/connection';
import type { ContentsDocument } from '@notion-mirror/mirror-store/contents-document';
import { openDataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import { initMongo } from '@notion-mirror/mirror-store/init';
import { openScanLedger, type ScanClaim } from '@notion-mirror/mirror-store/scan-ledger';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { openTestDatabase, silent } from '../../../../packages/mirror-store/test/mongo.ts';
import { layoutWithRows } from '../../../../packages/mirror-store/test/rows.ts';
import type { ScanHooks, ScanOutcome } from './run-scan.ts';
import { startScanScheduler } from './scan-scheduler.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => {
  mongo = await openTestDatabase();
  await initMongo(mongo.db, layoutWithRows);
});
beforeEach(async () => {
  for (const name of ['data_source_contents', 'rows_off']) await mongo.db.collection(name).deleteMany({});
});
afterAll(async () => {
  await mongo.drop();
});

const hourAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000);
const lag = { lagMs: 60_000, toleranceMs: 10_000 };
const complete: ScanOutcome = { kind: 'ended', depth: 'all', finding: { kind: 'complete', rows: { live: 3, archived: 0 } } };
const follow = (workspaceId: string, ...dataSourceIds: string[]) =>
  openDataSourceContents(mongo.db).follow(
    { workspaceId, databaseId: 'd1' },
    dataSourceIds.map((dataSourceId) => ({ dataSourceId, schema: 'a' })),
  );
const read = (id: string) => mongo.db.collection<ContentsDocument>('data_source_contents').findOne({ _id: id });
const nameOf = ({ workspaceId, dataSourceId }: ScanClaim) => `${workspaceId}:${dataSourceId}`;

/** A worker, and the scans that it has begun. By default a scan ends at once. */
function worker(
  options: {
    readonly run?: (claim: ScanClaim, hooks: ScanHooks, signal: AbortSignal) => Promise<ScanOutcome>;
    readonly owns?: (workspaceId: string) => boolean;
    readonly isReady?: () => boolean;
    readonly connected?: (workspaceId: string) => boolean;
    readonly spareAt?: () => number | null;
  } = {},
) {
  const { run = async () => complete, owns = () => true, isReady = () => true, connected = () => true, spareAt = () => null } = options;
  const begun: string[] = [];
  const metrics = new Registry();
  const scheduler = startScanScheduler({
    ledger: openScanLedger(mongo.db, lag),
    connections: {
      activeByWorkspace: (workspaceId) => (connected(workspaceId) ? [{ workspaceId, connectionId: 'c1' } as Connection] : []),
    },
    notion: { spareAt },
    owns,
    isReady,
    runScan: async (claim, hooks, signal) => {
      begun.push(nameOf(claim));
      hooks.counts.calls += 2;
      return run(claim, hooks, signal);
    },
    intervalMs: 86_400_000,
    now: Date.now,
    logger: silent,
    metrics,
  });
  onTestFinished(() => scheduler.stop());
  return { begun, metrics, stop: () => scheduler.stop() };
}

/** Never ends by itself. */
const endless = (_claim: ScanClaim, _hooks: ScanHooks, signal: AbortSignal) =>
  new Promise<ScanOutcome>((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true }));

test('each data source is scanned once it is due, and what was edited since is scanned later', async () => {
  await follow('acme', 's1', 's2');
  await follow('globex', 's3');
  const { begun, metrics } = worker();
  await expect.poll(() => begun.toSorted()).toEqual(['acme:s1', 'acme:s2', 'globex:s3']);
  await expect
    .poll(() => read('acme:s2'))
    .toMatchObject({ state: 'complete', rows: { live: 3 }, claimedBy: null, wanted: { depth: 'edited' }, connections: ['c1'] });
  const { fullAt, nextFullAt, last } = (await read('acme:s2'))!;
  const hours = (nextFullAt!.getTime() - fullAt!.getTime()) / 3_600_000;
  expect(hours).toBeGreaterThan(19);
  expect(hours).toBeLessThanOrEqual(24);
  expect(last).toMatchObject({ depth: 'all', calls: 2 });
  const text = await metrics.metrics();
  expect(text).toContain('notion_mirror_row_scans_total{depth="all",result="complete"} 3');
  expect(text).toContain('notion_mirror_row_scan_queries_total 6');
});

test('one scan at a time of each tenant', async () => {
  await follow('acme', 's1', 's2');
  await follow('globex', 's3');
  let running = 0;
  let most = 0;
  const { begun } = worker({
    async run({ workspaceId }) {
      if (workspaceId !== 'acme') return complete;
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return complete;
    },
  });
  await expect.poll(() => begun.length).toBe(3);
  expect(most).toBe(1);
});

test('only the worker that consumes the events of a tenant scans its data sources', async () => {
  await follow('acme', 's1');
  await follow('globex', 's3');
  const [one, two] = [worker({ owns: (tenant) => tenant === 'acme' }), worker({ owns: (tenant) => tenant === 'globex' })];
  await expect.poll(() => [one.begun, two.begun]).toEqual([['acme:s1'], ['globex:s3']]);
});

test('nothing is scanned before rows are ready', async () => {
  await follow('acme', 's1');
  let isReady = false;
  let asked = 0;
  const { begun } = worker({
    isReady() {
      asked += 1;
      return isReady;
    },
  });
  // At the second turn it is known what the first one did.
  await expect.poll(() => asked).toBeGreaterThan(1);
  expect(begun).toEqual([]);
  isReady = true;
  await expect.poll(() => begun).toEqual(['acme:s1']);
});

test('a tenant without an active connection, or whose budget is used up, waits', async () => {
  await follow('acme', 's1');
  await follow('globex', 's3');
  let isConnected = false;
  const spare: { at: number | null } = { at: Date.now() + 60_000 };
  const { begun } = worker({ connected: (tenant) => tenant === 'globex' || isConnected, spareAt: () => spare.at });
  await expect.poll(async () => (await read('acme:s1'))?.dueAt?.getTime()).toBeGreaterThan(Date.now() + 60_000);
  expect(begun).toEqual([]);
  spare.at = null;
  await expect.poll(() => begun).toEqual(['globex:s3']);
  isConnected = true;
  // As its sweep wants one when a connection is active again.
  const at = new Date();
  const wish = { reasons: ['sweep' as const], depth: 'all' as const, at, raisesAll: false, dueAt: at };
  await openDataSourceContents(mongo.db).want({ workspaceId: 'acme', dataSourceId: 's1' }, wish);
  await expect.poll(() => begun).toEqual(['globex:s3', 'acme:s1']);
});

test('a scan that cannot go on is postponed, and the state says so only if it is about the data source', async () => {
  await follow('acme', 's1');
  await follow('globex', 's3');
  await follow('initech', 's4');
  const { metrics } = worker({
    async run({ workspaceId }) {
      if (workspaceId === 'initech') throw new Error('Notion does not answer');
      return { kind: 'stopped', because: 'Notion refuses the query', isIncomplete: workspaceId === 'acme' };
    },
  });
  await expect
    .poll(() => read('acme:s1'))
    .toMatchObject({ state: 'incomplete', reason: 'Notion refuses the query', failures: 1, claimedBy: null });
  await expect.poll(() => read('globex:s3')).toMatchObject({ state: 'scanning', failure: 'Notion refuses the query', failures: 1 });
  await expect.poll(() => read('initech:s4')).toMatchObject({ state: 'scanning', failure: 'Notion does not answer', failures: 1 });
  expect((await read('acme:s1'))?.claimedUntil.getTime()).toBeGreaterThan(Date.now() + 20_000);
  expect(await metrics.metrics()).toContain('notion_mirror_row_scans_total{depth="all",result="failed"} 3');
});

test('a stop ends running scans, which another worker may resume at once', async () => {
  await follow('acme', 's1');
  const first = worker({ run: endless });
  await expect.poll(() => first.begun).toEqual(['acme:s1']);
  await first.stop();
  const stopped = await read('acme:s1');
  expect(stopped).toMatchObject({ claimedBy: null, failures: 0, state: 'scanning' });
  const next = worker();
  await expect.poll(() => next.begun).toEqual(['acme:s1']);
  await expect.poll(() => read('acme:s1')).toMatchObject({ state: 'complete', last: { startedAt: stopped?.scan?.startedAt } });
});

// A worker waits only briefly for its scans, and the claim of one that ended too late kept it from other workers for a minute.
test('a stop releases a scan that does not end', async () => {
  await follow('acme', 's1');
  const ends: ((outcome: ScanOutcome) => void)[] = [];
  const { begun, stop } = worker({ run: () => new Promise((resolve) => void ends.push(resolve)) });
  await expect.poll(() => begun).toEqual(['acme:s1']);
  const stopped = stop();
  await expect.poll(() => read('acme:s1')).toMatchObject({ claimedBy: null, state: 'scanning' });
  ends[0]?.(complete);
  await stopped;
  expect(await read('acme:s1')).toMatchObject({ claimedBy: null, state: 'scanning', failures: 0 });
});

test('a scan that has lost its claim ends', async () => {
  await follow('acme', 's1');
  const saves: unknown[] = [];
  const { begun } = worker({
    async run(_claim, { save }) {
      if (begun.length > 1) return complete;
      await openDataSourceContents(mongo.db).turnOff({ workspaceId: 'acme', dataSourceId: 's1' });
      await save(null).catch((error: unknown) => {
        saves.push(error);
        throw error;
      });
      return complete;
    },
  });
  await expect.poll(() => saves.length).toBe(1);
  await expect.poll(() => read('acme:s1')).toMatchObject({ state: 'off', scan: null, failures: 0 });
});

test('a long scan gives way to another data source of the tenant, and queues again', async () => {
  await follow('acme', 's1');
  await follow('acme', 's1', 's2');
  const { begun } = worker({
    async run(claim, { mustPause }) {
      if (claim.dataSourceId !== 's1' || begun.length > 1) return complete;
      await vi.waitUntil(mustPause, { timeout: 60_000 });
      return { kind: 'paused' };
    },
  });
  await expect.poll(() => begun).toEqual(['acme:s1', 'acme:s2', 'acme:s1']);
});

test('the metrics name the oldest complete state and what needs an operator, of the worker’s own tenants', async () => {
  await follow('acme', 's1', 's2');
  await follow('globex', 's3');
  const contents = mongo.db.collection<{ _id: string }>('data_source_contents');
  await contents.updateMany({}, { $set: { completeAsOf: hourAgo(9), dueAt: null } });
  await contents.updateOne({ _id: 'acme:s1' }, { $set: { completeAsOf: hourAgo(2), state: 'incomplete' } });
  await contents.updateOne({ _id: 'acme:s2' }, { $set: { completeAsOf: hourAgo(1), state: 'complete' } });
  const { metrics } = worker({ owns: (tenant) => tenant === 'acme' });
  const valueOf = async (name: string) => Number((await metrics.metrics()).match(new RegExp(`^${name} (.*)$`, 'm'))?.[1]);
  await expect.poll(() => valueOf('notion_mirror_row_sources_incomplete')).toBe(1);
  const seconds = await valueOf('notion_mirror_row_complete_oldest_seconds');
  expect(seconds).toBeGreaterThanOrEqual(7_200);
  expect(seconds).toBeLessThan(3 * 3_600);
});
