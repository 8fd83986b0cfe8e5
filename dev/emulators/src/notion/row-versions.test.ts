import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { newWorkspace } from '../../test/customer.ts';
import type { JsonObject } from '../json.ts';
import type { NotionEmulator } from './emulator.ts';
import { startNotionEmulator } from './emulator.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let notion: NotionEmulator;
let now = Date.parse('2026-01-01T00:00:00Z');
beforeAll(async () => {
  notion = await startNotionEmulator({ seed: 'row versions', clock: () => now });
});
afterAll(() => notion.stop());
beforeEach(() => {
  notion.reset();
  notion.settings.change({ rows: { keepVersions: true, lagMs: [0, 0] } });
});

type Page = JsonObject & { readonly id: string };

function newRow() {
  const { workspaceId, owner, bot, pageId } = newWorkspace(notion);
  const database = notion.createDatabase({ workspaceId, title: 'Tasks', parent: { type: 'page', id: pageId } });
  const [dataSourceId = ''] = database.dataSourceIds;
  const [id = ''] = notion.createRows({ dataSourceId, rows: [{ properties: titled('A') }] }).ids;
  const call = async (token: string, method: string, path: string, body?: JsonObject) => {
    const headers = { authorization: `Bearer ${token}`, 'notion-version': '2026-03-11' };
    const response = await fetch(`${notion.url}/v1/${path}`, { method, headers, body: body === undefined ? null : JSON.stringify(body) });
    return (await response.json()) as Page & { readonly results: readonly Page[] };
  };
  return {
    id,
    pageId,
    dataSourceId,
    databaseId: database.id,
    read: () => call(bot.token, 'GET', `pages/${id}`),
    query: async () => (await call(bot.token, 'POST', `data_sources/${dataSourceId}/query`, {})).results[0] ?? null,
    edit: (body: JsonObject) => call(owner.token, 'PATCH', `pages/${id}`, body),
    trashDatabase: (in_trash: boolean) => call(owner.token, 'PATCH', `databases/${database.id}`, { in_trash }),
  };
}

const titled = (content: string): JsonObject => ({ title: { title: [{ text: { content } }] } });

test('an answer says which versions it can be of, however it was signed', async () => {
  const row = newRow();
  await row.edit({ icon: { type: 'file_upload', file_upload: { id: 'an icon' } } });
  const first = await row.read();
  expect(await row.read()).not.toEqual(first);
  const versions = (page: JsonObject | null) => notion.rowVersions({ id: row.id, page });
  expect(versions(first)).toEqual([1]);
  await row.edit({ properties: titled('B') });
  const second = await row.read();
  await row.edit({ properties: titled('A') });
  expect([versions(first), versions(second)]).toEqual([[1, 3], [2]]);
  expect(versions({ ...second, is_locked: true })).toEqual([]);
  expect(versions(null)).toEqual([]);
});

test('a query that lags shows an earlier version', async () => {
  notion.settings.change({ rows: { lagMs: [5_000, 5_000] } });
  const row = newRow();
  now += 10_000;
  await row.edit({ properties: titled('B') });
  now += 1_000;
  const [queried, read] = [await row.query(), await row.read()];
  expect([notion.rowVersions({ id: row.id, page: queried }), notion.rowVersions({ id: row.id, page: read })]).toEqual([[0], [1]]);
});

test('a page is no row in the trash, alone or with its database, elsewhere, and when it is deleted for good', async () => {
  const row = newRow();
  const absent = () => notion.rowVersions({ id: row.id, page: null });
  await row.edit({ in_trash: true });
  expect(absent()).toEqual([1]);
  await row.edit({ in_trash: false, is_locked: true });
  await row.trashDatabase(true);
  const trashed = await row.read();
  await row.trashDatabase(false);
  expect([absent(), notion.rowVersions({ id: row.id, page: trashed })]).toEqual([[1, 4], [4]]);
  notion.move({ id: row.id, parent: { type: 'page', id: row.pageId } });
  notion.move({ id: row.id, parent: { type: 'data_source', id: row.dataSourceId } });
  expect(absent()).toEqual([1, 4, 6]);
  notion.deletePermanently({ id: row.databaseId });
  // It was in the trash before it was gone.
  expect(absent()).toEqual([1, 4, 6, 8, 9]);
});

test('nothing is kept unless it is asked for', async () => {
  notion.settings.change({ rows: { keepVersions: false } });
  const row = newRow();
  const page = await row.read();
  await row.edit({ in_trash: true });
  notion.settings.change({ rows: { keepVersions: true } });
  expect(notion.rowVersions({ id: row.id, page })).toEqual([]);
});
