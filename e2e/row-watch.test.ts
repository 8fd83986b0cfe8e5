import { startNotionEmulator, type NotionEmulator } from '@notion-mirror/emulators/notion/emulator';
import { MongoClient, type Collection, type Db } from 'mongodb';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { watchRows } from './row-watch.ts';

let notion: NotionEmulator;
let client: MongoClient;
let db: Db;
let records: Collection<{ _id: string }>;

beforeAll(async () => {
  notion = await startNotionEmulator({ seed: 'row watch', rows: { keepVersions: true } });
  client = new MongoClient(inject('stack').mongodbUri);
  db = client.db(`e2e_row_watch_${process.pid}_${Date.now().toString(36)}`);
  records = db.collection('row_records');
  await db.createCollection('row_records');
});
afterAll(async () => {
  await db.dropDatabase();
  await client.close();
  await notion.stop();
});

/** A row and the page objects of its first three versions. */
function newRow() {
  const { id: workspaceId, owner } = notion.createWorkspace();
  const { id: parent } = notion.createPage({ workspaceId });
  const [dataSourceId = ''] = notion.createDatabase({ workspaceId, parent: { type: 'page', id: parent } }).dataSourceIds;
  const [pageId = ''] = notion.createRows({ dataSourceId, rows: [{}] }).ids;
  const page = () => notion.rowTruth({ workspaceId })[0]?.page;
  const pages = [page()];
  for (const archived of [true, false]) {
    notion.archiveRows({ ids: [pageId], archived });
    pages.push(page());
  }
  return { pageId, pages, token: owner.token };
}

/** Writes the documents in sequence and resolves to the complaints. */
async function complaintsAfter(pageId: string, documents: readonly object[]): Promise<readonly string[]> {
  const watch = watchRows({ db, notion });
  // The stream sees nothing from before it was opened.
  await expect
    .poll(async () => {
      await records.replaceOne({ _id: 'first' }, { pageId: 'first', removed: { reason: 'database_removed' } }, { upsert: true });
      return watch.writes;
    })
    .toBeGreaterThan(0);
  for (const [rev, document] of documents.entries()) {
    await records.replaceOne({ _id: `acme:${pageId}` }, { pageId, rev, ...document }, { upsert: true });
  }
  await watch.stop();
  return watch.complaints;
}

test('a row may show each version, the same content again, and a tombstone for what is gone', async () => {
  const { pageId, pages } = newRow();
  const [first, archived, back] = pages;
  expect(first).toEqual(back);
  const byDatabase = { removed: { reason: 'database_removed' } };
  expect(await complaintsAfter(pageId, [{ raw: first }, { raw: archived }, byDatabase, { raw: archived }, { raw: back }])).toEqual([]);
  notion.deletePermanently({ id: pageId });
  expect(await complaintsAfter(pageId, [{ raw: back }, { removed: { reason: 'deleted' } }])).toEqual([]);
});

test('a row that shows an older version, a page that is there as a tombstone, and content from nowhere are complaints', async () => {
  const { pageId, pages, token } = newRow();
  const [, archived] = pages;
  const headers = { authorization: `Bearer ${token}`, 'notion-version': '2026-03-11', 'content-type': 'application/json' };
  const edit = async (body: object) => {
    const response = await fetch(`${notion.url}/v1/pages/${pageId}`, { method: 'PATCH', headers, body: JSON.stringify(body) });
    return (await response.json()) as Record<string, unknown>;
  };
  await edit({ in_trash: true });
  const restored = await edit({ in_trash: false, is_locked: true });
  expect(
    await complaintsAfter(pageId, [{ raw: restored }, { raw: archived }, { removed: { reason: 'trashed' } }, { raw: { made: 'up' } }]),
  ).toEqual([
    `acme:${pageId}, rev 1: went back from version 5 to 1`,
    `acme:${pageId}, rev 2 (trashed): went back from version 5 to 3`,
    `acme:${pageId}, rev 3: Notion never showed this`,
  ]);
});
