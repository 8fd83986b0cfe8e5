import Denque from 'denque';
import { describe, expect, test } from 'vitest';
import { remedyFor, shouldLinger, takeBatch, type Sendable } from './publish-batch.ts';

const sendable = (name: string, { topic = 'events', bytes = 100, alone = false } = {}) => ({ name, record: { topic }, bytes, alone });
const takeAll = (...waiting: (Sendable & { readonly name: string })[]) => {
  const queue = new Denque(waiting);
  const batches: string[] = [];
  while (queue.length > 0) {
    batches.push(
      takeBatch(queue)
        .map(({ name }) => name)
        .join(' '),
    );
  }
  return batches;
};

describe('a batch', () => {
  test('holds the records of one topic, in their order', () => {
    const deadLetter = sendable('c', { topic: 'dead-letters' });
    expect(takeAll(sendable('a'), sendable('b'), deadLetter, sendable('d'))).toEqual(['a b', 'c', 'd']);
  });

  test('holds at most 512 KiB, unless one record alone is larger', () => {
    const half = { bytes: 256 * 1024 };
    expect(takeAll(sendable('a', half), sendable('b', half), sendable('c'), sendable('d', { bytes: 1_000_000 }))).toEqual([
      'a b',
      'c',
      'd',
    ]);
  });

  test('holds at most 1,000 records', () => {
    expect(takeAll(...Array.from({ length: 1_001 }, () => sendable('a'))).map((names) => names.split(' ').length)).toEqual([1_000, 1]);
  });

  test('holds one record whose batch was refused, and nothing else', () => {
    expect(takeAll(sendable('a', { alone: true }), sendable('b', { alone: true }), sendable('c'))).toEqual(['a', 'b', 'c']);
    expect(takeAll(sendable('a'), sendable('b', { alone: true }))).toEqual(['a', 'b']);
  });

  test('of an empty queue is empty', () => {
    expect(takeBatch(new Denque())).toEqual([]);
  });
});

test.each([
  ['no wait after a batch of one', { size: 1, endedAt: 1_000 }, 0, false],
  ['a wait while fewer are queued than were sent a moment ago', { size: 50, endedAt: 1_000 }, 49, true],
  ['no wait when as many are queued', { size: 50, endedAt: 1_000 }, 50, false],
  ['no wait when the last batch is 10 ms old', { size: 50, endedAt: 999 }, 0, false],
])('%s', (_, last, queued, expected) => {
  expect(shouldLinger(last, queued, 1_009)).toBe(expected);
});

test('a failed batch is sent again, unless the broker refuses it: then its records one by one, so that only the cause is rejected', () => {
  const refusal = Object.assign(new Error('too large'), { type: 'MESSAGE_TOO_LARGE' });
  expect(remedyFor(new Error('no connection'), 1)).toEqual({ kind: 'resend' });
  expect(remedyFor(new Error('no connection'), 2)).toEqual({ kind: 'resend' });
  expect(remedyFor(refusal, 2)).toEqual({ kind: 'split' });
  expect(remedyFor(new Error('failed', { cause: refusal }), 1)).toEqual({ kind: 'reject', reason: 'MESSAGE_TOO_LARGE: too large' });
});
