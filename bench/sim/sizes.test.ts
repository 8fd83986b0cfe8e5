import { expect, test } from 'vitest';
import { assumptions, sizeOf, sizesTable } from './sizes.ts';

const cpu = { load: 200, ingress: 200, broker: 200, worker: 800, newDatabase: 1_400, mongod: 300, notion: 100 };

test('100,000 workspaces: rates from 50 events a day each, five times that at the peak', () => {
  const size = sizeOf(100_000, { cpu });
  expect(size.events.average).toBeCloseTo((100_000 * 50) / 86_400);
  expect(size.events.peak).toBeCloseTo(5 * size.events.average);
  expect(size.notionCalls.sweeps).toBeCloseTo((100_000 * 21) / 21_600);
  expect(size.documentBytes).toBe(100_000 * 20 * assumptions.documentBytes);
  // 14 days of 5,000,000 events with 1.3 KB each: more than the mirror.
  expect(size.outcomeBytes / 1e9).toBeCloseTo(91);
  // 30 days, not 7.
  expect(size.logBytes / 1e9).toBeCloseTo(30 * 5e6 * 1_100 * 3 * 1e-9);
});

test('sweeps, not events, decide how many workers a million workspaces need: each sweeps eight tenants at a time, 21 calls of 200 ms', () => {
  const { workers } = sizeOf(1_000_000, { cpu });
  expect(workers.forSweeps).toBe(Math.ceil((1_000_000 / 21_600) * 4.2 * 2 * (1 / 8)));
  expect(workers.all).toBe(workers.forSweeps);
  expect(workers.forEvents).toBeLessThan(workers.forSweeps);
});

test('a token that is kept for five minutes carries some 21,500 workspaces at 2,000 calls to Nango a minute', () => {
  expect(sizeOf(21_000, { cpu }).nangoCallsAMinute).toBeLessThan(2_000);
  expect(sizeOf(22_000, { cpu }).nangoCallsAMinute).toBeGreaterThan(2_000);
  expect(sizesTable({ cpu })).toContain('**9,300**');
});
