import { isFullDatabase, isFullDataSource } from '@notionhq/client';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { newWorkspace, rejection } from '../../test/customer.ts';
import type { NotionEmulator } from './emulator.ts';
import { startNotionEmulator } from './emulator.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let notion: NotionEmulator;
beforeAll(async () => {
  notion = await startNotionEmulator({ seed: 'databases' });
});
afterAll(() => notion.stop());

const text = (content: string) => [{ text: { content } }];

async function newDatabase(workspace: ReturnType<typeof newWorkspace>, title = 'Tasks') {
  const database = await workspace.asOwner.databases.create({ parent: { type: 'page_id', page_id: workspace.pageId }, title: text(title) });
  if (!isFullDatabase(database)) throw new Error('A partial database.');
  return database;
}

test('a new database is a container with one source, which has a title property', async () => {
  const workspace = newWorkspace(notion);
  const created = await workspace.asOwner.databases.create({
    parent: { type: 'page_id', page_id: workspace.pageId },
    title: text('Tasks'),
    description: [{ text: { content: 'What to do', link: { url: 'https://example.com/' } }, annotations: { bold: true } }],
    is_inline: true,
    icon: { type: 'emoji', emoji: '✅' },
    initial_data_source: { properties: { Task: { title: {} }, Done: { checkbox: {} } } },
  });
  const database = await workspace.asBot.databases.retrieve({ database_id: created.id });
  expect(isFullDatabase(database)).toBe(true);
  expect(database).toEqual({
    object: 'database',
    id: created.id,
    title: [
      {
        type: 'text',
        text: { content: 'Tasks', link: null },
        annotations: { bold: false, italic: false, strikethrough: false, underline: false, code: false, color: 'default' },
        plain_text: 'Tasks',
        href: null,
      },
    ],
    description: [
      {
        type: 'text',
        text: { content: 'What to do', link: { url: 'https://example.com/' } },
        annotations: { bold: true, italic: false, strikethrough: false, underline: false, code: false, color: 'default' },
        plain_text: 'What to do',
        href: 'https://example.com/',
      },
    ],
    parent: { type: 'page_id', page_id: workspace.pageId },
    is_inline: true,
    in_trash: false,
    archived: false,
    is_locked: false,
    created_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    last_edited_time: expect.any(String),
    data_sources: [{ id: expect.any(String), name: 'Tasks' }],
    icon: { type: 'emoji', emoji: '✅' },
    cover: null,
    url: `https://www.notion.so/${created.id.replaceAll('-', '')}`,
    public_url: null,
    request_id: expect.any(String),
  });
  if (!isFullDatabase(database)) throw new Error('A partial database.');
  const source = await workspace.asBot.dataSources.retrieve({ data_source_id: database.data_sources[0]?.id ?? '' });
  expect(isFullDataSource(source)).toBe(true);
  expect(source).toMatchObject({
    parent: { type: 'database_id', database_id: created.id },
    database_parent: { type: 'page_id', page_id: workspace.pageId },
    is_inline: true,
    created_by: { object: 'user', id: workspace.owner.id },
  });
  expect(Object.keys(source.properties)).toEqual(['Task', 'Done']);
});

test('ids are accepted with and without dashes', async () => {
  const workspace = newWorkspace(notion);
  const { id } = await newDatabase(workspace);
  const database = await workspace.asBot.databases.retrieve({ database_id: id.replaceAll('-', '').toUpperCase() });
  expect(database.id).toBe(id);
});

test('every container field can be edited', async () => {
  const workspace = newWorkspace(notion);
  const { id } = await newDatabase(workspace);
  const edited = await workspace.asOwner.databases.update({
    database_id: id,
    title: text('Renamed'),
    description: text('Described'),
    is_inline: true,
    is_locked: true,
    icon: { type: 'external', external: { url: 'https://example.com/i.png' } },
    cover: { type: 'external', external: { url: 'https://example.com/c.png' } },
  });
  expect(edited).toMatchObject({
    title: [{ plain_text: 'Renamed' }],
    description: [{ plain_text: 'Described' }],
    is_inline: true,
    is_locked: true,
    icon: { type: 'external', external: { url: 'https://example.com/i.png' } },
    cover: { type: 'external', external: { url: 'https://example.com/c.png' } },
  });
  expect(await workspace.asBot.databases.retrieve({ database_id: id })).toMatchObject({ title: [{ plain_text: 'Renamed' }] });
});

test('a file hosted by Notion has a new signed URL in every response', async () => {
  const workspace = newWorkspace(notion);
  const { id } = await newDatabase(workspace);
  await workspace.asOwner.databases.update({
    database_id: id,
    icon: { type: 'file_upload', file_upload: { id: 'upload-1' } },
    cover: { type: 'file_upload', file_upload: { id: 'upload-2' } },
  });
  const [first, second] = [
    await workspace.asBot.databases.retrieve({ database_id: id }),
    await workspace.asBot.databases.retrieve({ database_id: id }),
  ];
  if (!isFullDatabase(first) || !isFullDatabase(second) || first.icon?.type !== 'file' || second.icon?.type !== 'file')
    throw new Error('No file.');
  expect(first.icon.file.url).not.toBe(second.icon.file.url);
  expect(first.icon.file.url.split('?')[0]).toBe(second.icon.file.url.split('?')[0]);
  expect(Date.parse(first.icon.file.expiry_time)).toBeGreaterThan(Date.now());
  expect(first.cover?.type).toBe('file');
});

test('a database can be retrieved before, while and after it is trashed', async () => {
  const workspace = newWorkspace(notion);
  const { id } = await newDatabase(workspace);
  await workspace.asOwner.databases.update({ database_id: id, in_trash: true });
  expect(await workspace.asBot.databases.retrieve({ database_id: id })).toMatchObject({ in_trash: true, archived: true });
  const refused = await rejection(workspace.asOwner.databases.update({ database_id: id, title: text('No') }));
  expect(refused).toMatchObject({ status: 400, code: 'validation_error', message: expect.stringContaining('archived') });
  await workspace.asOwner.databases.update({ database_id: id, in_trash: false });
  expect(await workspace.asBot.databases.retrieve({ database_id: id })).toMatchObject({ in_trash: false, archived: false });
});

test('a database under a trashed page is in the trash too', async () => {
  const workspace = newWorkspace(notion);
  const page = await workspace.asOwner.pages.create({
    parent: { page_id: workspace.pageId },
    properties: { title: { title: text('Above') } },
  });
  const database = await workspace.asOwner.databases.create({ parent: { type: 'page_id', page_id: page.id } });
  if (!isFullDatabase(database)) throw new Error('A partial database.');
  const source = { data_source_id: database.data_sources[0]?.id ?? '' };
  await workspace.asOwner.pages.update({ page_id: page.id, in_trash: true });
  expect(await workspace.asBot.databases.retrieve({ database_id: database.id })).toMatchObject({ in_trash: true });
  expect(await workspace.asBot.dataSources.retrieve(source)).toMatchObject({ in_trash: true });
  await workspace.asOwner.pages.update({ page_id: page.id, in_trash: false });
  expect(await workspace.asBot.databases.retrieve({ database_id: database.id })).toMatchObject({ in_trash: false });
});

test('a database moves to another page or the workspace, and through the control API into a block or a wiki', async () => {
  const workspace = newWorkspace(notion);
  const { workspaceId, bot, asOwner } = workspace;
  const { id } = await newDatabase(workspace);
  const page = notion.createPage({ workspaceId });
  const parents: unknown[] = [];
  const look = async () => parents.push(await asOwner.databases.retrieve({ database_id: id }));
  await asOwner.databases.update({ database_id: id, parent: { type: 'page_id', page_id: page.id } });
  await look();
  await asOwner.databases.update({ database_id: id, parent: { type: 'workspace', workspace: true } });
  await look();
  const block = notion.createBlock({ parent: { type: 'page', id: page.id } });
  notion.move({ id, parent: { type: 'block', id: block.id } });
  await look();
  const wiki = notion.createWiki({ workspaceId });
  notion.move({ id, parent: { type: 'database', id: wiki.id } });
  await look();
  expect(parents).toMatchObject([
    { parent: { type: 'page_id', page_id: page.id } },
    { parent: { type: 'workspace', workspace: true } },
    { parent: { type: 'block_id', block_id: block.id } },
    { parent: { type: 'database_id', database_id: wiki.id } },
  ]);
  expect(await rejection(notion.settle().then(() => workspace.asBot.databases.retrieve({ database_id: id })))).toMatchObject({
    status: 404,
  });
  notion.share({ botId: bot.id, id: wiki.id });
  expect((await workspace.asBot.databases.retrieve({ database_id: id })).id).toBe(id);
});

test('a database cannot be moved into the trash', async () => {
  const workspace = newWorkspace(notion);
  const { id } = await newDatabase(workspace);
  const page = notion.createPage({ workspaceId: workspace.workspaceId });
  await workspace.asOwner.pages.update({ page_id: page.id, in_trash: true });
  const moved = workspace.asOwner.databases.update({ database_id: id, parent: { type: 'page_id', page_id: page.id } });
  expect(await rejection(moved)).toMatchObject({ status: 400 });
});

test('a permanent deletion removes a database with its sources', async () => {
  const workspace = newWorkspace(notion);
  const database = await newDatabase(workspace);
  notion.deletePermanently({ id: database.id });
  expect(await rejection(workspace.asBot.databases.retrieve({ database_id: database.id }))).toMatchObject({
    status: 404,
    code: 'object_not_found',
  });
  const source = workspace.asBot.dataSources.retrieve({ data_source_id: database.data_sources[0]?.id ?? '' });
  expect(await rejection(source)).toMatchObject({ status: 404, code: 'object_not_found' });
});

test.each([
  ['object_not_found', 404],
  ['validation_error', 400],
] as const)('a linked database is refused with %s', async (answers, status) => {
  const workspace = newWorkspace(notion);
  const parent = { type: 'page', id: workspace.pageId } as const;
  const { id } = notion.createLinkedDatabase({ workspaceId: workspace.workspaceId, parent, answers });
  expect(await rejection(workspace.asBot.databases.retrieve({ database_id: id }))).toMatchObject({ status, code: answers });
  expect(notion.truth({ workspaceId: workspace.workspaceId })).toEqual([]);
});

test('an old version presents a single source as the whole database, and refuses several', async () => {
  const workspace = newWorkspace(notion);
  const database = await newDatabase(workspace);
  const asOld = (path: string) =>
    fetch(`${notion.url}/v1/${path}`, { headers: { authorization: `Bearer ${workspace.bot.token}`, 'notion-version': '2022-06-28' } });
  const single: unknown = await (await asOld(`databases/${database.id}`)).json();
  expect(single).toMatchObject({ object: 'database', id: database.id, properties: { Name: { id: 'title', type: 'title' } } });
  expect(single).not.toHaveProperty('data_sources');
  const second = await workspace.asOwner.dataSources.create({ parent: { database_id: database.id }, properties: { Name: { title: {} } } });
  const response = await asOld(`databases/${database.id}`);
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({
    object: 'error',
    status: 400,
    code: 'validation_error',
    message: 'Databases with multiple data sources are not supported in this API version.',
    additional_data: {
      error_type: 'multiple_data_sources_for_database',
      database_id: database.id,
      child_data_source_ids: [database.data_sources[0]?.id, second.id],
      minimum_api_version: '2025-09-03',
    },
    request_id: expect.any(String),
  });
  const ofSource = await asOld(`data_sources/${second.id}`);
  expect(ofSource.status).toBe(400);
  expect(await ofSource.json()).toMatchObject({ code: 'invalid_request_url' });
});

test('version 2026-03-11 has no `archived`', async () => {
  const workspace = newWorkspace(notion);
  const { id } = await newDatabase(workspace);
  const response = await fetch(`${notion.url}/v1/databases/${id}`, {
    headers: { authorization: `Bearer ${workspace.bot.token}`, 'notion-version': '2026-03-11' },
  });
  const database: unknown = await response.json();
  expect(database).toHaveProperty('in_trash', false);
  expect(database).not.toHaveProperty('archived');
});

test('times can be formatted with an offset, or truncated to the minute', async () => {
  for (const [timestamps, expected] of [
    ['offset', '2026-02-28T20:04:05.678-07:00'],
    ['minute', '2026-03-01T03:04:00.000Z'],
    ['millisecond', '2026-03-01T03:04:05.678Z'],
  ] as const) {
    const other = await startNotionEmulator({ clock: () => Date.parse('2026-03-01T03:04:05.678Z'), timestamps });
    const workspace = newWorkspace(other);
    expect(await newDatabase(workspace)).toMatchObject({ created_time: expected });
    await other.stop();
  }
});
