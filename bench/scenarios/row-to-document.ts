import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import { arrivalFigures, measureArrivals } from '../arrival-figures.ts';
import { startBareClients } from '../floors/bare-clients.ts';
import { pageIdOf } from '../row-answers.ts';
import type { Figures, Scenario } from '../scenario.ts';
import { measureAlone, prepareWithStub, type StubSystem } from '../stub-system.ts';
import { announceTables, switchRowsOn, untilComplete, withRows, type TenantTable } from '../tables.ts';

/** Latency of a call to Notion; a row takes one. */
const callMs = 20;
const tenants = 50;
const fewTenants = 8;
const rowsOfTable = 20;
const patienceMs = 120_000;

/** An event that the row was edited, in turn over the tables, row after row. */
function edits(tables: readonly TenantTable[], count: number, rows: number) {
  return Array.from({ length: count }, (_, n) => ({ table: tables[n % tables.length], row: Math.floor(n / tables.length) % rows })).flatMap(
    ({ table, row }) => {
      if (table === undefined) return [];
      const { tenant, databaseId, dataSourceId } = table;
      const { connectionId, notionWorkspaceId, botId } = tenant;
      return [{ connectionId, notionWorkspaceId, botId, databaseId, row: { pageId: pageIdOf(dataSourceId, row), dataSourceId } }];
    },
  );
}

/** How long until MongoDB shows the row as it is after an edit. */
export const rowToDocument: Scenario = {
  name: 'row-to-document',
  title: `50 edited rows a second over ${tenants} workspaces, until the document is there (Notion: ${callMs} ms a call, one call a row)`,
  figures: arrivalFigures,
  targets: [{ figure: 'p50', of: 'notion-mirror', against: 'bare clients', bound: 'at most', value: 1.15 }],
  prepare: (stack, quick) => {
    const options = { tenants: quick ? fewTenants : tenants, callMs, variables: withRows };
    return prepareWithStub(
      stack,
      'row-to-document',
      async (bench, onEnd) => {
        const { system, customers } = bench;
        await switchRowsOn(system);
        const tables = await announceTables(bench, customers, rowsOfTable);
        const [ingress, worker] = await Promise.all([system.start('ingress'), system.start('sync-worker')]);
        await untilComplete(system, tables, patienceMs);
        const notionUrl = String(system.env['MIRROR_NOTION_API_URL']);
        const bare = await startBareClients(bench, onEnd, { stack, customers, notionUrl });
        const own = { url: system.webhookUrl('nango'), db: system.db, ingressPid: ingress.pid, workerPid: worker.pid };
        const load = { of: 'rows', events: edits(tables, quick ? 100 : 1_000, rowsOfTable), rate: 50 } as const;
        return [
          { name: 'notion-mirror', measure: () => measureArrivals(bench, own, stack.pids, load) },
          { name: 'bare clients', measure: () => measureArrivals(bench, bare, stack.pids, load) },
        ];
      },
      options,
    );
  },
};

const backfilled = 100_000;
const another = 'another tenant of the partition backfills';
const itself = 'the tenant itself backfills';

/** The same while a worker writes many other rows. */
export const rowDuringBackfill: Scenario = {
  name: 'row-during-backfill',
  title: `Edited rows while ${backfilled.toLocaleString('en')} rows are backfilled (one partition, Notion: ${callMs} ms a call): 50 a second over ${tenants} other tenants, or 10 a second in the table that is backfilled`,
  figures: [
    { name: 'p50', unit: 'ms' },
    { name: 'p95', unit: 'ms' },
    { name: 'p99', unit: 'ms' },
    { name: 'backfilled', unit: 'rows/s' },
  ],
  targets: [another, itself].map((of) => ({ figure: 'p95', of, against: null, bound: 'at most', value: 1_000 }) as const),
  startsOwnSystems: true,
  prepare: async (stack, quick) => {
    const measure = (of: typeof another | typeof itself) => () =>
      measureAlone(
        stack,
        'row-during-backfill',
        { tenants: quick ? fewTenants : tenants + 1, callMs, variables: { ...withRows, MIRROR_KAFKA_PARTITIONS: '1' } },
        (bench) => measureDuring(bench, stack.pids, { isOwn: of === itself, seconds: quick ? 2 : 20 }),
      );
    return { contenders: ([another, itself] as const).map((name) => ({ name, measure: measure(name) })), end: async () => {} };
  },
};

async function measureDuring(
  bench: StubSystem,
  pids: Parameters<typeof measureArrivals>[2],
  { isOwn, seconds }: { readonly isOwn: boolean; readonly seconds: number },
): Promise<Figures> {
  const { system, customers } = bench;
  await switchRowsOn(system);
  const [busy, ...others] = customers;
  if (busy === undefined) throw new Error('there is no tenant');
  const tables = isOwn ? [] : await announceTables(bench, others, rowsOfTable);
  const [ingress, worker] = await Promise.all([system.start('ingress'), system.start('sync-worker')]);
  await untilComplete(system, tables, patienceMs);
  const big = await announceTables(bench, [busy], backfilled);
  const records = system.db.collection('row_records');
  const ofBackfill = { workspaceId: busy.workspaceId, seenBy: 'query' };
  const written = () => records.countDocuments(ofBackfill);
  await waitUntil('the first rows of the backfill', async () => (await written()) > 0, { timeoutMs: patienceMs });
  const before = await written();
  const began = performance.now();
  const rate = isOwn ? 10 : 50;
  const events = isOwn ? edits(big, rate * seconds, rate * seconds) : edits(tables, rate * seconds, rowsOfTable);
  const pipeline = { url: system.webhookUrl('nango'), db: system.db, ingressPid: ingress.pid, workerPid: worker.pid };
  const {
    p50 = Number.NaN,
    p95 = Number.NaN,
    p99 = Number.NaN,
  } = await measureArrivals(bench, pipeline, pids, { of: 'rows', events, rate });
  const after = await written();
  if (after >= backfilled) throw new Error('the backfill ended before the last edit: measure on a slower machine, or with more rows');
  return { p50, p95, p99, backfilled: (after - before) / ((performance.now() - began) / 1_000) };
}
