import { expect, test } from 'vitest';
import { sparkPoints, sparkSentence } from './spark-points.ts';

const text = (value: number) => `${value} ms`;

test('a line goes from the first minute to the last, and has a gap where nothing is known', () => {
  expect(sparkPoints([0, 5, null, 10], 120, 24)).toEqual(['0,23 40,12', '120,1 120,1']);
  expect(sparkPoints([0, 0], 120, 24)).toEqual(['0,23 120,23']);
  expect(sparkPoints([null, null], 120, 24)).toEqual([]);
});

test('a reader hears the range and the last value', () => {
  expect(sparkSentence('p50', [3, null, 9, 4], text)).toBe('p50 in the last hour: 3 ms at least, 9 ms at most, last 4 ms.');
  expect(sparkSentence('p50', [null], text)).toBe('p50 in the last hour: not known yet.');
});
