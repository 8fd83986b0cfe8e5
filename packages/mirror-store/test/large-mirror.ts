import type { Mongo } from '../src/client.ts';
import { createConnectionStore } from '../src/connection-store.ts';
import { openDataSourceContents } from '../src/data-source-contents.ts';
import { databaseStorage } from '../src/entities/database.ts';
import { rowStorage } from '../src/entities/row.ts';
import { outcomeDocument } from '../src/event-outcomes.ts';
import { operatorActionNames } from '../src/operator-actions.ts';
import { createRecordStore } from '../src/records/record-store.ts';
import { noWork } from '../src/work-counts.ts';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { ObjectId } from 'mongodb';
import { someContent } from './databases.ts';
import { someOutcome } from './outcomes.ts';
import { someRow } from './rows.ts';

type Db = Mongo['db'];
type Doc = Readonly<Record<string, unknown>>;

export const tenants = 10_000;
/** Has a fifth of all. */
export const large = tenantOf(0);
const batchSize = 4_000;
const minute = 60_000;

export function tenantOf(n: number): string {
  return `tenant-${String(n % tenants).padStart(5, '0')}`;
}

/** The id of a record, by its kind and number. */
export function idOf(kind: 'database' | 'source' | 'row', n: number): string {
  return `0000000${{ database: 'd', source: 'a', row: 'e' }[kind]}-0000-4000-8000-${String(n).padStart(12, '0')}`;
}

/** One of five records is the large tenant's. */
function ownerOf(n: number): string {
  return n % 5 === 0 ? large : tenantOf(n);
}

/**
 * Fills a mirror that `mirror init` has set up: 10,000 tenants and `records` databases and rows, as the workers write them (one of each is written by the
 * store, the others are its copies), with their outcomes, comparisons, scans and the rest of what a console reads.
 */
export async function seedLargeMirror(db: Db, records: number): Promise<{ readonly databases: number; readonly rows: number }> {
  const databases = Math.max(tenants, Math.floor(records / 10));
  const rows = records - databases;
  const now = Date.now();
  await createConnectionStore(db).add({
    connectionId: 'template',
    providerConfigKey: 'notion',
    workspaceId: large,
    notionWorkspaceId: 'n',
    botId: null,
    token: null,
  });
  const connection = await taken(db, 'connections');
  await fill(db, 'connections', tenants, (n) => ({
    ...connection,
    _id: `connection-${n}`,
    workspaceId: tenantOf(n),
    // A Notion workspace of many tenants would be a case of its own.
    notionWorkspaceId: `notion-${n}`,
    ...(n % 200 === 7 ? { status: 'unauthorized' } : n % 200 === 8 ? { status: 'paused' } : {}),
  }));

  const deps = { db, metrics: new Registry() };
  const ref = { workspaceId: large, expected: null, connectionId: 'c', asOf: new Date(), lastEvent: null };
  const [source] = someContent().dataSources;
  if (source === undefined) throw new Error('no data source');
  const content = someContent({ dataSources: [source] });
  await createRecordStore(databaseStorage, deps).writeLive({ ...ref, id: 'template', content });
  const database = await taken(db, databaseStorage.collection);
  await fill(db, databaseStorage.collection, databases, (n) => {
    const id = idOf('database', n);
    const workspaceId = ownerOf(n);
    const [own] = database['dataSources'] as readonly Doc[];
    const dataSources = [{ ...own, id: idOf('source', n), parent: { type: 'database_id', id } }];
    return { ...database, _id: `${workspaceId}:${id}`, workspaceId, databaseId: id, title: `Plan ${n % 9}`, dataSources };
  });

  await createRecordStore(rowStorage, deps).writeLive({ ...ref, id: 'template', content: someRow() });
  const row = await taken(db, rowStorage.collection);
  await fill(db, rowStorage.collection, rows, (n) => {
    const workspaceId = ownerOf(n);
    const id = idOf('row', n);
    // The large tenant's are in one table.
    const holder = workspaceId === large ? 0 : n % databases;
    const createdTime = new Date(Date.UTC(2026, 0, 1) + Math.floor(n / 7) * 1_000);
    const place = { databaseId: idOf('database', holder), dataSourceId: idOf('source', holder), createdTime };
    return { ...row, _id: `${workspaceId}:${id}`, workspaceId, pageId: id, title: `Row ${n}`, ...place };
  });

  await openDataSourceContents(db).follow({ workspaceId: large, databaseId: 'template' }, [{ dataSourceId: 'template', schema: 'x' }]);
  const contents = await taken(db, 'data_source_contents');
  await fill(db, 'data_source_contents', databases, (n) => {
    const [workspaceId, dataSourceId] = [ownerOf(n), idOf('source', n)];
    const state = n % 50 === 3 || n % 50 === 5 ? 'incomplete' : 'complete';
    const done = { state, rows: { live: 9, archived: 1 }, completeAsOf: new Date(now - n), dueAt: null };
    return { ...contents, _id: `${workspaceId}:${dataSourceId}`, workspaceId, databaseId: idOf('database', n), dataSourceId, ...done };
  });

  await fill(db, 'event_outcomes', Math.floor(records / 2), (n) => {
    const at = new Date(now - 5 * minute - (records - n) * 10);
    const databaseId = idOf('database', n % databases);
    const about = { workspaceId: ownerOf(n % databases), databaseId, outcome: n % 100 === 7 ? 'parked' : 'written' };
    const outcome = someOutcome(`event-${n}`, { ...about, record: null, at, receivedAt: at });
    const document = outcomeDocument(outcome, new Date(now + 24 * 60 * minute));
    // Ids are in order of time.
    return {
      ...document,
      _id: new ObjectId(
        ObjectId.createFromTime(at.getTime() / 1000)
          .toHexString()
          .slice(0, 8) + n.toString(16).padStart(16, '0'),
      ),
    };
  });
  await seedTenants(db, now);
  await seedLists(db, now);
  return { databases, rows };
}

/** What there is one of for each tenant. */
async function seedTenants(db: Db, now: number): Promise<void> {
  await fill(db, 'sweeps', tenants, (n) => {
    const times = { startedAt: new Date(now - 2 * minute), endedAt: new Date(now - minute) };
    const incomplete = n % 100 === 3 ? { incomplete: { searches: [], uncompared: 1, databases: [] } } : {};
    const last = { ...times, depth: 'full', held: 3, found: 3, events: {}, removals: 0, stopped: n % 100 === 1, ...incomplete };
    return {
      _id: tenantOf(n),
      activation: new Date(0),
      dueAt: new Date(now + n * 1_000),
      claimedUntil: new Date(0),
      claimedBy: n % 100 === 4 ? 'worker' : null,
      failures: n % 100 === 2 ? 3 : 0,
      failure: n % 100 === 2 ? 'Notion did not answer' : null,
      request: null,
      answered: null,
      lastStartedAt: last.startedAt,
      completedAt: last.endedAt,
      last,
      incompleteSince: n % 100 === 3 ? last.startedAt : null,
    };
  });
  await fill(db, 'tenant_signs', tenants, (n) => ({
    _id: tenantOf(n),
    lastWebhookAt: new Date(now - minute - n),
    ...(n % 500 === 9 ? { lastWebhookAt: new Date(now - 10 * 24 * 60 * minute), lastUnannouncedAt: new Date(now - minute) } : {}),
  }));
}

async function seedLists(db: Db, now: number): Promise<void> {
  await fill(db, 'minutes', 8 * 600, (n) => ({
    _id: `worker-${n % 8}:${n}`,
    service: 'sync-worker',
    at: new Date(Math.floor(now / minute - Math.floor(n / 8)) * minute),
    ...noWork,
    events: n,
  }));
  await fill(db, 'parked_events', 5_000, (n) => ({
    _id: `parked-${n}`,
    workspaceId: tenantOf(200 * (n % 50) + 7),
    receivedAt: new Date(now - n),
    parkedAt: new Date(now - n),
    accessibleBy: [],
    event: { eventId: `parked-${n}`, databaseId: `d-${n}`, dataSourceId: null, pageId: null },
  }));
  await fill(db, 'schema_changes', 5_000, (n) => ({
    _id: `change-${n}`,
    workspaceId: large,
    databaseId: idOf('database', n % 2 === 0 ? 0 : n),
    dataSourceId: idOf('source', n % 2 === 0 ? 0 : n),
    at: new Date(now - n * 1_000),
    asOf: new Date(now - n * 1_000),
    rev: 5_000 - n,
    connectionId: 'c',
    event: null,
    replaced: { rev: 1, asOf: new Date(now), connectionId: 'c' },
    changes: [],
  }));
  await fill(db, 'operator_actions', 5_000, (n) => ({
    at: new Date(now - n),
    who: `operator-${n % 4}`,
    via: 'cli',
    action: operatorActionNames[n % 3],
    workspaceId: tenantOf(n % 7),
    target: {},
    reason: null,
    version: '0',
    outcome: 'done',
    endedAt: new Date(now),
    counts: {},
    failure: null,
  }));
  await fill(db, 'connection_notices', 2_000, (n) => ({
    _id: `notion:c-${n}`,
    connectionId: `c-${n}`,
    providerConfigKey: 'notion',
    notedAt: new Date(now - n),
    isDeletionAnnounced: false,
    takenGrant: null,
    failures: 0,
    problem: n % 2 === 0 ? 'it has no tag' : null,
    dueAt: null,
    expiresAt: new Date(now + 24 * 60 * minute),
  }));
}

/** Takes the only document, which the program itself wrote, as the model of many. */
async function taken(db: Db, collection: string): Promise<Doc> {
  const found = await db.collection(collection).findOneAndDelete({});
  if (found === null) throw new Error(`${collection} is empty`);
  return found;
}

async function fill(db: Db, collection: string, count: number, of: (n: number) => Doc): Promise<void> {
  const into = db.collection<{ _id: never }>(collection, { writeConcern: { w: 1 } });
  for (let from = 0; from < count; from += batchSize) {
    const batch = Array.from({ length: Math.min(batchSize, count - from) }, (_, n) => of(from + n));
    await into.insertMany(batch as unknown as { _id: never }[], { ordered: false });
  }
}
