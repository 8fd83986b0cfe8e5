import { expect, test } from 'vitest';
import { calibration } from './calibration.ts';
import { latencyOf, simulate, type Arrival } from './simulate.ts';

const many = (count: number, of: (n: number) => Partial<Arrival>): Arrival[] =>
  Array.from({ length: count }, (_, n) => ({ at: 0, workspace: 0, database: n, known: true, ...of(n) }));

test('every event is answered, and those that wait for the same database by one fetch', () => {
  const { latencies, fetches } = simulate({ arrivals: many(1_000, () => ({ database: 1 })), callMs: 20 });
  expect(latencies.every((latency) => latency > 20)).toBe(true);
  expect(fetches).toBeLessThan(100);
});

test('a budget of calls is never exceeded: 90 documents a minute at 180 calls', () => {
  const { latencies } = simulate({ arrivals: many(1_000, () => ({})), callMs: 20, end: 59_000 });
  expect(latencies.filter(Number.isFinite)).toHaveLength(90);
});

test('a lane does four things at a time', () => {
  const { perSecond } = simulate({ arrivals: many(80, () => ({})), callMs: 1_000, callsPerMinute: 100_000 });
  expect(perSecond).toBeLessThan(4);
  expect(perSecond).toBeGreaterThan(3.5);
});

test('a lone event takes the call and the work of all who wake up for it', () => {
  const [latency] = simulate({ arrivals: many(1, () => ({})), callMs: 20 }).latencies;
  const { cpu, wakeUp, appendMs, writeMs } = calibration;
  const work = cpu.load + cpu.ingress + cpu.broker + (2 / 3) * cpu.worker + cpu.mongod + 2 * cpu.notion + 7 * wakeUp;
  expect(latency).toBeCloseTo(20 + appendMs + writeMs + work / 1_000, 3);
});

test('nothing is faster than the cores: documents a second are bound by the work of a document', () => {
  const arrivals = many(3_000, (n) => ({ workspace: n % 300 }));
  const { perSecond, load } = simulate({ arrivals, callMs: 1, callsPerMinute: 100_000 });
  const { cpu } = calibration;
  const perDocument = cpu.load + cpu.ingress + cpu.broker + cpu.worker + cpu.mongod + 2 * cpu.notion;
  expect(perSecond).toBeLessThanOrEqual((calibration.cores * 1e6) / perDocument);
  expect(Object.values(load).reduce((sum, share) => sum + share, 0)).toBeLessThanOrEqual(calibration.cores + 1e-9);
});

test('quiet tenants do not wait for one that has used up its budget', () => {
  const hot = many(2_000, (n) => ({ database: n }));
  const quiet = many(100, (n) => ({ at: 5_000 + n * 50, workspace: 1 + n, known: true }));
  const { latencies } = simulate({ arrivals: [...hot, ...quiet], callMs: 20, end: 20_000 });
  expect(latencyOf(latencies.slice(hot.length), 99)).toBeLessThan(60);
});
