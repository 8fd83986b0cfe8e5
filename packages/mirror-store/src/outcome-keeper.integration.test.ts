import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, serverAddress, silent, someLayout, uriThrough } from '../test/mongo.ts';
import { someOutcome } from '../test/outcomes.ts';
import { startTcpProxy } from '../test/tcp-proxy.ts';
import { openMongo } from './client.ts';
import { openOutcomeHistory } from './event-outcomes.ts';
import { initMongo } from './init.ts';
import { createOutcomeKeeper } from './outcome-keeper.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;

beforeAll(async () => {
  mongo = await openTestDatabase();
  await initMongo(mongo.db, someLayout);
});
afterAll(() => mongo.drop());

async function figure(registry: Registry, name: string): Promise<number> {
  return (await registry.getSingleMetric(name)?.get())?.values[0]?.value ?? 0;
}

test('an outcome is found by its event, its database and its data source, latest first, within its tenant', async () => {
  const metrics = new Registry();
  const keeper = createOutcomeKeeper({ db: mongo.db, retentionMs: 3_600_000, logger: silent, metrics });
  const first = someOutcome('e1', { at: new Date(Date.now() - 1_000) });
  const second = someOutcome('e2', { dataSourceId: 's1', databaseId: null, record: { ...first.record!, rev: 6 } });
  const other = someOutcome('e3', { workspaceId: 'globex' });
  const withoutTenant = someOutcome('e4', {
    workspaceId: null,
    service: 'ingress',
    outcome: 'ignored',
    reason: 'linked_database',
    at: new Date(0),
  });
  for (const one of [first, second, other, withoutTenant]) keeper.keep(one);
  const history = openOutcomeHistory(mongo.db);
  await expect.poll(() => history.of('d1', { workspaceId: 'acme', limit: 10 })).toEqual([second, first, withoutTenant]);
  expect(await history.of('s1', { workspaceId: null, limit: 10 })).toEqual([second]);
  expect(await history.of('e1', { workspaceId: 'acme', limit: 10 })).toEqual([first]);
  expect(await history.of('e1', { workspaceId: 'globex', limit: 10 })).toEqual([]);
  expect(await history.of('d1', { workspaceId: null, limit: 2 })).toHaveLength(2);
  const stored = await mongo.db.collection('event_outcomes').findOne({ eventId: 'e1' });
  expect(stored?.['expiresAt']).toEqual(new Date(first.at.getTime() + 3_600_000));
  await keeper.stop();
  expect(await figure(metrics, 'notion_mirror_outcomes_kept_total')).toBe(4);
});

test('a flush writes waiting outcomes without the pause, and resolves when they are written', async () => {
  const metrics = new Registry();
  // The pause is longer than the test.
  const keeper = createOutcomeKeeper({ db: mongo.db, retentionMs: 60_000, logger: silent, metrics, pauseMs: 3_600_000 });
  await keeper.flush();
  for (let round = 1; round <= 10; round += 1) {
    for (let number = 0; number < 70; number += 1) keeper.keep(someOutcome(`flush-${round}-${number}`, { workspaceId: 'flushed' }));
    await keeper.flush();
    expect(await figure(metrics, 'notion_mirror_outcomes_kept_total')).toBe(round * 70);
  }
  for (let number = 0; number < 1_200; number += 1) keeper.keep(someOutcome(`flush-${number}`, { workspaceId: 'flushed' }));
  await Promise.all([keeper.flush(), keeper.flush()]);
  expect(await figure(metrics, 'notion_mirror_outcomes_kept_total')).toBe(1_900);
  // Written without waiting for the majority, but counted with a majority read.
  await expect.poll(() => mongo.db.collection('event_outcomes').countDocuments({ workspaceId: 'flushed' })).toBe(1_900);
  await keeper.stop();
});

test('waiting outcomes are written on stop', async () => {
  const keeper = createOutcomeKeeper({ db: mongo.db, retentionMs: 60_000, logger: silent, metrics: new Registry() });
  for (let number = 0; number < 1_200; number += 1) keeper.keep(someOutcome(`stop-${number}`, { workspaceId: 'stopped' }));
  await keeper.stop(20_000);
  // Written without waiting for the majority, but counted with a majority read.
  await expect.poll(() => mongo.db.collection('event_outcomes').countDocuments({ workspaceId: 'stopped' })).toBe(1_200);
});

test('while MongoDB is unavailable callers do not wait, memory is bounded and lost outcomes are counted; later the newest are written', async () => {
  const proxy = await startTcpProxy(serverAddress());
  const proxied = await openMongo(uriThrough(proxy.port, mongo.name), { appName: 'outcomes-test' });
  const metrics = new Registry();
  const keeper = createOutcomeKeeper({ db: proxied.db, retentionMs: 60_000, logger: silent, metrics });
  proxy.cut();
  for (let number = 0; number < 10_050; number += 1) keeper.keep(someOutcome(`late-${number}`, { workspaceId: 'late' }));
  expect(await figure(metrics, 'notion_mirror_outcomes_lost_total')).toBe(50);
  expect(await figure(metrics, 'notion_mirror_outcomes_waiting')).toBe(10_000);
  const flush = keeper.flush();
  proxy.restore();
  await flush;
  expect(await figure(metrics, 'notion_mirror_outcomes_waiting')).toBe(0);
  const found = mongo.db.collection('event_outcomes');
  await expect.poll(() => found.countDocuments({ workspaceId: 'late' }), { timeout: 60_000 }).toBe(10_000);
  expect(await found.findOne({ eventId: 'late-49' })).toBeNull();
  await keeper.stop();
  expect(await figure(metrics, 'notion_mirror_outcomes_lost_total')).toBe(50);
  await proxied.close();
  await proxy.stop();
});

test('a retention of 0 stores nothing', async () => {
  const keeper = createOutcomeKeeper({ db: mongo.db, retentionMs: 0, logger: silent, metrics: new Registry() });
  keeper.keep(someOutcome('none', { workspaceId: 'none' }));
  await keeper.stop();
  expect(await mongo.db.collection('event_outcomes').countDocuments({ workspaceId: 'none' })).toBe(0);
});
