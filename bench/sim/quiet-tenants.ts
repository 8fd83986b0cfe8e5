import type { Calibration } from './calibration.ts';
import { latencyOf, simulate } from './simulate.ts';
import { besideBulkChange, skewed, type Neighbourhood } from './worlds.ts';

/** What quiet tenants feel of something, ms until the document. */
export interface Curve {
  readonly name: string;
  readonly title: string;
  readonly xLabel: string;
  /** The values of x are far apart. */
  readonly isSpread: boolean;
  readonly points: readonly { readonly x: number; readonly p50: number; readonly p99: number; readonly slowest: number }[];
}

const usual = { perSecond: 1_000, workspaces: 100_000, skew: 1, workers: 4, partitions: 24, callsPerMinute: 180 };
const at = '1,000 events a second of 100,000 workspaces, Notion at 200 ms a call';

/** By how unevenly events are spread, by workers, partitions, budget, and by what one workspace changes at once. */
export function quietTenants(calibration: Calibration): readonly Curve[] {
  const pointOf = (x: number, { world, isQuiet }: Neighbourhood) => {
    const { latencies } = simulate(world, calibration);
    const quiet = world.arrivals.flatMap((arrival, index) => (isQuiet(arrival) ? latencies.slice(index, index + 1) : []));
    return { x, p50: latencyOf(quiet, 50), p99: latencyOf(quiet, 99), slowest: latencyOf(quiet, 100) };
  };
  const by = (knob: keyof typeof usual, values: readonly number[]) => values.map((x) => pointOf(x, skewed({ ...usual, [knob]: x })));
  return [
    {
      name: 'skew',
      title: `Quiet tenants, by how unevenly the events are spread (${at})`,
      xLabel: 'skew',
      isSpread: false,
      points: by('skew', [0.5, 0.75, 1, 1.25, 1.5]),
    },
    {
      name: 'workers',
      title: `Quiet tenants, by sync-workers (${at})`,
      xLabel: 'sync-workers',
      isSpread: true,
      points: by('workers', [1, 2, 4, 8]),
    },
    {
      name: 'partitions',
      title: `Quiet tenants, by partitions, 4 sync-workers (${at})`,
      xLabel: 'partitions',
      isSpread: true,
      points: by('partitions', [4, 8, 24, 96]),
    },
    {
      name: 'budget',
      title: `Quiet tenants, by calls that Notion allows a connection in a minute (${at})`,
      xLabel: 'calls a minute',
      isSpread: true,
      points: by('callsPerMinute', [10, 60, 180, 600]),
    },
    {
      name: 'bulk-change',
      title:
        'Quiet tenants, by the databases that one workspace changes at once (2,000 quiet workspaces on 24 partitions, 4 sync-workers, Notion at 200 ms a call)',
      xLabel: 'databases changed at once',
      isSpread: true,
      points: [1_000, 10_000, 20_000, 22_000, 25_000].map((databases) => pointOf(databases, besideBulkChange(databases))),
    },
  ];
}
