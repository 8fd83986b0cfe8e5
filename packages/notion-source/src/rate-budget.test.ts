import type { LimitReason } from '@notion-mirror/domain/call-limits';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFakeClock, settled, type FakeClock } from '../test/fake-clock.ts';
import { createRateBudget, type Permit, type RateBudget, type Taken } from './rate-budget.ts';

const a = { connectionId: 'a', notionWorkspaceId: 'w' };
const b = { connectionId: 'b', notionWorkspaceId: 'w' };
const elsewhere = { connectionId: 'c', notionWorkspaceId: 'v' };
const never = new AbortController().signal;
const minute = 60_000;

function setUp(requestsPerMinute: number): { clock: FakeClock; budget: RateBudget; start: number } {
  const clock = createFakeClock();
  return { clock, budget: createRateBudget({ requestsPerMinute, clock, random: () => 1 }), start: clock.now() };
}

function taken(result: Taken): Permit {
  if (!result.ok) throw new Error(`denied: ${JSON.stringify(result)}`);
  return result.permits[0];
}

function call(budget: RateBudget, times = 1): void {
  for (let i = 0; i < times; i += 1) taken(budget.tryTake(a)).answered();
}

function room(budget: RateBudget): number {
  const permits: Permit[] = [];
  for (let next = budget.tryTake(a); next.ok; next = budget.tryTake(a)) permits.push(...next.permits);
  for (const permit of permits) permit.release();
  return permits.length;
}

const connectionLimit = { scope: 'connection', reason: 'unknown', retryAfterMs: 30_000 } as const;

describe('the rate budget', () => {
  it('says how much of it is used, by whom, and until when', async () => {
    const { clock, budget, start } = setUp(4);
    expect(budget.use(5)).toEqual({ connections: 0, calls: 0, limit: 0, busiest: [] });
    call(budget, 2);
    await clock.advance(1_000);
    const open = taken(budget.tryTake(elsewhere));
    taken(budget.tryTake(b)).limited({ scope: 'connection', reason: 'unknown', retryAfterMs: 30_000 });
    expect(budget.use(2)).toEqual({
      connections: 3,
      calls: 4,
      limit: 4 + 4 + 2,
      busiest: [
        { connectionId: 'a', calls: 2, limit: 4, windowEndsAt: start + minute, heldUntil: null },
        { connectionId: 'b', calls: 1, limit: 2, windowEndsAt: start + 1_000 + minute, heldUntil: start + 31_000 },
      ],
    });
    open.release();
    await clock.advance(minute + 1);
    expect(budget.use(2)).toMatchObject({ connections: 0, busiest: [] });
  });

  it('notes each call once, and why Notion refused it', () => {
    const calls: (LimitReason | null)[] = [];
    const budget = createRateBudget({ clock: createFakeClock(), onCall: (limitedBy) => calls.push(limitedBy) });
    const permit = taken(budget.tryTake(a));
    permit.limited({ ...connectionLimit, reason: 'public_api_endpoint_rate_limit' });
    permit.answered();
    taken(budget.tryTake(b)).answered();
    taken(budget.tryTake(b)).release();
    expect(calls).toEqual(['public_api_endpoint_rate_limit', null]);
  });

  it('has room for the limit in any window of 60 s', async () => {
    const { clock, budget, start } = setUp(3);
    call(budget);
    await clock.advance(20_000);
    call(budget, 2);
    expect(budget.tryTake(a)).toEqual({ ok: false, waitUntil: start + minute + 1, cause: 'window' });
    await clock.advance(40_000);
    expect(budget.tryTake(a).ok).toBe(false);
    await clock.advance(1);
    expect(room(budget)).toBe(1);
    await clock.advance(20_000);
    expect(room(budget)).toBe(3);
  });

  it('counts a call until 60 s after its answer, since its time of arrival is unknown', async () => {
    const { clock, budget } = setUp(1);
    const slow = taken(budget.tryTake(a));
    await clock.advance(50_000);
    slow.answered();
    await clock.advance(30_000);
    expect(budget.tryTake(a)).toEqual({ ok: false, waitUntil: clock.now() + 30_001, cause: 'window' });
    await clock.advance(30_001);
    expect(budget.tryTake(a).ok).toBe(true);
  });

  it('takes several at once or none, and frees unused ones', () => {
    const { budget } = setUp(3);
    const pair = budget.tryTake(a, 2);
    expect(pair).toMatchObject({ ok: true, permits: { length: 2 } });
    expect(budget.tryTake(a, 2)).toMatchObject({ ok: false, cause: 'window' });
    if (pair.ok) for (const permit of pair.permits) permit.release();
    expect(room(budget)).toBe(3);
  });

  it('takes fewer where the limit is lower', () => {
    const { budget } = setUp(1);
    expect(budget.tryTake(a, 2)).toMatchObject({ ok: true, permits: { length: 1 } });
  });

  it('knows when the last of several calls could be made', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(20_000), { maxLength: 12 }), fc.integer({ min: 1, max: 16 }), async (pauses, calls) => {
        const { clock, budget } = setUp(5);
        for (const pause of pauses) {
          await clock.advance(pause);
          const result = budget.tryTake(a);
          if (result.ok) result.permits[0].answered();
        }
        const expected = budget.lastOf(a, calls);
        for (let made = 0; made < calls;) {
          const result = budget.tryTake(a);
          if (result.ok) {
            result.permits[0].answered();
            made += 1;
          } else await clock.advance(result.waitUntil - clock.now());
        }
        expect(expected).toBe(clock.now());
      }),
      { numRuns: 200 },
    );
  });

  it('counts calls in flight and a pause in that', async () => {
    const { clock, budget, start } = setUp(3);
    const flying = taken(budget.tryTake(a));
    expect([budget.lastOf(a, 2), budget.lastOf(a, 3)]).toEqual([start, start + minute + 1]);
    flying.limited({ scope: 'workspace', reason: 'unknown', retryAfterMs: 90_000 });
    await clock.advance(1_000);
    expect(budget.lastOf(b, 3)).toBe(start + 90_000);
    expect(budget.lastOf(b, 4)).toBe(start + 90_000 + minute + 1);
  });

  it('keeps connections apart', () => {
    const { budget } = setUp(1);
    call(budget);
    expect(budget.tryTake(a).ok).toBe(false);
    expect(budget.tryTake(b).ok).toBe(true);
  });

  it('obeys Retry-After to the second, for all calls of the connection and no others', async () => {
    const { clock, budget, start } = setUp(100);
    const until = taken(budget.tryTake(a)).limited({ scope: 'connection', reason: 'unknown', retryAfterMs: 37_000 });
    expect(until).toBe(start + 37_000);
    expect(budget.tryTake(a)).toEqual({ ok: false, waitUntil: start + 37_000, cause: 'pause' });
    expect(budget.tryTake(b).ok).toBe(true);
    await clock.advance(36_999);
    expect(budget.tryTake(a).ok).toBe(false);
    await clock.advance(1);
    expect(budget.tryTake(a).ok).toBe(true);
  });

  it('keeps the longest of several pauses', () => {
    const { budget, start } = setUp(100);
    const [first, second] = [taken(budget.tryTake(a)), taken(budget.tryTake(a))];
    first.limited({ scope: 'connection', reason: 'unknown', retryAfterMs: 50_000 });
    expect(second.limited({ scope: 'overload', reason: 'unknown', retryAfterMs: 2_000 })).toBe(start + 50_000);
    expect(budget.tryTake(a)).toMatchObject({ waitUntil: start + 50_000 });
  });

  it("pauses every connection of the Notion workspace when the limit is the workspace's", async () => {
    const { clock, budget, start } = setUp(100);
    taken(budget.tryTake(a)).limited({ scope: 'workspace', reason: 'unknown', retryAfterMs: 90_000 });
    expect(budget.tryTake(b)).toEqual({ ok: false, waitUntil: start + 90_000, cause: 'workspace_pause' });
    expect(budget.tryTake(elsewhere).ok).toBe(true);
    await clock.advance(90_000);
    expect(budget.tryTake(b).ok).toBe(true);
    expect(room(budget)).toBe(100);
  });

  it('lowers the limit after a 429, by half at most, and is back at the full one within two minutes', async () => {
    const { clock, budget } = setUp(100);
    call(budget, 30);
    taken(budget.tryTake(a)).limited(connectionLimit);
    await clock.advance(minute + 1);
    expect(room(budget)).toBe(50);
    call(budget, 30);
    taken(budget.tryTake(a)).limited(connectionLimit);
    await clock.advance(minute + 1);
    expect(room(budget)).toBe(30);
    await clock.advance(minute / 2);
    expect(room(budget)).toBe(65);
    await clock.advance(minute / 2);
    expect(room(budget)).toBe(100);
  });

  // Each refusal in a period of 12 s halved the limit again: 7 of 600 calls a minute were left for ten minutes.
  it('lowers the limit once for several refusals in a row', async () => {
    const { clock, budget, start } = setUp(600);
    while (clock.now() - start < 12_000) {
      const until = taken(budget.tryTake(a)).limited({ scope: 'connection', reason: 'unknown', retryAfterMs: 1_000 });
      await clock.advance(until - clock.now());
    }
    expect(room(budget)).toBeGreaterThan(290);
    await clock.advance(2 * minute);
    expect(room(budget)).toBe(600);
  });

  it('never lowers the limit below an eighth', async () => {
    const { clock, budget } = setUp(80);
    for (let window = 0; window < 8; window += 1) {
      taken(budget.tryTake(a)).limited(connectionLimit);
      await clock.advance(minute);
    }
    await clock.advance(1);
    expect(room(budget)).toBe(10);
  });

  it('keeps the limit after an overload or a workspace limit', async () => {
    const { clock, budget } = setUp(100);
    taken(budget.tryTake(a)).limited({ scope: 'overload', reason: 'unknown', retryAfterMs: 1_000 });
    await clock.advance(2_000);
    taken(budget.tryTake(a)).limited({ scope: 'workspace', reason: 'unknown', retryAfterMs: 1_000 });
    await clock.advance(minute + 1);
    expect(room(budget)).toBe(100);
  });

  // With Retry-After 0 one event made 596 calls in 8 s.
  it.each(['connection', 'overload', 'workspace'] as const)('a Retry-After of 0 is a wait all the same: %s', async (scope) => {
    const { clock, budget } = setUp(600);
    const waits: number[] = [];
    for (let refused = 0; refused < 6; refused += 1) {
      const until = taken(budget.tryTake(a)).limited({ scope, reason: 'unknown', retryAfterMs: 0 });
      waits.push(until - clock.now());
      await clock.advance(until - clock.now());
    }
    expect(waits).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    call(budget);
    expect(taken(budget.tryTake(a)).limited({ scope, reason: 'unknown', retryAfterMs: 0 }) - clock.now()).toBe(2_000);
  });

  it('a Retry-After of 0 of the workspace makes its other connections wait too', async () => {
    const { budget, start } = setUp(600);
    taken(budget.tryTake(a)).limited({ scope: 'workspace', reason: 'unknown', retryAfterMs: 0 });
    expect(budget.tryTake(b)).toEqual({ ok: false, waitUntil: start + 2_000, cause: 'workspace_pause' });
  });

  it('lets callers waiting inside go first', async () => {
    const { clock, budget } = setUp(2);
    call(budget, 2);
    const inside = budget.take(a, { maxWaitMs: 2 * minute, signal: never });
    await settled();
    const outside = budget.tryTake(a);
    await clock.advance(minute + 1);
    expect((await inside).ok).toBe(true);
    expect(outside.ok).toBe(false);
    expect(room(budget)).toBe(1);
  });

  it('denies a new caller the room that a caller inside waits for', async () => {
    const { clock, budget } = setUp(1);
    call(budget);
    const sleepless = { ...clock, sleep: () => new Promise<void>(() => {}) };
    const late = createRateBudget({ requestsPerMinute: 1, clock: sleepless });
    call(late);
    void late.take(a, { maxWaitMs: 2 * minute, signal: never });
    await settled();
    await clock.advance(minute + 1);
    expect(late.tryTake(a).ok).toBe(false);
    expect(budget.tryTake(a).ok).toBe(true);
  });

  it('gives up waiting when it would take too long, or is aborted', async () => {
    const { clock, budget, start } = setUp(1);
    call(budget);
    expect(await budget.take(a, { maxWaitMs: 10_000, signal: never })).toEqual({
      ok: false,
      waitUntil: start + minute + 1,
      cause: 'window',
    });
    const stop = new AbortController();
    const waiting = budget.take(a, { maxWaitMs: 2 * minute, signal: stop.signal });
    await settled();
    expect(clock.sleepers).toBe(1);
    stop.abort();
    expect(await waiting).toMatchObject({ ok: false, cause: 'aborted' });
    await clock.advance(minute + 1);
    expect(room(budget)).toBe(1);
  });

  it('keeps working when the clock is set back', async () => {
    const { clock, budget } = setUp(1);
    await clock.advance(60 * minute);
    call(budget);
    await clock.advance(-60 * minute);
    expect(budget.tryTake(a).ok).toBe(true);
  });

  it('ends a permit once', () => {
    const { budget } = setUp(2);
    const permit = taken(budget.tryTake(a));
    permit.answered();
    permit.release();
    permit.answered();
    expect(permit.limited(connectionLimit)).toBeGreaterThan(0);
    expect(room(budget)).toBe(1);
  });

  it('forgets idle budgets, and only those', async () => {
    const { clock, budget } = setUp(1);
    taken(budget.tryTake(a)).limited({ scope: 'connection', reason: 'unknown', retryAfterMs: 5 * minute });
    for (let i = 0; i < 5_000; i += 1) taken(budget.tryTake({ connectionId: `other-${i}`, notionWorkspaceId: 'w' })).answered();
    expect(budget.tryTake({ connectionId: 'other-0', notionWorkspaceId: 'w' }).ok).toBe(false);
    await clock.advance(2 * minute);
    for (let i = 0; i < 20_000; i += 1) taken(budget.tryTake({ connectionId: `later-${i}`, notionWorkspaceId: 'w' })).answered();
    expect(budget.tryTake(a)).toMatchObject({ ok: false, cause: 'pause' });
  });

  it('never lets a server see more than the limit in any 60 s, however long calls take to arrive and return', async () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 15_000 }),
      there: fc.integer({ min: 0, max: 9_000 }),
      back: fc.integer({ min: 0, max: 9_000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.array(step, { minLength: 10, maxLength: 120 }), async (limit, steps) => {
        const { clock, budget } = setUp(limit);
        const arrivals: number[] = [];
        const denials: number[] = [];
        const returning: { at: number; permit: Permit }[] = [];
        for (const { wait, there, back } of steps) {
          const target = clock.now() + wait;
          for (const next of returning.toSorted((x, y) => x.at - y.at)) {
            if (next.at > target) break;
            await clock.advance(next.at - clock.now());
            next.permit.answered();
            returning.splice(returning.indexOf(next), 1);
          }
          await clock.advance(target - clock.now());
          const result = budget.tryTake(a);
          if (!result.ok) {
            denials.push(result.waitUntil - clock.now());
            continue;
          }
          arrivals.push(clock.now() + there);
          returning.push({ at: clock.now() + there + back, permit: result.permits[0] });
        }
        const sorted = arrivals.toSorted((x, y) => x - y);
        const spans = sorted.slice(limit).map((at, index) => at - sorted[index]!);
        expect(Math.min(...spans, ...denials.map((ms) => ms + minute), Infinity)).toBeGreaterThan(minute);
      }),
      { numRuns: 60 },
    );
  });
});
