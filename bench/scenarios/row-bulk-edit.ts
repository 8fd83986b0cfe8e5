import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import { prepareWithSystem } from '../bench-system.ts';
import type { Scenario } from '../scenario.ts';
import { switchRowsOn, untilComplete, withRows } from '../tables.ts';

const rows = 5_000;
const fewRows = 250;
const patienceMs = 300_000;
const cells = (round: number) => ({ Round: { number: round } });

/** All rows of a table are edited at once, in the emulated Notion, which announces each. */
export const rowBulkEdit: Scenario = {
  name: 'row-bulk-edit',
  title: `A bulk edit of ${rows.toLocaleString('en')} rows of one data source (180 calls a minute, a lag of 10 s), until all are in the mirror`,
  figures: [
    { name: 'calls', unit: 'in all' },
    { name: 'time', unit: 's' },
  ],
  targets: [{ figure: 'calls', of: 'notion-mirror', against: null, bound: 'at most', value: 120 }],
  prepare: (stack, quick) => {
    const count = quick ? fewRows : rows;
    const lag = quick
      ? { MIRROR_NOTION_LAG_SECONDS: '1', MIRROR_CLOCK_TOLERANCE_SECONDS: '0' }
      : { MIRROR_NOTION_LAG_SECONDS: '10', MIRROR_CLOCK_TOLERANCE_SECONDS: '10' };
    return prepareWithSystem(
      stack,
      'row-bulk-edit',
      async ({ system }) => {
        await switchRowsOn(system);
        // First: Nango stops forwarding for a while when nothing accepts what it forwards.
        await Promise.all([system.start('ingress'), system.start('sync-worker')]);
        const customer = system.prepare('acme', 'Acme');
        await system.register(customer);
        const columns = { Name: { title: {} }, Round: { number: {} } };
        const table = await customer.user.createDatabase(customer.pages.home, 'Tasks', columns);
        const { dataSourceId } = table;
        const imported = Array.from({ length: count }, () => ({ properties: cells(0) }));
        const { ids } = system.notion.createRows({ dataSourceId, rows: imported, announce: false });
        await untilComplete(system, [table], patienceMs);
        const calls = () => system.notion.calls.counts({ token: customer.botToken }).reduce((sum, one) => sum + one.calls, 0);
        let round = 0;
        return [
          {
            name: 'notion-mirror',
            async measure() {
              round += 1;
              const shown = { dataSourceId, properties: { $elemMatch: { name: 'Round', value: round } } };
              const before = calls();
              const began = performance.now();
              system.notion.editRows({ ids: [...ids], properties: cells(round) });
              const areThere = async () => (await system.db.collection('rows').countDocuments(shown)) === count;
              await waitUntil(`${count} edited rows in the mirror`, areThere, { timeoutMs: patienceMs });
              const time = (performance.now() - began) / 1_000;
              // What the edit still causes, such as a last single read, counts.
              await system.pair.settle({ timeoutMs: patienceMs });
              await untilComplete(system, [table], patienceMs);
              return { calls: calls() - before, time };
            },
          },
        ];
      },
      { ...withRows, ...lag, MIRROR_NOTION_REQUESTS_PER_MINUTE: '180' },
    );
  },
};
