import { quantilesOf } from '@notion-mirror/mirror-store/work-counts';
import { expect, test } from 'vitest';
import { createWorkCounter } from './work-counter.ts';

const start = Date.UTC(2026, 0, 1, 12, 0, 30);

function setUp() {
  let now = start;
  const counter = createWorkCounter(() => now);
  const handled = (tookMs: number, change: object = {}) =>
    counter.outcome({
      at: new Date(now),
      receivedAt: new Date(now - tookMs),
      record: { databaseId: 'd', pageId: null, rev: 1, asOf: new Date(now), ms: 1 },
      coalescedInto: null,
      ...change,
    });
  return { counter, handled, pass: (ms: number) => (now += ms) };
}

test('the last minute and each whole minute are counted', () => {
  const { counter, handled, pass } = setUp();
  handled(30);
  handled(10, { record: null, coalescedInto: 'e1' });
  counter.call(null);
  counter.postponed('window');
  pass(20_000);
  handled(100, { others: ['e2', 'e3'] });
  counter.call('service_overload');
  counter.postponed('window');
  counter.postponed('pause');
  const both = {
    events: 5,
    documents: 2,
    saved: 3,
    calls: 2,
    limited: 1,
    limitedBy: { service_overload: 1 },
    postponedBy: { window: 2, pause: 1 },
  };
  expect(counter.lastMinute()).toMatchObject({ seconds: 20, ...both });
  expect(counter.takeMinutes()).toEqual([]);
  pass(15_000);
  handled(1);
  expect(counter.takeMinutes()).toMatchObject([{ at: new Date(Date.UTC(2026, 0, 1, 12, 0)), ...both }]);
  expect(counter.takeMinutes()).toEqual([]);
  expect(counter.lastMinute()).toMatchObject({ events: 6 });
  pass(30_000);
  expect(counter.lastMinute()).toMatchObject({ seconds: 55, events: 4 });
  expect(counter.takeMinutes(true)).toMatchObject([{ at: new Date(Date.UTC(2026, 0, 1, 12, 1)), events: 1 }]);
});

test('times are off by at most 9 %, and their quantiles too', () => {
  const { counter, handled } = setUp();
  for (let ms = 1; ms <= 1_000; ms += 1) handled(ms);
  const { freshness } = counter.lastMinute();
  expect(freshness.length).toBeLessThan(80);
  const { p50Ms, p95Ms } = quantilesOf(freshness) ?? { p50Ms: 0, p95Ms: 0 };
  expect([p50Ms / 500, p95Ms / 950].every((factor) => factor >= 1 && factor < 1.1)).toBe(true);
  expect(quantilesOf([])).toBeNull();
});

test('a minute without work has a document as well, and a long pause has few', () => {
  const { counter, pass } = setUp();
  pass(60_000);
  const [empty] = counter.takeMinutes();
  expect(empty).toMatchObject({ events: 0, freshness: [] });
  // A minute is a document: what it has none of takes no room.
  expect(empty).not.toHaveProperty('limitedBy');
  expect(empty).not.toHaveProperty('postponedBy');
  pass(3_600_000);
  expect(counter.takeMinutes()).toHaveLength(5);
  pass(-3_600_000);
  expect(counter.takeMinutes()).toEqual([]);
});
