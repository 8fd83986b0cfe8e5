import { residentMegabytesOf } from '../process-cost.ts';
import type { Scenario } from '../scenario.ts';
import { measureAlone } from '../stub-system.ts';
import { announceTables, switchRowsOn, untilComplete, untilRows, withRows } from '../tables.ts';

const rows = 1_000_000;
const fewRows = 2_000;
const patienceMs = 3_600_000;
const sampledEveryMs = 1_000;

/** Whether what a worker holds grows with a table. */
export const rowMemory: Scenario = {
  name: 'row-memory',
  title: `Memory of a sync-worker during the backfill of ${rows.toLocaleString('en')} rows, Notion at 0 ms a call`,
  figures: [
    { name: 'after a tenth', unit: 'MB' },
    { name: 'after half', unit: 'MB' },
    { name: 'at the end', unit: 'MB' },
    { name: 'highest', unit: 'MB' },
  ],
  targets: [{ figure: 'highest', of: 'sync-worker', against: null, bound: 'at most', value: 300 }],
  startsOwnSystems: true,
  prepare: async (stack, quick) => ({
    contenders: [
      {
        name: 'sync-worker',
        measure: () =>
          measureAlone(stack, 'row-memory', { tenants: 1, variables: withRows }, async (bench) => {
            const { system, customers } = bench;
            const count = quick ? fewRows : rows;
            await switchRowsOn(system);
            const tables = await announceTables(bench, customers, count);
            const worker = await system.start('sync-worker');
            const memory = () => residentMegabytesOf(worker.pid);
            let highest = 0;
            const sampling = setInterval(() => (highest = Math.max(highest, memory())), sampledEveryMs);
            try {
              await untilRows(system, count / 10, patienceMs);
              const afterTenth = memory();
              await untilRows(system, count / 2, patienceMs);
              const afterHalf = memory();
              await untilComplete(system, tables, patienceMs);
              const atEnd = memory();
              return { 'after a tenth': afterTenth, 'after half': afterHalf, 'at the end': atEnd, highest: Math.max(highest, atEnd) };
            } finally {
              clearInterval(sampling);
            }
          }),
      },
    ],
    end: async () => {},
  }),
};
