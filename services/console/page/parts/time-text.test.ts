import { expect, test } from 'vitest';
import { ageText, durationText, instantText } from './time-text.ts';

test.each([
  [0.4, '0 ms'],
  [999, '999 ms'],
  [2_400, '2.4 s'],
  [59_999, '59 s'],
  [3_600_000, '1 h'],
  [200_000_000, '2 d'],
  [null, '–'],
])('a duration of %s ms is %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

test('an age has a direction', () => {
  expect(ageText(12_000)).toBe('12 s ago');
  expect(ageText(-12_000)).toBe('in 12 s');
  expect(ageText(300)).toBe('now');
});

test('a time of another day has its date', () => {
  const now = new Date('2026-11-30T12:00:00Z');
  expect(instantText(new Date('2026-11-30T10:41:07Z'), now, true)).toBe('10:41:07 UTC');
  expect(instantText(new Date('2026-11-29T10:41:07Z'), now, true)).toBe('2026-11-29 10:41:07 UTC');
  expect(instantText(new Date('nonsense'), now, true)).toBe('unknown');
});
