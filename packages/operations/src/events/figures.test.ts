import { expect, test } from 'vitest';
import { figuresOf } from './figures.ts';

const now = new Date('2026-01-02T00:00:00Z');
const ago = (ms: number) => new Date(now.getTime() - ms);
const outcome = (agoMs: number, tookMs: number, writeMs: number | null = 1, coalescedInto: string | null = null) => ({
  at: ago(agoMs),
  receivedAt: ago(agoMs + tookMs),
  fetch: coalescedInto === null ? { requestId: null, calls: 2, ms: 5 } : null,
  record: { databaseId: 'd', pageId: null, rev: 1, asOf: now, ms: writeMs },
  coalescedInto,
});

test('counts what happened in the time', () => {
  const outcomes = [outcome(0, 30), outcome(1_000, 10), outcome(2_000, 20), outcome(3_000, 90, null), outcome(4_000, 1, null, 'e1')];
  expect(figuresOf(outcomes, { now, seconds: 60, isSample: false })).toEqual({
    seconds: 60,
    isSample: false,
    eventsPerSecond: 0.08,
    documentsPerSecond: 0.05,
    freshness: { p50Ms: 20, p95Ms: 30 },
    notionCallsPerMinute: 8,
    callsSavedPerMinute: 1,
  });
});

test('of a sample the time is that of the sample', () => {
  expect(figuresOf([outcome(0, 5), outcome(2_000, 5)], { now, seconds: 60, isSample: true })).toMatchObject({
    seconds: 2,
    eventsPerSecond: 1,
  });
});

test('without any outcome there is no freshness', () => {
  expect(figuresOf([], { now, seconds: 60, isSample: false })).toMatchObject({ eventsPerSecond: 0, freshness: null });
});
