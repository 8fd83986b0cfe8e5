import { randomUUID } from 'node:crypto';
import type { Customer } from '@notion-mirror/demo/customers';
import type { Connection } from '@notion-mirror/domain/connection';
import { syncEventFor } from '@notion-mirror/domain/sync-event';
import { rowStates } from '@notion-mirror/event-log/entities/row-state';
import { toRecord } from '@notion-mirror/event-log/event-record';
import { registerSchemas, schemaSubjects } from '@notion-mirror/event-log/register-schemas';
import { stateLogOf } from '@notion-mirror/event-log/state-contract';
import { silent } from '@notion-mirror/event-log/testing/isolated-log';
import { createTopics, topicsFor } from '@notion-mirror/event-log/topics';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { rowStorage } from '@notion-mirror/mirror-store/entities/row';
import { initMongo } from '@notion-mirror/mirror-store/init';
import { operatedEntities } from '@notion-mirror/operations/entities';
import type { OperationContext } from '@notion-mirror/operations/operation-context';
import { eventCodecOf, kafkaOf, openPublisher, topicSettings } from '@notion-mirror/operations/servers';
import { loadConfig } from '@notion-mirror/service-kit/config';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';

// One tenant's rows, each event of which is appended here as the ingress appends it, and everything after that is real.

let scene: Scene;
let customer: Customer;
let connection: Connection;
let publisher: Awaited<ReturnType<typeof openPublisher>>;
let append: (event: Parameters<typeof toRecord>[0]['event']) => Promise<void>;

beforeAll(async () => {
  scene = await setScene('live_rows', { env: { MIRROR_ROWS: 'on', MIRROR_NOTION_REQUESTS_PER_MINUTE: '20000' } });
  const config = loadConfig(scene.env, 'cli');
  const context: OperationContext = {
    config,
    entities: operatedEntities,
    clientName: 'live-rows-test',
    logger: silent,
    signal: new AbortController().signal,
    redact: (text) => text,
    onProgress: () => {},
  };
  const { topicPrefix, schemaRegistry, tombstoneTtlMs } = config;
  await createTopics(kafkaOf(context), topicPrefix, topicSettings(context, 1), [stateLogOf(topicPrefix, rowStates)]);
  for (const { subject, contract } of schemaSubjects(topicPrefix, [rowStates]))
    await registerSchemas({ schemaRegistry, subject, contract });
  await initMongo(scene.db, { storages: [databaseStorage, rowStorage], tombstoneTtlMs });
  publisher = await openPublisher(context);
  const codec = await eventCodecOf(context);
  append = (event) => publisher.publish(toRecord({ topic: topicsFor(topicPrefix).events, event, codec }));
  await scene.startAll();
  customer = await scene.connect('acme', 'Acme');
  [connection] = (await createConnectionStore(scene.db).list('acme')) as [Connection];
  await scene.untilSwept('acme');
});
afterAll(async () => {
  await publisher.stop();
  await scene.end();
});

interface Source {
  readonly databaseId: string;
  readonly dataSourceId: string;
}

/** Appends an event about a page, with this parent; resolves to its id. */
async function say(type: string, pageId: string, parent: Source | null): Promise<string> {
  const about = { eventId: randomUUID(), type, databaseId: null, dataSourceId: null, ...parent, pageId, origin: 'nango' } as const;
  await append(syncEventFor(connection, about, new Date()));
  return about.eventId;
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

/** New rows with these titles and numbers from 0, announced. */
async function rowsIn(parent: Source, ...titles: string[]): Promise<string[]> {
  const { ids } = scene.notion.createRows({ dataSourceId: parent.dataSourceId, rows: titles.map(titled) });
  for (const id of ids) await say('page.created', id, parent);
  return [...ids];
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
  const [a = ''] = await rowsIn(tasks, 'a', 'b');
  await expect.poll(() => titles(tasks)).toEqual(['a', 'b']);
  scene.notion.editRows({ ids: [a], properties: titled('c', 7).properties });
  await say('page.properties_updated', a, tasks);
  await expect.poll(() => titles(tasks)).toEqual(['b', 'c']);
  expect(await recordOf(a)).toMatchObject({ ...tasks, workspaceId: 'acme', seenBy: 'page', rev: 2, connectionId: connection.connectionId });
  const truth = scene.notion.rowTruth({ workspaceId: customer.notionWorkspaceId, botId: customer.botId, dataSourceId: tasks.dataSourceId });
  const shown = new Map(truth.map(({ page }) => [page['id'], page['properties']]));
  for (const { pageId, raw } of await held(tasks)) expect(raw).toMatchObject({ properties: shown.get(pageId) });
});

test('rows move, leave, go to the trash and come back, and may be archived', async () => {
  const [a = '', b = '', c = '', d = ''] = await rowsIn(tasks, 'a', 'b', 'c', 'd');
  await expect.poll(() => titles(tasks)).toEqual(['a', 'b', 'c', 'd']);

  await asOwner('POST', `pages/${a}/move`, { parent: { type: 'data_source_id', data_source_id: done.dataSourceId } });
  await say('page.moved', a, done);
  await asOwner('POST', `pages/${b}/move`, { parent: { type: 'page_id', page_id: customer.pages.home } });
  await say('page.moved', b, null);
  await asOwner('PATCH', `pages/${c}`, { in_trash: true });
  await say('page.content_updated', c, tasks);
  scene.notion.archiveRows({ ids: [d], archived: true });
  scene.notion.editRows({ ids: [d], properties: titled('archived', 1).properties });
  await say('page.properties_updated', d, tasks);
  await expect.poll(() => titles(tasks)).toEqual(['archived']);
  await expect.poll(() => titles(done)).toEqual(['a']);
  expect(await recordOf(b)).toMatchObject({ dataSourceId: tasks.dataSourceId, removed: { reason: 'moved_away' } });
  expect(await recordOf(c)).toMatchObject({ removed: { reason: 'trashed' } });
  expect(await recordOf(d)).toMatchObject({ isArchived: true });

  await asOwner('PATCH', `pages/${c}`, { in_trash: false });
  await say('page.undeleted', c, tasks);
  await asOwner('POST', `pages/${b}/move`, { parent: { type: 'data_source_id', data_source_id: tasks.dataSourceId } });
  await say('page.moved', b, tasks);
  await expect.poll(() => titles(tasks)).toEqual(['archived', 'b', 'c']);
});

test('the waiting events of a row share fetches and outcomes', async () => {
  const [a = ''] = await rowsIn(tasks, 'a');
  await expect.poll(() => titles(tasks)).toEqual(['a']);
  const eventIds = await Promise.all(Array.from({ length: 40 }, () => say('page.content_updated', a, tasks)));
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
  const [a = '', b = ''] = await rowsIn(tasks, 'a', 'b');
  const [project = ''] = await rowsIn(projects, 'p');
  await expect.poll(async () => [await titles(tasks), await titles(projects)]).toEqual([['a', 'b'], ['p']]);
  const sum = async () => (await recordOf(project))?.properties.find(({ name }) => name === 'Sum')?.value;
  // The databases' own events have been handled by now, so the workers know how they depend on each other.
  await expect.poll(() => scene.db.collection('databases').countDocuments({ 'dataSources.properties.name': 'Sum' })).toBe(1);

  scene.notion.editRows({ ids: [a, b], properties: { Project: { relation: [{ id: project }] }, N: { number: 4 } } });
  for (const id of [a, b]) await say('page.properties_updated', id, tasks);
  await expect.poll(sum).toBe(8);
  scene.notion.editRows({ ids: [a], properties: { N: { number: 6 } } });
  await say('page.properties_updated', a, tasks);
  await expect.poll(sum).toBe(10);
  await asOwner('PATCH', `pages/${b}`, { in_trash: true });
  await say('page.content_updated', b, tasks);
  await expect.poll(sum).toBe(6);
});

test('the rows of a data source go with it, and no others', async () => {
  const other = { ...tasks, dataSourceId: await customer.user.addDataSource(tasks.databaseId, 'Other', properties) };
  await rowsIn(tasks, 'a');
  const [b = ''] = await rowsIn(other, 'b');
  await expect.poll(async () => [await titles(tasks), await titles(other)]).toEqual([['a'], ['b']]);
  await customer.user.editDataSource(other.dataSourceId, { in_trash: true });
  await expect.poll(() => titles(other)).toEqual([]);
  expect(await recordOf(b)).toMatchObject({ dataSourceId: other.dataSourceId, removed: { reason: 'data_source_removed' } });
  await expect.poll(() => contentsOf(other)).toBeNull();
  expect(await titles(tasks)).toEqual(['a']);
  expect(await contentsOf(tasks)).toMatchObject({ databaseId: tasks.databaseId });
});

test('the rows of a database go with it, and a scan of them is wanted when it comes back', async () => {
  const ids = await rowsIn(tasks, 'a', 'b', 'c');
  await rowsIn(done, 'd');
  await expect.poll(async () => [await titles(tasks), await titles(done)]).toEqual([['a', 'b', 'c'], ['d']]);

  await customer.user.editDatabase(tasks.databaseId, { in_trash: true });
  const about = { eventId: randomUUID(), type: 'database.content_updated', databaseId: tasks.databaseId, dataSourceId: null, pageId: null };
  await append(syncEventFor(connection, { ...about, origin: 'nango' }, new Date()));
  await expect.poll(() => titles(tasks)).toEqual([]);
  for (const id of ids) expect(await recordOf(id)).toMatchObject({ rev: 2, source: 'delete', removed: { reason: 'database_removed' } });
  await expect.poll(() => contentsOf(tasks)).toBeNull();

  await customer.user.editDatabase(tasks.databaseId, { in_trash: false });
  await expect.poll(() => contentsOf(tasks)).toMatchObject({ databaseId: tasks.databaseId, wanted: { reasons: ['first_backfill'] } });
  await say('page.content_updated', ids[0] ?? '', tasks);
  await expect.poll(() => titles(tasks)).toEqual(['a']);
  expect(await titles(done)).toEqual(['d']);
});
