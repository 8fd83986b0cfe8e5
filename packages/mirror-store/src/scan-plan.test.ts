import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ContentsDocument, Scan } from './contents-document.ts';
import { afterScan, isOutdated, nextScan, nextScanAt, wanting, type ScanFinding } from './scan-plan.ts';
import {
  firstBackfill,
  hopOfWish,
  leftOf,
  merged,
  regularScan,
  ripeAt,
  wantedBy,
  type ScanReason,
  type ScanWish,
  type WantedScan,
} from './scan-wishes.ts';

const second = 1_000;
const minute = 60 * second;
const lag = { lagMs: minute, toleranceMs: 10 * second };
/** A scan may begin this long after a wish. */
const settleMs = 70 * second + 1;
const time = (ms: number) => new Date(1_700_000_000_000 + ms);

type Plan = Pick<ContentsDocument, 'scan' | 'wanted' | 'nextFullAt' | 'schemaDueAt' | 'dependencyDueAt' | 'dueAt' | 'last'>;
const nothing: Plan = { scan: null, wanted: null, nextFullAt: null, schemaDueAt: null, dueAt: null, last: null };
const edited: ScanFinding = { kind: 'edited' };

const wish = (at: number, change: Partial<ScanWish> = {}): ScanWish => ({
  reasons: ['dependency'],
  depth: 'all',
  at: time(at),
  raisesAll: false,
  dueAt: time(at),
  ...change,
});

function ended<P extends Plan>(plan: P, scan: Scan, endedAt: number, nextFullAt = time(1e12)): P {
  const report = { startedAt: scan.startedAt, endedAt: time(endedAt), depth: scan.depth, calls: 1, returned: 0, written: 0, readSingly: 0 };
  return { ...plan, ...afterScan(plan, scan, { finding: edited, report, nextFullAt, connections: [] }, lag) };
}

test.each<[string, ScanFinding, Partial<ContentsDocument>]>([
  [
    'complete moves it to one lag before the scan began',
    { kind: 'complete', rows: { live: 2, archived: 1 } },
    { state: 'complete', rows: { live: 2, archived: 1 }, completeAsOf: time(9 * minute), truncated: [], reason: null },
  ],
  [
    'incomplete leaves it, and says why',
    { kind: 'incomplete', reason: 'too many', truncated: [] },
    { state: 'incomplete', reason: 'too many', completeAsOf: time(0), rows: null },
  ],
  ['edited proves nothing', edited, { state: 'incomplete', reason: 'before', completeAsOf: time(0) }],
])('completeAsOf: a scan that ended %s', (_, finding, expected) => {
  const before = { ...nothing, state: 'incomplete', reason: 'before', completeAsOf: time(0), rows: null } as const;
  const scan: Scan = { startedAt: time(10 * minute), depth: 'all', wish: wantedBy(wish(0)), progress: null };
  const report = {
    startedAt: scan.startedAt,
    endedAt: time(11 * minute),
    depth: scan.depth,
    calls: 1,
    returned: 0,
    written: 0,
    readSingly: 0,
  };
  expect({ ...before, ...afterScan(before, scan, { finding, report, nextFullAt: time(1e12), connections: [] }, lag) }).toMatchObject(
    expected,
  );
});

describe('a first backfill', () => {
  test('begins at once, and what was edited meanwhile is read one lag later', () => {
    const plan = { ...nothing, ...wanting(nothing, firstBackfill(time(0))) };
    const first = nextScan(plan, time(0), lag)!;
    expect(first).toMatchObject({ depth: 'all', wish: { reasons: ['first_backfill'] } });
    const after = ended({ ...plan, wanted: null }, first, 5 * second);
    expect(after.wanted).toMatchObject({ depth: 'edited' });
    expect(nextScan(after, time(settleMs - 1), lag)).toBeNull();
    const next = nextScan(after, time(settleMs), lag)!;
    expect(next).toMatchObject({ depth: 'edited' });
    expect(ended({ ...after, wanted: null }, next, 80 * second).wanted).toBeNull();
  });

  test('that had to wait for longer than the lag is enough', () => {
    expect(leftOf(firstBackfill(time(0)), time(settleMs), lag)).toBeNull();
  });

  test('takes along a wish for edited rows, but no wish for all rows', () => {
    const sweep = wantedBy(wish(1, { depth: 'edited', reasons: ['sweep'] }));
    const both = (other: WantedScan) => leftOf(merged(firstBackfill(time(0)), other)!, time(2), lag);
    expect(both(sweep)).toMatchObject({ depth: 'edited', at: time(1) });
    expect(both(schema(1))).toMatchObject({ depth: 'all', at: time(1) });
  });
});

test('a wish that comes while a scan runs stays for the next', () => {
  const plan = { ...nothing, ...wanting(nothing, wantedBy(wish(0, { reasons: ['operator'] }))) };
  const scan = nextScan(plan, time(settleMs), lag)!;
  const running = { ...plan, scan, wanted: null };
  const more = { ...running, ...wanting(running, wantedBy(wish(100 * second, { reasons: ['operator'] }))) };
  expect(more).toMatchObject({ scan, dueAt: plan.dueAt });
  const after = ended(more, scan, 101 * second);
  expect(after).toMatchObject({ scan: null, wanted: { at: time(100 * second) }, dueAt: time(100 * second + settleMs) });
});

test('a regular scan is due at its time, and takes every wish along', () => {
  const plan = { ...nothing, nextFullAt: time(5 * minute), last: null };
  expect(nextScanAt(plan, lag)).toEqual(time(5 * minute));
  expect(nextScan(plan, time(5 * minute - 1), lag)).toBeNull();
  expect(nextScan(plan, time(5 * minute), lag)).toMatchObject({ depth: 'all', wish: { reasons: ['sweep'] } });
  const late = { ...plan, ...wanting(plan, wantedBy(wish(5 * minute - 1, { depth: 'edited' }))) };
  const scan = nextScan(late, time(5 * minute), lag)!;
  expect(scan.wish.reasons).toEqual(['dependency', 'sweep']);
  expect(ended({ ...late, wanted: null }, scan, 6 * minute).wanted).toMatchObject({ depth: 'edited' });
});

test('edited rows can be asked for only after a scan', () => {
  const plan = { ...nothing, ...wanting(nothing, wantedBy(wish(0, { reasons: ['sweep'], depth: 'edited' }))) };
  const scan = nextScan(plan, time(settleMs), lag)!;
  expect(scan.depth).toBe('all');
  const after = {
    ...ended(plan, scan, 80 * second),
    ...wanting(nothing, wantedBy(wish(90 * second, { reasons: ['sweep'], depth: 'edited' }))),
  };
  expect(nextScan(after, time(90 * second + settleMs), lag)!.depth).toBe('edited');
});

const schema = (at: number) => wantedBy(wish(at, { reasons: ['schema_changed'] }));

function runningForSchema(at: number): { plan: Plan; scan: Scan } {
  const scan = nextScan({ ...nothing, ...wanting(nothing, schema(at)) }, time(at + settleMs), lag)!;
  return { plan: { ...nothing, scan }, scan };
}

describe('schema changes alone', () => {
  test.each([
    ['ten minutes', minute, 10 * minute],
    ['twice the time that the last scan took', 6 * minute, 12 * minute],
  ])('cause at most one scan in %s', (_, tookMs, pauseMs) => {
    const { plan, scan } = runningForSchema(0);
    const after = ended(plan, scan, settleMs + tookMs);
    const again = { ...after, ...wanting(after, schema(settleMs + 1)) };
    const next = settleMs + pauseMs;
    expect(nextScanAt(again, lag)).toEqual(time(next));
    expect(nextScan(again, time(next - 1), lag)).toBeNull();
    expect(nextScan(again, time(next), lag)).not.toBeNull();
  });

  test('do not hold up a scan for another reason, which sees them, too', () => {
    const { plan, scan } = runningForSchema(0);
    const after = ended(plan, scan, settleMs + minute);
    const again = { ...after, ...wanting(after, schema(settleMs + minute)) };
    const asked = { ...again, ...wanting(again, wantedBy(wish(settleMs + minute, { reasons: ['operator'] }))) };
    const next = nextScan(asked, time(2 * settleMs + minute), lag)!;
    expect(next.wish.reasons).toEqual(['operator', 'schema_changed']);
    expect(ended({ ...asked, wanted: null }, next, 10 * minute).wanted).toBeNull();
  });
});

const dependency = (at: number, hop = 1) => wantedBy(wish(at, { hop }));
const operator = (at: number) => wantedBy(wish(at, { reasons: ['operator'] }));

describe('rows that depend on others', () => {
  const hour = 60 * minute;

  test('cause a scan at once, and then at most one in an hour, however often they change', () => {
    let plan: Plan = nothing;
    const starts: number[] = [];
    for (let at = 0; at < 3 * hour; at += 30 * second) {
      plan = { ...plan, ...wanting(plan, dependency(at)) };
      const scan = nextScan(plan, time(at), lag);
      if (scan === null) continue;
      starts.push(at / minute);
      plan = ended({ ...plan, wanted: null }, scan, at);
    }
    expect(starts).toEqual([1.5, 61.5, 121.5]);
    // What changed last is still wanted.
    expect(nextScanAt(plan, lag)).toEqual(time(181.5 * minute));
  });

  // Once an operator had wanted a scan, each change caused one at once, for ever.
  test('do not outlive another reason with it', () => {
    const both = { ...nothing, ...wanting(nothing, merged(operator(0), dependency(second))!) };
    const scan = nextScan(both, time(settleMs), lag)!;
    expect(scan.wish.reasons).toEqual(['dependency', 'operator']);
    const after = ended({ ...both, wanted: null }, scan, 2 * minute);
    expect(after.wanted).toMatchObject({ reasons: ['dependency'], at: time(second), hop: 1 });
    expect(nextScanAt(after, lag)).toEqual(time(settleMs + hour));
    const asked = { ...after, ...wanting(after, operator(3 * minute)) };
    expect(nextScanAt(asked, lag)).toEqual(time(second + settleMs));
    expect(leftOf(merged(operator(second), dependency(0))!, time(settleMs), lag)).toMatchObject({ reasons: ['dependency', 'operator'] });
  });

  test('say how far the change has come, unless the scan is for something else, too', () => {
    const twice = merged(dependency(0, 4), dependency(1, 2))!;
    expect([hopOfWish(twice), hopOfWish(merged(twice, operator(0))!), hopOfWish(regularScan(time(0)))]).toEqual([2, 0, 0]);
    expect(hopOfWish(leftOf(merged(twice, operator(-minute))!, time(10 * second), lag)!)).toBe(0);
    expect(hopOfWish(leftOf(merged(dependency(settleMs, 3), operator(0))!, time(settleMs), lag)!)).toBe(3);
  });
});

test('an accepted removal is accepted once', () => {
  const accepted = wantedBy(wish(0, { reasons: ['operator'], acceptsRemovals: true }));
  const plan = merged(accepted, wantedBy(wish(10 * minute)))!;
  expect(plan.acceptsRemovals).toBe(true);
  expect(leftOf(plan, time(settleMs), lag)).not.toHaveProperty('acceptsRemovals');
});

describe('any wishes at any time', () => {
  const reasons: readonly ScanReason[] = ['schema_changed', 'came_back', 'flood', 'dependency', 'sweep', 'operator'];
  const arbitraryWish = fc.record({
    reason: fc.constantFrom(...reasons),
    depth: fc.constantFrom<ScanWish['depth']>('edited', 'all'),
    delay: fc.constantFrom(0, settleMs, 5 * minute),
  });
  const step = fc.oneof(
    fc.record({ kind: fc.constant('wish' as const), wish: arbitraryWish }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, second, 30 * second, settleMs, 5 * minute, 30 * minute) }),
  );
  const history = fc.array(step, { maxLength: 40, size: 'max' });

  interface Made extends WantedScan {
    fulfilled: boolean;
  }

  /** A worker claims scans as soon as they may begin; each takes `tookMs`. */
  function run(steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[], tookMs: number) {
    let plan: Plan = { ...nothing, ...wanting(nothing, firstBackfill(time(0))) };
    let now = 0;
    const made: Made[] = [];
    const scans: { readonly scan: Scan; readonly endedAt: number }[] = [];
    const endsAt = () => (plan.scan === null ? null : plan.scan.startedAt.getTime() + tookMs);
    const turn = (until: number): void => {
      for (;;) {
        const end = endsAt();
        const at = end ?? Math.max(time(now).getTime(), nextScanAt(plan, lag)?.getTime() ?? Infinity);
        if (at > time(until).getTime()) break;
        now = at - time(0).getTime();
        if (plan.scan !== null && end !== null) {
          const { scan } = plan;
          plan = ended(plan, scan, now);
          scans.push({ scan, endedAt: now });
          for (const one of made) {
            const isOlder = one.at.getTime() + settleMs <= scan.startedAt.getTime();
            const isDeep = one.depth === 'edited' || scan.depth === 'all';
            one.fulfilled ||= isOlder && isDeep && (!one.raisesAll || scan.wish.raisesAll);
          }
        } else {
          const scan = nextScan(plan, time(now), lag);
          if (scan === null) throw new Error('a scan that is due does not begin');
          plan = { ...plan, scan, wanted: null };
        }
      }
      now = Math.max(now, until);
    };
    for (const each of steps) {
      if (each.kind === 'pass') turn(now + each.ms);
      else {
        const { reason, depth, delay } = each.wish;
        const raisesAll = reason === 'flood';
        const one = wantedBy(wish(now, { reasons: [reason], depth: raisesAll ? 'all' : depth, raisesAll, dueAt: time(now + delay) }));
        made.push({ ...one, fulfilled: false });
        plan = { ...plan, ...wanting(plan, one) };
      }
    }
    const last = now;
    turn(now + 10 * (tookMs + 30 * minute));
    return { plan, made, scans, last };
  }

  test('each is fulfilled by a scan that began one lag after it, as deep as it asked, and then nothing is wanted any more', () => {
    fc.assert(
      fc.property(history, fc.constantFrom(second, minute, 12 * minute), (steps, tookMs) => {
        const { plan, made } = run(steps, tookMs);
        expect(made.filter(({ fulfilled }) => !fulfilled)).toEqual([]);
        expect(plan).toMatchObject({ scan: null, wanted: null });
      }),
      { numRuns: 3_000 },
    );
  });

  test('no scan begins for nothing, and none for edited rows reads all', () => {
    fc.assert(
      fc.property(history, fc.constantFrom(second, minute, 12 * minute), (steps, tookMs) => {
        const { made, scans } = run(steps, tookMs);
        let previous = Number.NEGATIVE_INFINITY;
        for (const { scan } of scans) {
          const since = previous;
          const isNew = ({ at }: Made) => at.getTime() + settleMs > since && at.getTime() + settleMs <= scan.startedAt.getTime();
          const isFirst = scan.wish.reasons.includes('first_backfill');
          expect(isFirst || made.some(isNew)).toBe(true);
          const needsAll = made.some((one) => one.depth === 'all' && one.at <= scan.startedAt);
          expect(scan.depth === 'edited' || isFirst || needsAll).toBe(true);
          previous = scan.startedAt.getTime();
        }
      }),
      { numRuns: 3_000 },
    );
  });

  test('a merged wish begins as early as the earliest of its wishes may', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(100 * minute), arbitraryWish), { minLength: 1, maxLength: 6 }), (wishes) => {
        const all = wishes.map(([at, { reason, depth, delay }]) =>
          wantedBy(wish(at, { reasons: [reason], depth, dueAt: time(at + delay) })),
        );
        const one = all.reduce<WantedScan | null>(merged, null)!;
        expect(one.at).toEqual(new Date(Math.max(...all.map(({ at }) => at.getTime()))));
        expect(one.depth === 'all').toBe(all.some(({ depth }) => depth === 'all'));
        expect(ripeAt(one, lag)).toBeLessThanOrEqual(Math.min(...all.map((each) => ripeAt(each, lag))));
        expect(all.toReversed().reduce<WantedScan | null>(merged, null)).toEqual(one);
      }),
    );
  });
});

test('a regular scan by itself leaves nothing wanted', () => {
  expect(leftOf(regularScan(time(0)), time(0), lag)).toBeNull();
});

const scanOf = (startedAt: Date): Scan => ({ startedAt, depth: 'all', wish: firstBackfill(startedAt), progress: null });

describe('while events were missed until a time', () => {
  const since = time(0);
  const early = time(minute - 1);
  const late = time(minute);
  const document = { state: 'complete', scan: null, wanted: null, fullAt: early } as const;
  const outdated = (change: Partial<Pick<ContentsDocument, 'state' | 'scan' | 'wanted' | 'fullAt'>>) =>
    isOutdated({ ...document, ...change }, since, lag.lagMs);

  test.each([
    ['were scanned too early to show what was missed', true, {}],
    ['were scanned late enough', false, { fullAt: late }],
    ['are scanned now, by a scan that began too early', true, { fullAt: null, scan: scanOf(early) }],
    ['were scanned late enough, and are scanned by a scan that began too early', true, { fullAt: late, scan: scanOf(early) }],
    ['are scanned now, by a scan that began late enough', false, { scan: scanOf(late) }],
    ['were never scanned', false, { state: 'scanning', fullAt: null, wanted: firstBackfill(early) }],
    ['are to be scanned for that reason', false, { state: 'scanning', wanted: wantedBy(wish(-minute, { reasons: ['rows_were_off'] })) }],
    ['are to be scanned for another reason', true, { wanted: wantedBy(wish(minute, { reasons: ['schema_changed'] })) }],
    ['are of no interest', false, { state: 'off' }],
  ] as const)('rows that %s: %s', (_, expected, change) => {
    expect(outdated(change)).toBe(expected);
  });
});

const flood = (at: number, trace: string): ScanWish => wish(at, { reasons: ['flood'], raisesAll: true, trace });

describe('the traces that events were left to', () => {
  test('are those of all wishes, at most eight', () => {
    expect(merged(wantedBy(flood(0, 'a')), wantedBy(wish(1)))).toMatchObject({ traces: ['a'] });
    expect(merged(wantedBy(flood(0, 'a')), wantedBy(flood(1, 'b')))).toMatchObject({ traces: ['a', 'b'] });
    const many = Array.from({ length: 20 }, (_, index) => wantedBy(flood(index, String(index))));
    expect(many.reduce<WantedScan | null>(merged, null)?.traces).toHaveLength(8);
    expect(wantedBy(flood(0, 'a'))).not.toHaveProperty('trace');
  });

  test('stay as long as a wish that needs all rows is too new', () => {
    const wanted = wantedBy(flood(0, 'a'));
    expect(leftOf(wanted, time(minute), lag)).toMatchObject({ raisesAll: true, traces: ['a'] });
    expect(leftOf(wanted, time(settleMs), lag)).toBeNull();
    const both = merged(wanted, wantedBy(wish(minute, { depth: 'edited', reasons: ['sweep'] })));
    expect(leftOf(both!, time(settleMs), lag)).not.toHaveProperty('traces');
  });
});
