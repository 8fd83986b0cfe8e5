import { describe, expect, test } from 'vitest';
import { eventLine, databaseId } from '../testing/answers.ts';
import { arrive, fits, noArrivals, showWaiting, together } from './arrivals.ts';

const batch = (...ids: number[]) => ({ events: ids.map((id) => eventLine(id)), left: 0 });
const ids = (events: readonly { readonly id: string }[]) => events.map(({ id }) => Number(id.slice(-6)));

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

  test('join the loaded list without doubles', () => {
    expect(ids(together([eventLine(3), eventLine(2)], [eventLine(2), eventLine(1)]))).toEqual([3, 2, 1]);
  });
});

describe('a live event fits', () => {
  const event = eventLine(1, { outcome: 'parked', totalMs: 1_500 });

  test.each([
    [{}, true],
    [{ tenant: 'acme', outcome: 'written,parked', minMs: '1000' }, true],
    [{ about: `https://www.notion.so/acme/Roadmap-${databaseId.replaceAll('-', '')}?pvs=4` }, true],
    [{ tenant: 'acm' }, false],
    [{ outcome: 'written' }, false],
    [{ minMs: '2000' }, false],
    [{ service: 'ingress' }, false],
    [{ about: 'ffffffff-ffff-4fff-8fff-ffffffffffff' }, false],
  ])('%o: %s', (filter, expected) => {
    expect(fits(event, filter)).toBe(expected);
  });
});
