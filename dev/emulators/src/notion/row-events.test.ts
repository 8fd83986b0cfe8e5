import { isFullDatabase } from '@notionhq/client';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { newWorkspace } from '../../test/customer.ts';
import type { Receiver } from '../../test/receiver.ts';
import { startReceiver } from '../../test/receiver.ts';
import type { JsonObject } from '../json.ts';
import type { NotionEmulator } from './emulator.ts';
import { startNotionEmulator } from './emulator.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let notion: NotionEmulator;
let receiver: Receiver;
let now = Date.parse('2026-01-01T00:00:00Z');
beforeAll(async () => {
  notion = await startNotionEmulator({ seed: 'row events', clock: () => now, announce: { dataSourceParent: 'database' } });
});
afterAll(() => notion.stop());
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  await notion.settle();
  notion.reset();
  notion.settings.change({ announce: { titleEdits: 'properties' } });
  await receiver.stop();
});

type Properties = Record<string, JsonObject>;

async function newSource({ asOwner, pageId }: ReturnType<typeof newWorkspace>, properties: Properties = {}) {
  const { id } = await asOwner.databases.create({ parent: { type: 'page_id', page_id: pageId } });
  const database = await asOwner.databases.retrieve({ database_id: id });
  const sourceId = (isFullDatabase(database) && database.data_sources[0]?.id) || '';
  await asOwner.request({ method: 'patch', path: `data_sources/${sourceId}`, body: { properties } });
  return { databaseId: id, sourceId };
}

/** A subscribed workspace with a data source. */
async function subscribed(properties: Properties = {}) {
  const workspace = newWorkspace(notion);
  const source = await newSource(workspace, properties);
  await notion.subscribe({ integrationId: workspace.integrationId, url: receiver.url });
  receiver.received.length = 0;
  return { ...workspace, ...source };
}

/** The events received since the last call: type, entity, and data without the parent. */
async function events() {
  await notion.settle();
  return receiver.received.splice(0).map(({ body }) => {
    const { type, entity, data } = JSON.parse(body) as { type: string; entity: { id: string }; data: JsonObject };
    const { parent, ...rest } = data;
    return { type, id: entity.id, parent, data: rest };
  });
}
const types = async () => (await events()).map(({ type }) => type).toSorted();

const title = (content: string): JsonObject => ({ title: [{ text: { content } }] });
const minute = (text: string) => `2026-01-01T00:${text}:00.000Z`;

test('a row is announced with its data source as the parent', async () => {
  const { sourceId, databaseId } = await subscribed();
  const [id = ''] = notion.createRows({ dataSourceId: sourceId, rows: [{ properties: { title: title('A') } }] }).ids;
  const created = (await events()).find(({ type }) => type === 'page.created');
  expect(created).toEqual({ type: 'page.created', id, parent: { id: databaseId, type: 'database', data_source_id: sourceId }, data: {} });
});

test('an import keeps the given times, and may be silent', async () => {
  const { sourceId, workspaceId, bot } = await subscribed({ N: { number: {} } });
  const rows = ['01', '02'].map((text, index) => ({ createdTime: minute(text), properties: { N: { number: index } } }));
  notion.createRows({ dataSourceId: sourceId, announce: false, rows });
  expect(await types()).toEqual([]);
  const pages = notion.rowTruth({ workspaceId, botId: bot.id }).map(({ page }) => page);
  expect(pages).toMatchObject([
    { created_time: minute('01'), properties: { N: { number: 0 } } },
    { created_time: minute('02'), properties: { N: { number: 1 } } },
  ]);
});

test('a bulk edit announces each row with the edited properties', async () => {
  const { sourceId, asOwner } = await subscribed({ N: { number: {} } });
  const { ids } = notion.createRows({ dataSourceId: sourceId, rows: [{}, {}, {}], announce: false });
  notion.editRows({ ids, properties: { N: { number: 1 } } });
  const received = await events();
  const page = await asOwner.pages.retrieve({ page_id: ids[0] ?? '' });
  const propertyId = 'properties' in page ? page.properties['N']?.id : '';
  expect(received.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
  for (const { type, data } of received) expect([type, data]).toEqual(['page.properties_updated', { updated_properties: [propertyId] }]);
});

test.each<[string, 'properties' | 'content', string[]]>([
  ['properties', 'properties', ['page.properties_updated']],
  ['content', 'content', ['page.content_updated', 'page.properties_updated']],
])('a title edit may be announced as an edit of %s', async (_, titleEdits, expected) => {
  const { sourceId } = await subscribed({ N: { number: {} } });
  const { ids } = notion.createRows({ dataSourceId: sourceId, rows: [{}], announce: false });
  notion.settings.change({ announce: { titleEdits } });
  notion.editRows({ ids, properties: { title: title('B'), N: { number: 2 } } });
  expect(await types()).toEqual(expected);
});

test('a request that changes nothing is no edit: it would move last_edited_time without an event', async () => {
  const { sourceId, workspaceId, asOwner } = await subscribed();
  const { ids } = notion.createRows({ dataSourceId: sourceId, rows: [{}], announce: false });
  now += 120_000;
  const before = notion.rowTruth({ workspaceId });
  notion.editRows({ ids, properties: {} });
  await asOwner.pages.update({ page_id: ids[0] ?? '', is_locked: false });
  expect(notion.rowTruth({ workspaceId })).toEqual(before);
  expect(await types()).toEqual([]);
});

test('archiving and unarchiving are neither announced nor edits', async () => {
  const { sourceId, asBot, workspaceId } = await subscribed();
  const { ids } = notion.createRows({ dataSourceId: sourceId, rows: [{}, {}], announce: false });
  now += 120_000;
  const before = notion.rowTruth({ workspaceId });
  notion.archiveRows({ ids: ids.slice(0, 1), archived: true });
  expect(notion.rowTruth({ workspaceId }).map(({ page }) => page['is_archived'])).toEqual([true, false]);
  expect((await asBot.dataSources.query({ data_source_id: sourceId })).results.map(({ id }) => id)).toEqual(ids.slice(1));
  notion.archiveRows({ ids, archived: false });
  expect(notion.rowTruth({ workspaceId })).toEqual(before);
  expect(await types()).toEqual([]);
});

test('a renamed option changes every row, and only the schema is announced', async () => {
  const { sourceId, workspaceId } = await subscribed({ Kind: { select: { options: [{ name: 'A', color: 'red' }] } } });
  notion.createRows({ dataSourceId: sourceId, rows: [{ properties: { Kind: { select: { name: 'A' } } } }], announce: false });
  const kind = () => notion.rowTruth({ workspaceId, dataSourceId: sourceId })[0]?.page['properties'];
  expect(kind()).toMatchObject({ Kind: { select: { name: 'A', color: 'red' } } });
  notion.renameOption({ dataSourceId: sourceId, property: 'Kind', from: 'A', to: 'Z' });
  expect(kind()).toMatchObject({ Kind: { select: { name: 'Z', color: 'red' } } });
  expect(await types()).toEqual(['data_source.schema_updated']);
  expect(() => notion.renameOption({ dataSourceId: sourceId, property: 'Kind', from: 'A', to: 'B' })).toThrow('There is no option A.');
});

test('an unknown option that a row selects joins the schema', async () => {
  const { sourceId } = await subscribed({ Tags: { multi_select: { options: [{ name: 'A' }] } } });
  const { ids } = notion.createRows({ dataSourceId: sourceId, rows: [{}], announce: false });
  notion.editRows({ ids, properties: { Tags: { multi_select: [{ name: 'A' }, { name: 'B' }] } } });
  expect(await types()).toEqual(['data_source.schema_updated', 'page.properties_updated']);
});

test('neither back-references nor computed values are announced', async () => {
  const workspace = await subscribed({ N: { number: {} } });
  const { sourceId: tasks, asOwner } = workspace;
  const { sourceId: projects } = await newSource(workspace, {
    Tasks: { relation: { data_source_id: tasks, dual_property: { synced_property_name: 'Project' } } },
    Sum: { rollup: { function: 'sum', relation_property_name: 'Tasks', rollup_property_name: 'N' } },
  });
  const [project = ''] = notion.createRows({ dataSourceId: projects, rows: [{}], announce: false }).ids;
  const [task = ''] = notion.createRows({ dataSourceId: tasks, rows: [{}], announce: false }).ids;
  await events();
  notion.editRows({ ids: [task], properties: { Project: { relation: [{ id: project }] }, N: { number: 4 } } });
  expect((await events()).map(({ type, id }) => [type, id])).toEqual([['page.properties_updated', task]]);
  expect(await asOwner.pages.retrieve({ page_id: project })).toMatchObject({
    properties: { Tasks: { relation: [{ id: task }] }, Sum: { rollup: { number: 4 } } },
  });
});

test('a template is announced and read like a row, but no query lists it', async () => {
  const { sourceId, asOwner, asBot, workspaceId } = await subscribed({ N: { number: {} }, Id: { unique_id: {} } });
  const template = notion.createTemplate({ dataSourceId: sourceId, properties: { title: title('T'), N: { number: 3 } } });
  expect((await events()).find(({ type }) => type === 'page.created')?.id).toBe(template.id);
  expect(await asBot.pages.retrieve({ page_id: template.id })).toMatchObject({
    parent: { type: 'data_source_id', data_source_id: sourceId },
    properties: { Id: { unique_id: { number: null } } },
  });
  expect(await asBot.dataSources.listTemplates({ data_source_id: sourceId })).toMatchObject({
    templates: [{ id: template.id, name: 'T', is_default: false }],
    has_more: false,
  });
  expect((await asBot.dataSources.query({ data_source_id: sourceId })).results).toEqual([]);
  expect(notion.rowTruth({ workspaceId })).toEqual([]);
  const row = await asOwner.pages.create({
    parent: { data_source_id: sourceId },
    template: { type: 'template_id', template_id: template.id },
  });
  expect(row).toMatchObject({ properties: { Name: { title: [{ plain_text: 'T' }] }, N: { number: 3 }, Id: { unique_id: { number: 1 } } } });
});

test('a moved row gets a number in its new data source, and names it in the event', async () => {
  const workspace = await subscribed();
  const { sourceId: to, databaseId } = await newSource(workspace, { Id: { unique_id: {} } });
  const [row = ''] = notion.createRows({ dataSourceId: workspace.sourceId, rows: [{}], announce: false }).ids;
  await events();
  await workspace.asOwner.pages.move({ page_id: row, parent: { type: 'data_source_id', data_source_id: to } });
  const moved = (await events()).find(({ type }) => type === 'page.moved');
  expect(moved).toMatchObject({ id: row, parent: { id: databaseId, type: 'database', data_source_id: to } });
  expect(notion.rowTruth({ workspaceId: workspace.workspaceId })).toMatchObject([
    { dataSourceId: to, page: { id: row, properties: { Id: { unique_id: { number: 1 } } } } },
  ]);
});

test('the truth holds the rows that the viewer sees', async () => {
  const { sourceId, workspaceId, bot, asOwner } = await subscribed();
  const { ids } = notion.createRows({ dataSourceId: sourceId, rows: [{}, {}, {}, {}] });
  const [seen, unseen, trashed, archived] = [ids[0] ?? '', ids[1] ?? '', ids[2] ?? '', ids[3] ?? ''];
  notion.unshare({ botId: bot.id, id: unseen });
  await asOwner.pages.update({ page_id: trashed, in_trash: true });
  notion.archiveRows({ ids: [archived], archived: true });
  const idsSeen = (botId?: string) => notion.rowTruth({ workspaceId, botId }).map(({ page }) => page['id']);
  expect(idsSeen(bot.id)).toEqual([seen, archived]);
  expect(idsSeen()).toEqual([seen, unseen, archived]);
});

const control = async (method: 'GET' | 'POST', path: string, body?: JsonObject) => {
  const response = await fetch(`${notion.url}/_control${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as JsonObject };
};

test('the same over HTTP', async () => {
  const { sourceId, workspaceId } = await subscribed({ Kind: { select: { options: [{ name: 'A' }] } } });
  const rows = [{ properties: { Kind: { select: { name: 'A' } } }, createdTime: minute('05') }, {}];
  const created = await control('POST', '/rows', { dataSourceId: sourceId, rows, announce: false });
  const ids = created.body['ids'] as string[];
  await control('POST', '/rows/edit', { ids: [ids[1] ?? ''], properties: { title: title('B') } });
  await control('POST', '/rows/archive', { ids: [ids[1] ?? ''], archived: true });
  await control('POST', '/options/rename', { dataSourceId: sourceId, property: 'Kind', from: 'A', to: 'Z' });
  expect((await control('POST', '/templates', { dataSourceId: sourceId })).status).toBe(200);
  expect((await control('GET', `/row-truth?workspace=${workspaceId}&dataSource=${sourceId}`)).body['rows']).toMatchObject([
    { page: { id: ids[0], created_time: minute('05'), properties: { Kind: { select: { name: 'Z' } } } } },
    { page: { id: ids[1], is_archived: true, properties: { Name: { title: [{ plain_text: 'B' }] } } } },
  ]);
  expect((await control('POST', '/rows', { dataSourceId: sourceId, rows: [{ properties: { Kind: 1 } }] })).status).toBe(400);
  expect((await control('POST', '/rows/edit', { ids: ['none'], properties: {} })).status).toBe(404);
});
