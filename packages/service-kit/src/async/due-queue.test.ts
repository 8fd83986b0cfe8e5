import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDueQueue } from './due-queue.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function queueOf(most = 100) {
  const due: string[] = [];
  return { due, queue: createDueQueue<string>({ delayMs: 1_000, most, onDue: (value) => due.push(value), now: Date.now }) };
}

test('each value is due after the delay, and a replaced one from then on', () => {
  const { due, queue } = queueOf();
  queue.add('a', 'a1');
  vi.advanceTimersByTime(400);
  queue.add('b', 'b1');
  queue.add('a', 'a2');
  expect([queue.get('a'), queue.get('c')]).toEqual(['a2', undefined]);
  vi.advanceTimersByTime(999);
  expect(due).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(due).toEqual(['b1', 'a2']);
  expect(queue.get('a')).toBeUndefined();
});

test('a value that is added when another one is due waits its own time', () => {
  const due: string[] = [];
  const queue = createDueQueue<string>({
    delayMs: 1_000,
    most: 100,
    onDue(value) {
      due.push(value);
      if (due.length === 1) queue.add('a', 'again');
    },
    now: Date.now,
  });
  queue.add('a', 'once');
  vi.advanceTimersByTime(1_999);
  expect(due).toEqual(['once']);
  vi.advanceTimersByTime(1);
  expect(due).toEqual(['once', 'again']);
});

test('beyond its size, the oldest is due at once', () => {
  const { due, queue } = queueOf(2);
  for (const key of ['a', 'b', 'c']) queue.add(key, key);
  expect(due).toEqual(['a']);
});

test('a drained queue has nothing due, and sets no timer', () => {
  const { due, queue } = queueOf();
  queue.add('a', 'a1');
  queue.add('b', 'b1');
  expect(queue.drain()).toEqual(['a1', 'b1']);
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(2_000);
  expect(due).toEqual([]);
});
