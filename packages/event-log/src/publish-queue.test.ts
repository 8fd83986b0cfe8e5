import { describe, expect, test } from 'vitest';
import type { OutgoingRecord } from './log-record.ts';
import { PublishError } from './publish-error.ts';
import { bytesOf, createPublishQueue, type Pending } from './publish-queue.ts';

const late = new PublishError('deadline', 'late');
const record: OutgoingRecord = { topic: 'events', key: 'acme', value: Buffer.from('x'), headers: {} };

function setUp({ maxRecords = 100, maxBytes = 1_000_000 } = {}) {
  const queue = createPublishQueue({ maxRecords, maxBytes });
  /** The results of the records, in the order in which they were settled. */
  const settled: [number, PublishError | null][] = [];
  const add = (expiresAt: number, bytes = 10): Pending => {
    const pending = {
      record,
      bytes,
      expiresAt,
      sent: false,
      alone: false,
      settled: false,
      onSettled: (failure: PublishError | null) => settled.push([expiresAt, failure]),
    };
    queue.add(pending);
    return pending;
  };
  const take = () => queue.take().map(({ expiresAt }) => expiresAt);
  return { queue, settled, add, take };
}

describe('the bounds', () => {
  test('count records until they are settled, in flight too', () => {
    const { queue, add } = setUp({ maxRecords: 2 });
    add(1);
    expect(queue.hasRoomFor(0)).toBe(true);
    add(2);
    const [first] = queue.take();
    expect({ queued: queue.queued, pending: queue.pending, room: queue.hasRoomFor(0) }).toEqual({ queued: 0, pending: 2, room: false });
    queue.settle(first!, null);
    expect({ pending: queue.pending, room: queue.hasRoomFor(0) }).toEqual({ pending: 1, room: true });
  });

  test('count bytes until they are settled', () => {
    const { queue, add } = setUp({ maxBytes: 100 });
    const large = add(1, 60);
    expect([queue.hasRoomFor(40), queue.hasRoomFor(41)]).toEqual([true, false]);
    queue.settle(large, late);
    expect([queue.hasRoomFor(100), queue.hasRoomFor(101)]).toEqual([true, false]);
  });
});

describe('a batch put back', () => {
  test('comes before all others, in its order, without records settled meanwhile', () => {
    const { queue, add, take } = setUp();
    for (const expiresAt of [1, 2, 3]) add(expiresAt);
    const batch = queue.take();
    add(4);
    queue.settle(batch[1]!, late);
    expect(queue.resends).toBe(false);
    queue.putBack(batch);
    expect(queue.resends).toBe(true);
    expect(take()).toEqual([1, 3, 4]);
  });

  test('of settled records only leaves nothing to send again', () => {
    const { queue, add, take } = setUp();
    const first = add(1);
    const batch = queue.take();
    queue.settle(first, late);
    queue.putBack(batch);
    expect([queue.resends, queue.queued, take()]).toEqual([false, 0, []]);
  });
});

describe('at the deadline', () => {
  test('records are rejected wherever they are, and the others stay', () => {
    const { queue, settled, add, take } = setUp();
    add(10);
    queue.take();
    for (const expiresAt of [20, 30, 31]) add(expiresAt);
    expect(queue.nextExpiry()).toBe(10);
    const expired = queue.expire(30, late);
    expect(expired.map(({ expiresAt, sent }) => [expiresAt, sent])).toEqual([
      [10, true],
      [20, false],
      [30, false],
    ]);
    expect(settled).toEqual([10, 20, 30].map((expiresAt) => [expiresAt, late]));
    expect([queue.nextExpiry(), queue.queued, queue.pending]).toEqual([31, 1, 1]);
    expect(take()).toEqual([31]);
  });

  test('nothing happens before it', () => {
    const { queue, settled, add } = setUp();
    add(10);
    expect(queue.expire(9, late)).toEqual([]);
    expect(settled).toEqual([]);
  });

  test('of a batch put back, the record is not sent again', () => {
    const { queue, add, take } = setUp();
    add(10);
    add(20);
    queue.putBack(queue.take());
    queue.expire(10, late);
    expect(take()).toEqual([20]);
  });
});

test('the next expiry is that of the oldest record that is not settled, in whatever order the others were', () => {
  const { queue, add } = setUp();
  const [first, second] = [add(1), add(2), add(3)];
  queue.take();
  queue.settle(second, null);
  expect(queue.nextExpiry()).toBe(1);
  queue.settle(first, null);
  expect(queue.nextExpiry()).toBe(3);
});

test('a record is settled once: an acknowledgement after the deadline changes nothing', () => {
  const { queue, settled, add } = setUp();
  const pending = add(10);
  queue.take();
  queue.expire(10, late);
  queue.settle(pending, null);
  expect(settled).toEqual([[10, late]]);
  expect([queue.pending, queue.nextExpiry()]).toEqual([0, null]);
});

test('the size of a record counts its key, its value and its headers in bytes', () => {
  expect(bytesOf({ topic: 't', key: 'é', value: Buffer.alloc(5), headers: { ab: 'cd', e: Buffer.alloc(7) } })).toBe(2 + 5 + 4 + 8);
  expect(bytesOf({ topic: 't', key: null, value: null, headers: {} })).toBe(0);
});

test('a record with a part that is neither text nor bytes has no size', () => {
  const broken = [
    { ...record, headers: { name: undefined } },
    { ...record, key: 7 },
    { ...record, value: 'text' },
  ];
  expect(broken.map((one) => bytesOf(one as unknown as OutgoingRecord))).toEqual([null, null, null]);
});
