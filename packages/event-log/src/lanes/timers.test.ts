import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createTimers } from './timers.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a sleep ends when its time has passed', async () => {
  const ended: [number, boolean][] = [];
  const timers = createTimers();
  for (const ms of [20, 10, -5]) void timers.sleep(ms).then((elapsed) => ended.push([ms, elapsed]));
  await vi.advanceTimersByTimeAsync(10);
  expect(ended).toEqual([
    [-5, true],
    [10, true],
  ]);
  await vi.advanceTimersByTimeAsync(10);
  expect(ended.at(-1)).toEqual([20, true]);
});

test('a stop ends every sleep at once, and later ones too, and leaves no timer', async () => {
  const timers = createTimers();
  const sleeping = Promise.all([timers.sleep(1_000), timers.sleep(2_000)]);
  timers.stop();
  expect(await sleeping).toEqual([false, false]);
  expect(await timers.sleep(1_000)).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});

// setTimeout fires at once when it cannot count so far.
test('a wait of more than 24 days does not end at once', async () => {
  const ended = vi.fn<() => void>();
  const timers = createTimers();
  void timers.sleep(2 ** 33).then(ended);
  await vi.advanceTimersByTimeAsync(24 * 86_400_000);
  expect(ended).not.toHaveBeenCalled();
  timers.stop();
});
