import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { Naming } from '@notion-mirror/mirror-store/entities/relations';
import { expect, test } from 'vitest';
import { createDependents, type RowChange } from './dependents.ts';

const cause: DatabaseEvent = {
  eventId: 'e1',
  kind: 'row_sync',
  type: 'page.properties_updated',
  workspaceId: 'acme',
  connectionId: 'c1',
  providerConfigKey: 'notion',
  notionWorkspaceId: 'n1',
  databaseId: 'd1',
  dataSourceId: 'tasks',
  pageId: 'task',
  occurredAt: new Date(1_000),
  receivedAt: new Date(2_000),
  origin: 'nango',
};

/** Rows of `projects` and `notes` name those of `tasks`; `projects` computes from them. `naming`: the rows that name each page, by data source. */
function tenant(given: { isTwoWay?: boolean; naming?: Record<string, readonly string[]>; rows?: readonly string[] } = {}) {
  const naming: Naming = {
    dataSourceIds: new Set(['projects', 'notes']),
    computing: new Set(['projects']),
    isTwoWay: given.isTwoWay ?? false,
  };
  const appended: DatabaseEvent[] = [];
  const scanned: string[] = [];
  const hops = new Set<number>();
  const clock = { now: 5_000, reads: 0, fails: false };
  const dependents = createDependents({
    readRelations: () => {
      clock.reads += 1;
      return clock.fails ? Promise.reject(new Error('unavailable')) : Promise.resolve({ namedBy: new Map([['tasks', naming]]) });
    },
    rows: {
      naming: (_workspaceId, _pageId, dataSourceIds, limit) =>
        Promise.resolve(
          Object.entries(given.naming ?? {})
            .filter(([dataSourceId]) => dataSourceIds.includes(dataSourceId))
            .flatMap(([dataSourceId, ids]) => ids.map((pageId) => ({ pageId, dataSourceId })))
            .slice(0, limit),
        ),
      among: (_workspaceId, ids, limit) =>
        Promise.resolve(
          ids
            .filter((id) => given.rows?.includes(id) === true)
            .slice(0, limit)
            .map((pageId) => ({ pageId, dataSourceId: 'projects' })),
        ),
    },
    scans: {
      want({ dataSourceId }, hop) {
        scanned.push(dataSourceId);
        hops.add(hop);
        return Promise.resolve();
      },
    },
    append: (event) => Promise.resolve(void appended.push(event)),
    now: () => clock.now,
  });
  const follow = (change: Partial<RowChange> = {}) =>
    dependents.follow(cause, { pageId: 'task', dataSourceIds: ['tasks'], isElsewhere: false, relinked: [], hop: 0, ...change });
  return { ...dependents, follow, appended, scanned, hops, clock, read: () => appended.map(({ pageId }) => pageId) };
}

const many = Array.from({ length: 21 }, (_, n) => `p${n}`);

test('rows that compute from a changed row are read again', async () => {
  const { follow, appended, scanned } = tenant({ naming: { projects: ['p1', 'p2'], notes: ['n1'] } });
  await follow();
  expect(appended).toMatchObject([
    { eventId: 'e1:dependency.1:p1', type: 'mirror.dependency.1', pageId: 'p1', dataSourceId: 'projects', receivedAt: new Date(5_000) },
    { eventId: 'e1:dependency.1:p2', pageId: 'p2' },
  ]);
  expect(scanned).toEqual([]);
});

test('when a row appears, moves or goes, every row that names it is read again', async () => {
  const { follow, read } = tenant({ naming: { projects: ['p1'], notes: ['n1'] } });
  await follow({ isElsewhere: true });
  expect(read()).toEqual(['p1', 'n1']);
});

test('the pages that a two-way relation names, or no longer names, are read again if the mirror has them', async () => {
  const two = tenant({ isTwoWay: true, rows: ['p1', 'p2'] });
  await two.follow({ relinked: ['p1', 'unknown', 'p2', 'task'] });
  expect(two.read()).toEqual(['p1', 'p2']);
  const one = tenant({ rows: ['p1'] });
  await one.follow({ relinked: ['p1'] });
  expect(one.read()).toEqual([]);
});

test('a row does not cause itself to be read, and each is read once', async () => {
  const { follow, read } = tenant({ isTwoWay: true, naming: { projects: ['p1', 'task'] }, rows: ['p1'] });
  await follow({ relinked: ['p1'] });
  expect(read()).toEqual(['p1']);
});

test('up to twenty rows are read singly, more by a scan of each data source that may hold some', async () => {
  const few = tenant({ naming: { projects: many.slice(1) } });
  await few.follow();
  expect([few.appended.length, few.scanned]).toEqual([20, []]);
  const computed = tenant({ naming: { projects: many } });
  await computed.follow();
  expect([computed.appended.length, computed.scanned]).toEqual([0, ['projects']]);
  const otherEnds = tenant({ isTwoWay: true, rows: many });
  await otherEnds.follow({ relinked: many });
  expect([otherEnds.appended.length, otherEnds.scanned]).toEqual([0, ['projects', 'notes']]);
});

test('a change goes five rows far', async () => {
  const { follow, appended } = tenant({ naming: { projects: ['p1'] } });
  await follow({ hop: 4 });
  await follow({ hop: 5 });
  expect(appended.map(({ type }) => type)).toEqual(['mirror.dependency.5']);
  const scanned = tenant({ naming: { projects: many } });
  for (const hop of [4, 5]) await scanned.follow({ hop });
  for (const hop of [4, 5]) await scanned.followAll('acme', 'tasks', hop);
  expect([scanned.scanned, [...scanned.hops]]).toEqual([['projects', 'projects', 'notes'], [5]]);
});

test('the removal of all rows of a data source causes a scan of those that name them', async () => {
  const { followAll, scanned } = tenant();
  await followAll('acme', 'tasks', 0);
  await followAll('acme', 'other', 0);
  expect(scanned).toEqual(['projects', 'notes']);
});

test('relations are read once in five seconds, and again after a failure or when they are forgotten', async () => {
  const { existFor, forgetRelations, clock } = tenant();
  expect([await existFor('acme', 'tasks'), await existFor('acme', 'other')]).toEqual([true, false]);
  expect(clock.reads).toBe(1);
  clock.now += 5_000;
  clock.fails = true;
  await expect(existFor('acme', 'tasks')).rejects.toThrow('unavailable');
  clock.fails = false;
  expect(await existFor('acme', 'tasks')).toBe(true);
  expect(clock.reads).toBe(3);
  forgetRelations('globex');
  await existFor('acme', 'tasks');
  expect(clock.reads).toBe(3);
  forgetRelations('acme');
  await existFor('acme', 'tasks');
  expect(clock.reads).toBe(4);
});
