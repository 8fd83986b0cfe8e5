import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { expect, test } from 'vitest';
import { createAwaitedEvents, type EventEnd } from './awaited-events.ts';

const event = (workspaceId: string): DatabaseEvent => ({
  eventId: 'sweep-1:d1',
  kind: 'sync',
  type: 'mirror.sweep',
  workspaceId,
  connectionId: 'c1',
  providerConfigKey: 'notion',
  notionWorkspaceId: 'n1',
  databaseId: 'd1',
  dataSourceId: null,
  pageId: null,
  occurredAt: new Date(0),
  receivedAt: new Date(0),
  origin: 'reconcile',
});
const never = new AbortController().signal;
const hour = 3_600_000;

// Databases whose fetches always failed occupied all of a sweep's in-flight events for five minutes each.
test.each<Exclude<EventEnd, 'unknown'>>(['handled', 'failing'])('an event that is %s ends the wait', async (end) => {
  const events = createAwaitedEvents({ append: () => Promise.resolve(), longestWaitMs: hour });
  const waiting = events.appendAndWait(event('acme'), never);
  events.settle(event('globex'), 'handled');
  events.settle(event('acme'), end);
  expect(await waiting).toBe(end);
});

test('an event without an outcome ends the wait as unknown at the deadline, or when the sweep ends', async () => {
  const hasty = createAwaitedEvents({ append: () => Promise.resolve(), longestWaitMs: 1 });
  expect(await hasty.appendAndWait(event('acme'), never)).toBe('unknown');
  const patient = createAwaitedEvents({ append: () => Promise.resolve(), longestWaitMs: hour });
  const stop = new AbortController();
  const waiting = patient.appendAndWait(event('acme'), stop.signal);
  stop.abort();
  expect(await waiting).toBe('unknown');
});

test('a failed append rejects without waiting', async () => {
  const refused = new Error('not acknowledged');
  const events = createAwaitedEvents({ append: () => Promise.reject(refused), longestWaitMs: hour });
  await expect(events.appendAndWait(event('acme'), never)).rejects.toBe(refused);
});

test('an outcome that arrives before the acknowledgement is not missed', async () => {
  const acknowledged = Promise.withResolvers<void>();
  const events = createAwaitedEvents({ append: () => acknowledged.promise, longestWaitMs: hour });
  const waiting = events.appendAndWait(event('acme'), never);
  events.settle(event('acme'), 'handled');
  acknowledged.resolve();
  expect(await waiting).toBe('handled');
});
