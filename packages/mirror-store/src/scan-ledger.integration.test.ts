import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../test/mongo.ts';
import { layoutWithRows } from '../test/rows.ts';
import type { ContentsDocument, DataSourceRef, StoredProgress } from './contents-document.ts';
import { openDataSourceContents, type DataSourceContents, type ScanWish } from './data-source-contents.ts';
import { initMongo } from './init.ts';
import { openRowsOff } from './rows-off.ts';
import { openScanLedger, type ScanClaim, type ScanFinding, type ScanLedger } from './scan-ledger.ts';

const second = 1_000;
const minute = 60 * second;
const lag = { lagMs: minute, toleranceMs: 10 * second };
const settleMs = 70 * second + 1;
const start = Date.parse('2026-11-30T10:00:00.000Z');

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
let contents: DataSourceContents;
let ledger: ScanLedger;
let time = start;
beforeAll(async () => {
  mongo = await openTestDatabase();
  await initMongo(mongo.db, layoutWithRows);
  contents = openDataSourceContents(mongo.db, now);
  ledger = openScanLedger(mongo.db, lag, now);
});
beforeEach(async () => {
  for (const name of ['data_source_contents', 'rows_off']) await mongo.db.collection(name).deleteMany({});
  time = start;
});
afterAll(async () => {
  await mongo.drop();
});

function now(): Date {
  return new Date(time);
}

const database = { workspaceId: 'acme', databaseId: 'd1' };
const s1: DataSourceRef = { workspaceId: 'acme', dataSourceId: 's1' };
const follow = (...sources: readonly [id: string, schema: string | null][]) =>
  contents.follow(
    database,
    sources.map(([dataSourceId, schema]) => ({ dataSourceId, schema })),
  );
const read = (ref = s1) =>
  mongo.db.collection<ContentsDocument>('data_source_contents').findOne({ _id: `${ref.workspaceId}:${ref.dataSourceId}` });
const wish = (change: Partial<ScanWish> = {}): ScanWish => ({
  reasons: ['dependency'],
  depth: 'all',
  at: now(),
  raisesAll: false,
  dueAt: now(),
  ...change,
});
const claim = (worker = 'w1', ref = s1) => ledger.claim(ref, worker, minute);
async function claimed(worker = 'w1', ref = s1): Promise<ScanClaim> {
  const found = await claim(worker, ref);
  if (found === null) throw new Error('there is no scan to claim');
  return found;
}
async function due(): Promise<string[]> {
  const found: string[] = [];
  for await (const { dataSourceId } of ledger.due()) found.push(dataSourceId);
  return found;
}
const complete: ScanFinding = { kind: 'complete', rows: { live: 5, archived: 1 } };
async function end(of: ScanClaim, finding: ScanFinding = complete, connections = ['c1']): Promise<void> {
  const { startedAt, depth } = of;
  const report = { startedAt, endedAt: now(), depth, calls: 1, returned: 5, written: 5, readSingly: 0 };
  await ledger.complete(of, { finding, report, nextFullAt: new Date(time + 1440 * minute), connections });
}
const progress: StoredProgress = {
  connections: ['c1'],
  passes: [{ connectionId: 'c1', progress: { startedAt: start, from: start, rows: { live: 3, archived: 0 }, truncated: [] }, end: null }],
  unreadable: ['p1'],
  failed: [{ pageId: 'p2', because: 'too large' }],
};

describe('a data source', () => {
  test('that is new is scanned at once, by one worker; afterwards it is complete as of one lag before the scan', async () => {
    expect(await follow(['s1', 'a'])).toEqual([]);
    expect(await read()).toMatchObject({ state: 'scanning', rows: null, completeAsOf: null, reason: null, databaseId: 'd1' });
    expect(await due()).toEqual(['s1']);
    const mine = await claimed();
    expect(mine).toMatchObject({
      ...s1,
      databaseId: 'd1',
      depth: 'all',
      startedAt: now(),
      scannedAt: null,
      progress: null,
      failures: 0,
      connections: null,
    });
    expect(await claim('w2')).toBeNull();
    expect(await due()).toEqual([]);
    time += minute;
    await end(mine);
    expect(await read()).toMatchObject({
      state: 'complete',
      rows: { live: 5, archived: 1 },
      completeAsOf: new Date(start - minute),
      scan: null,
      wanted: { depth: 'edited' },
      claimedBy: null,
      dueAt: new Date(start + settleMs),
    });
    expect(await due()).toEqual([]);
    time = start + settleMs;
    expect(await due()).toEqual(['s1']);
    const later = await claimed();
    expect(later).toMatchObject({ depth: 'edited', scannedAt: new Date(start), connections: ['c1'] });
    await end(later, { kind: 'edited' }, ['c1', 'c2']);
    expect(await read()).toMatchObject({ connections: ['c1'] });
  });

  test('is followed any number of times without another wish', async () => {
    await follow(['s1', 'a'], ['s2', null]);
    const before = await read();
    await follow(['s1', 'a'], ['s2', null]);
    await follow(['s1', null]);
    expect(await read()).toEqual(before);
  });

  test('two workers follow at the same time: one document', async () => {
    await Promise.all([follow(['s1', 'a']), follow(['s1', 'a']), follow(['s1', 'a'])]);
    expect(await contents.list('acme')).toHaveLength(1);
  });

  test('with another schema is scanned one lag later', async () => {
    await follow(['s1', 'a']);
    await end(await claimed());
    time += 10 * minute;
    await end(await claimed(), { kind: 'edited' });
    await follow(['s1', 'b']);
    expect(await read()).toMatchObject({ state: 'complete', schema: 'b', wanted: { reasons: ['schema_changed'], depth: 'all' } });
    // Who follows does not know the lag.
    expect(await due()).toEqual(['s1']);
    expect(await claim()).toBeNull();
    expect(await due()).toEqual([]);
    time += settleMs;
    expect(await claimed()).toMatchObject({ depth: 'all' });
  });

  test('that is in another database now is scanned again, and does not go with the old one', async () => {
    await follow(['s1', 'a'], ['s2', 'a']);
    await contents.follow({ workspaceId: 'acme', databaseId: 'd2' }, [{ dataSourceId: 's1', schema: 'a' }]);
    expect(await read()).toMatchObject({ databaseId: 'd2', wanted: { reasons: ['first_backfill', 'moved'] } });
    expect(await follow(['s2', 'a'])).toEqual([]);
    expect(await follow()).toEqual(['s2']);
    await contents.forget({ ...s1, dataSourceId: 's2' });
    expect(await follow()).toEqual([]);
  });

  test('that came back is scanned from the beginning: what a running scan has seen was removed', async () => {
    await follow(['s1', 'a']);
    await end(await claimed());
    time += settleMs;
    await contents.want(s1, wish({ raisesAll: true }));
    time += settleMs;
    const running = await claimed();
    await ledger.save(running, progress);
    expect(await contents.want(s1, wish({ reasons: ['came_back'] }))).toBe(true);
    expect(await read()).toMatchObject({ state: 'scanning', rows: null, completeAsOf: null, scan: null, wanted: { raisesAll: true } });
    expect(await ledger.renew(running, minute)).toBe(false);
    await end(running);
    expect(await read()).toMatchObject({ state: 'scanning', wanted: { at: now() } });
    time += settleMs;
    expect(await claimed('w2')).toMatchObject({ depth: 'all', progress: null });
  });

  // With a short lag it waited for a minute: until the lost claim would have expired, or until the failed scan was to be tried again.
  test.each([
    ['came_back', 'runs'],
    ['came_back', 'has failed'],
    ['moved', 'has failed'],
  ] as const)('that %s while its scan %s is scanned as soon as a scan sees it', async (how, scan) => {
    const short = { lagMs: second, toleranceMs: second };
    const quick = openScanLedger(mongo.db, short, now);
    await follow(['s1', 'a']);
    const running = (await quick.claim(s1, 'w1', minute))!;
    if (scan === 'has failed') await quick.fail(running, 'no live database has it', minute, false);
    time += second;
    if (how === 'came_back') await contents.want(s1, wish({ reasons: ['came_back'] }));
    else await contents.follow({ ...database, databaseId: 'd2' }, [{ dataSourceId: 's1', schema: 'a' }]);
    time += 2 * second + 1;
    expect(await quick.claim(s1, 'w2', minute)).not.toBeNull();
  });

  test('whose events were missed is no longer complete, until a scan has seen all that was missed', async () => {
    await follow(['s1', 'a'], ['s2', 'a'], ['s3', 'a']);
    await contents.turnOff({ ...s1, dataSourceId: 's3' });
    await end(await claimed());
    const s2 = { ...s1, dataSourceId: 's2' };
    const running = await claimed('w2', s2);
    await ledger.save(running, progress);
    time += 5 * minute;
    const since = now();
    time += second;
    expect(await contents.outdate(since, minute)).toBe(2);
    expect(await contents.outdate(since, minute)).toBe(0);
    const lost = { state: 'scanning', completeAsOf: null, rows: null, scan: null, followedAt: now() };
    expect(await read()).toMatchObject({ ...lost, wanted: { reasons: ['first_backfill', 'rows_were_off'], depth: 'all', at: since } });
    expect(await read(s2)).toMatchObject({ ...lost, wanted: { reasons: ['first_backfill', 'rows_were_off'] } });
    expect(await read({ ...s1, dataSourceId: 's3' })).toMatchObject({ state: 'off', wanted: null });
    await end(running);
    expect(await read(s2)).toMatchObject(lost);
    time += settleMs;
    const next = await claimed('w2', s2);
    expect(next.progress).toBeNull();
    await end(next);
    await end(await claimed('w2'));
    const seen = { state: 'complete', completeAsOf: new Date(time - minute), wanted: null };
    expect([await read(), await read(s2)]).toMatchObject([seen, seen]);
    expect(await contents.outdate(since, minute)).toBe(0);
  });

  test('that is off is followed, but not scanned, until it is on again', async () => {
    await follow(['s1', 'a']);
    const running = await claimed();
    expect(await contents.turnOff(s1)).toBe(true);
    expect([await ledger.holds(running), await ledger.save(running, progress), await contents.want(s1, wish())]).toEqual([
      false,
      false,
      false,
    ]);
    await end(running);
    await follow(['s1', 'b']);
    expect(await read()).toMatchObject({ state: 'off', schema: 'b', wanted: null, scan: null, completeAsOf: null });
    expect(await contents.turnOn(s1)).toBe(true);
    expect(await contents.turnOn(s1)).toBe(false);
    expect(await claimed()).toMatchObject({ depth: 'all', wish: { reasons: ['first_backfill'] } });
  });

  test('that is off stays so when its database goes and comes back, until it is on again', async () => {
    await follow(['s1', 'a']);
    await contents.turnOff(s1);
    await contents.forget(s1);
    const isOff = () => openRowsOff(mongo.db).isOffNow(s1);
    expect([await read(), await isOff()]).toEqual([null, true]);
    await follow(['s1', 'a'], ['s2', 'a']);
    expect(await read()).toMatchObject({ state: 'off', wanted: null, dueAt: null });
    expect(await read({ ...s1, dataSourceId: 's2' })).toMatchObject({ state: 'scanning' });
    expect([await contents.turnOn(s1), await isOff()]).toEqual([true, false]);
    await contents.forget(s1);
    await follow(['s1', 'a'], ['s2', 'a']);
    expect(await read()).toMatchObject({ state: 'scanning', wanted: { reasons: ['first_backfill'] } });
  });

  test('that was rebuilt is incomplete until it was scanned, at once, and a scan that ran begins again', async () => {
    await follow(['s1', 'a']);
    await end(await claimed());
    time += 2 * settleMs;
    await contents.want(s1, wish({ dueAt: now() }));
    time += settleMs;
    const running = await claimed();
    await contents.wasRebuilt('acme');
    const reason = 'rebuilt: not scanned since';
    expect(await read()).toMatchObject({ state: 'incomplete', reason, completeAsOf: null, rows: null, scan: null });
    await end(running);
    expect(await read()).toMatchObject({ state: 'incomplete' });
    const scan = await claimed('w2');
    expect(scan).toMatchObject({ depth: 'all', progress: null, wish: { reasons: expect.arrayContaining(['rebuilt']) } });
    await end(scan);
    expect(await read()).toMatchObject({ state: 'complete', reason: null, wanted: { depth: 'edited' } });
  });

  test('that the mirror does not have cannot be wanted, turned off or on', async () => {
    expect([await contents.want(s1, wish()), await contents.turnOff(s1), await contents.turnOn(s1)]).toEqual([false, false, false]);
  });
});

describe('a claimed scan', () => {
  test('is resumed by another worker when the first one crashes, where it got to', async () => {
    await follow(['s1', 'a']);
    const first = await claimed();
    expect(await ledger.save(first, progress)).toBe(true);
    time += minute - 1;
    expect(await claim('w2')).toBeNull();
    expect(await ledger.renew(first, minute)).toBe(true);
    time += minute;
    expect(await due()).toEqual(['s1']);
    const next = await claimed('w2');
    expect(next).toMatchObject({ progress, startedAt: first.startedAt, wish: first.wish });
    expect([await ledger.renew(first, minute), await ledger.save(first, null), await ledger.holds(first)]).toEqual([false, false, false]);
    await ledger.fail(first, 'too late', minute, true);
    await end(first);
    expect(await read()).toMatchObject({ state: 'scanning', claimedBy: 'w2', scan: { progress } });
    await end(next);
    expect(await read()).toMatchObject({ state: 'complete', completeAsOf: new Date(start - minute) });
  });

  test('that fails is left alone for a while, and then resumed', async () => {
    await follow(['s1', 'a']);
    const first = await claimed();
    await ledger.save(first, progress);
    await ledger.fail(first, 'Notion does not answer', minute, false);
    expect(await read()).toMatchObject({ state: 'scanning', reason: null, failure: 'Notion does not answer', failures: 1 });
    time += minute - 1;
    expect([await due(), await claim()]).toEqual([[], null]);
    time += 1;
    const next = await claimed();
    expect(next).toMatchObject({ progress, failures: 1 });
    await end(next);
    expect(await read()).toMatchObject({ failure: null, failures: 0 });
  });

  test('of edited rows that Notion refuses makes the data source incomplete until all rows have been read', async () => {
    await follow(['s1', 'a']);
    await end(await claimed());
    time += settleMs;
    await ledger.fail(await claimed(), 'Notion refuses the query', minute, true);
    expect(await read()).toMatchObject({ state: 'incomplete', reason: 'Notion refuses the query' });
    expect(await ledger.incomplete()).toEqual(['acme']);
    time += minute;
    const next = await claimed();
    expect(next.depth).toBe('all');
    await end(next);
    expect(await read()).toMatchObject({ state: 'complete', reason: null });
    expect(await ledger.incomplete()).toEqual([]);
  });

  test('that could not see everything keeps the time of the last complete one', async () => {
    await follow(['s1', 'a']);
    await end(await claimed());
    time += 1440 * minute;
    const truncated = [{ partition: 'live', minute: now(), atLeast: 10_000 } as const];
    await end(await claimed(), { kind: 'incomplete', reason: 'too many rows in a minute', truncated });
    expect(await read()).toMatchObject({
      state: 'incomplete',
      reason: 'too many rows in a minute',
      truncated,
      rows: { live: 5, archived: 1 },
      completeAsOf: new Date(start - minute),
      fullAt: now(),
    });
  });

  test('that is released queues behind the others', async () => {
    await follow(['s1', 'a']);
    time += second;
    await contents.follow({ workspaceId: 'globex', databaseId: 'd9' }, [{ dataSourceId: 's9', schema: 'a' }]);
    expect(await due()).toEqual(['s1', 's9']);
    const first = await claimed();
    await ledger.save(first, progress);
    time += second;
    await ledger.release(first);
    expect(await due()).toEqual(['s9', 's1']);
    expect(await claimed('w2')).toMatchObject({ progress });
  });
});

test('all rows are scanned again at their time, and an operator does not wait for the end of a backoff', async () => {
  await follow(['s1', 'a']);
  await end(await claimed());
  time += settleMs;
  await end(await claimed(), { kind: 'edited' });
  time = start + 1440 * minute + settleMs;
  const regular = await claimed();
  expect(regular).toMatchObject({ depth: 'all', wish: { reasons: ['sweep'] } });
  await ledger.fail(regular, 'Notion does not answer', 60 * minute, false);
  expect(await claim()).toBeNull();
  await contents.want(s1, wish({ reasons: ['operator'] }));
  expect(await claimed()).toMatchObject({ depth: 'all', startedAt: regular.startedAt });
});

test('scans of a tenant without a connection are postponed until another wish', async () => {
  await follow(['s1', 'a']);
  await contents.follow({ workspaceId: 'globex', databaseId: 'd9' }, [{ dataSourceId: 's9', schema: 'a' }]);
  await ledger.postpone('acme', new Date(time + 10 * minute));
  expect(await due()).toEqual(['s9']);
  await contents.want(s1, wish());
  expect(await due()).toEqual(['s1', 's9']);
  // Also one that was interrupted.
  await ledger.release(await claimed());
  await ledger.postpone('acme', new Date(time + 10 * minute));
  expect(await due()).toEqual(['s9']);
  await contents.want(s1, wish());
  expect(await due()).toEqual(['s1', 's9']);
});

test('wishes that come while the document changes are not lost', async () => {
  await follow(['s1', 'a']);
  const reasons = ['moved', 'flood', 'dependency', 'sweep', 'operator', 'schema_changed'] as const;
  await Promise.all([...reasons.map((reason) => contents.want(s1, wish({ reasons: [reason] }))), claim('w1'), claim('w2')]);
  const { scan, wanted } = (await read())!;
  expect([...new Set([...(scan?.wish.reasons ?? []), ...(wanted?.reasons ?? [])])].toSorted()).toEqual(
    ['first_backfill', ...reasons].toSorted(),
  );
});

test('an operator sees each data source, without what only a scan needs', async () => {
  await follow(['s1', 'a'], ['s2', 'a']);
  await contents.follow({ workspaceId: 'globex', databaseId: 'd9' }, [{ dataSourceId: 's9', schema: 'a' }]);
  await ledger.save(await claimed(), progress);
  const [one, two] = await contents.list('acme');
  expect(one).toMatchObject({ ...s1, state: 'scanning', scan: { startedAt: now(), depth: 'all', isClaimed: true }, wanted: null });
  expect(Object.keys(one?.scan ?? {})).toEqual(['startedAt', 'depth', 'isClaimed']);
  expect(two).toMatchObject({ dataSourceId: 's2', scan: null, wanted: { reasons: ['first_backfill'] } });
  expect((await contents.list()).map(({ dataSourceId }) => dataSourceId)).toEqual(['s1', 's2', 's9']);
});

test('the oldest complete scan comes first, and those that have none before it', async () => {
  await follow(['s1', 'a'], ['s2', 'a'], ['s3', 'a'], ['s4', 'a']);
  await contents.turnOff({ ...s1, dataSourceId: 's4' });
  await end(await claimed('w1', { ...s1, dataSourceId: 's2' }));
  time += minute;
  await end(await claimed());
  const found = [];
  for await (const one of ledger.completions()) found.push(one);
  expect(found).toEqual([
    { workspaceId: 'acme', followedAt: new Date(start), completeAsOf: null },
    { workspaceId: 'acme', followedAt: new Date(start), completeAsOf: new Date(start - minute) },
    { workspaceId: 'acme', followedAt: new Date(start), completeAsOf: new Date(start) },
  ]);
});
