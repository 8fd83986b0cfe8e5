import { noWork } from '@notion-mirror/mirror-store/work-counts';
import { expect, test } from 'vitest';
import { notionUseOf } from './notion-use.ts';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));
const use = (connectionId: string, calls: number, limit = 180) => ({
  connectionId,
  workspaceId: 'acme',
  calls,
  limit,
  windowEndsAt: at(9),
  heldUntil: null,
});

test('the busiest connections of all workers come first, and all count', () => {
  const workers = [
    { notion: { connections: 150, calls: 900, limit: 27_000, busiest: [use('a', 90), use('b', 30)] } },
    { notion: { connections: 1, calls: 40, limit: 45, busiest: [use('c', 40, 45)] } },
    // Of a version without it.
    {},
  ];
  const found = notionUseOf(workers, 2);
  expect(found).toMatchObject({ connections: 151, calls: 940, limit: 27_045 });
  expect(found.busiest.map(({ connectionId }) => connectionId)).toEqual(['c', 'a']);
});

test('the limits that calls met are counted by reason, for all workers: refusals first, then the most frequent', () => {
  const minute = { ...noWork, seconds: 60 };
  const workers = [
    { lastMinute: { ...minute, limitedBy: { public_api_request_rate_limit: 2, other: 3 }, postponedBy: { pause: 1 } } },
    { lastMinute: { ...minute, limitedBy: { public_api_request_rate_limit: 4 }, postponedBy: { window: 7 } } },
    { lastMinute: minute },
    {},
  ];
  const { limits } = notionUseOf(workers, 5);
  expect(limits.map(({ kind, reason, count }) => [kind, reason, count])).toEqual([
    ['refused', 'public_api_request_rate_limit', 6],
    ['refused', 'other', 3],
    ['postponed', 'window', 7],
    ['postponed', 'pause', 1],
  ]);
  expect(limits[0]?.text).toBe("the connection's limit");
});

test('a connection that two workers have used is shown once', () => {
  const held = { ...use('a', 5), heldUntil: at(30) };
  const workers = [
    { notion: { connections: 1, calls: 170, limit: 180, busiest: [use('a', 170)] } },
    { notion: { connections: 1, calls: 5, limit: 180, busiest: [held] } },
  ];
  expect(notionUseOf(workers, 5).busiest).toEqual([{ ...held, calls: 175 }]);
});
