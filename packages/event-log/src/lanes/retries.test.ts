import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { routingOfThrow, setbackOfThrow } from './retries.ts';

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(1);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const failure = { class: 'unexpected', code: 'TypeError', message: 'a bug' };

test('a handler that throws is called again twice, later each time, and then its records are dead letters', () => {
  const error = new TypeError('a bug');
  expect([1, 2, 3].map((throws) => setbackOfThrow(error, throws))).toEqual([
    { kind: 'retry', at: Date.now() + 1_000, scope: 'task', failure },
    { kind: 'retry', at: Date.now() + 2_000, scope: 'task', failure },
    { kind: 'dead', failure },
  ]);
});

test('a route that throws is called again twice, and then its record is a dead letter', () => {
  const error = new TypeError('a bug');
  expect([1, 2, 3].map((attempts) => routingOfThrow(error, attempts).kind)).toEqual(['retry', 'retry', 'dead']);
  expect(routingOfThrow(error, 3)).toEqual({ kind: 'dead', failure });
});

test('a thrown value that is no error is named by its type', () => {
  expect(routingOfThrow('text', 1)).toMatchObject({ failure: { class: 'unexpected', code: 'string', message: 'text' } });
});
