import type { Customer } from '@notion-mirror/demo/customers';
import { openPlannedReads, type PlannedRead } from '@notion-mirror/mirror-store/planned-reads';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';
import { waitUntil } from './wait-until.ts';
import { unroutedFilters } from '../packages/mirror-store/test/routed-commands.ts';

// What people do with rows, from Notion's webhooks to the documents.

let scene: Scene;
let customer: Customer;

/** A row's second read that a worker had planned when it was killed. */
const leftBehind: PlannedRead = {
  event: {
    eventId: 'e1:dependency.1:p1',
    kind: 'row_sync',
    type: 'mirror.dependency.1',
    workspaceId: 'globex',
    connectionId: 'c1',
    providerConfigKey: 'notion',
    notionWorkspaceId: 'n1',
    databaseId: null,
    dataSourceId: 's1',
    pageId: 'p1',
    occurredAt: new Date(0),
    receivedAt: new Date(0),
    origin: 'dependency',
  },
  dueAt: new Date(0),
};

beforeAll(async () => {
  scene = await setScene('live_rows', { env: { MIRROR_NOTION_REQUESTS_PER_MINUTE: '20000' } });
  // For the last test: every command of the services is kept.
  await scene.db.createCollection('system.profile', { capped: true, size: 256 * 1024 * 1024 });
  await scene.db.command({ profile: 2 });
  await openPlannedReads(scene.db).keep(leftBehind);
  await scene.startAll();
  const isReady = (name: string) => scene.lines.some(({ service, msg }) => service === name && msg === 'rows are ready');
  await waitUntil(() => isReady('ingress') && isReady('sync-worker'));
  customer = await scene.connect('acme', 'Acme');
  await scene.untilSwept('acme');
});
afterAll(() => scene.end());

interface Source {
  readonly databaseId: string;
  readonly dataSourceId: string;
}

async function asOwner(method: 'PATCH' | 'POST', path: string, body: object): Promise<void> {
  const headers = {
    authorization: `Bearer ${customer.inNotion.ownerToken}`,
    'notion-version': '2026-03-11',
    'content-type': 'application/json',
  };
  const response = await fetch(`${scene.notion.url}/v1/${path}`, { method, headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
}

const properties = { Name: { title: {} }, N: { number: {} } };
const source = (title: string): Promise<Source> => customer.user.createDatabase(customer.pages.home, title, properties);
const titled = (content: string, n: number) => ({ properties: { Name: { title: [{ text: { content } }] }, N: { number: n } } });

/** New rows with these titles, and numbers from 0. */
function rowsIn(parent: Source, ...titles: string[]): readonly string[] {
  return scene.notion.createRows({ dataSourceId: parent.dataSourceId, rows: titles.map(titled) }).ids;
}

interface RowDocument {
  readonly _id: string;
  readonly pageId: string;
  readonly dataSourceId: string;
  readonly title: string;
  readonly isArchived: boolean;
  readonly properties: readonly { readonly name: string; readonly value: unknown }[];
  readonly raw: object;
}

const held = async (parent: Source): Promise<RowDocument[]> =>
  scene.db.collection<RowDocument>('rows').find({ dataSourceId: parent.dataSourceId }).sort({ title: 1 }).toArray();
const titles = async (parent: Source) => (await held(parent)).map(({ title }) => title);
const recordOf = (id: string) => scene.db.collection<RowDocument>('row_records').findOne({ _id: `acme:${id}` });
const contentsOf = ({ dataSourceId }: Source) =>
  scene.db.collection<{ _id: string }>('data_source_contents').findOne({ _id: `acme:${dataSourceId}` });

let tasks: Source;
let done: Source;
beforeEach(async () => {
  [tasks, done] = await Promise.all([source('Tasks'), source('Done')]);
});

test('rows appear and change', async () => {
  const [a = ''] = rowsIn(tasks, 'a', 'b');
  await expect.poll(() => titles(tasks)).toEqual(['a', 'b']);
  scene.notion.editRows({ ids: [a], properties: titled('c', 7).properties });
  await expect.poll(() => titles(tasks)).toEqual(['b', 'c']);
  expect(await recordOf(a)).toMatchObject({ ...tasks, workspaceId: 'acme', seenBy: 'page', connectionId: customer.connectionId });
  const truth = scene.notion.rowTruth({ workspaceId: customer.notionWorkspaceId, botId: customer.botId, dataSourceId: tasks.dataSourceId });
  const shown = new Map(truth.map(({ page }) => [page['id'], page['properties']]));
  for (const { pageId, raw } of await held(tasks)) expect(raw).toMatchObject({ properties: shown.get(pageId) });
});

test('a second read that a killed worker had planned begins', async () => {
  const second = { pageId: 'p1', type: 'mirror.dependency.1.second' };
  await expect.poll(() => scene.db.collection('event_outcomes').findOne(second)).toMatchObject({ workspaceId: 'globex' });
  await expect.poll(() => openPlannedReads(scene.db).dueBefore(new Date(), 1)).toEqual([]);
});

test('rows move, leave, go to the trash and come back, and may be archived', async () => {
  const [a = '', b = '', c = '', d = ''] = rowsIn(tasks, 'a', 'b', 'c', 'd');
  await expect.poll(() => titles(tasks)).toEqual(['a', 'b', 'c', 'd']);

  await asOwner('POST', `pages/${a}/move`, { parent: { type: 'data_source_id', data_source_id: done.dataSourceId } });
  await asOwner('POST', `pages/${b}/move`, { parent: { type: 'page_id', page_id: customer.pages.home } });
  await asOwner('PATCH', `pages/${c}`, { in_trash: true });
  scene.notion.archiveRows({ ids: [d], archived: true });
  scene.notion.editRows({ ids: [d], properties: titled('archived', 1).properties });
  await expect.poll(() => titles(tasks)).toEqual(['archived']);
  await expect.poll(() => titles(done)).toEqual(['a']);
  expect(await recordOf(b)).toMatchObject({ dataSourceId: tasks.dataSourceId, removed: { reason: 'moved_away' } });
  expect(await recordOf(c)).toMatchObject({ removed: { reason: expect.stringMatching(/trashed|deleted/) } });
  expect(await recordOf(d)).toMatchObject({ isArchived: true });

  await asOwner('PATCH', `pages/${c}`, { in_trash: false });
  await asOwner('POST', `pages/${b}/move`, { parent: { type: 'data_source_id', data_source_id: tasks.dataSourceId } });
  await expect.poll(() => titles(tasks)).toEqual(['archived', 'b', 'c']);
});

test('the waiting events of a row share fetches and outcomes', async () => {
  const [a = ''] = rowsIn(tasks, 'a');
  await expect.poll(() => titles(tasks)).toEqual(['a']);
  for (let n = 0; n < 40; n += 1) scene.notion.editRows({ ids: [a], properties: titled('a', n).properties });
  await scene.pair.settle();
  const sent = scene.notion.deliveries({ entityId: a, type: 'page.properties_updated' });
  const eventIds = sent.map(({ eventId }) => eventId ?? '');
  expect(eventIds).toHaveLength(40);
  const outcomes = () =>
    scene.db
      .collection<{ eventId: string; others?: string[] }>('event_outcomes')
      .find({ subjects: { $in: eventIds } })
      .toArray();
  await expect
    .poll(async () => (await outcomes()).flatMap(({ eventId, others = [] }) => [eventId, ...others]).toSorted())
    .toEqual(eventIds.toSorted());
  expect((await outcomes()).length).toBeLessThan(40);
});

test('rows that depend on a row are read again when it changes and when it goes', async () => {
  const projects = await customer.user.createDatabase(customer.pages.home, 'Projects', {
    ...properties,
    Tasks: { relation: { data_source_id: tasks.dataSourceId, dual_property: { synced_property_name: 'Project' } } },
    Sum: { rollup: { function: 'sum', relation_property_name: 'Tasks', rollup_property_name: 'N' } },
  });
  const [a = '', b = ''] = rowsIn(tasks, 'a', 'b');
  const [project = ''] = rowsIn(projects, 'p');
  await expect.poll(async () => [await titles(tasks), await titles(projects)]).toEqual([['a', 'b'], ['p']]);
  const sum = async () => (await recordOf(project))?.properties.find(({ name }) => name === 'Sum')?.value;
  // The databases' own events have been handled by now, so the workers know how they depend on each other.
  await expect.poll(() => scene.db.collection('databases').countDocuments({ 'dataSources.properties.name': 'Sum' })).toBe(1);

  scene.notion.editRows({ ids: [a, b], properties: { Project: { relation: [{ id: project }] }, N: { number: 4 } } });
  await expect.poll(sum).toBe(8);
  scene.notion.editRows({ ids: [a], properties: { N: { number: 6 } } });
  await expect.poll(sum).toBe(10);
  await asOwner('PATCH', `pages/${b}`, { in_trash: true });
  await expect.poll(sum).toBe(6);
});

test('the rows of a data source go with it, and no others', async () => {
  const other = { ...tasks, dataSourceId: await customer.user.addDataSource(tasks.databaseId, 'Other', properties) };
  rowsIn(tasks, 'a');
  const [b = ''] = rowsIn(other, 'b');
  await expect.poll(async () => [await titles(tasks), await titles(other)]).toEqual([['a'], ['b']]);
  await customer.user.editDataSource(other.dataSourceId, { in_trash: true });
  await expect.poll(() => titles(other)).toEqual([]);
  expect(await recordOf(b)).toMatchObject({ dataSourceId: other.dataSourceId, removed: { reason: 'data_source_removed' } });
  await expect.poll(() => contentsOf(other)).toBeNull();
  expect(await titles(tasks)).toEqual(['a']);
  expect(await contentsOf(tasks)).toMatchObject({ databaseId: tasks.databaseId });
});

test('the rows of a database go with it, and come back with it, although no event names them', async () => {
  const ids = rowsIn(tasks, 'a', 'b', 'c');
  rowsIn(done, 'd');
  await expect.poll(async () => [await titles(tasks), await titles(done)]).toEqual([['a', 'b', 'c'], ['d']]);

  await customer.user.editDatabase(tasks.databaseId, { in_trash: true });
  await expect.poll(() => titles(tasks)).toEqual([]);
  // A scan may have found them in the trash already.
  const reasons = expect.stringMatching(/^(database_removed|trashed)$/);
  for (const id of ids) expect(await recordOf(id)).toMatchObject({ removed: { reason: reasons } });
  await expect.poll(() => contentsOf(tasks)).toBeNull();

  await customer.user.editDatabase(tasks.databaseId, { in_trash: false });
  await expect.poll(() => titles(tasks)).toEqual(['a', 'b', 'c']);
  await expect
    .poll(() => contentsOf(tasks))
    .toMatchObject({ databaseId: tasks.databaseId, state: 'complete', rows: { live: 3, archived: 0 } });
  expect(await titles(done)).toEqual(['d']);
});

test('no read or write of a record, in any of this, would have asked all shards', async () => {
  await scene.db.command({ profile: 0 });
  const services = ['ingress', 'sync-worker', 'delete-worker'];
  const profile = scene.db
    .collection('system.profile')
    .find({ appName: { $in: services }, op: { $in: ['query', 'command', 'update', 'remove'] } });
  const seen = new Set<string>();
  const unrouted: unknown[] = [];
  for await (const { ns, op, command } of profile) {
    const collection = String(ns).slice(scene.db.databaseName.length + 1);
    // Of a write it keeps one document for each filter.
    const filters = unroutedFilters(
      op === 'update' ? { update: collection, updates: [command] } : op === 'remove' ? { delete: collection, deletes: [command] } : command,
    );
    seen.add(`${op} ${collection}`);
    unrouted.push(...filters);
  }
  expect([...seen]).toEqual(
    expect.arrayContaining(['query database_records', 'update database_records', 'query row_records', 'update row_records']),
  );
  // The state log begins with all records, of each kind.
  expect(unrouted).toEqual([{}, {}]);
});
