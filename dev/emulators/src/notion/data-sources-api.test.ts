import type { Client } from '@notionhq/client';
import { isFullDatabase, isFullDataSource } from '@notionhq/client';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { newWorkspace, rejection } from '../../test/customer.ts';
import type { NotionEmulator } from './emulator.ts';
import { startNotionEmulator } from './emulator.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let notion: NotionEmulator;
beforeAll(async () => {
  notion = await startNotionEmulator({ seed: 'data sources' });
});
afterAll(() => notion.stop());

type Properties = NonNullable<NonNullable<Parameters<Client['databases']['create']>[0]['initial_data_source']>['properties']>;

async function newSource(workspace: ReturnType<typeof newWorkspace>, properties: Properties = { Name: { title: {} } }, title = 'Tasks') {
  const parent = { type: 'page_id', page_id: workspace.pageId } as const;
  const database = await workspace.asOwner.databases.create({
    parent,
    title: [{ text: { content: title } }],
    initial_data_source: { properties },
  });
  if (!isFullDatabase(database)) throw new Error('A partial database.');
  return { databaseId: database.id, data_source_id: database.data_sources[0]?.id ?? '' };
}

async function propertiesOf(client: Client, data_source_id: string) {
  const source = await client.dataSources.retrieve({ data_source_id });
  if (!isFullDataSource(source)) throw new Error('A partial data source.');
  return source.properties;
}

async function listed(client: Client, database_id: string) {
  const database = await client.databases.retrieve({ database_id });
  return isFullDatabase(database) ? database.data_sources : null;
}

const options = [{ name: 'A', color: 'red' }, { name: 'B' }] as const;
test.each<[string, Properties[string], unknown]>([
  ['number', { number: { format: 'euro' } }, { format: 'euro' }],
  ['number without a format', { number: {} }, { format: 'number' }],
  ['formula', { formula: { expression: '1 + 1' } }, { expression: '1 + 1' }],
  [
    'select',
    { select: { options: [...options] } },
    {
      options: [
        { id: expect.any(String), name: 'A', color: 'red', description: null },
        { id: expect.any(String), name: 'B', color: 'default', description: null },
      ],
    },
  ],
  ['multi_select', { multi_select: {} }, { options: [] }],
  [
    'status',
    { status: {} },
    {
      options: [{ name: 'Not started' }, { name: 'In progress' }, { name: 'Done' }],
      groups: [{ name: 'To-do', option_ids: [expect.any(String)] }, { name: 'In progress' }, { name: 'Complete' }],
    },
  ],
  ['unique_id', { unique_id: { prefix: 'TASK' } }, { prefix: 'TASK' }],
  ...(
    [
      'rich_text',
      'url',
      'people',
      'files',
      'email',
      'phone_number',
      'date',
      'checkbox',
      'created_by',
      'created_time',
      'last_edited_by',
      'last_edited_time',
      'place',
      'button',
    ] as const
  ).map((type): [string, Properties[string], unknown] => [type, { [type]: {} } as unknown as Properties[string], {}]),
])('a property of type %s', async (_, property, config) => {
  const workspace = newWorkspace(notion);
  const { data_source_id } = await newSource(workspace, { Name: { title: {} }, It: property });
  const [type = ''] = Object.keys(property);
  const seen = (await propertiesOf(workspace.asBot, data_source_id))['It'];
  expect(seen).toMatchObject({ id: expect.any(String), name: 'It', description: null, type, [type]: config });
});

test('properties are added, renamed, described, changed and removed, by name or id', async () => {
  const workspace = newWorkspace(notion);
  const { asOwner } = workspace;
  const { data_source_id } = await newSource(workspace, {
    Name: { title: {} },
    Old: { rich_text: {} },
    Kind: { select: { options: [...options] } },
  });
  const before = await propertiesOf(asOwner, data_source_id);
  await asOwner.dataSources.update({
    data_source_id,
    properties: { New: { number: {} }, Name: { name: 'Title' }, [before['Old']?.id ?? '']: null },
  });
  expect(Object.keys(await propertiesOf(asOwner, data_source_id))).toEqual(['Title', 'Kind', 'New']);

  const kind = before['Kind'];
  if (kind?.type !== 'select') throw new Error('Not a select.');
  const [kept] = kind.select.options;
  await asOwner.dataSources.update({
    data_source_id,
    properties: { Kind: { select: { options: [{ id: kept?.id ?? '' }, { name: 'C' }] } } },
  });
  const changed = (await propertiesOf(asOwner, data_source_id))['Kind'];
  expect(changed).toMatchObject({ id: kind.id, select: { options: [{ id: kept?.id, name: 'A', color: 'red' }, { name: 'C' }] } });

  await asOwner.dataSources.update({ data_source_id, properties: { Kind: { description: 'What kind', name: 'Kind' } } });
  expect((await propertiesOf(asOwner, data_source_id))['Kind']).toMatchObject({ type: 'select', description: 'What kind' });
});

test('names are any text', async () => {
  const workspace = newWorkspace(notion);
  const names = ['a.b', '$where', '__proto__', 'constructor', '🚀', '7'];
  const body = `{"parent":{"page_id":"${workspace.pageId}"},"initial_data_source":{"properties":{"Name":{"title":{}},${names.map((name) => `${JSON.stringify(name)}:{"checkbox":{}}`).join(',')}}}}`;
  const headers = { authorization: `Bearer ${workspace.owner.token}`, 'notion-version': '2025-09-03' };
  const response = await fetch(`${notion.url}/v1/databases`, { method: 'POST', headers, body });
  const database = (await response.json()) as { data_sources: { id: string }[] };
  const text = await (await fetch(`${notion.url}/v1/data_sources/${database.data_sources[0]?.id ?? ''}`, { headers })).text();
  const { properties } = JSON.parse(text) as { properties: object };
  expect(new Set(Object.keys(properties))).toEqual(new Set(['Name', ...names]));
  expect(text).toContain('"__proto__":{"id":');
});

test.each<[string, Parameters<Client['dataSources']['update']>[0]['properties']]>([
  ['the title removed', { Name: null }],
  ['the title given another type', { Name: { number: {} } }],
  ['a second title', { Other: { title: {} } }],
  ['a name already taken', { Done: { name: 'Name' } }],
  ['something unknown removed', { Nothing: null }],
  ['something unknown renamed', { Nothing: { name: 'Something' } }],
  ['a rollup without its relation', { Sum: { rollup: { function: 'sum', relation_property_name: 'None', rollup_property_name: 'Name' } } }],
])('refused: %s', async (_, properties = {}) => {
  const workspace = newWorkspace(notion);
  const { data_source_id } = await newSource(workspace, { Name: { title: {} }, Done: { checkbox: {} } });
  const before = await propertiesOf(workspace.asOwner, data_source_id);
  const refused = workspace.asOwner.dataSources.update({ data_source_id, properties: { First: { url: {} }, ...properties } });
  expect(await rejection(refused)).toMatchObject({ status: 400, code: 'validation_error' });
  expect(await propertiesOf(workspace.asOwner, data_source_id)).toEqual(before);
});

test('a relation names its target, appears at both ends, and is omitted where the target is not shared', async () => {
  const workspace = newWorkspace(notion);
  const { asOwner, asBot, bot, workspaceId } = workspace;
  const tasks = await newSource(workspace, { Name: { title: {} } }, 'Tasks');
  const projects = await newSource(workspace, { Name: { title: {} }, Budget: { number: {} } }, 'Projects');
  await asOwner.dataSources.update({
    data_source_id: tasks.data_source_id,
    properties: {
      Project: { relation: { data_source_id: projects.data_source_id, dual_property: { synced_property_name: 'Tasks' } } },
      Cost: { rollup: { function: 'sum', relation_property_name: 'Project', rollup_property_name: 'Budget' } },
    },
  });
  const here = await propertiesOf(asBot, tasks.data_source_id);
  const there = await propertiesOf(asBot, projects.data_source_id);
  expect(here['Project']).toMatchObject({
    type: 'relation',
    relation: {
      database_id: projects.databaseId,
      data_source_id: projects.data_source_id,
      type: 'dual_property',
      dual_property: { synced_property_name: 'Tasks', synced_property_id: there['Tasks']?.id },
    },
  });
  expect(here['Cost']).toMatchObject({ rollup: { function: 'sum', relation_property_name: 'Project', rollup_property_name: 'Budget' } });
  expect(there['Tasks']).toMatchObject({
    relation: { data_source_id: tasks.data_source_id, dual_property: { synced_property_name: 'Project' } },
  });

  const hidden = notion.createPage({ workspaceId });
  await asOwner.databases.update({ database_id: projects.databaseId, parent: { type: 'page_id', page_id: hidden.id } });
  expect(Object.keys(await propertiesOf(asBot, tasks.data_source_id))).toEqual(['Name', 'Cost']);
  notion.share({ botId: bot.id, id: hidden.id });

  await asOwner.dataSources.update({ data_source_id: projects.data_source_id, properties: { Tasks: null } });
  expect(Object.keys(await propertiesOf(asBot, tasks.data_source_id))).toEqual(['Name']);
});

test('one of several sources of a database moves to another database', async () => {
  const workspace = newWorkspace(notion);
  const { asOwner, asBot } = workspace;
  const first = await newSource(workspace);
  const other = await newSource(workspace, { Name: { title: {} } }, 'Other');
  const second = await asOwner.dataSources.create({
    parent: { type: 'database_id', database_id: first.databaseId },
    title: [{ text: { content: 'Second' } }],
    properties: { Name: { title: {} }, Amount: { number: {} } },
  });
  expect(await listed(asBot, first.databaseId)).toEqual([
    { id: first.data_source_id, name: 'Tasks' },
    { id: second.id, name: 'Second' },
  ]);
  await asOwner.dataSources.update({ data_source_id: second.id, parent: { database_id: other.databaseId } });
  expect((await listed(asBot, first.databaseId))?.map(({ name }) => name)).toEqual(['Tasks']);
  expect((await listed(asBot, other.databaseId))?.map(({ name }) => name)).toEqual(['Other', 'Second']);
  expect(await asBot.dataSources.retrieve({ data_source_id: second.id })).toMatchObject({ parent: { database_id: other.databaseId } });
});

test('a source trashed on its own leaves the list, and the database stays', async () => {
  const workspace = newWorkspace(notion);
  const { databaseId, data_source_id } = await newSource(workspace);
  await workspace.asOwner.dataSources.update({ data_source_id, in_trash: true });
  expect(await workspace.asBot.dataSources.retrieve({ data_source_id })).toMatchObject({ in_trash: true });
  expect(await workspace.asBot.databases.retrieve({ database_id: databaseId })).toMatchObject({ in_trash: false, data_sources: [] });
  await workspace.asOwner.dataSources.update({ data_source_id, in_trash: false });
  expect((await listed(workspace.asBot, databaseId))?.length).toBe(1);
});

test('a source can be listed by its database and still answer 404', async () => {
  const workspace = newWorkspace(notion);
  const { databaseId, data_source_id } = await newSource(workspace);
  notion.unshare({ botId: workspace.bot.id, id: data_source_id });
  expect((await listed(workspace.asBot, databaseId))?.length).toBe(1);
  expect(await rejection(workspace.asBot.dataSources.retrieve({ data_source_id }))).toMatchObject({ status: 404 });
  const [truth] = notion.truth({ workspaceId: workspace.workspaceId, botId: workspace.bot.id });
  expect(truth?.dataSources).toEqual([{ id: data_source_id, name: 'Tasks', answer: null }]);
});

test('ids of databases and of data sources are not interchangeable', async () => {
  const workspace = newWorkspace(notion);
  const { databaseId, data_source_id } = await newSource(workspace);
  const wrongSource = await rejection(workspace.asBot.dataSources.retrieve({ data_source_id: databaseId }));
  expect(wrongSource).toMatchObject({
    status: 404,
    message: expect.stringContaining(`Could not find data_source with ID: ${databaseId}.`),
  });
  expect(await rejection(workspace.asBot.databases.retrieve({ database_id: data_source_id }))).toMatchObject({ status: 404 });
});
