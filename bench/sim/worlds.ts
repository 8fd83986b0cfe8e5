import type { Arrival, World } from './simulate.ts';

/** The same numbers from the same seed, evenly from 0 to 1 (mulberry32). */
export function random(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** As bench-system.ts sets it, and no budget that is felt. */
const partitions = 12;
const unlimited = { partitions, callsPerMinute: 100_000 };

/** New databases, so that the data source is asked for after the container, all of them on the log at once. */
function backlog(databases: number, workspaces: number): Pick<World, 'arrivals' | 'onLog'> {
  const arrivals = Array.from({ length: databases }, (_, n) => ({ at: 0, workspace: n % workspaces, database: n, known: false }));
  return { arrivals, onLog: true };
}

/** Scenarios of the benchmark, as far as they are about the way of events. */
export const worlds = {
  /** `event-to-document`. */
  light: (): World => ({
    arrivals: Array.from({ length: 1_000 }, (_, n) => ({ at: n * 20, workspace: n % 50, database: n % 50, known: true })),
    callMs: 20,
    ...unlimited,
  }),
  /** `burst-5000`: 64 connections, so no more than that come at a time; here all at once, which only moves the wait. */
  burst: (): World => ({
    arrivals: Array.from({ length: 5_000 }, (_, n) => ({ at: 0, workspace: n % 200, database: n, known: true })),
    callMs: 20,
    ...unlimited,
  }),
  /** `workers`. */
  workers: (workers: number, callMs: number, events: number): World => ({ ...backlog(events, 1_200), callMs, workers, ...unlimited }),
  /** `worker-writes`. */
  writes: (): World => ({ ...backlog(10_000, 200), callMs: 0, ...unlimited }),
  /** `hot-workspace`: the hot one is workspace 0. */
  hotWorkspace: (isHot: boolean): World => {
    const hot = isHot
      ? Array.from({ length: 10_000 }, (_, n): Arrival => ({ at: n * 0.25, workspace: 0, database: n % 1_000, known: false }))
      : [];
    const quiet = Array.from({ length: 500 }, (_, n): Arrival => ({
      at: 4_000 + n * 50,
      workspace: 1 + (n % 100),
      database: 10_000 + n,
      known: false,
    }));
    return { arrivals: [...hot, ...quiet], callMs: 20, partitions, end: 60_000 };
  },
} as const;

/** A world, and whose latencies count in it. */
export interface Neighbourhood {
  readonly world: World;
  readonly isQuiet: (arrival: Arrival) => boolean;
}

const callMs = 200;
const cores = 64;
const ingresses = 4;
const quietPerSecond = 0.2;

/**
 * So many events a second for half a minute over workspaces of which the n-th has a share like 1 / n^skew, on machines with enough cores. Notion takes 200 ms a
 * call. Which workspaces are quiet: those with less than an event in five seconds.
 */
export function skewed(of: {
  readonly perSecond: number;
  readonly workspaces: number;
  readonly skew: number;
  readonly workers: number;
  readonly partitions: number;
  readonly callsPerMinute: number;
}): Neighbourhood {
  const next = random(1);
  const weights = Array.from({ length: of.workspaces }, (_, n) => 1 / (n + 1) ** of.skew);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const sums: number[] = [];
  for (const weight of weights) sums.push((sums.at(-1) ?? 0) + weight / total);
  const pick = () => {
    const value = next();
    let [from, to] = [0, sums.length - 1];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((sums[middle] ?? 1) < value) from = middle + 1;
      else to = middle;
    }
    return from;
  };
  const seconds = 30;
  const arrivals: Arrival[] = [];
  for (let at = 0; at < seconds * 1_000; at += -Math.log(1 - next()) * (1_000 / of.perSecond)) {
    const workspace = pick();
    arrivals.push({ at, workspace, database: workspace * 1_000 + Math.floor(next() * 100), known: true });
  }
  return {
    world: { arrivals, callMs, cores, ingresses, workers: of.workers, partitions: of.partitions, callsPerMinute: of.callsPerMinute },
    isQuiet: ({ workspace }) => ((weights[workspace] ?? 0) / total) * of.perSecond < quietPerSecond,
  };
}

/** One workspace changes so many databases, 500 a second, all of which must be fetched; 2,000 quiet ones have 100 events a second in the minute after it. */
export function besideBulkChange(databases: number): Neighbourhood {
  const quiet = 2_000;
  const seconds = 60;
  const spacingMs = 2;
  const hot = Array.from({ length: databases }, (_, n): Arrival => ({ at: n * spacingMs, workspace: 0, database: n, known: true }));
  const others = Array.from({ length: seconds * 100 }, (_, n): Arrival => ({
    at: databases * spacingMs + n * 10,
    workspace: 1 + (n % quiet),
    database: databases + n,
    known: true,
  }));
  return { world: { arrivals: [...hot, ...others], callMs, cores, ingresses, workers: 4 }, isQuiet: ({ workspace }) => workspace !== 0 };
}
