import { getEventListeners } from 'node:events';
import { expect, test, vi } from 'vitest';
import { abortScope, onAbort, unlessAborted } from './abort-scope.ts';

test('whoever listens is told once, unless it listens no more', () => {
  const controller = new AbortController();
  const told = vi.fn<(name: string) => void>();
  using _first = onAbort(controller.signal, () => told('first'));
  const second = onAbort(controller.signal, () => told('second'));
  using _third = onAbort(controller.signal, () => told('third'));
  second[Symbol.dispose]();
  controller.abort();
  controller.abort();
  expect(told.mock.calls).toEqual([['first'], ['third']]);
});

test('who comes when it is over is told at once', () => {
  const told = vi.fn<() => void>();
  using _late = onAbort(AbortSignal.abort(), told);
  expect(told).toHaveBeenCalledOnce();
});

test('who is told can end the listening of another', () => {
  const controller = new AbortController();
  const told = vi.fn<() => void>();
  using _first = onAbort(controller.signal, () => other[Symbol.dispose]());
  const other = onAbort(controller.signal, told);
  controller.abort();
  expect(told).not.toHaveBeenCalled();
});

test('a scope ends by itself or with the one around it, and not once it is left', () => {
  const controller = new AbortController();
  const left = abortScope(controller.signal);
  left[Symbol.dispose]();
  using ended = abortScope(controller.signal);
  using inner = abortScope(ended.signal);
  using other = abortScope(controller.signal);
  ended.abort();
  expect([inner.signal.aborted, other.signal.aborted]).toEqual([true, false]);
  controller.abort();
  expect([other.signal.aborted, left.signal.aborted]).toEqual([true, false]);
});

test('what others share goes on when one of them is stopped', async () => {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<string>();
  const stopped = unlessAborted(promise, controller.signal);
  const other = unlessAborted(promise, new AbortController().signal);
  controller.abort();
  expect(await stopped).toBeNull();
  resolve('done');
  expect(await other).toBe('done');
});

test('a thousand who listen are one listener of the signal: with more, each that came or went cost a look at all of them', () => {
  const controller = new AbortController();
  const listening = Array.from({ length: 1_000 }, () => onAbort(controller.signal, () => {}));
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
  for (const each of listening) each[Symbol.dispose]();
});
