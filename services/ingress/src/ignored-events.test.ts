import type { EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import { expect, test } from 'vitest';
import { keepIgnoredEvents, type IgnoredEvent } from './ignored-events.ts';

const ignored = (given: Partial<IgnoredEvent>): IgnoredEvent => ({
  route: 'nango',
  eventId: 'e1',
  type: 'database.created',
  reason: 'no_active_connection',
  connectionId: 'c1',
  databaseId: 'd1',
  dataSourceId: null,
  pageId: null,
  occurredAt: new Date(1),
  receivedAt: new Date(2),
  trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
  ...given,
});

test('an ignored event is stored with its reason; one without an id is not, since it could not be queried', () => {
  const kept: EventOutcome[] = [];
  const keep = keepIgnoredEvents((outcome) => kept.push(outcome));
  keep(ignored({}));
  keep(ignored({ eventId: null }));
  keep(ignored({ type: `${'x'.repeat(99)}\u{1F600}` }));
  expect(kept).toMatchObject([
    { eventId: 'e1', service: 'ingress', outcome: 'ignored', reason: 'no_active_connection', databaseId: 'd1', origin: 'nango' },
    { type: `${'x'.repeat(99)}\uFFFD` },
  ]);
});

test('a flood of events about pages and views does not crowd out others', () => {
  const kept: EventOutcome[] = [];
  const keep = keepIgnoredEvents((outcome) => kept.push(outcome));
  for (let number = 0; number < 10_000; number += 1) keep(ignored({ type: 'view.updated', reason: 'unsupported_event_type' }));
  for (let number = 0; number < 10_000; number += 1)
    keep(ignored({ type: 'page.content_updated', pageId: 'p1', reason: 'rows_not_ready' }));
  for (let number = 0; number < 100; number += 1) keep(ignored({ reason: 'linked_database' }));
  expect(kept.filter(({ reason }) => reason === 'linked_database')).toHaveLength(100);
  expect(kept.length).toBeLessThan(400);
});
