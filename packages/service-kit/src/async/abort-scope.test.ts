import { getEventListeners } from 'node:events';
import { expect, test, vi } from 'vitest';
import { abortScope, onAbort, unlessAborted } from './abort-scope.ts';

test('a listener is called once, and not after its disposal', () => {
  const controller = new AbortController();
  const called = vi.fn<(name: string) => void>();
  using _first = onAbort(controller.signal, () => called('first'));
  const second = onAbort(controller.signal, () => called('second'));
  using _third = onAbort(controller.signal, () => called('third'));
  second[Symbol.dispose]();
  controller.abort();
  controller.abort();
  expect(called.mock.calls).toEqual([['first'], ['third']]);
});

test('a listener on an aborted signal is called at once', () => {
  const called = vi.fn<() => void>();
  using _late = onAbort(AbortSignal.abort(), called);
  expect(called).toHaveBeenCalledOnce();
});

test('a listener can dispose of another one', () => {
  const controller = new AbortController();
  const called = vi.fn<() => void>();
  using _first = onAbort(controller.signal, () => other[Symbol.dispose]());
  const other = onAbort(controller.signal, called);
  controller.abort();
  expect(called).not.toHaveBeenCalled();
});

test('a scope aborts by itself or with the outer one, and not after its disposal', () => {
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

test('shared work goes on for other callers when one is aborted', async () => {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<string>();
  const stopped = unlessAborted(promise, controller.signal);
  const other = unlessAborted(promise, new AbortController().signal);
  controller.abort();
  expect(await stopped).toBeNull();
  resolve('done');
  expect(await other).toBe('done');
});

test('a thousand listeners are one listener of the signal: with more, adding or removing one scanned them all', () => {
  const controller = new AbortController();
  const listening = Array.from({ length: 1_000 }, () => onAbort(controller.signal, () => {}));
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
  for (const each of listening) each[Symbol.dispose]();
});
