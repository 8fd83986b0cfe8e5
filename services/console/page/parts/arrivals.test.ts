import { describe, expect, test } from 'vitest';
import { eventLine, databaseId } from '../testing/answers.ts';
import type { EventLine } from '../../src/answers/events.ts';
import { arrive, fits, noArrivals, showWaiting, together, type Arrivals } from './arrivals.ts';

const batch = (...ids: number[]) => ({ events: ids.map((id) => eventLine(id)), left: 0 });
const ids = (events: readonly { readonly id: string }[]) => events.map(({ id }) => Number(id.slice(-6)));

const waiting = (n: number, workspaceId = 'acme') =>
  eventLine(n, { id: `event-${n}`, eventId: `event-${n}`, workspaceId, outcome: 'waiting' });
const done = (n: number, workspaceId = 'acme') => eventLine(n, { eventId: `event-${n}`, workspaceId, outcome: 'written' });
const arrived = (events: readonly EventLine[]) => ({ events, left: 0 });
const shown = ({ shown: lines }: Arrivals) => lines.map(({ eventId, outcome }) => `${eventId} ${outcome}`);

describe('arrivals', () => {
  test('are shown latest first while the list is not being read', () => {
    const arrivals = arrive(arrive(noArrivals, batch(1), false), batch(3, 2), false);
    expect(ids(arrivals.shown)).toEqual([3, 2, 1]);
    expect(arrivals.waitingCount).toBe(0);
  });

  test('wait while the list is being read, and until they are asked for', () => {
    const reading = arrive(arrive(noArrivals, batch(1), false), batch(2), true);
    const later = arrive(reading, batch(3), false);
    expect(ids(later.shown)).toEqual([1]);
    expect(later.waitingCount).toBe(2);
    expect(ids(showWaiting(later).shown)).toEqual([3, 2, 1]);
    expect(showWaiting(later).waitingCount).toBe(0);
  });

  test('come once, also when they are sent again', () => {
    const arrivals = arrive(arrive(noArrivals, batch(1), false), batch(1, 2), false);
    expect(ids(arrivals.shown)).toEqual([2, 1]);
    expect(arrive(arrivals, batch(2), true)).toBe(arrivals);
  });

  test('are bounded; those that are left out count', () => {
    let arrivals = noArrivals;
    for (let n = 0; n < 1_000; n += 1) arrivals = arrive(arrivals, { events: [eventLine(n)], left: 1 }, n > 400);
    expect(arrivals.shown).toHaveLength(300);
    expect(arrivals.waiting).toHaveLength(300);
    expect(arrivals.waitingCount).toBe(2 * 599);
    expect(arrivals.left).toBe(1_000);
  });

  describe('that wait', () => {
    test('get their outcome where they are, also while the list is being read', () => {
      const before = arrive(arrive(noArrivals, arrived([waiting(1)]), false), arrived([waiting(2)]), false);
      const after = arrive(before, arrived([done(1)]), true);
      expect(shown(after)).toEqual(['event-2 waiting', 'event-1 written']);
      expect(after.waitingCount).toBe(0);
      expect(after.shown.map(({ key }) => key)).toEqual(before.shown.map(({ key }) => key));
      // The same outcome again, as a loaded list brings it.
      expect(arrive(after, arrived([done(1)]), false)).toBe(after);
    });

    test('are not mixed up between tenants', () => {
      const both = arrive(noArrivals, arrived([waiting(1), waiting(1, 'globex')]), false);
      expect(new Set(both.shown.map(({ key }) => key)).size).toBe(2);
      expect(arrive(both, arrived([done(1, 'globex')]), false).shown.map(({ workspaceId, outcome }) => [workspaceId, outcome])).toEqual([
        ['acme', 'waiting'],
        ['globex', 'written'],
      ]);
    });

    test('can be settled with another event, and are not sent after their outcome', () => {
      const before = arrive(noArrivals, arrived([waiting(1)]), false);
      const settled = [{ workspaceId: 'acme', eventId: 'event-1', outcome: 'written' }];
      const after = arrive(before, { ...arrived([done(2)]), settled }, false);
      expect(shown(after)).toEqual(['event-2 written', 'event-1 written']);
      expect(arrive(after, arrived([waiting(2)]), false)).toBe(after);
    });
  });

  test('join the loaded list without doubles', () => {
    expect(ids(together([eventLine(3), eventLine(2)], [eventLine(2), eventLine(1)]))).toEqual([3, 2, 1]);
  });
});

describe('a live event fits', () => {
  const event = eventLine(1, { outcome: 'parked', needsLook: true, totalMs: 1_500 });

  test.each([
    [{}, true],
    [{ tenant: 'acme', outcome: 'written,parked', minMs: '1000' }, true],
    [{ about: `https://www.notion.so/acme/Roadmap-${databaseId.replaceAll('-', '')}?pvs=4` }, true],
    [{ needsLook: '1' }, true],
    [{ tenant: 'acm' }, false],
    [{ outcome: 'written' }, false],
    [{ minMs: '2000' }, false],
    [{ service: 'ingress' }, false],
    [{ about: 'ffffffff-ffff-4fff-8fff-ffffffffffff' }, false],
  ])('%o: %s', (filter, expected) => {
    expect(fits(event, filter)).toBe(expected);
  });

  test('a list of those that need a look only if it does', () => {
    expect(fits(eventLine(1), { needsLook: '1' })).toBe(false);
  });
});
