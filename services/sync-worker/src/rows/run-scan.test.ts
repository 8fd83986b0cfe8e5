import type { StoredProgress } from '@notion-mirror/mirror-store/contents-document';
import { RowQueryError } from '@notion-mirror/notion-source/row-query';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createWorld,
  idOf,
  lagMs,
  minute,
  start,
  toleranceMs,
  type NotionRow,
  type Trouble,
  type WorldOptions,
} from '../../test/scan-world.ts';
import type { ScanOutcome } from './run-scan.ts';

type World = ReturnType<typeof createWorld>;

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, index) => from + index);
const complete = (live: number, archived = 0) => ({ kind: 'ended', depth: 'all', finding: { kind: 'complete', rows: { live, archived } } });

/** A world with so many rows in Notion, created one each minute; `held`: the mirror has them, too. */
function worldOf(count: number, { held = true, ...options }: WorldOptions & { readonly held?: boolean } = {}): World {
  const world = createWorld(options);
  for (const number of numbers(count)) {
    world.set(idOf(number), { created: number });
    if (held) world.hold(world.row(idOf(number))!);
  }
  return world;
}

const liveIds = ({ mirror }: World) => [...mirror].flatMap(([id, { record }]) => (record.live ? [id] : [])).toSorted();
const removal = ({ mirror }: World, number: number) => mirror.get(idOf(number))?.record.removed?.reason;
const reasonOf = (outcome: ScanOutcome): string | null =>
  outcome.kind === 'ended' && outcome.finding.kind === 'incomplete' ? outcome.finding.reason : null;
const settleMs = lagMs + toleranceMs + 1;

describe('a scan of all rows', () => {
  test('fills an empty mirror; the next one writes and reads nothing', async () => {
    const world = worldOf(9, { held: false });
    world.set(idOf(9), { created: 3, isArchived: true });
    const first = await world.scan();
    expect(first).toEqual({ outcome: complete(9, 1), counts: { calls: 4, returned: 10, written: 10, readSingly: 0 } });
    expect(world.versions()).toEqual(Object.fromEntries(numbers(10).map((number) => [idOf(number), 1])));
    expect(world.mirror.get(idOf(0))?.record).toMatchObject({ rev: 1, asOf: start + 1 - lagMs, connectionId: 'a' });
    world.pass(settleMs);
    const again = await world.scan();
    expect(again).toEqual({ outcome: complete(9, 1), counts: { calls: 4, returned: 10, written: 0, readSingly: 0 } });
  });

  test('writes what differs, and removes what says that it is in the trash or elsewhere', async () => {
    const world = worldOf(6);
    world.set(idOf(1), { version: 2 });
    world.set(idOf(2), { place: 'trash' });
    world.set(idOf(3), { place: 'elsewhere' });
    world.set(idOf(4), { isArchived: true });
    world.set(idOf(9), { created: 2 });
    world.pass(settleMs);
    const { outcome, counts } = await world.scan();
    expect([outcome, counts.written, counts.readSingly]).toEqual([complete(4, 1), 3, 2]);
    expect(world.versions()).toEqual({ [idOf(0)]: 1, [idOf(1)]: 2, [idOf(4)]: 1, [idOf(5)]: 1, [idOf(9)]: 1 });
    expect([removal(world, 2), removal(world, 3)]).toEqual(['trashed', 'moved_away']);
  });

  test('reads a row singly whose value Notion cut off, in every scan, and only then', async () => {
    const world = worldOf(3);
    world.set(idOf(1), { isCut: true });
    world.pass(settleMs);
    const { counts } = await world.scan();
    expect(counts).toMatchObject({ written: 0, readSingly: 1 });
    expect(world.mirror.get(idOf(1))?.record.rev).toBe(4);
    // It was read a moment ago.
    expect((await world.scan()).counts.readSingly).toBe(0);
    world.pass(settleMs);
    expect((await world.scan()).counts.readSingly).toBe(1);
    expect(world.state.singleReads).toBe(2);
  });

  test('names rows that cannot be stored, and writes the others', async () => {
    const world = worldOf(3, { held: false });
    world.unstorable.add(idOf(1));
    const { outcome } = await world.scan();
    expect(reasonOf(outcome)).toBe('a row was not written: page-0001 (too large)');
    expect(liveIds(world)).toEqual([idOf(0), idOf(2)]);
  });

  test('reports a minute with more rows than a query returns, and removes none of it', async () => {
    const world = createWorld({ limits: { cap: 4 } });
    for (const number of numbers(6)) world.set(idOf(number), { created: 1 });
    world.set(idOf(8), { created: 5 });
    for (const [number, created] of [
      [20, 1],
      [21, 5],
    ] as const) {
      world.set(idOf(number), { created });
      world.hold(world.row(idOf(number))!);
      world.set(idOf(number), { place: 'trash' });
    }
    world.pass(settleMs);
    const { outcome } = await world.scan();
    expect(reasonOf(outcome)).toBe('more rows were created in one minute than Notion returns; some are unknown: 2026-11-30T12:01Z');
    expect(outcome).toMatchObject({ finding: { truncated: [{ partition: 'live', minute: new Date(start + minute), atLeast: 4 }] } });
    expect([liveIds(world).includes(idOf(20)), removal(world, 21)]).toEqual([true, 'trashed']);
  });

  test('reports such a minute once, though several connections show it', async () => {
    const world = createWorld({ limits: { cap: 4 }, connections: ['a', 'b'] });
    for (const number of numbers(6)) world.set(idOf(number), { created: 1, seenBy: ['a', 'b'] });
    world.pass(settleMs);
    const { outcome } = await world.scan();
    expect(reasonOf(outcome)).toBe('more rows were created in one minute than Notion returns; some are unknown: 2026-11-30T12:01Z');
    expect(outcome).toMatchObject({ finding: { truncated: [{ partition: 'live', minute: new Date(start + minute), atLeast: 4 }] } });
  });

  test('ends when the data source goes: what it inserted meanwhile goes, too', async () => {
    const world = worldOf(6, { held: false });
    world.hooks.afterWrite = (id) => {
      if (id === idOf(5)) world.state.isHeld = false;
    };
    const { outcome } = await world.scan();
    expect(outcome).toMatchObject({ kind: 'stopped', isIncomplete: false });
    expect(liveIds(world)).toEqual(numbers(4).map(idOf));
    expect(removal(world, 5)).toBe('data_source_removed');
    expect(world.mirror.get(idOf(5))?.record.source).toBe('delete');
  });

  test('ends when the data source goes: a row that came from another one meanwhile goes, too', async () => {
    const world = worldOf(1);
    const { record, content } = world.mirror.get(idOf(0))!;
    world.mirror.set(idOf(0), { record: { ...record, dataSourceId: 's0' }, content: { ...content!, dataSourceId: 's0' } });
    world.pass(settleMs);
    world.hooks.afterWrite = () => (world.state.isHeld = false);
    expect((await world.scan()).outcome).toMatchObject({ kind: 'stopped', isIncomplete: false });
    expect([liveIds(world), removal(world, 0)]).toEqual([[], 'data_source_removed']);
  });

  test('ends when an operator turns the data source off: what it inserted meanwhile goes, too', async () => {
    const world = worldOf(6, { held: false });
    world.hooks.afterWrite = (id) => {
      if (id === idOf(5)) world.state.isOff = true;
    };
    expect((await world.scan()).outcome).toMatchObject({ kind: 'stopped' });
    expect([liveIds(world).length, removal(world, 4), removal(world, 5)]).toEqual([4, 'data_source_removed', 'data_source_removed']);
  });

  test('brings back the rows of a data source that was removed and has come back a moment ago', async () => {
    const world = worldOf(30);
    for (const number of numbers(30)) world.bury(world.row(idOf(number))!);
    world.pass(10);
    const { outcome, counts } = await world.scan({ wish: { reasons: ['first_backfill'] } });
    expect([outcome, counts.written]).toEqual([complete(30), 30]);
  });

  test('does not begin without a database or a connection', async () => {
    const world = worldOf(3);
    world.active.clear();
    await expect(world.scan()).rejects.toThrow('no connection of the tenant is active');
    world.active.add('a');
    world.state.isHeld = false;
    expect((await world.scan()).outcome).toMatchObject({ kind: 'stopped' });
    expect(world.state.queries).toBe(0);
  });

  // The delete of its database was handled while rows were off, so no event came for its rows.
  test('announces that the data source has gone, so that its rows go', async () => {
    const world = worldOf(3);
    await world.scan();
    expect(world.state.announced).toBe(0);
    world.state.isHeld = false;
    await world.scan();
    expect(world.state.announced).toBe(1);
  });

  test.each([
    ['refused', 'Notion refuses the query of its rows: status 404 for a'],
    ['malformed', 'Notion returned rows that cannot be read: status 404 for a'],
  ] as const)('stops when its query is %s, with the reason', async (problem, because) => {
    const world = worldOf(3);
    world.refusing.set('a', problem);
    expect((await world.scan()).outcome).toEqual({ kind: 'stopped', because, isIncomplete: true });
    expect(liveIds(world)).toHaveLength(3);
  });

  test('rejects when Notion does not answer', async () => {
    const world = worldOf(3);
    world.refusing.set('a', 'unavailable');
    await expect(world.scan()).rejects.toThrow(RowQueryError);
  });

  test('stops when the queries do not get ahead', async () => {
    const world = worldOf(3, { troubles: Array.from({ length: 50 }, () => 'overloaded') });
    expect((await world.scan()).outcome).toMatchObject({
      kind: 'stopped',
      because: expect.stringContaining('overloaded'),
      isIncomplete: true,
    });
  });
});

function worldWithout(gone: number, count: number): World {
  const world = worldOf(count);
  for (const number of numbers(gone)) world.set(idOf(number), { place: 'gone' });
  world.pass(settleMs);
  return world;
}

/** A world with 5 rows and a template page, all of them held, and its scans: each takes what the one before it left. */
function worldWithTemplate(options: WorldOptions = {}) {
  const world = worldOf(6, options);
  const template = idOf(5);
  world.set(template, { isTemplate: true, created: -10 });
  world.hold(world.row(template)!);
  world.pass(settleMs);
  let unlisted: readonly string[] = [];
  async function scan(order: Parameters<World['scan']>[0] = {}) {
    const { outcome, counts } = await world.scan({ unlisted, ...order });
    if (outcome.kind === 'ended' && outcome.finding.kind === 'complete') unlisted = outcome.finding.unlisted ?? [];
    world.pass(settleMs);
    return { outcome, singleReads: counts.readSingly, isListed: world.mirror.get(template)?.record.isListed ?? true };
  }
  return { world, template, scan };
}

describe('a template page, which no query returns', () => {
  const week = 7 * 24 * 60 * minute;

  test('is shown until two complete scans have not listed it, then counts no more, and is not read by each scan', async () => {
    const { template, scan } = worldWithTemplate();
    const found = { kind: 'complete', rows: { live: 5, archived: 0 } };
    expect(await scan()).toMatchObject({ outcome: { finding: { ...found, unlisted: [template] } }, singleReads: 1, isListed: true });
    expect(await scan()).toEqual({ outcome: complete(5), singleReads: 1, isListed: false });
    expect(await scan()).toEqual({ outcome: complete(5), singleReads: 0, isListed: false });
  });

  test('is hidden only after complete scans', async () => {
    const { world, scan } = worldWithTemplate();
    await scan();
    world.set(idOf(1), { version: 2 });
    world.unstorable.add(idOf(1));
    world.pass(settleMs);
    expect(await scan()).toMatchObject({ outcome: { finding: { kind: 'incomplete' } }, isListed: true });
    world.unstorable.clear();
    expect(await scan()).toMatchObject({ outcome: { finding: { kind: 'complete' } }, isListed: false });
  });

  test('is still read by a scan that answers events, that an operator asked for, or after a week', async () => {
    const { world, scan } = worldWithTemplate();
    for (const _ of numbers(2)) await scan();
    expect(await scan({ wish: { reasons: ['operator'] } })).toMatchObject({ singleReads: 1, isListed: false });
    expect(await scan({ wish: wish(world.now() - 2 * settleMs) })).toMatchObject({ isListed: false });
    world.pass(week);
    expect(await scan()).toMatchObject({ singleReads: 1, isListed: false });
    expect((await scan()).singleReads).toBe(0);
  });

  test('stays hidden when it is edited, and goes when it is deleted', async () => {
    const { world, template, scan } = worldWithTemplate();
    for (const _ of numbers(2)) await scan();
    world.set(template, { version: 2 });
    world.pass(settleMs);
    await world.live(template, world.now());
    expect(world.mirror.get(template)).toMatchObject({ record: { live: true, isListed: false }, content: { title: 'version 2' } });
    world.set(template, { place: 'gone' });
    world.pass(week);
    await scan();
    expect(removal(world, 5)).toBe('inaccessible');
  });

  test.each([[{}], [{ version: 2 }], [{ isCut: true }], [{ editedJustNow: true }]])(
    'is shown again when a query returns it: %o',
    async (change) => {
      const { world, template, scan } = worldWithTemplate();
      for (const _ of numbers(2)) await scan();
      const { editedJustNow, ...row } = { editedJustNow: false, ...change };
      world.set(template, { isTemplate: false, ...row });
      world.pass(settleMs);
      if (editedJustNow) await world.live(template, world.now());
      expect(await scan()).toEqual({ outcome: complete(6), singleReads: 'isCut' in row ? 1 : 0, isListed: true });
      expect(await scan()).toMatchObject({ outcome: complete(6), isListed: true });
    },
  );

  test('is shown again when another connection lists it', async () => {
    const { world, template, scan } = worldWithTemplate({ connections: ['a', 'b'] });
    for (const _ of numbers(2)) await scan();
    expect(world.mirror.get(template)?.record.isListed).toBe(false);
    world.set(template, { isTemplate: false, seenBy: ['b'] });
    world.pass(settleMs);
    expect(await scan()).toMatchObject({ isListed: true });
  });

  test('is hidden by a scan that was interrupted, too', async () => {
    const { world, template, scan } = worldWithTemplate({ limits: { cap: 4, maxPageSize: 2 } });
    await scan();
    world.set(idOf(9), { created: 20 });
    world.pass(settleMs);
    let saved: StoredProgress | null = null;
    const order = { unlisted: [template], startedAt: new Date(world.now()) };
    world.hooks.step = (what) => {
      if (what === 'ask' && saved?.unlisted?.includes(template) === true) throw new Error('crash');
    };
    await expect(world.scan(order, { saved: (progress) => (saved = progress) })).rejects.toThrow('crash');
    world.hooks.step = () => {};
    expect((await world.scan({ ...order, progress: saved })).outcome).toMatchObject({ finding: { kind: 'complete' } });
    expect(world.mirror.get(template)?.record.isListed).toBe(false);
  });

  test('a row that is newer than what the queries show is none', async () => {
    const world = worldOf(3);
    // Queries are behind: they do not show it yet.
    world.set(idOf(9), { created: 1, isTemplate: true });
    world.hold(world.row(idOf(9))!);
    const { outcome } = await world.scan();
    expect(outcome).toEqual(complete(3));
  });
});

describe('rows that no connection can read', () => {
  test('go at the end of the scan, after another look', async () => {
    const world = worldWithout(3, 9);
    world.log.length = 0;
    expect((await world.scan()).outcome).toEqual(complete(6));
    expect(liveIds(world)).toEqual(numbers(6, 3).map(idOf));
    expect(removal(world, 0)).toBe('inaccessible');
    const looks = world.log.flatMap((what, index) => (what === `read ${idOf(0)}` ? [index] : []));
    expect(looks).toHaveLength(2);
    expect(world.log.indexOf(`write ${idOf(0)}`)).toBeGreaterThan(world.log.lastIndexOf('ask'));
  });

  test('stay if a second look shows them', async () => {
    const world = worldWithout(1, 9);
    world.hooks.step = (what) => {
      if (what === 'save') world.set(idOf(0), { place: 'here' });
    };
    await world.scan();
    expect(liveIds(world)).toHaveLength(9);
  });

  test.each([
    [20, 30, 'removed'],
    [21, 30, 'kept'],
    [21, 105, 'removed'],
    [21, 104, 'kept'],
  ])('%i of %i: %s', async (gone, count, expected) => {
    const world = worldWithout(gone, count);
    const { outcome } = await world.scan();
    expect(liveIds(world)).toHaveLength(expected === 'removed' ? count - gone : count);
    expect(outcome.kind === 'ended' && outcome.finding.kind).toBe(expected === 'removed' ? 'complete' : 'incomplete');
  });

  test('are kept, all of them, if they are too many; rows in the trash and edited rows are no part of it', async () => {
    const world = worldWithout(45, 100);
    for (const number of numbers(10, 90)) world.set(idOf(number), { place: 'trash' });
    world.set(idOf(80), { version: 2 });
    world.pass(settleMs);
    const { outcome, counts } = await world.scan();
    expect(reasonOf(outcome)).toMatch(
      /^at least \d+ of 100 rows answer 404 to every connection, and nothing was removed because of that: /,
    );
    expect(reasonOf(outcome)).toContain('mirror rows scan s1 --accept-removals');
    // No more are read once there are too many.
    expect(counts.readSingly).toBe(40);
    expect(world.versions()).toMatchObject({ [idOf(0)]: 1, [idOf(39)]: 1, [idOf(80)]: 2 });
  });

  test('go at once, however many, if an operator accepts it', async () => {
    const world = worldWithout(40, 100);
    const { outcome } = await world.scan({ wish: { acceptsRemovals: true } });
    expect(outcome).toEqual(complete(60));
    expect(liveIds(world)).toHaveLength(60);
  });
});

/** So many rows were written a moment ago, and were edited since. */
function worldWith(recent: number): World {
  const world = worldOf(recent, { limits: { maxPageSize: 100 } });
  for (const number of numbers(recent)) {
    world.hold(world.row(idOf(number))!, { agoMs: lagMs / 2, lagged: true });
    world.set(idOf(number), { version: 2 });
  }
  return world;
}
const isUpToDate = (world: World) => Object.values(world.versions()).every((version) => version === 2);

describe('rows that were written recently', () => {
  test('are read singly if they are few', async () => {
    const world = worldWith(20);
    expect((await world.scan()).counts).toMatchObject({ calls: 2, written: 0, readSingly: 20 });
    expect(isUpToDate(world)).toBe(true);
  });

  test('are queried again once the lag has passed, if they are many', async () => {
    const world = worldWith(21);
    const { outcome, counts } = await world.scan();
    expect([outcome, counts]).toEqual([complete(21), { calls: 3, returned: 42, written: 21, readSingly: 0 }]);
    expect(world.now()).toBeGreaterThan(start + settleMs);
    expect(isUpToDate(world)).toBe(true);
  });

  test('are read singly in the end, if they are edited all the time', async () => {
    const world = worldWith(30);
    world.hooks.step = (what) => {
      if (what !== 'read records' || world.state.queries > 20) return;
      for (const number of numbers(30)) world.hold({ ...world.row(idOf(number))!, version: 1 }, { agoMs: lagMs / 2, lagged: true });
    };
    const { outcome, counts } = await world.scan();
    expect([outcome.kind, counts.calls, counts.readSingly]).toEqual(['ended', 5, 30]);
    expect(isUpToDate(world)).toBe(true);
  });
});

const wish = (at: number) => ({ raisesAll: true, at: new Date(at), reasons: ['flood' as const] });

describe('a scan that answers events', () => {
  test('raises every row, also those that are equal', async () => {
    const world = worldOf(6);
    const { counts } = await world.scan({ wish: wish(start - settleMs - 1) });
    expect(counts).toMatchObject({ written: 6, readSingly: 0 });
    expect([...world.mirror.values()].every(({ record }) => record.rev === 4 && record.asOf > start - settleMs - 1 + toleranceMs)).toBe(
      true,
    );
  });

  test('raises no row that was fetched after the events, as when it resumes', async () => {
    const world = worldOf(6);
    world.pass(100_000);
    world.hold(world.row(idOf(2))!, { agoMs: 100 });
    const { counts } = await world.scan({ wish: wish(start) });
    expect(counts).toMatchObject({ written: 5, readSingly: 0 });
    expect((await world.scan({ startedAt: new Date(start + 100_000), wish: wish(start) })).counts).toMatchObject({
      written: 0,
      readSingly: 0,
    });
  });

  test('also answers those events that are old enough if others came too late for it', async () => {
    const world = worldOf(6);
    const { counts } = await world.scan({ wish: wish(start + 1) });
    expect(counts.written).toBe(6);
  });
});

const owners = ({ mirror }: World) => [...mirror.values()].map(({ record }) => record.connectionId ?? '').join('');

function changedWorld(): World {
  const world = worldOf(6);
  for (const number of numbers(3)) world.set(idOf(number), { version: 2 });
  world.pass(settleMs);
  return world;
}

describe('rows of others that depend on these', () => {
  test('are followed once, before the first row is written that differs', async () => {
    const world = changedWorld();
    let written = -1;
    const { followAll } = world.deps.dependents;
    Object.assign(world.deps.dependents, {
      followAll: async () => {
        written = world.state.writes;
        await followAll('acme', 's1', 0);
      },
    });
    await world.scan();
    expect([written, world.state.follows, world.state.writes]).toEqual([0, 1, 3]);
  });

  test('are followed when a row goes, or was read singly', async () => {
    const world = worldOf(6);
    world.set(idOf(1), { place: 'trash' });
    world.pass(settleMs);
    await world.scan();
    expect(world.state.follows).toBe(1);
    const cut = worldOf(6);
    cut.state.hasDependents = true;
    cut.set(idOf(1), { isCut: true });
    cut.pass(settleMs);
    await cut.scan();
    expect(cut.state.follows).toBe(0);
    cut.set(idOf(1), { version: 2 });
    cut.pass(settleMs);
    await cut.scan();
    expect(cut.state.follows).toBe(1);
  });

  // Rows of a third table were left as they were until its own scan.
  test('are followed further by a scan that such rows caused, as one table more', async () => {
    const world = changedWorld();
    await world.scan({ wish: { reasons: ['dependency'], hop: 2 } });
    expect([world.state.writes, world.state.follows, world.state.hop]).toEqual([3, 1, 2]);
  });

  test('are not followed when nothing differs, in a first backfill, and after a rebuild', async () => {
    const equal = worldOf(6);
    await equal.scan({ wish: { raisesAll: true } });
    expect([equal.state.writes, equal.state.follows]).toEqual([6, 0]);
    for (const reason of ['first_backfill', 'rebuilt'] as const) {
      const world = changedWorld();
      await world.scan({ wish: { reasons: [reason] } });
      expect([world.state.writes, world.state.follows]).toEqual([3, 0]);
    }
  });
});

describe('several connections', () => {
  const both = ['a', 'b'];
  function worldOfTwo(): World {
    const world = createWorld({ connections: both });
    for (const number of numbers(9)) {
      world.set(idOf(number), { created: number, seenBy: number < 3 ? ['a'] : number < 6 ? ['b'] : both });
    }
    return world;
  }

  test('each row is written as the first one that sees it shows it, and nothing changes afterwards', async () => {
    const world = worldOfTwo();
    const first = await world.scan();
    expect(first.outcome).toEqual(complete(9));
    expect(owners(world)).toBe('aaaaaabbb');
    world.pass(settleMs);
    expect((await world.scan()).counts).toMatchObject({ written: 0, readSingly: 0 });
  });

  test('a row belongs to the connection that fetched it last: the other neither compares nor removes it', async () => {
    const world = worldOfTwo();
    for (const number of numbers(9))
      world.hold({ ...world.row(idOf(number))!, version: 0 }, { connectionId: number % 2 === 0 ? 'a' : 'b' });
    world.pass(settleMs);
    await world.scan();
    expect(world.versions()).toEqual(Object.fromEntries(numbers(9).map((number) => [idOf(number), 1])));
    // Those that their owner does not see were read singly, and have another owner now.
    expect([...world.mirror].map(([id, { record }]) => `${id.at(-1)}${record.connectionId}`).join(' ')).toBe('0a 1a 2a 3b 4b 5b 6a 7b 8a');
  });

  test('what belongs to another connection is not even read when this one does not show it', async () => {
    const world = createWorld({ connections: both });
    for (const number of numbers(9)) {
      world.set(idOf(number), { created: number, seenBy: ['b'] });
      world.hold(world.row(idOf(number))!, { connectionId: 'b' });
    }
    expect((await world.scan()).counts).toMatchObject({ written: 0, readSingly: 0 });
    expect(world.log).not.toContain('read records');
  });

  test('a row that another connection has removed, or fetched in another data source, is written by the one that shows it', async () => {
    const world = worldOf(4, { connections: both });
    for (const number of [1, 2]) {
      world.hold(world.row(idOf(number))!, { connectionId: 'b' });
      world.set(idOf(number), { seenBy: ['a'] });
    }
    world.bury(world.row(idOf(1))!);
    const { record, content } = world.mirror.get(idOf(2))!;
    world.mirror.set(idOf(2), { record: { ...record, dataSourceId: 's9' }, content: { ...content!, dataSourceId: 's9' } });
    world.pass(settleMs);
    expect((await world.scan()).outcome).toEqual(complete(4));
    expect(owners(world)).toBe('aaaa');
    expect(world.mirror.get(idOf(2))?.record.dataSourceId).toBe('s1');
  });

  test('one that does not see the data source takes no part, and what it fetched once belongs to the others', async () => {
    const world = worldOf(4, { connections: both });
    world.hold(world.row(idOf(1))!, { connectionId: 'b' });
    world.set(idOf(1), { version: 2 });
    world.pass(settleMs);
    world.refusing.set('b', 'refused');
    expect((await world.scan()).outcome).toEqual(complete(4));
    expect([world.versions()[idOf(1)], world.mirror.get(idOf(1))?.record.connectionId]).toEqual([2, 'a']);
    world.refusing.set('a', 'refused');
    expect((await world.scan()).outcome).toMatchObject({ kind: 'stopped', isIncomplete: true });
  });

  test('one that is refused in between ends only its own part, but nothing is complete', async () => {
    const world = worldOfTwo();
    let saved: StoredProgress | null | undefined;
    world.hooks.step = (what) => {
      if (what === 'ask' && world.state.queries === 3) world.refusing.set('a', 'refused');
    };
    const { outcome } = await world.scan({}, { saved: (progress) => (saved = progress) });
    expect(outcome).toMatchObject({ kind: 'stopped', isIncomplete: false });
    expect(saved).toBeNull();
    expect(liveIds(world)).toEqual(expect.arrayContaining(numbers(6, 3).map(idOf)));
  });
});

describe('an interrupted scan', () => {
  const limits = { cap: 4, maxPageSize: 2 };

  test('gives way to others after a window, and resumes there', async () => {
    const world = worldOf(10, { held: false, limits });
    let saved: StoredProgress | null = null;
    const hooks = { mustPause: () => true, saved: (progress: StoredProgress | null) => (saved = progress) };
    const startedAt = new Date(world.now());
    expect((await world.scan({ startedAt }, hooks)).outcome).toEqual({ kind: 'paused' });
    expect(saved).toMatchObject({
      connections: ['a'],
      passes: [{ connectionId: 'a', progress: { from: start + 3 * minute, rows: { live: 3 } }, end: null }],
    });
    const { outcome, counts } = await world.scan({ startedAt, progress: saved });
    expect(outcome).toEqual(complete(10));
    expect(counts.written).toBe(6);
    expect(counts.returned).toBe(9);
  });

  test('does not read again what it has read through one connection', async () => {
    const world = createWorld({ connections: ['a', 'b'], limits });
    for (const number of numbers(10)) world.set(idOf(number), { created: number, seenBy: number < 7 ? ['a', 'b'] : ['b'] });
    let saved: StoredProgress | null = null;
    const startedAt = new Date(world.now());
    const isDone = () => saved?.passes.some(({ connectionId, end }) => connectionId === 'a' && end !== null) === true;
    const hooks = { mustPause: isDone, saved: (progress: StoredProgress | null) => (saved = progress) };
    expect((await world.scan({ startedAt }, hooks)).outcome).toEqual({ kind: 'paused' });
    world.refusing.set('a', 'unavailable');
    expect((await world.scan({ startedAt, progress: saved })).outcome).toEqual(complete(10));
  });

  test('begins again when the tenant has other connections now', async () => {
    const world = worldOf(10, { held: false, limits });
    let saved: StoredProgress | null = null;
    await world.scan({}, { mustPause: () => true, saved: (progress) => (saved = progress) });
    world.active.add('b');
    const more = await world.scan({ progress: saved }, { mustPause: () => true, saved: (progress) => (saved = progress) });
    expect(more.counts.returned).toBeGreaterThan(4);
    expect(saved).toMatchObject({ connections: ['a', 'b'] });
    world.active.delete('b');
    await world.scan({ progress: saved }, { mustPause: () => true, saved: (progress) => (saved = progress) });
    world.active.delete('a');
    world.active.add('b');
    for (const number of numbers(10)) world.set(idOf(number), { seenBy: ['b'] });
    const { counts } = await world.scan({ progress: saved });
    expect(counts.returned).toBeGreaterThanOrEqual(10);
  });

  test('remembers which rows were not written and which no connection can read', async () => {
    const world = worldOf(10, { limits });
    world.set(idOf(0), { place: 'gone' });
    world.set(idOf(1), { version: 2 });
    world.unstorable.add(idOf(1));
    world.pass(settleMs);
    let saved: StoredProgress | null = null;
    await world.scan({}, { mustPause: () => true, saved: (progress) => (saved = progress) });
    expect(saved).toMatchObject({ unreadable: [idOf(0)], failed: [{ pageId: idOf(1), because: 'too large' }] });
    const { outcome } = await world.scan({ progress: saved });
    expect(reasonOf(outcome)).toContain(idOf(1));
    expect(removal(world, 0)).toBe('inaccessible');
  });

  test('ends at once when its claim is lost', async () => {
    const world = worldOf(10, { held: false, limits });
    const lost = new AbortController();
    const saved = () => lost.abort(new Error('lost'));
    world.hooks.step = () => lost.signal.throwIfAborted();
    await expect(world.scan({}, { saved, signal: lost.signal })).rejects.toThrow('lost');
    expect(liveIds(world).length).toBeLessThan(10);
  });
});

describe('a scan of edited rows', () => {
  const hour = 60 * minute;
  /** The last scan began now; then an hour passes, in which some rows are edited. */
  function worldEdited(edited: readonly number[], options: WorldOptions = {}): World {
    const world = worldOf(20, options);
    world.pass(hour);
    for (const number of edited) world.set(idOf(number), { version: 2, editedAt: world.now() });
    world.pass(settleMs);
    return world;
  }
  const scannedAt = new Date(start);
  const edited = { depth: 'edited', scannedAt } as const;
  const ended = { kind: 'ended', depth: 'edited', finding: { kind: 'edited' } };

  test('writes what was edited since the last scan, and removes nothing', async () => {
    const world = worldEdited([3, 17]);
    world.set(idOf(5), { place: 'trash' });
    world.set(idOf(17), { isArchived: true });
    world.pass(settleMs);
    const { outcome, counts } = await world.scan(edited);
    expect([outcome, counts]).toEqual([ended, { calls: 2, returned: 2, written: 2, readSingly: 0 }]);
    expect(world.versions()).toMatchObject({ [idOf(3)]: 2, [idOf(17)]: 2, [idOf(5)]: 1 });
  });

  test('begins two minutes and one lag before the last scan began', async () => {
    const world = worldOf(2);
    const since = start - lagMs - 2 * minute;
    world.set(idOf(0), { version: 2, editedAt: since });
    world.set(idOf(1), { version: 2, editedAt: since - 1 });
    world.pass(settleMs);
    await world.scan(edited);
    expect(world.versions()).toEqual({ [idOf(0)]: 2, [idOf(1)]: 1 });
  });

  test.each<Trouble>(['overloaded', 'cursor_refused', 'short'])('goes on where it got to: %s', async (trouble) => {
    const world = worldEdited(numbers(20), { troubles: ['none', 'none', trouble, 'none', trouble, trouble] });
    expect((await world.scan(edited)).outcome).toEqual(ended);
    expect(Object.values(world.versions()).every((version) => version === 2)).toBe(true);
  });

  test('goes on after the cap, and reads all rows if too many were edited in one minute', async () => {
    const limits = { cap: 6 };
    const spread = worldOf(20, { limits });
    for (const number of numbers(20)) {
      spread.pass(minute);
      spread.set(idOf(number), { version: 2, editedAt: spread.now() });
    }
    spread.pass(settleMs);
    expect((await spread.scan(edited)).outcome).toEqual(ended);
    expect(Object.values(spread.versions()).every((version) => version === 2)).toBe(true);
    const dense = worldEdited(numbers(20), { limits });
    expect((await dense.scan(edited)).outcome).toEqual(complete(20));
    expect(Object.values(dense.versions()).every((version) => version === 2)).toBe(true);
  });

  test('waits for the lag when many rows were written recently, and says so when it gets nowhere', async () => {
    const world = worldEdited(numbers(20), { limits: { maxPageSize: 100 } });
    for (const number of numbers(9, 100)) {
      world.set(idOf(number), { created: 1, version: 1, editedAt: world.now() });
      world.hold(world.row(idOf(number))!, { agoMs: 10, lagged: true });
      world.set(idOf(number), { version: 2 });
    }
    for (const number of numbers(20)) world.hold({ ...world.row(idOf(number))!, version: 1 }, { agoMs: 10, lagged: true });
    const { outcome, counts } = await world.scan(edited);
    expect([outcome, counts.readSingly]).toEqual([ended, 0]);
    expect(Object.values(world.versions()).every((version) => version === 2)).toBe(true);
    const stuck = worldEdited([1], { troubles: Array.from({ length: 20 }, () => 'overloaded') });
    expect((await stuck.scan(edited)).outcome).toMatchObject({ kind: 'stopped', isIncomplete: false });
  });

  test('goes through each connection that sees the data source', async () => {
    const world = worldEdited([], { connections: ['a', 'b'] });
    for (const [number, seenBy] of [
      [1, ['a']],
      [2, ['b']],
      [3, ['a', 'b']],
    ] as const) {
      world.set(idOf(number), { version: 2, editedAt: world.now(), seenBy });
    }
    world.hold({ ...world.row(idOf(2))!, version: 1 }, { connectionId: 'b' });
    world.pass(settleMs);
    expect((await world.scan(edited)).outcome).toEqual(ended);
    expect(world.versions()).toMatchObject({ [idOf(1)]: 2, [idOf(2)]: 2, [idOf(3)]: 2 });
    world.refusing.set('a', 'refused');
    expect((await world.scan(edited)).outcome).toEqual(ended);
    world.refusing.set('b', 'refused');
    expect((await world.scan(edited)).outcome).toMatchObject({ kind: 'stopped', isIncomplete: true });
  });

  test('reads all rows if the tenant has a connection that the last scan of all did not know', async () => {
    const world = worldEdited([], { connections: ['a', 'b'] });
    world.set(idOf(30), { created: 3, seenBy: ['b'] });
    world.set(idOf(30), { seenBy: ['b'], editedAt: start - hour });
    world.pass(settleMs);
    expect((await world.scan({ ...edited, connections: ['b', 'a'] })).outcome).toEqual(ended);
    expect(liveIds(world)).not.toContain(idOf(30));
    expect((await world.scan({ ...edited, connections: ['a'] })).outcome).toEqual(complete(21));
    expect(liveIds(world)).toContain(idOf(30));
  });

  test('is not complete when a row cannot be stored', async () => {
    const world = worldEdited([3]);
    world.unstorable.add(idOf(3));
    expect((await world.scan(edited)).outcome).toMatchObject({
      depth: 'edited',
      finding: { kind: 'incomplete', reason: expect.stringContaining(idOf(3)) },
    });
  });
});

/** More of them: `MIRROR_TEST_HISTORIES=100000 MIRROR_TEST_SEED=1 npm test -- --project unit services/sync-worker/src/rows/run-scan.test.ts`. */
describe('any rows, through crashes, edits and lagging answers', () => {
  const histories = Number(process.env['MIRROR_TEST_HISTORIES'] ?? 700);
  const seed = Number(process.env['MIRROR_TEST_SEED'] ?? 20_261_130);
  const arbitraryRow = fc.record({
    number: fc.nat(30),
    created: fc.integer({ min: -6, max: 0 }),
    isArchived: fc.boolean(),
    place: fc.constantFrom<NotionRow['place']>('here', 'here', 'here', 'here', 'trash', 'elsewhere', 'gone'),
    seenBy: fc.constantFrom<readonly string[]>(['a'], ['b'], ['a', 'b']),
    isCut: fc.integer({ min: 0, max: 9 }).map((of) => of === 0),
    held: fc.constantFrom('same', 'older', 'missing', 'archived differently'),
    heldBy: fc.constantFrom('a', 'b', 'c'),
  });
  const arbitrary = fc.record({
    rows: fc.uniqueArray(arbitraryRow, { selector: ({ number }) => number, maxLength: 19, size: 'max' }),
    connections: fc.constantFrom<readonly string[]>(['a'], ['a', 'b']),
    cap: fc.integer({ min: 2, max: 12 }),
    troubles: fc.array(fc.constantFrom<Trouble>('none', 'none', 'none', 'overloaded', 'cursor_refused', 'short'), { maxLength: 30 }),
    crashes: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 4 }),
    edits: fc.array(
      fc.record({
        step: fc.nat(60),
        number: fc.nat(35),
        place: fc.constantFrom<NotionRow['place']>('here', 'here', 'trash', 'elsewhere'),
        isHandledAtOnce: fc.boolean(),
      }),
      { maxLength: 8 },
    ),
    raisesAll: fc.boolean(),
  });

  test(
    'the mirror equals Notion once the events of the edits are handled, and the next scan changes nothing',
    async () => {
      let endings = 0;
      await fc.assert(
        fc.asyncProperty(arbitrary, async ({ rows, connections, cap, troubles, crashes, edits, raisesAll }) => {
          const world = createWorld({ connections, troubles, realLagMs: lagMs / 2, limits: { cap, maxPageSize: 3, held: 4 } });
          for (const { number, held, heldBy, place, seenBy, ...row } of rows) {
            const id = idOf(number);
            world.set(id, { ...row, place, seenBy, version: 1 });
            const now = world.row(id)!;
            const before = {
              ...now,
              version: held === 'older' ? 0 : 1,
              isArchived: held === 'archived differently' ? !now.isArchived : now.isArchived,
            };
            if (held !== 'missing') world.hold(before, { connectionId: heldBy });
          }
          world.pass(10 * lagMs);

          const waiting: { readonly id: string; readonly at: number }[] = [];
          let steps = 0;
          let crashAt = Infinity;
          /** Above 0 while something else than the scan takes steps. Several do at once: a scan reads some rows singly at the same time. */
          let others = 0;
          /** Also goes on when the scan has crashed meanwhile, since another part of a worker does it. */
          const handling: Promise<void>[] = [];
          const handle = (events: typeof waiting): Promise<void> => {
            const handled = (async () => {
              others += 1;
              for (const { id, at } of events) await world.live(id, at);
              others -= 1;
            })();
            handling.push(handled);
            return handled;
          };
          world.hooks.step = async () => {
            if (others > 0) return;
            steps += 1;
            for (const { number, place, isHandledAtOnce } of edits.filter((edit) => edit.step === steps)) {
              const id = idOf(number);
              const before = world.row(id);
              // Nothing brings a row back that was deleted.
              if (before?.place === 'gone') continue;
              world.set(id, {
                place,
                version: (before?.version ?? 1) + 1,
                editedAt: world.now(),
                ...(before === null ? { created: 1 } : {}),
              });
              waiting.push({ id, at: world.now() });
              if (!isHandledAtOnce) continue;
              await handle(waiting.splice(0));
            }
            if (steps < crashAt) return;
            crashAt = Infinity;
            throw new Error('crash');
          };

          let saved: StoredProgress | null = null;
          const startedAt = new Date(world.now());
          const order = { startedAt, wish: { raisesAll, at: new Date(world.now() - 3 * lagMs) } };
          const scan = async (crash: number): Promise<ScanOutcome | null> => {
            crashAt = steps + crash;
            try {
              return (await world.scan({ ...order, progress: saved }, { saved: (progress) => (saved = progress) })).outcome;
            } catch (error) {
              if (error instanceof Error && error.message === 'crash') return null;
              throw error;
            }
          };
          let outcome: ScanOutcome | null = null;
          for (const crash of [...crashes, Infinity]) outcome ??= await scan(crash);
          await Promise.all(handling);
          others += 1;
          await handle(waiting.splice(0));

          expect(outcome?.kind).toBe('ended');
          const finding = outcome?.kind === 'ended' ? outcome.finding : null;
          const truncated = new Set(finding?.kind === 'incomplete' ? finding.truncated.map(({ minute: at }) => at.getTime()) : []);
          const isKnown = ({ created }: NotionRow) => !truncated.has(start + created * minute);
          const shown = world
            .rowsInNotion()
            .filter(({ place, seenBy }) => place === 'here' && seenBy.some((id) => connections.includes(id)));
          const expected = new Map(shown.map(({ id, version }) => [id, version]));
          const actual = new Map(Object.entries(world.versions()));
          const differing = world
            .rowsInNotion()
            .filter((row) => isKnown(row) && expected.get(row.id) !== actual.get(row.id))
            .map((row) => ({ ...row, mirror: world.mirror.get(row.id)?.record, is: actual.get(row.id) }));
          expect(differing).toEqual([]);
          if (truncated.size > 0 || finding?.kind !== 'complete') return;
          endings += 1;

          world.pass(10 * lagMs);
          const again = await world.scan();
          const cut = shown.filter(({ isCut }) => isCut).length;
          expect(again.outcome.kind).toBe('ended');
          expect(again.counts.written).toBe(0);
          expect(again.counts.readSingly).toBeLessThanOrEqual(cut);
        }),
        { seed, numRuns: histories },
      );
      expect(endings).toBeGreaterThan(histories / 5);
    },
    120_000 + histories * 20,
  );
});
