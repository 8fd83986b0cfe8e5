import { expect, test } from 'vitest';
import { nextFullScanAt } from './scan-schedule.ts';

const hour = 3_600_000;
const startedAt = new Date('2026-11-30T12:00:00.000Z');

test('the next scan of all rows is due within the interval, and the data sources of a tenant are spread over its last fifth', () => {
  const hours = Array.from({ length: 200 }, (_, index) => {
    const at = nextFullScanAt({ workspaceId: 'acme', dataSourceId: `s${index}` }, startedAt, 24 * hour);
    return (at.getTime() - startedAt.getTime()) / hour;
  });
  expect(Math.max(...hours)).toBeLessThanOrEqual(24);
  expect(Math.min(...hours)).toBeGreaterThanOrEqual(19.2);
  expect(Math.max(...hours) - Math.min(...hours)).toBeGreaterThan(4);
});

test('it depends on nothing but the ids and the start', () => {
  const ref = { workspaceId: 'acme', dataSourceId: 's1' };
  expect(nextFullScanAt(ref, startedAt, hour)).toEqual(nextFullScanAt(ref, startedAt, hour));
});
