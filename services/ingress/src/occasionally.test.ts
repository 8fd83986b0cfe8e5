import { expect, test } from 'vitest';
import { occasionally } from './occasionally.ts';

test('acts once per interval and passes the number of skipped calls', () => {
  let now = 0;
  const acted: number[] = [];
  const log = occasionally(1000, () => now);
  for (now of [0, 1, 2, 999, 1000, 1500, 5000]) log((skipped) => acted.push(skipped));
  expect(acted).toEqual([0, 3, 1]);
});
