import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { floodedTenant } from '../../test/flooded-tenant.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-03-01T12:00:07.000Z') });
});
afterEach(() => {
  vi.useRealTimers();
});

type Tenant = ReturnType<typeof floodedTenant>;

const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1_000);
const range = (count: number, from = 0) => Array.from({ length: count }, (_, index) => from + index);
const outcomesOf = ({ ends }: Tenant) => {
  const counts: Record<string, number> = {};
  for (const [{ outcome, detail } = { outcome: 'none', detail: {} }] of ends.values()) {
    const name = [outcome, detail.reason].filter((part) => part !== undefined).join(' ');
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
};
const allCalls = ({ calls }: Tenant) => calls.single + calls.query + calls.scan;

/** Edits rows at a rate. */
async function editAt(perSecond: number, tenant: Tenant, rows: readonly number[]): Promise<void> {
  const step = Math.max(1, Math.floor(perSecond / 100));
  for (let from = 0; from < rows.length; from += step) {
    for (const row of rows.slice(from, from + step)) tenant.edit(row);
    await vi.advanceTimersByTimeAsync((step * 1_000) / perSecond);
  }
}

/** When nothing waits and every scan has ended. */
async function atEnd(tenant: Tenant): Promise<object> {
  for (let minutes = 0; minutes < 60 && !tenant.isQuiet(); minutes += 1) await seconds(60);
  // A group that gathers keeps its lane.
  await seconds(1);
  return { lanes: tenant.load().lanes, faults: tenant.faults(), differences: tenant.differences() };
}

const allIsWell = { lanes: 0, faults: [], differences: [] };

describe('few rows', () => {
  test.each([1, 25])('%i edited at once are as many single reads, and take less than a second', async (count) => {
    const tenant = floodedTenant({ rows: 1_000 });
    for (const row of range(count)) tenant.edit(row);
    await seconds(1);
    expect([tenant.calls, tenant.ends.size, tenant.differences()]).toEqual([{ single: count, query: 0, scan: 0 }, count, []]);
    expect(await atEnd(tenant)).toEqual(allIsWell);
  });

  test('100 edited within a second are read singly as soon as no more come', async () => {
    const tenant = floodedTenant({ rows: 1_000 });
    await editAt(200, tenant, range(100));
    await seconds(4);
    expect([tenant.calls.single, tenant.differences()]).toEqual([100, []]);
    expect(await atEnd(tenant)).toEqual(allIsWell);
  });

  test('a row that is edited again and again is read again and again, not queried', async () => {
    const tenant = floodedTenant({ rows: 1_000 });
    await editAt(
      100,
      tenant,
      range(500).map(() => 7),
    );
    expect(tenant.calls.single).toBeGreaterThan(0);
    await seconds(5);
    expect(tenant.differences()).toEqual([]);
    expect(tenant.calls.query).toBe(0);
    expect(await atEnd(tenant)).toEqual(allIsWell);
  });
});

describe('many rows', () => {
  test.each([
    ['at once', 100_000],
    ['within five seconds', 200],
  ])('1,000 edited %s are answered by queries, when these have seen them', async (_, rate) => {
    const tenant = floodedTenant({ rows: 20_000 });
    await editAt(rate, tenant, range(1_000));
    await seconds(60);
    expect([tenant.calls.query, tenant.ends.size < 60]).toEqual([0, true]);
    await seconds(15);
    expect([tenant.ends.size, tenant.differences()]).toEqual([1_000, []]);
    expect(allCalls(tenant)).toBeLessThanOrEqual(60);
    expect(tenant.wishes).toEqual([]);
    expect(await atEnd(tenant)).toEqual(allIsWell);
  });

  // By default 5,000 are too many for the memory.
  test.each([1_000, 83])('5,000 take no more than 120 calls when %i come each second', async (rate) => {
    const tenant = floodedTenant({ rows: 5_000, floodEvents: 10_000, callMs: 5 });
    await editAt(rate, tenant, range(5_000));
    expect(await atEnd(tenant)).toEqual(allIsWell);
    expect(allCalls(tenant)).toBeLessThanOrEqual(120);
    expect(tenant.wishes).toEqual([]);
  });

  // A busy worker consumes what came steadily in bursts.
  test.each([
    [100, 1_200],
    [300, 1_500],
  ])('5,000 take no more than 120 calls in bursts of %i, with a pause of %i ms after each', async (burst, pauseMs) => {
    const tenant = floodedTenant({ rows: 5_000 });
    for (const from of range(5_000 / burst)) {
      for (const row of range(burst, from * burst)) tenant.edit(row);
      await vi.advanceTimersByTimeAsync(pauseMs);
    }
    expect(await atEnd(tenant)).toEqual(allIsWell);
    expect(allCalls(tenant)).toBeLessThanOrEqual(120);
  });

  test('few at a time are not left to single reads without end while Notion is slow', async () => {
    const tenant = floodedTenant({ rows: 2_000, callMs: 5_000 });
    for (const from of range(40)) {
      for (const row of range(50, from * 50)) tenant.edit(row);
      await seconds(3);
    }
    expect(await atEnd(tenant)).toEqual(allIsWell);
    expect(tenant.calls.single).toBeLessThanOrEqual(450);
  });

  test('an edit by a person after the flood does not wait for it, unless its row does', async () => {
    const tenant = floodedTenant({ rows: 20_000 });
    await editAt(500, tenant, range(1_000));
    await seconds(20);
    const [another, same] = [tenant.edit(5_000), tenant.edit(700)];
    await seconds(1);
    expect([tenant.ends.has(another), tenant.ends.has(same)]).toEqual([true, false]);
    await seconds(52);
    // The query came when the others were old enough. It has not seen the last edit, which is read singly then.
    expect(tenant.ends.get(same)?.map(({ detail }) => detail.reason)).toEqual(['singly']);
    expect(tenant.ends.size).toBe(1_002);
    expect(await atEnd(tenant)).toEqual(allIsWell);
  });

  // The records are so recent then that a query proves nothing about them.
  test('a second flood while the first is answered is answered by another query, not by single reads', async () => {
    const tenant = floodedTenant({ rows: 2_000, requestsPerMinute: 20 });
    await editAt(1_000, tenant, range(1_500));
    await seconds(75);
    await editAt(1_000, tenant, range(1_500));
    expect(await atEnd(tenant)).toEqual(allIsWell);
    expect(allCalls(tenant)).toBeLessThanOrEqual(120);
    expect(tenant.wishes).toEqual([]);
  });

  test('rows that are edited all the time do not wait for an end', async () => {
    const tenant = floodedTenant({ rows: 1_000, floodEvents: 100_000 });
    for (let second = 0; second < 240; second += 1) {
      for (const row of range(30)) tenant.edit((second * 30 + row) % 900);
      await seconds(1);
    }
    expect(tenant.ends.size).toBeGreaterThan(3_000);
    expect(await atEnd(tenant)).toEqual(allIsWell);
    expect(allCalls(tenant)).toBeLessThan(300);
  });

  test('while more come, a budget that would do for those that wait is not used up', async () => {
    const tenant = floodedTenant({ rows: 2_000, lagMs: 2_000, toleranceMs: 1_000, requestsPerMinute: 600 });
    await editAt(40, tenant, range(1_600));
    expect(tenant.calls.single).toBeLessThan(200);
    expect(await atEnd(tenant)).toEqual(allIsWell);
  });

  test('a budget that is used up is waited for without a slot', async () => {
    const tenant = floodedTenant({ rows: 5_000, requestsPerMinute: 30 });
    await editAt(1_000, tenant, range(1_000));
    await seconds(62);
    await editAt(10, tenant, range(30, 2_000));
    await seconds(10);
    expect([tenant.calls.query, tenant.load().running]).toEqual([0, 0]);
    expect(await atEnd(tenant)).toEqual(allIsWell);
    expect(allCalls(tenant)).toBeLessThanOrEqual(80);
  });
});

describe('too many events', () => {
  test.each([
    [5_000, 200],
    [5_000, 1_000],
    [12_000, 4_000],
  ])('of %i rows are deferred to one scan when %i come each second', async (rows, rate) => {
    const tenant = floodedTenant({ rows });
    await editAt(rate, tenant, range(rows));
    // Those of about the last second, since the scan is wanted already.
    expect(tenant.load().waiting).toBeLessThanOrEqual(1.2 * rate);
    expect(tenant.wishes).toMatchObject([{ reasons: ['flood'], depth: 'all', raisesAll: true }]);
    expect(await atEnd(tenant)).toEqual(allIsWell);
    expect(tenant.wishes).toHaveLength(1);
    expect(allCalls(tenant)).toBeLessThanOrEqual(rows / 100 + 70);
    // Each outcome names the trace that the scan is to belong to.
    const deferred = [...tenant.ends.values()].flat().filter(({ detail }) => detail.reason === 'scan_wanted');
    expect(new Set(deferred.map(({ detail }) => detail.scanTrace))).toEqual(new Set([tenant.wishes[0]?.trace]));
  });

  test('never make more wait than the limit, also while the tenant may make no call', async () => {
    const tenant = floodedTenant({ rows: 20_000, requestsPerMinute: 10 });
    let most = 0;
    for (const from of range(20)) {
      await editAt(1_000, tenant, range(1_000, from * 1_000));
      most = Math.max(most, tenant.load().waiting);
    }
    expect(most).toBeLessThanOrEqual(3_000);
    expect(tenant.wishes.length).toBeLessThanOrEqual(2);
  });

  test('of few rows leave one each, and no scan is wanted', async () => {
    const tenant = floodedTenant({ rows: 1_000, requestsPerMinute: 10, floodEvents: 200 });
    await editAt(
      500,
      tenant,
      range(3_000).map((edit) => edit % 60),
    );
    expect(tenant.wishes).toEqual([]);
    expect(tenant.load().waiting).toBeLessThan(1_000);
    expect(outcomesOf(tenant)['deferred newer_event']).toBeGreaterThan(2_000);
    expect(await atEnd(tenant)).toEqual(allIsWell);
  });

  test('are read singly if no scan can be wanted, since the data source is unknown or off', async () => {
    const tenant = floodedTenant({ rows: 1_000, floodEvents: 100, requestsPerMinute: 10_000 });
    tenant.known.isThere = false;
    await editAt(1_000, tenant, range(500));
    expect(await atEnd(tenant)).toEqual(allIsWell);
    expect([tenant.calls, tenant.wishes]).toEqual([{ single: 500, query: 0, scan: 0 }, []]);
  });

  test('of rows that fail leave one each', async () => {
    const tenant = floodedTenant({ rows: 1_000 });
    for (const row of range(20)) tenant.failing.add(`row-${row}`);
    let most = 0;
    for (const _ of range(20)) {
      await editAt(
        500,
        tenant,
        range(500).map((edit) => edit % 20),
      );
      most = Math.max(most, tenant.load().waiting);
    }
    expect(most).toBeGreaterThan(1_000);
    expect(most).toBeLessThanOrEqual(3_000);
    expect(outcomesOf(tenant)['deferred newer_event']).toBeGreaterThan(6_000);
    tenant.failing.clear();
    expect(await atEnd(tenant)).toEqual(allIsWell);
    expect(tenant.wishes).toEqual([]);
  });

  test('of many rows that fail are deferred to a scan', async () => {
    const tenant = floodedTenant({ rows: 1_000, floodEvents: 100 });
    for (const row of range(1_000)) tenant.failing.add(`row-${row}`);
    // So few each second that all are read singly.
    for (const row of range(400)) {
      tenant.edit(row);
      await seconds(0.1);
    }
    expect(tenant.load().waiting).toBeLessThanOrEqual(150);
    expect(outcomesOf(tenant)['deferred scan_wanted']).toBeGreaterThan(200);
    tenant.failing.clear();
    expect(await atEnd(tenant)).toEqual(allIsWell);
  });

  test('that were left to single reads are deferred as soon as a scan can be wanted', async () => {
    const tenant = floodedTenant({ rows: 1_000, floodEvents: 100, requestsPerMinute: 10 });
    tenant.known.isThere = false;
    await editAt(1_000, tenant, range(300));
    expect(tenant.load().waiting).toBeGreaterThan(250);
    tenant.known.isThere = true;
    await editAt(1_000, tenant, range(150, 300));
    await seconds(2);
    expect(tenant.load().waiting).toBeLessThanOrEqual(100);
    expect(await atEnd(tenant)).toEqual(allIsWell);
  });

  test('are not deferred to a scan that is wanted no longer', async () => {
    const tenant = floodedTenant({ rows: 1_000, floodEvents: 100, requestsPerMinute: 10_000 });
    await editAt(1_000, tenant, range(300));
    await seconds(3);
    expect(outcomesOf(tenant)['deferred scan_wanted']).toBeGreaterThan(200);
    tenant.known.isThere = false;
    await editAt(1_000, tenant, range(300, 300));
    expect(await atEnd(tenant)).toEqual(allIsWell);
    expect(tenant.calls.single).toBeGreaterThanOrEqual(300);
  });

  test('leave nothing to queries that comes before their scan', async () => {
    const tenant = floodedTenant({ rows: 5_000, requestsPerMinute: 30 });
    await editAt(4_000, tenant, range(3_000));
    await editAt(15, tenant, range(450, 3_000));
    expect(await atEnd(tenant)).toEqual(allIsWell);
    expect([tenant.calls.query, tenant.wishes.length]).toEqual([0, 1]);
  });

  test('leave an edit by a person that comes afterwards to a single read', async () => {
    const tenant = floodedTenant({ rows: 5_000 });
    await editAt(1_000, tenant, range(4_000));
    await seconds(3);
    const edit = tenant.edit(4_500);
    await seconds(1);
    expect(tenant.ends.get(edit)).toMatchObject([{ outcome: 'written', detail: { reason: 'singly' } }]);
    expect(await atEnd(tenant)).toEqual(allIsWell);
  });
});

test('every event ends once and not too early, and the mirror equals Notion, whatever comes when', async () => {
  const edits = fc.array(fc.record({ row: fc.nat(150), times: fc.integer({ min: 1, max: 60 }), pauseMs: fc.nat(3_000) }), {
    maxLength: 40,
  });
  const settings = fc.record({ floodEvents: fc.integer({ min: 50, max: 400 }), requestsPerMinute: fc.integer({ min: 20, max: 600 }) });
  await fc.assert(
    fc.asyncProperty(edits, settings, async (bursts, given) => {
      const tenant = floodedTenant({ rows: 160, lagMs: 6_000, toleranceMs: 1_000, ...given });
      for (const { row, times, pauseMs } of bursts) {
        // A burst of rows next to each other, so that some come twice.
        for (const next of range(times, row)) tenant.edit(next % 160);
        await vi.advanceTimersByTimeAsync(pauseMs);
      }
      expect(await atEnd(tenant)).toEqual(allIsWell);
      await tenant.stop();
    }),
    { numRuns: 60 },
  );
});
