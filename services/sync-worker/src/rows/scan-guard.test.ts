import { expect, test } from 'vitest';
import { needsOperator } from './scan-guard.ts';

test.each([
  [20, 20, false],
  [21, 105, false],
  [21, 104, true],
  [10_000, 1_000_000, false],
  [10_001, 1_000_000, true],
])('%i unreadable rows of %i need an operator: %s', (unreadable, held, expected) => {
  expect(needsOperator(unreadable, held)).toBe(expected);
});
