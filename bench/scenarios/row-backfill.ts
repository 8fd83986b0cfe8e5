import type { ServiceProcess } from '@notion-mirror/demo/service-process';
import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import { z } from 'zod';
import { bareScan } from '../bare-scan.ts';
import { mongodPid, mongoFloor, mongoFloorName } from '../mongo-floor.ts';
import { cpuSecondsOf, residentMegabytesOf } from '../process-cost.ts';
import type { Figures, Scenario } from '../scenario.ts';
import { metricOf } from '../service-metrics.ts';
import { prepareWithStub, type StubSystem } from '../stub-system.ts';
import { announceTables, switchRowsOn, untilComplete, withRows, type TenantTable } from '../tables.ts';

const patienceMs = 900_000;
const spanSchema = z.tuple([z.object({ first: z.date(), last: z.date() })]);
const scanSchema = z.object({
  last: z.object({ depth: z.literal('all'), startedAt: z.date(), endedAt: z.date(), returned: z.number(), written: z.number() }),
});

/** A table that the mirror has just learned of, then the same table unchanged. */
export const rowBackfill: Scenario = {
  name: 'row-backfill',
  title: 'A data source of 100,000 rows, Notion at 0 ms a call: its backfill, and then a full scan of the unchanged rows',
  figures: [
    { name: 'documents', unit: '/s' },
    { name: 'with states', unit: '/s' },
    { name: 'CPU', unit: 'µs' },
    { name: 'CPU of MongoDB', unit: 'µs' },
    { name: 'CPU of the stub', unit: 'µs' },
    { name: 'memory', unit: 'MB' },
    { name: 'scanned', unit: '/s' },
    { name: 'CPU of the scan', unit: 'µs' },
    { name: 'CPU of MongoDB in the scan', unit: 'µs' },
    { name: 'written by the scan', unit: 'rows' },
  ],
  targets: [
    { figure: 'documents', of: 'sync-worker', against: mongoFloorName, bound: 'at least', value: 0.4 },
    { figure: 'written by the scan', of: 'sync-worker', against: null, bound: 'at most', value: 0 },
  ],
  plots: [{ kind: 'bars', figure: 'documents' }],
  prepare: (stack, quick) =>
    prepareWithStub(
      stack,
      'row-backfill',
      async (bench) => {
        const rows = quick ? 1_000 : 100_000;
        await switchRowsOn(bench.system);
        return [
          { name: 'sync-worker', measure: () => measureBackfill(bench, rows) },
          bareScan(bench, rows),
          mongoFloor(bench, rows, 'rows'),
        ];
      },
      { tenants: 1, variables: withRows },
    ),
};

async function measureBackfill(bench: StubSystem, rows: number): Promise<Figures> {
  const { system, customers, notionPid } = bench;
  const mongod = await mongodPid(system);
  const tables = await announceTables(bench, customers, rows);
  const worker = await system.start('sync-worker');
  const cost = () => [cpuSecondsOf(worker.pid), cpuSecondsOf(mongod), cpuSecondsOf(notionPid)] as const;
  const each = (before: ReturnType<typeof cost>, index: 0 | 1 | 2) => ((cost()[index] - before[index]) / rows) * 1e6;
  try {
    const before = cost();
    await untilComplete(system, tables, patienceMs);
    const arePublished = async () => (await metricOf(worker, 'notion_mirror_state_log_appended_total')) >= rows;
    await waitUntil(`the states of ${rows} rows`, arePublished, { timeoutMs: patienceMs });
    const settledAt = Date.now();
    const backfill = { CPU: each(before, 0), 'CPU of MongoDB': each(before, 1), 'CPU of the stub': each(before, 2) };
    const memory = residentMegabytesOf(worker.pid);
    const span = [{ $group: { _id: null, first: { $min: '$syncedAt' }, last: { $max: '$syncedAt' } } }];
    const [{ first, last }] = spanSchema.parse(await system.db.collection('row_records').aggregate(span).toArray());
    const scan = await measureScan(system, tables, () => cost());
    await empty(system, worker, rows);
    const perSecond = (from: Date, until: number) => rows / ((until - from.getTime()) / 1_000);
    return {
      documents: perSecond(first, last.getTime()),
      'with states': perSecond(first, settledAt),
      ...backfill,
      memory,
      ...scan,
    };
  } finally {
    await worker.stop();
  }
}

async function measureScan(
  system: StubSystem['system'],
  tables: readonly TenantTable[],
  cost: () => readonly [number, number, number],
): Promise<Figures> {
  const [{ dataSourceId } = { dataSourceId: '' }] = tables;
  const before = cost();
  await system.mirror('rows', 'scan', dataSourceId);
  const after = cost();
  const { last } = scanSchema.parse(await system.db.collection('data_source_contents').findOne({ dataSourceId }));
  return {
    scanned: last.returned / ((last.endedAt.getTime() - last.startedAt.getTime()) / 1_000),
    'CPU of the scan': ((after[0] - before[0]) / last.returned) * 1e6,
    'CPU of MongoDB in the scan': ((after[1] - before[1]) / last.returned) * 1e6,
    'written by the scan': last.written,
  };
}

/** While the worker still runs, so that it publishes the removals and the next one need not. */
async function empty({ db }: StubSystem['system'], worker: ServiceProcess, rows: number): Promise<void> {
  for (const name of ['data_source_contents', 'row_records', 'database_records', 'event_outcomes']) {
    await db.collection(name).deleteMany({});
  }
  const arePublished = async () => (await metricOf(worker, 'notion_mirror_state_log_appended_total')) >= 2 * rows;
  await waitUntil('the removal of all rows on the state log', arePublished, { timeoutMs: patienceMs });
}
