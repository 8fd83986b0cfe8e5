import { expect, test } from 'vitest';
import { measureScenario } from './runner.ts';
import type { Contender } from './scenario.ts';
import { median, percentile } from './statistics.ts';

const calls: string[] = [];
function contender(name: string, values: readonly number[]): Contender {
  let next = 0;
  return {
    name,
    async measure() {
      calls.push(name);
      const value = values[next] ?? Number.NaN;
      next += 1;
      return { speed: value };
    },
  };
}

test('the warm-up does not count, rounds alternate, and ratios are within one round', async () => {
  const scenario = {
    name: 's',
    title: 'S',
    targets: [
      { figure: 'speed', of: 'a', against: 'b', bound: 'at least', value: 2 },
      { figure: 'speed', of: 'a', against: null, bound: 'at most', value: 10 },
    ],
  } as const;
  const contenders = [contender('a', [1_000, 4, 40, 12]), contender('b', [1, 2, 10, 6])];
  const result = await measureScenario(scenario, { contenders }, { rounds: 3, warmUp: true }, () => {});
  expect(calls.join('')).toBe('ababbaab');
  expect(result.contenders[0]?.figures['speed']).toEqual({ median: 12, min: 4, max: 40, values: [4, 40, 12] });
  // 2, 4 and 2: the machine was ten times as fast in the second round, for both.
  expect(result.targets).toMatchObject([
    { measured: { median: 2, min: 2, max: 4 }, reached: true },
    { measured: { median: 12 }, reached: false },
  ]);
});

test('the median of an even number of values lies between the two in the middle', () => {
  expect([median([3, 1]), median([9, 1, 5]), median([])]).toEqual([2, 5, Number.NaN]);
});

test('a percentile is a value that was measured', () => {
  const values = Array.from({ length: 200 }, (_, n) => 200 - n);
  expect([percentile(values, 50), percentile(values, 99), percentile([7], 99)]).toEqual([100, 198, 7]);
});
