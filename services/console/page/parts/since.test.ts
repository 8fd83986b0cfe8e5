import { expect, test } from 'vitest';
import { absoluteTime } from './since.ts';

const now = new Date('2026-11-30T12:00:00Z');

test.each([
  ['90m', '2026-11-30T10:30:00.000Z'],
  ['2h', '2026-11-30T10:00:00.000Z'],
  [' 3d ', '2026-11-27T12:00:00.000Z'],
  ['2026-11-30T10:00:00Z', '2026-11-30T10:00:00Z'],
  ['yesterday', 'yesterday'],
  ['', ''],
])('%j is %j', (text, time) => {
  expect(absoluteTime(text, now)).toBe(time);
});
