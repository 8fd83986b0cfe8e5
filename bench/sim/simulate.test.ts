import { expect, test } from 'vitest';
import { mainThreadShare, type Calibration } from './calibration.ts';
import { latencyOf, simulate as simulateWith, type Arrival, type World } from './simulate.ts';

const calibration: Calibration = {
  cores: 2,
  cpu: { load: 181, ingress: 202, broker: 162, worker: 840, newDatabase: 1_400, mongod: 296, notion: 100 },
  wakeUp: { load: 100, ingress: 700, broker: 600, worker: 500, mongod: 400, notion: 300 },
  sleepsAfterMs: 1,
  appendMs: 2,
  writeMs: 2,
};

const simulate = (world: World) => simulateWith(world, calibration);

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
  const [latency] = simulate({ arrivals: many(1, () => ({})), callMs: 20, cores: 8 }).latencies;
  const { cpu, wakeUp, appendMs, writeMs } = calibration;
  const ofOthers = cpu.load + (mainThreadShare * cpu.ingress) / 2 + (2 / 3) * cpu.broker + cpu.mongod / 2 + 2 * cpu.notion;
  const wakeUps = wakeUp.load + wakeUp.ingress + 2 * wakeUp.broker + 2 * wakeUp.worker + 2 * wakeUp.mongod + wakeUp.notion;
  const work = ofOthers + (3 / 5) * mainThreadShare * cpu.worker + wakeUps;
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
