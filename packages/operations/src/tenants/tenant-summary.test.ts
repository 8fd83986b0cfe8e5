import type { Connection } from '@notion-mirror/domain/connection';
import type { TenantBacklog } from '@notion-mirror/mirror-store/worker-status';
import { expect, test } from 'vitest';
import { byNeed, countFreshness, createTenantSummaries } from './tenant-summary.ts';

const now = new Date('2026-01-02T00:00:00Z');
const ago = (ms: number) => new Date(now.getTime() - ms);

const connection = (workspaceId: string, status: Connection['status'] = 'active'): Connection => ({
  connectionId: `${workspaceId}-${status}`,
  providerConfigKey: 'notion',
  workspaceId,
  notionWorkspaceId: 'n1',
  botId: null,
  status,
  statusReason: null,
  token: null,
  createdAt: now,
  updatedAt: now,
});
const behind = (workspaceId: string, ms: number, held: TenantBacklog['held'] = null): TenantBacklog => ({
  workspaceId,
  waiting: 2,
  oldestAt: ago(ms),
  held,
});
const tenantsOf = (all: readonly Connection[]) => [...Map.groupBy(all, ({ workspaceId }) => workspaceId).values()];
const summarise = (all: readonly Connection[], backlog: readonly TenantBacklog[]) => createTenantSummaries()(tenantsOf(all), backlog, now);
const until = (time: Date) => ({ until: time, class: 'rate_limited', code: 'pause', message: 'wait' });

test('a tenant is as fresh as its oldest waiting event of all workers', () => {
  const [tenant] = summarise([connection('a')], [behind('a', 500), behind('a', 70_000)]);
  expect(tenant).toMatchObject({ state: 'active', freshness: 'more', waiting: 4, oldestAt: ago(70_000) });
});

test.each([
  ['nothing waits', [], 'second'],
  ['one second', [behind('a', 1_000)], 'second'],
  ['a little more', [behind('a', 1_001)], 'ten_seconds'],
  ['a minute', [behind('a', 60_000)], 'minute'],
  ['held', [behind('a', 0, until(ago(-1)))], 'held'],
  ['held until now', [behind('a', 0, until(now))], 'second'],
])('%s', (_name, backlog, freshness) => {
  expect(summarise([connection('a')], backlog)[0]?.freshness).toBe(freshness);
});

test('one active connection is enough; without one a tenant is held', () => {
  const all = [connection('a', 'deleted'), connection('a'), connection('b', 'paused'), connection('c', 'deleted')];
  const found = summarise(all, []);
  expect(found.map(({ workspaceId, state, freshness }) => [workspaceId, state, freshness])).toEqual([
    ['a', 'active', 'second'],
    ['b', 'paused', 'held'],
    ['c', 'deleted', 'held'],
  ]);
  expect(countFreshness(found)).toEqual({ second: 1, ten_seconds: 0, minute: 0, more: 0, held: 1 });
});

test('those that need an operator come first', () => {
  const all = ['fresh', 'old', 'older', 'held'].map((name) => connection(name));
  const others = [connection('gone', 'deleted'), connection('refused', 'unauthorized'), connection('paused', 'paused')];
  const backlog = [behind('old', 61_000), behind('older', 90_000), behind('held', 0, until(ago(-1)))];
  const found = summarise([...all, ...others], backlog).toSorted(byNeed);
  expect(found.map(({ workspaceId }) => workspaceId)).toEqual(['refused', 'held', 'paused', 'older', 'old', 'fresh', 'gone']);
});

test('a summary is kept while nothing waits and no connection changes', () => {
  const summariseAgain = createTenantSummaries();
  const [a = [], b = []] = tenantsOf([connection('a'), connection('b')]);
  const [first] = summariseAgain([a], [], now);
  expect(summariseAgain([a, b], [], now)[0]).toBe(first);
  expect(summariseAgain([a], [behind('a', 70_000)], now)).toMatchObject([{ freshness: 'more', waiting: 2 }]);
  expect(summariseAgain([a], [], now)[0]).toBe(first);
  expect(summariseAgain([[connection('a', 'paused')]], [], now)).toMatchObject([{ state: 'paused', freshness: 'held' }]);
});
