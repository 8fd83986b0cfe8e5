import { noWork } from '@notion-mirror/mirror-store/work-counts';
import { expect, test } from 'vitest';
import { figuresOf, historyOf } from './figures.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));

test('what the workers report of their last minute adds up', () => {
  const busy = {
    ...noWork,
    seconds: 60,
    events: 120,
    documents: 60,
    saved: 5,
    calls: 90,
    limited: 2,
    freshness: [
      [16, 30],
      [128, 30],
    ] as const,
  };
  const fresh = { ...noWork, seconds: 10, events: 10, documents: 2, calls: 3, freshness: [[16, 2]] as const };
  expect(figuresOf([{ lastMinute: busy }, { lastMinute: fresh }, {}])).toEqual({
    seconds: 60,
    eventsPerSecond: 3,
    documentsPerSecond: 1.2,
    freshness: { p50Ms: 16, p95Ms: 128 },
    notionCallsPerMinute: 108,
    limitedPerMinute: 2,
    callsSavedPerMinute: 5,
  });
});

test('without a worker there are none', () => {
  expect(figuresOf([])).toMatchObject({ seconds: 0, eventsPerSecond: 0, freshness: null });
});

test('the history has each minute once; of some nothing is known', () => {
  const minute = (n: number, events: number) => ({
    ...noWork,
    service: 'sync-worker',
    at: at(n),
    events,
    freshness: [[8, events]] as const,
  });
  const found = historyOf([minute(1, 9), minute(2, 3), minute(2, 4), minute(4, 1)], new Date(at(5).getTime() + 30_000), 4);
  expect(found.map((one) => one?.events ?? null)).toEqual([9, 7, null, 1]);
  expect(found[1]).toEqual({ at: at(2), events: 7, documents: 0, calls: 0, limited: 0, freshness: { p50Ms: 8, p95Ms: 8 } });
});
