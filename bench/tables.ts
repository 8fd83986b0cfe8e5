import type { Customer } from '@notion-mirror/demo/customers';
import type { System } from '@notion-mirror/demo/system';
import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import { newTable, type Table } from './row-answers.ts';
import type { StubSystem } from './stub-system.ts';

/** Settings of a system that mirrors rows. */
export const withRows = { MIRROR_ROWS: 'on' } as const;
const longAgoMs = 3_600_000;

/** As if it were long ago that the last worker that knows no rows had stopped. Otherwise each first start would wait for a delete-worker, and then some seconds. */
export async function switchRowsOn({ db }: Pick<System, 'db'>): Promise<void> {
  const switches = db.collection<{ _id: string; since: Date }>('switches');
  await switches.updateOne({ _id: 'rows' }, { $set: { since: new Date(Date.now() - longAgoMs) } }, { upsert: true });
}

export interface TenantTable extends Table {
  readonly tenant: Customer;
}

/** A database with so many rows for each of the tenants. Their events are on the log when it resolves; a worker fetches them and backfills the rows. */
export async function announceTables({ backlog }: StubSystem, tenants: readonly Customer[], rows: number): Promise<readonly TenantTable[]> {
  const tables = tenants.map((tenant) => ({ tenant, ...newTable(rows) }));
  await Promise.all(tables.map(({ tenant, databaseId }) => backlog.announce(tenant, databaseId)));
  return tables;
}

/** Resolves when the mirror knows all rows of these tables and no scan of any is wanted: the first of what was edited since the backfill has ended, too. */
export async function untilComplete({ db }: Pick<System, 'db'>, tables: readonly Table[], timeoutMs: number): Promise<void> {
  const contents = db.collection('data_source_contents');
  const dataSourceId = { $in: tables.map((table) => table.dataSourceId) };
  const areKnown = async () =>
    (await contents.countDocuments({ dataSourceId, state: 'complete', scan: null, wanted: null })) === tables.length;
  await waitUntil(`all rows of ${tables.length} data sources in the mirror`, areKnown, { timeoutMs });
}

/** Resolves when the mirror has so many rows, by MongoDB's metadata: that costs it nothing. */
export async function untilRows({ db }: Pick<System, 'db'>, rows: number, timeoutMs: number): Promise<void> {
  const records = db.collection('row_records');
  const areThere = async () => (await records.estimatedDocumentCount()) >= rows;
  await waitUntil(`${rows} rows in the mirror`, areThere, { timeoutMs });
}
