import { expect, test } from 'vitest';
import { headlineOf, type HeadlineFacts } from './headline.ts';

const at = new Date('2026-01-02T00:00:00Z');
const ago = (ms: number) => new Date(at.getTime() - ms);
const group = (service: 'sync-worker' | 'delete-worker', workers: number, oldestAt: Date | null = null, lag = 0) => ({
  service,
  workers,
  lag,
  oldestAt,
});
const well: HeadlineFacts = {
  at,
  groups: [group('sync-worker', 1), group('delete-worker', 1)],
  kafkaProblem: null,
  deadLetters: 0,
  tenants: 3,
  paused: 0,
  unauthorized: { tenants: 0, since: null },
  stoppedSweeps: 0,
  incompleteRows: 0,
  silent: 0,
  held: 0,
  spooled: 0,
};

test.each<[Partial<HeadlineFacts>, string]>([
  [{}, 'All 3 tenants are mirrored. No change waits.'],
  [{ tenants: 1 }, 'The one tenant is mirrored. No change waits.'],
  [{ tenants: 0 }, 'No tenant is connected yet.'],
  [{ tenants: 2, paused: 1 }, '2 of 3 tenants mirrored; 1 paused. No change waits.'],
  [{ tenants: 0, paused: 1 }, '0 of 1 tenant mirrored; 1 paused. No change waits.'],
  [
    { groups: [group('sync-worker', 1, ago(200), 1), group('delete-worker', 1, ago(100), 1)] },
    'All 3 tenants are mirrored. The oldest change that is not: 0.2 s.',
  ],
])('%j is good', (change, text) => {
  expect(headlineOf({ ...well, ...change })).toEqual({ level: 'good', text, needs: [] });
});

test.each<[Partial<HeadlineFacts>, string, string]>([
  [{ groups: [group('sync-worker', 0, ago(5), 1), group('delete-worker', 1)] }, 'bad', 'No sync-worker is running; 1 event waits.'],
  [{ groups: [group('sync-worker', 1), group('delete-worker', 0)] }, 'bad', 'No delete-worker is running.'],
  [{ groups: null, deadLetters: null, kafkaProblem: 'refused.' }, 'bad', 'Kafka does not answer: refused.'],
  [{ groups: [group('sync-worker', 1, ago(61_000), 9)] }, 'warning', 'The oldest change has been waiting for 61 s.'],
  [{ groups: [group('sync-worker', 1, ago(3_600_000), 9)] }, 'bad', 'The oldest change has been waiting for 60 min.'],
  [{ deadLetters: 1 }, 'bad', '1 event could not be handled and waits as dead letters.'],
  [{ unauthorized: { tenants: 2, since: ago(5) } }, 'warning', '2 tenants must connect again: Notion refuses the token.'],
  [{ stoppedSweeps: 1 }, 'warning', '1 comparison with Notion stopped before removing many databases.'],
  [{ incompleteRows: 2 }, 'warning', 'The rows of 2 data sources may not all be there.'],
  [{ silent: 1 }, 'warning', '1 tenant sends no webhooks, although Notion shows edits.'],
  [{ held: 2 }, 'warning', "2 tenants are held: by Notion's limits, or by an error that is tried again."],
  [{ spooled: 2 }, 'warning', '2 events wait in MongoDB, since Kafka was unavailable to the ingress.'],
])('%j needs an operator', (change, level, text) => {
  expect(headlineOf({ ...well, ...change })).toMatchObject({ level, text, needs: [{ text }] });
});

test('of several needs the worst is named, and a missing worker is not late as well', () => {
  const found = headlineOf({ ...well, groups: [group('sync-worker', 0, ago(3_600_000), 9)], deadLetters: 4, held: 1 });
  expect(found).toMatchObject({ level: 'bad', text: '3 things need you. No sync-worker is running; 9 events wait.' });
  expect(found.needs.map(({ code }) => code)).toEqual(['no_worker', 'dead_letters', 'held']);
});
