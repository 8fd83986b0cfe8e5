import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { noWork } from '@notion-mirror/mirror-store/work-counts';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setRowsScene } from '../../../cli/test/rows-scene.ts';
import { someContent } from '../../../packages/mirror-store/test/databases.ts';
import type { CheckAnswer } from './answers/check.ts';
import type { DatabaseAnswer, DatabasesAnswer, HistoryAnswer, RawAnswer } from './answers/databases.ts';
import type { Explanation } from './answers/explain.ts';
import type { FindAnswer } from './answers/find.ts';
import type { RowAnswer, RowsAnswer } from './answers/rows.ts';
import type { StatusAnswer } from './answers/status.ts';
import { consolesOn, type Consoles, type RunningConsole } from './testing/test-console.ts';

let scene: Awaited<ReturnType<typeof setRowsScene>>;
let consoles: Consoles;
let operator: RunningConsole;
let databaseId: string;
let source: string;
let pages: readonly string[];
let path: string;

const json = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' };
const check = (console: RunningConsole, at = path) => console.ask(`${at}/check`, { method: 'POST', headers: json, body: {} });
const hits = async (q: string) => (await operator.get<FindAnswer>(`/api/find?q=${encodeURIComponent(q)}`)).hits;
const nameOf = (text: string) => ({ Name: { title: [{ text: { content: text } }] } });

beforeAll(async () => {
  scene = await setRowsScene('console_browser');
  const { notion, user } = scene;
  const status = { select: { options: [{ name: 'Open', color: 'red' }] } };
  ({ databaseId, dataSourceId: source } = await user.createDatabase(scene.home, 'Tasks', { Name: { title: {} }, Status: status }));
  await user.editDataSource(source, { properties: { Blocks: { relation: { data_source_id: source, single_property: {} } } } });
  const rows = Array.from({ length: 150 }, (_, n) => ({ properties: { ...nameOf(`Row ${n}`), Status: { select: { name: 'Open' } } } }));
  pages = notion.createRows({ dataSourceId: source, rows }).ids;
  const [linked = ''] = notion.createRows({
    dataSourceId: source,
    rows: [{ properties: { ...nameOf('Linked'), Blocks: { relation: [{ id: pages[0] }] } } }],
  }).ids;
  pages = [...pages, linked];
  await scene.mirrorDatabase(databaseId);
  for (const id of pages) await scene.mirrorRow(id);
  await scene.setContents(source);
  consoles = await consolesOn(scene.env);
  operator = await consoles.start({});
  path = `/api/tenants/${scene.tenant}/databases/${databaseId}`;
}, 180_000);
afterAll(async () => {
  await consoles.close();
  await scene.end();
});

test("a tenant's databases are listed by title, and found by a part of it or by a URL", async () => {
  const deps = { db: scene.db, metrics: new Registry() };
  const store = createRecordStore(databaseStorage, deps);
  const written = { workspaceId: 'globex', expected: null, connectionId: 'c', asOf: new Date(), lastEvent: null };
  const ids = Array.from({ length: 130 }, (_, n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`);
  // Many of one title: the id decides.
  for (const [n, id] of ids.entries())
    await store.writeLive({ ...written, id, content: someContent({ title: n < 120 ? 'Plan' : `Plan ${n}*` }) });
  const [first = ''] = ids;
  const gone = { workspaceId: 'globex', id: first, asOf: new Date(), source: 'delete', reason: 'deleted', eventId: 'e1' } as const;
  await store.writeTombstone({ ...gone, expected: await store.read(gone) });

  const one = await operator.get<DatabasesAnswer>('/api/tenants/globex/databases');
  const two = await operator.get<DatabasesAnswer>(`/api/tenants/globex/databases?cursor=${one.next}`);
  const listed = [...one.databases, ...two.databases].map((database) => database.databaseId);
  expect(listed).toEqual(ids.slice(1));
  expect([one.databases.length, two.next]).toEqual([100, null]);

  const q = encodeURIComponent('n 125*');
  expect((await operator.get<DatabasesAnswer>(`/api/tenants/globex/databases?q=${q}`)).databases).toMatchObject([{ title: 'Plan 125*' }]);
  const removed = await operator.get<DatabasesAnswer>('/api/tenants/globex/databases?removed=1');
  expect(removed.databases).toMatchObject([{ databaseId: first, title: null, removed: { reason: 'deleted', eventId: 'e1' } }]);
  const url = encodeURIComponent(`https://www.notion.so/acme/Tasks-${databaseId.replaceAll('-', '')}?v=1`);
  expect((await operator.get<DatabasesAnswer>(`/api/tenants/acme/databases?q=${url}`)).databases).toMatchObject([{ title: 'Tasks' }]);
});

test('a database is shown with its schema, its relations and whether its rows are complete', async () => {
  const { content, database, use, parents } = await operator.get<DatabaseAnswer>(path);
  expect(database).toMatchObject({ title: 'Tasks', rev: 1, removed: null });
  const [shown] = content?.sources ?? [];
  expect(shown).toMatchObject({ dataSourceId: source, refused: null, contents: { state: 'complete' } });
  const properties = new Map(shown?.properties?.map((property) => [property.name, property]));
  expect(properties.get('Status')?.options).toMatchObject([{ name: 'Open', color: 'red' }]);
  expect(properties.get('Blocks')?.relation).toEqual({ dataSourceId: source, databaseId, title: 'Tasks' });
  expect(parents).toEqual([{ kind: 'page', id: scene.home, title: null, databaseId: null }]);
  expect(use.mongosh).toBe(`db.databases.findOne({ workspaceId: "acme", databaseId: "${databaseId}" })`);
  expect((await operator.get<RawAnswer>(`${path}/raw`)).raw).toMatchObject({ database: { object: 'database' } });
  expect((await operator.ask(`${path.slice(0, -1)}x`)).status).toBe(404);
});

test('rows are a table in the order of their columns, with typed cells', async () => {
  const first = await operator.get<RowsAnswer>(`${path}/rows`);
  const second = await operator.get<RowsAnswer>(`${path}/rows?cursor=${first.next}`);
  const rows = [...first.rows, ...second.rows];
  expect(new Set(rows.map(({ pageId }) => pageId))).toEqual(new Set(pages));
  expect([rows.length, first.rows.length, second.next]).toEqual([151, 100, null]);
  const column = (name: string) => first.columns.findIndex((one) => one.name === name);
  const linked = rows.find(({ title }) => title === 'Linked');
  expect(linked?.cells[column('Blocks')]).toMatchObject({ text: 'Row 0', links: [{ pageId: pages[0], title: 'Row 0' }] });
  expect(rows[0]?.cells[column('Status')]).toMatchObject({ text: 'Open', value: 'Open' });
  const where = encodeURIComponent('Name=Row 7');
  expect((await operator.get<RowsAnswer>(`${path}/rows?where=${where}`)).rows).toMatchObject([{ title: 'Row 7' }]);
  expect((await operator.ask(`${path}/rows?where=Nothing`)).status).toBe(400);

  const row = await operator.get<RowAnswer>(`/api/tenants/acme/rows/${linked?.pageId ?? ''}`);
  expect(row).toMatchObject({
    databaseId,
    dataSourceId: source,
    removed: null,
    raw: { object: 'page' },
    row: { line: { title: 'Linked' } },
  });
});

test('a row names the databases in its page, and they name the row', async () => {
  const [holder = ''] = pages;
  const { databaseId: nested } = await scene.user.createDatabase(holder, 'Nested', { Name: { title: {} } });
  await scene.mirrorDatabase(nested);
  const table = { kind: 'database', id: databaseId, title: 'Tasks', databaseId: null };
  const row = await operator.get<RowAnswer>(`/api/tenants/acme/rows/${holder}`);
  expect({ parents: row.parents, children: row.children }).toEqual({
    parents: [table],
    children: [{ kind: 'database', id: nested, title: 'Nested', databaseId: null }],
  });
  const inRow = await operator.get<DatabaseAnswer>(`/api/tenants/acme/databases/${nested}`);
  expect(inRow.content?.parent).toEqual({ type: 'page_id', id: holder });
  expect(inRow.parents).toEqual([table, { kind: 'row', id: holder, title: 'Row 0', databaseId }]);
  const other = await operator.get<RowAnswer>(`/api/tenants/acme/rows/${pages[1]}`);
  expect(other.children).toEqual([]);

  const hidden = await consoles.start({ MIRROR_CONSOLE_CONTENT: 'off' });
  const { parents } = await hidden.get<DatabaseAnswer>(`/api/tenants/acme/databases/${nested}`);
  expect(parents.map(({ kind, id, title }) => [kind, id, title])).toEqual([
    ['database', databaseId, null],
    ['row', holder, null],
  ]);
});

test('the history of the schema says what an edit changed', async () => {
  await scene.user.editDataSource(source, { properties: { Status: { name: 'State' } } });
  await scene.mirrorDatabase(databaseId);
  const { changes } = await operator.get<HistoryAnswer>(`${path}/history`);
  expect(changes[0]).toMatchObject({
    dataSourceId: source,
    changes: [{ kind: 'renamed', property: 'State', text: 'renamed from "Status"' }],
  });
});

test('an id, a URL or a part of a name leads to where it is shown', async () => {
  expect(await hits('acm')).toMatchObject([{ kind: 'tenant', to: '/t/acme' }]);
  const url = `https://www.notion.so/Tasks-${databaseId.replaceAll('-', '')}`;
  expect(await hits(url)).toMatchObject([{ kind: 'database', title: 'Tasks', to: `/t/acme/d/${databaseId}` }, { kind: 'explain' }]);
  expect(await hits(source)).toMatchObject([{ kind: 'data_source', to: `/t/acme/d/${databaseId}` }, { kind: 'explain' }]);
  const [page = ''] = pages;
  expect(await hits(page)).toMatchObject([{ kind: 'row', title: 'Row 0', to: `/t/acme/r/${page}` }, { kind: 'explain' }]);
  expect(await hits('3:14')).toEqual([expect.objectContaining({ kind: 'dead_letter', to: '/dead-letters/3/14' })]);
  expect(await hits('no such thing')).toEqual([]);
});

test('explain tells what MongoDB knows at once, and then what Kafka and Notion say', async () => {
  const explanations: Explanation[] = [];
  const ends: string[] = [];
  for await (const { event, data } of operator.follow(`/api/explain/${encodeURIComponent(databaseId)}`)) {
    if (event === 'explanation') explanations.push(data as Explanation);
    else ends.push(event);
  }
  expect(explanations.map(({ asking }) => asking)).toEqual([['log', 'deadLetters', 'notion'], []]);
  expect(ends).toEqual(['done']);
  const [first, last] = explanations;
  expect(first?.tenants).toMatchObject([{ workspaceId: 'acme', mirrored: { live: true }, notion: null }]);
  expect(last).toMatchObject({ kind: 'database', id: databaseId, causes: [], tenants: [{ notion: 'equal' }] });
  const { stdout } = await scene.mirror('explain', databaseId, '--json');
  expect(JSON.parse(stdout)).toMatchObject({
    ok: true,
    causes: last?.causes,
    tenants: last?.tenants.map(({ row: _row, ...rest }) => rest),
  });
});

test('Equal to Notion? compares the database and its rows, and names what differs', async () => {
  // The edit of the schema has changed each row's page.
  for (const id of pages) await scene.mirrorRow(id);
  const equal = await check(operator);
  expect(equal.json).toMatchObject({
    verdict: 'equal',
    differences: [],
    problems: [],
    rows: [{ dataSourceId: source, live: 151, archived: 0, compared: 151, why: null }],
  });
  expect((equal.json as CheckAnswer).notionCalls).toBeGreaterThan(2);
  expect(await check(operator)).toMatchObject({
    status: 429,
    json: { error: { code: 'too_often' } },
    headers: { 'retry-after': expect.stringMatching(/^[1-5]$/) },
  });

  // Another console has a turn of its own.
  await scene.user.editDatabase(databaseId, { title: [{ text: { content: 'Work' } }] });
  const other = await consoles.start({});
  const different = (await check(other)).json as CheckAnswer;
  expect(different).toMatchObject({ verdict: 'different', differences: [{ kind: 'stale', databaseId, pageId: null }] });
  expect(different.text).toMatch(/^Different from Notion: \d fields, \d calls\.$/);
  expect(different.differences[0]?.fields).toContainEqual({ path: 'title', mirror: '"Tasks"', notion: '"Work"' });

  const hidden = await consoles.start({ MIRROR_CONSOLE_CONTENT: 'off' });
  const [difference] = ((await check(hidden)).json as CheckAnswer).differences;
  expect(difference?.fields).toEqual([]);
  expect(difference?.moreFields).toBeGreaterThan(0);
}, 120_000);

test('no text of a customer leaves a console that hides content', async () => {
  const hidden = await consoles.start({ MIRROR_CONSOLE_CONTENT: 'off' });
  const [page = ''] = pages;
  const shown = [path, '/api/tenants/acme/databases', `/api/find?q=${databaseId}`, `/api/find?q=${page}`, '/api/events', '/api/status'];
  for (const address of shown) {
    const { status, text } = await hidden.ask(address);
    expect(status).toBe(200);
    expect(text).not.toMatch(/Tasks|Work|Row 0|Status|Blocks/);
  }
  for (const address of [
    `${path}/raw`,
    `${path}/history`,
    `${path}/rows`,
    `/api/tenants/acme/rows/${page}`,
    '/api/tenants/acme/databases?q=Work',
  ]) {
    expect(await hidden.ask(address)).toMatchObject({ status: 403, json: { error: { code: 'content_hidden' } } });
  }
});

test('the overview is what `mirror status --json` says', async () => {
  const at = new Date();
  const limitedBy = { public_api_space_request_rate_limit: 3, service_overload: 1 };
  await scene.db.collection('worker_status').insertOne({
    service: 'sync-worker',
    at,
    expiresAt: new Date(at.getTime() + 60_000),
    partitions: [],
    running: 0,
    waiting: 0,
    tenants: 0,
    oldestAt: null,
    backlog: [],
    lastMinute: { ...noWork, seconds: 60, limited: 4, limitedBy, postponedBy: { workspace_pause: 2 } },
  });
  const command = JSON.parse((await scene.mirror('status', '--json')).stdout) as Record<string, unknown>;
  const status = await operator.get<StatusAnswer>('/api/status');
  expect(command).toMatchObject({ notion: { limits: [{ kind: 'refused', count: 3 }, { count: 1 }, { kind: 'postponed', count: 2 }] } });
  const { ok: _ok, ...fields } = command;
  expect(status).toMatchObject({ ...fields, at: status.at });
});
