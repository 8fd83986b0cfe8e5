import type { ContentsStatus, FollowedSource, ScanWish } from '@notion-mirror/mirror-store/data-source-contents';
import { expect, test } from 'vitest';
import { wantSweepScans } from './sweep-scans.ts';

const hour = 3_600_000;
const now = Date.parse('2026-11-30T12:00:00.000Z');
const ago = (hours: number) => new Date(now - hours * hour);

const source = (dataSourceId: string, change: Partial<ContentsStatus> = {}): ContentsStatus => ({
  workspaceId: 'acme',
  dataSourceId,
  databaseId: 'd1',
  state: 'complete',
  rows: { live: 1, archived: 0 },
  completeAsOf: ago(1),
  truncated: [],
  reason: null,
  scan: null,
  wanted: null,
  last: null,
  failures: 0,
  failure: null,
  followedAt: ago(100),
  dueAt: null,
  nextFullAt: null,
  fullAt: ago(1),
  schemaDueAt: null,
  claimedUntil: ago(1),
  ...change,
});

async function sweep(sources: readonly ContentsStatus[], order: { depth?: 'search' | 'full'; isRequested?: boolean } = {}) {
  const followed: [string, readonly FollowedSource[]][] = [];
  const wanted: [string, ScanWish['depth'], ScanWish['reasons']][] = [];
  await wantSweepScans(
    {
      liveDatabases: async () => ['d1', 'd2'],
      sourcesOf: async (_, databaseId) => [{ dataSourceId: `${databaseId}-s`, schema: 'x' }],
      contents: {
        async follow({ databaseId }, found) {
          followed.push([databaseId, found]);
          return [];
        },
        list: async () => [...sources],
        async want({ dataSourceId }, { depth, reasons, at, dueAt }) {
          expect([at, dueAt]).toEqual([new Date(now), new Date(now)]);
          wanted.push([dataSourceId, depth, reasons]);
          return true;
        },
      },
      intervalMs: 24 * hour,
      now: () => now,
    },
    {
      workspaceId: 'acme',
      depth: order.depth ?? 'full',
      isRequested: order.isRequested ?? false,
      signal: new AbortController().signal,
    },
  );
  return { followed, wanted };
}

test('every live database is followed, also by a sweep that only searches, which wants no scan', async () => {
  const { followed, wanted } = await sweep([source('s1')], { depth: 'search' });
  expect(followed).toEqual([
    ['d1', [{ dataSourceId: 'd1-s', schema: 'x' }]],
    ['d2', [{ dataSourceId: 'd2-s', schema: 'x' }]],
  ]);
  expect(wanted).toEqual([]);
});

test('edited rows are wanted of each data source, and all rows if the last scan of all is too old', async () => {
  const { wanted } = await sweep([source('s1'), source('s2', { fullAt: ago(24) }), source('s3', { state: 'incomplete', fullAt: ago(19) })]);
  expect(wanted).toEqual([
    ['s1', 'edited', ['sweep']],
    ['s2', 'all', ['sweep']],
    ['s3', 'edited', ['sweep']],
  ]);
});

test('an operator gets a scan of all rows', async () => {
  const { wanted } = await sweep([source('s1')], { isRequested: true });
  expect(wanted).toEqual([['s1', 'all', ['operator']]]);
});

test('one that waits for its first backfill waits no longer', async () => {
  const { wanted } = await sweep([source('s1', { state: 'scanning', fullAt: null })]);
  expect(wanted).toEqual([['s1', 'edited', ['sweep']]]);
});

test('nothing is wanted of a data source that is off, or whose database has gone', async () => {
  const { wanted } = await sweep([source('s1', { state: 'off' }), source('s2', { databaseId: 'd9' })]);
  expect(wanted).toEqual([]);
});
