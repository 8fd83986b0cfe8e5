import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { readResults } from '../results.ts';
import { calibrationFrom } from './calibration.ts';
import { checksOf, checkTable, type Check } from './checks.ts';
import { withTables } from './scaling-page.ts';
import { calibrationTable, sizesTable } from './sizes.ts';

const page = 'before\n\n<!-- table: a -->\nold\n<!-- /table -->\n\nafter\n';

test('a table takes the place of the one before, again and again', () => {
  const filled = withTables(page, new Map([['a', '| new |']]));
  expect(filled).toBe('before\n\n<!-- table: a -->\n\n| new |\n\n<!-- /table -->\n\nafter\n');
  expect(withTables(filled, new Map([['a', '| new |']]))).toBe(filled);
});

test('a table that the page asks for and nobody made, or that nobody asks for, is an error', () => {
  expect(() => withTables(page, new Map())).toThrow('there is no table "a"');
  expect(() =>
    withTables(
      page,
      new Map([
        ['a', ''],
        ['b', ''],
      ]),
    ),
  ).toThrow('leaves out b');
});

describe('docs/scaling.md', () => {
  const results = readResults('docs/performance/results.json');
  const calibration = calibrationFrom(results);
  const published = readFileSync('docs/scaling.md', 'utf8');
  let checks: readonly Check[];
  beforeAll(() => {
    checks = checksOf(results, calibration);
  }, 30_000);

  test('is of the figures that docs/performance.md shows (to make it anew: npm run bench:sim -- --write docs)', () => {
    expect(published).toContain(calibrationTable(calibration));
    expect(published).toContain(sizesTable(calibration));
    expect(published).toContain(checkTable(checks));
  });

  test('shows a simulation that is within 20 % of each figure that was measured', () => {
    expect(checks.map(({ figure }) => figure)).toContain('50 events a second: p50, ms');
    expect(checks.filter(({ simulated, measured }) => Math.abs(simulated / measured - 1) > 0.2)).toEqual([]);
  });
});
