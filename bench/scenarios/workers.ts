import { runBacklog } from '../backlog-run.ts';
import type { Scenario } from '../scenario.ts';
import { measureAlone } from '../stub-system.ts';

/** As what so many workers are measured where Notion takes so long for a call. */
export const nameOfWorkers = (workers: number, callMs: number) =>
  `${workers === 1 ? '1 sync-worker' : `${workers} sync-workers`}, ${callMs} ms a call`;

/** By what Notion takes for a call, ms. Where a worker has 512 of them for two seconds, a few thousand are a few rounds, and how the last one is filled would decide. */
export const eventsByCallMs: ReadonlyMap<number, number> = new Map([
  [200, 4_000],
  [1_000, 8_000],
]);

/**
 * More workers where Notion is slow: what a worker does is to wait, for 512 databases at a time (half of that for tenants of which it does nothing else, so there are more
 * tenants than two workers have room for). Also where it is so slow that two workers, MongoDB, the log and the
 * load together do not use up two cores.
 */
export const workers: Scenario = {
  name: 'workers',
  title:
    '4,000 events at once (8,000 where a call takes a second) on as many databases of 1,200 workspaces, by workers and what Notion takes for a call',
  figures: [
    { name: 'documents', unit: '/s' },
    { name: 'CPU', unit: 'µs' },
  ],
  targets: [{ figure: 'documents', of: nameOfWorkers(2, 200), against: nameOfWorkers(1, 200), bound: 'at least', value: 1.9 }],
  plots: [{ kind: 'bars', figure: 'documents' }],
  startsAnew: true,
  prepare: async (stack, quick) => ({
    contenders: [...eventsByCallMs].slice(0, quick ? 1 : undefined).flatMap(([callMs, events]) =>
      [1, 2].map((count) => ({
        name: nameOfWorkers(count, callMs),
        measure: () =>
          measureAlone(stack, 'workers', { callMs: quick ? 20 : callMs, quick, ...(!quick && { tenants: 1_200 }) }, (bench) =>
            runBacklog(bench, { documents: quick ? 200 : events, workers: count }),
          ),
      })),
    ),
    end: async () => {},
  }),
};
