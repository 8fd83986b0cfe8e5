import { collectPaginatedAPI, isFullDatabase } from '@notionhq/client';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { newWorkspace, rejection } from '../../test/customer.ts';
import type { NotionEmulator } from './emulator.ts';
import { startNotionEmulator } from './emulator.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let notion: NotionEmulator;
let now = Date.parse('2026-01-01T00:00:00Z');
beforeAll(async () => {
  notion = await startNotionEmulator({ seed: 'pages', clock: () => now, rows: { resultLimit: 120 }, searchIndexLagMs: 1000 });
});
afterAll(() => notion.stop());

async function newSource({ asOwner, pageId }: ReturnType<typeof newWorkspace>) {
  const database = await asOwner.databases.create({
    parent: { type: 'page_id', page_id: pageId },
    title: [{ text: { content: 'Tasks' } }],
    initial_data_source: { properties: { Task: { title: {} }, Done: { checkbox: {} }, Notes: { rich_text: {} } } },
  });
  return (isFullDatabase(database) && database.data_sources[0]?.id) || '';
}

test('a row is a page with the cells of its data source', async () => {
  const workspace = newWorkspace(notion);
  const data_source_id = await newSource(workspace);
  const row = await workspace.asOwner.pages.create({
    parent: { data_source_id },
    properties: { Task: { title: [{ text: { content: 'Write' } }] }, Done: { checkbox: true } },
  });
  await workspace.asOwner.pages.update({ page_id: row.id, properties: { Notes: { rich_text: [{ text: { content: 'soon' } }] } } });
  expect(await workspace.asBot.pages.retrieve({ page_id: row.id })).toMatchObject({
    object: 'page',
    parent: { type: 'data_source_id', data_source_id },
    in_trash: false,
    properties: {
      Task: { id: 'title', type: 'title', title: [{ plain_text: 'Write' }] },
      Done: { type: 'checkbox', checkbox: true },
      Notes: { type: 'rich_text', rich_text: [{ plain_text: 'soon' }] },
    },
  });
  const unknown = workspace.asOwner.pages.update({ page_id: row.id, properties: { Nothing: { checkbox: true } } });
  expect(await rejection(unknown)).toMatchObject({ status: 400, message: 'Nothing is not a property that exists.' });
});

test('a page is trashed, restored and moved', async () => {
  const { asOwner, asBot, pageId, workspaceId } = newWorkspace(notion);
  const page = await asOwner.pages.create({ parent: { page_id: pageId }, properties: { title: { title: [{ text: { content: 'P' } }] } } });
  await asOwner.pages.update({ page_id: page.id, in_trash: true });
  expect(await asBot.pages.retrieve({ page_id: page.id })).toMatchObject({ in_trash: true });
  await asOwner.pages.update({ page_id: page.id, in_trash: false });
  const elsewhere = notion.createPage({ workspaceId });
  await asOwner.pages.move({ page_id: page.id, parent: { page_id: elsewhere.id } });
  expect(await rejection(asBot.pages.retrieve({ page_id: page.id }))).toMatchObject({ status: 404 });
  expect(await rejection(asOwner.pages.move({ page_id: elsewhere.id, parent: { page_id: page.id } }))).toMatchObject({ status: 400 });
});

test('queries return rows in pages, and stop at the limit', async () => {
  const workspace = newWorkspace(notion);
  const { asBot, asOwner } = workspace;
  const data_source_id = await newSource(workspace);
  for (let number = 0; number < 130; number += 1) {
    now += 1000;
    await asOwner.pages.create({ parent: { data_source_id }, properties: { title: { title: [{ text: { content: `Row ${number}` } }] } } });
  }
  const first = await asBot.dataSources.query({ data_source_id, page_size: 50 });
  expect([first.results.length, first.has_more, first.next_cursor !== null, first.request_status?.type]).toEqual([
    50,
    true,
    true,
    'incomplete',
  ]);
  const all = await collectPaginatedAPI(asBot.dataSources.query, { data_source_id });
  expect(all.length).toBe(120);
  expect(new Set(all.map(({ id }) => id)).size).toBe(120);
  const last = await asBot.dataSources.query({
    data_source_id,
    page_size: 100,
    ...(first.next_cursor === null ? {} : { start_cursor: first.next_cursor }),
  });
  expect(last).toMatchObject({ has_more: false, request_status: { type: 'incomplete', incomplete_reason: 'query_result_limit_reached' } });

  const filtered = await asBot.dataSources.query({
    data_source_id,
    filter: { property: 'Task', title: { contains: 'Row 12' } },
    sorts: [{ timestamp: 'created_time', direction: 'descending' }],
  });
  expect(filtered.results.length).toBe(11);
  const recent = await asBot.dataSources.query({
    data_source_id,
    filter: { timestamp: 'created_time', created_time: { after: new Date(now - 5000).toISOString() } },
  });
  expect(recent.results.length).toBe(5);
});

test('search finds shared objects, after a lag, and nothing in the trash', async () => {
  const { asBot, asOwner, pageId, workspaceId, bot } = newWorkspace(notion);
  const make = (title: string) =>
    asOwner.databases.create({ parent: { type: 'page_id', page_id: pageId }, title: [{ text: { content: title } }] });
  const sources = async (query = '') =>
    (await asBot.search({ query, filter: { property: 'object', value: 'data_source' } })).results.map((result) =>
      'title' in result ? result.title.map(({ plain_text }) => plain_text).join('') : null,
    );
  const alpha = await make('Alpha');
  now += 500;
  await make('Beta');
  expect(await sources()).toEqual([]);
  now += 1000;
  expect(await sources()).toEqual(['Beta', 'Alpha']);
  expect(await sources('alp')).toEqual(['Alpha']);
  await asOwner.databases.update({ database_id: alpha.id, in_trash: true });
  expect(await sources()).toEqual(['Beta']);
  const hidden = notion.createPage({ workspaceId });
  notion.createDatabase({ workspaceId, title: 'Gamma', parent: { type: 'page', id: hidden.id } });
  now += 1000;
  expect(await sources()).toEqual(['Beta']);
  notion.share({ botId: bot.id, id: hidden.id });
  expect(await sources()).toEqual(['Beta']);
  now += 1000;
  expect(await sources()).toEqual(['Gamma', 'Beta']);
  const paged = await collectPaginatedAPI(asBot.search, { page_size: 1 });
  expect(paged.length).toBe(4);
});

test('a token identifies its user', async () => {
  const { asBot, bot, owner, workspaceId } = newWorkspace(notion);
  expect(await asBot.users.me({})).toMatchObject({
    object: 'user',
    id: bot.id,
    type: 'bot',
    name: 'My Integration',
    bot: { owner: { type: 'user', user: { id: owner.id } }, workspace_id: workspaceId, workspace_name: 'Quantify Labs' },
  });
  expect(await asBot.users.retrieve({ user_id: owner.id })).toMatchObject({ type: 'person', name: 'Owner' });
});
