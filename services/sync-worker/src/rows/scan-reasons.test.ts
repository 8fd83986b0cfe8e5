import { expect, test } from 'vitest';
import { whyIncomplete } from './scan-reasons.ts';

const source = { dataSourceId: 's1', held: 100 };
const fine = { unreadable: new Set<string>(), failed: new Map<string, string>(), mayRemove: () => true };
const minute = (index: number) =>
  ({ partition: index % 2 === 0 ? 'live' : 'archived', minute: Date.parse('2026-11-30T12:00Z') + index * 60_000, atLeast: 9 }) as const;

test('a scan that knows all rows needs no reason', () => {
  expect(whyIncomplete([], fine, source)).toBeNull();
});

test('an operator learns what is missing, which rows, and what to do', () => {
  const failed = new Map([['p1', 'too large']]);
  const unreadable = new Set(Array.from({ length: 30 }, (_, index) => `p${index}`));
  expect(whyIncomplete([minute(0), minute(1)], { unreadable, failed, mayRemove: () => false }, source)).toBe(
    'at least 30 of 100 rows answer 404 to every connection, and nothing was removed because of that: share them with the integration again, or accept their ' +
      'removal (mirror rows scan s1 --accept-removals); a row was not written: p1 (too large); more rows were created in one minute than Notion returns; some are ' +
      'unknown: 2026-11-30T12:00Z, 2026-11-30T12:01Z (archived)',
  );
});

test('a reason names only the first', () => {
  const failed = new Map(Array.from({ length: 7 }, (_, index) => [`p${index}`, 'x']));
  const minutes = Array.from({ length: 6 }, (_, index) => minute(2 * index));
  expect(whyIncomplete(minutes, { ...fine, failed }, source)).toMatch(
    /^7 rows were not written: p0 .*p4 \(x\), and 2 more; .*12:08Z, and 1 more$/,
  );
});
