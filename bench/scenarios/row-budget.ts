import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import type { Scenario } from '../scenario.ts';
import { metricOf } from '../service-metrics.ts';
import { measureAlone } from '../stub-system.ts';
import { announceTables, switchRowsOn, withRows } from '../tables.ts';

const perMinute = 180;
/** With `quick`: the calls of one window come at once. */
const fewPerMinute = 20;
const rows = 30_000;
/** Two windows, not the first call of the third. */
const seconds = 119;
const windowSeconds = 60;
const patienceMs = 60_000;

/** Whether a scan uses the part of the budget that is not reserved for events, when there are none. */
export const rowBudget: Scenario = {
  name: 'row-budget',
  title: `A backfill with a budget of ${perMinute} calls a minute, of which half is for scans, over two minutes`,
  figures: [
    { name: 'queries', unit: 'in all' },
    { name: 'of what half the budget allows', unit: '%' },
  ],
  targets: [{ figure: 'of what half the budget allows', of: 'sync-worker', against: null, bound: 'at least', value: 95 }],
  startsOwnSystems: true,
  prepare: async (stack, quick) => {
    const budget = quick ? fewPerMinute : perMinute;
    const variables = { ...withRows, MIRROR_NOTION_REQUESTS_PER_MINUTE: String(budget) };
    return {
      contenders: [
        {
          name: 'sync-worker',
          measure: () =>
            measureAlone(stack, 'row-budget', { tenants: 1, variables }, async (bench) => {
              const { system, customers } = bench;
              await switchRowsOn(system);
              await announceTables(bench, customers, rows);
              const worker = await system.start('sync-worker');
              const queries = () => metricOf(worker, 'notion_mirror_notion_requests_total', 'endpoint="dataSources.query"');
              await waitUntil('the first query', async () => (await queries()) > 0, { timeoutMs: patienceMs });
              const measured = quick ? 3 : seconds;
              await delay(measured * 1_000);
              const made = await queries();
              const allowed = Math.ceil(measured / windowSeconds) * (budget / 2);
              return { queries: made, 'of what half the budget allows': (made / allowed) * 100 };
            }),
        },
      ],
      end: async () => {},
    };
  },
};
