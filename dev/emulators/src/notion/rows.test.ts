import { Client, LogLevel, isFullDatabase } from '@notionhq/client';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { newWorkspace, rejection } from '../../test/customer.ts';
import type { NotionEmulator } from './emulator.ts';
import { startNotionEmulator } from './emulator.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

type Workspace = ReturnType<typeof newWorkspace>;
type Body = Record<string, unknown>;

/** The parts of answers that the tests read. */
interface Answer extends Body {
  readonly id: string;
  readonly results: readonly Answer[];
  readonly properties: Readonly<Record<string, Value>>;
  readonly has_more: boolean;
  readonly next_cursor: string | null;
  readonly created_time: string;
}
interface Value extends Body {
  readonly id: string;
  readonly type: string;
  readonly relation: readonly { readonly id: string }[];
  readonly people: readonly unknown[];
  readonly rich_text: readonly unknown[];
  readonly has_more?: boolean;
}

const start = Date.parse('2026-01-01T00:00:00Z');
let notion: NotionEmulator;
let now = start;
beforeAll(async () => {
  notion = await startNotionEmulator({ seed: 'rows', clock: () => now });
});
beforeEach(() => {
  notion.reset();
  notion.settings.change({
    rows: { resultLimit: 10_000, lagMs: [0, 0], staleReadProbability: 0, shortPageProbability: 0, cursorLifeMs: null, relatedBudget: null },
  });
});
afterAll(() => notion.stop());

async function newSource(workspace: Workspace, properties: Body = {}, title = 'Tasks'): Promise<string> {
  const database = await workspace.asOwner.databases.create({
    parent: { type: 'page_id', page_id: workspace.pageId },
    title: [{ text: { content: title } }],
    initial_data_source: { properties: { Name: { title: {} }, ...properties } },
  });
  return (isFullDatabase(database) && database.data_sources[0]?.id) || '';
}

/** With the version that the mirror uses, and without the SDK's types, which lack `is_archived`. */
function callsOf(token: string) {
  const client = new Client({ auth: token, baseUrl: notion.url, notionVersion: '2026-03-11', retry: false, logLevel: LogLevel.ERROR });
  const request = (method: 'get' | 'post' | 'patch', path: string, body?: Body) =>
    client.request<Answer>({ method, path, ...(body === undefined ? {} : { body }) });
  return {
    get: (path: string) => request('get', path),
    patch: (path: string, body: Body) => request('patch', path, body),
    row: async (source: string, properties: Body = {}, more: Body = {}) =>
      (await request('post', 'pages', { parent: { data_source_id: source }, properties, ...more })).id,
    edit: (id: string, properties: Body) => request('patch', `pages/${id}`, { properties }),
    query: (source: string, body: Body = {}) => request('post', `data_sources/${source}/query`, body),
  };
}

function callers(workspace: Workspace) {
  return { owner: callsOf(workspace.owner.token), bot: callsOf(workspace.bot.token) };
}

const text = (content: string) => [{ text: { content } }];
const named = (content: string) => ({ Name: { title: text(content) } });
const idsOf = (answer: Answer) => answer.results.map(({ id }) => id);
function cellOf({ properties }: Answer, name: string): Value {
  const value = properties[name];
  if (value === undefined) throw new Error(`There is no property ${name}.`);
  return value;
}
const created = (condition: Body) => ({ timestamp: 'created_time', created_time: condition });
const after = (minutes: number) => new Date(start + minutes * 60_000).toISOString();

describe('the cells of a row', () => {
  test.each<[string, Body, unknown, unknown]>([
    ['rich_text', { rich_text: {} }, text('a'), [expect.objectContaining({ type: 'text', plain_text: 'a', href: null })]],
    ['rich_text', { rich_text: {} }, undefined, []],
    ['url', { url: {} }, 'https://a.example', 'https://a.example'],
    ['email', { email: {} }, 'a@example.com', 'a@example.com'],
    ['phone_number', { phone_number: {} }, undefined, null],
    ['number', { number: {} }, 0, 0],
    ['number', { number: {} }, undefined, null],
    ['checkbox', { checkbox: {} }, true, true],
    ['checkbox', { checkbox: {} }, undefined, false],
    ['select', { select: { options: [{ name: 'A', color: 'red' }] } }, { name: 'A' }, { id: expect.any(String), name: 'A', color: 'red' }],
    ['select', { select: {} }, undefined, null],
    ['status', { status: {} }, { name: 'Done' }, { id: expect.any(String), name: 'Done', color: 'green' }],
    [
      'multi_select',
      { multi_select: { options: [{ name: 'A' }] } },
      [{ name: 'B' }, { name: 'A' }],
      [
        { id: expect.any(String), name: 'B', color: 'default' },
        { id: expect.any(String), name: 'A', color: 'default' },
      ],
    ],
    ['date', { date: {} }, { start: '2026-01-02' }, { start: '2026-01-02', end: null, time_zone: null }],
    ['date', { date: {} }, undefined, null],
    [
      'people',
      { people: {} },
      [{ id: 'p' }, { object: 'group', id: 'g' }],
      [
        { object: 'user', id: 'p' },
        { object: 'group', id: 'g' },
      ],
    ],
    [
      'files',
      { files: {} },
      [
        { name: 'a', external: { url: 'https://a.example' } },
        { name: 'b', file_upload: { id: 'upload' } },
      ],
      [
        { name: 'a', type: 'external', external: { url: 'https://a.example' } },
        { name: 'b', type: 'file', file: { url: expect.stringContaining('X-Amz-Signature'), expiry_time: expect.any(String) } },
      ],
    ],
    ['unique_id', { unique_id: { prefix: 'PRJ' } }, undefined, { prefix: 'PRJ', number: 1 }],
    ['created_time', { created_time: {} }, undefined, '2026-01-01T00:00:00.000Z'],
    ['last_edited_time', { last_edited_time: {} }, undefined, '2026-01-01T00:00:00.000Z'],
    ['created_by', { created_by: {} }, undefined, { object: 'user', id: expect.any(String) }],
    ['button', { button: {} }, undefined, {}],
    ['place', { place: {} }, { lat: 1, lon: 2 }, { lat: 1, lon: 2 }],
    ['verification', { verification: {} }, undefined, null],
  ])('of the type %s', async (type, config, given, expected) => {
    now = start + 59_999;
    const workspace = newWorkspace(notion);
    const { owner, bot } = callers(workspace);
    const source = await newSource(workspace, { P: config });
    const id = await owner.row(source, given === undefined ? {} : { P: { [type]: given } });
    const page = await bot.get(`pages/${id}`);
    expect(cellOf(page, 'P')).toEqual({ id: expect.any(String), type, [type]: expected });
    expect(page).toMatchObject({ is_archived: false, in_trash: false, created_time: '2026-01-01T00:00:00.000Z' });
    expect('archived' in page).toBe(false);
  });

  test('computed cells cannot be set, and an unknown status is refused', async () => {
    const workspace = newWorkspace(notion);
    const { owner } = callers(workspace);
    const source = await newSource(workspace, { Id: { unique_id: {} }, State: { status: {} } });
    expect(await rejection(owner.row(source, { Id: { unique_id: { number: 4 } } }))).toMatchObject({ status: 400 });
    expect(await rejection(owner.row(source, { State: { status: { name: 'None' } } }))).toMatchObject({ status: 400 });
  });

  test('a verification expires without an edit', async () => {
    now = start;
    const workspace = newWorkspace(notion);
    const { owner } = callers(workspace);
    const source = await newSource(workspace, { V: { verification: {} } });
    const verification = { state: 'verified', verified_by: null, date: { start: after(0), end: after(1), time_zone: null } };
    const id = await owner.row(source, { V: { verification } });
    now = start + 61_000;
    expect(await owner.get(`pages/${id}`)).toMatchObject({
      last_edited_time: after(0),
      properties: { V: { verification: { state: 'expired' } } },
    });
  });
});

describe('values that a page object cuts off', () => {
  test('relations, people and mentions end at 25, and the property endpoint has the rest', async () => {
    const workspace = newWorkspace(notion);
    const { owner, bot } = callers(workspace);
    const other = await newSource(workspace, {}, 'Others');
    const others: string[] = [];
    for (let number = 0; number < 30; number += 1) others.push(await owner.row(other, named(`Other ${number}`)));
    const source = await newSource(workspace, {
      Related: { relation: { data_source_id: other, single_property: {} } },
      People: { people: {} },
      Text: { rich_text: {} },
    });
    const id = await owner.row(source, {
      Related: { relation: others.map((each) => ({ id: each })) },
      People: { people: others.map((each) => ({ id: each })) },
      Text: { rich_text: others.map((each) => ({ mention: { page: { id: each } } })) },
    });
    const page = await bot.get(`pages/${id}`);
    const [related, people, texts] = [cellOf(page, 'Related'), cellOf(page, 'People'), cellOf(page, 'Text')];
    expect([related.relation.length, related.has_more]).toEqual([25, true]);
    expect(people.people.length).toBe(25);
    expect(texts.rich_text.length).toBe(25);
    expect(texts.rich_text[0]).toMatchObject({ plain_text: 'Other 0', mention: { type: 'page', page: { id: others[0] } } });

    const [truth] = notion.rowTruth({ workspaceId: workspace.workspaceId, dataSourceId: source });
    expect(Object.keys(truth?.whole ?? {}).toSorted()).toEqual([related.id, people.id, texts.id].toSorted());
    expect(truth?.whole[related.id]?.length).toBe(30);
    for (const { id: propertyId, type } of [related, people, texts]) {
      const path = `pages/${id}/properties/${propertyId}`;
      const first = await bot.get(`${path}?page_size=20`);
      expect(first).toMatchObject({ object: 'list', type: 'property_item', has_more: true });
      expect(first['property_item']).toMatchObject({ id: decodeURIComponent(propertyId), type });
      const second = await bot.get(`${path}?page_size=20&start_cursor=${first.next_cursor}`);
      expect([first.results.length, second.results.length, second.has_more, second.next_cursor]).toEqual([20, 10, false, null]);
      expect(second.results[9]).toMatchObject({ object: 'property_item', id: propertyId });
    }
  });

  test('the property endpoint answers one item for other types, and knows no id that is encoded twice', async () => {
    const workspace = newWorkspace(notion);
    const { owner } = callers(workspace);
    const source = await newSource(workspace, Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`N${index}`, { number: {} }])));
    const id = await owner.row(source, { N0: { number: 7 } });
    const page = await owner.get(`pages/${id}`);
    expect(await owner.get(`pages/${id}/properties/${cellOf(page, 'N0').id}`)).toMatchObject({
      object: 'property_item',
      type: 'number',
      number: 7,
    });
    expect(await owner.get(`pages/${id}/properties/title`)).toMatchObject({ object: 'list', results: [], has_more: false });
    const encoded = Object.values(page.properties).find((property) => property.id.includes('%'))?.id ?? '';
    expect(await owner.get(`pages/${id}/properties/${encoded}`)).toMatchObject({ id: encoded });
    const twice = owner.get(`pages/${id}/properties/${encodeURIComponent(encoded)}`);
    expect(await rejection(twice)).toMatchObject({ status: 400, message: `${encoded} is not a property that exists.` });
  });
});

describe('queries', () => {
  test('refuse what the live API refuses', async () => {
    const workspace = newWorkspace(notion);
    const { bot } = callers(workspace);
    const source = await newSource(workspace);
    for (const key of ['in_trash', 'archived']) {
      expect(await rejection(bot.query(source, { [key]: true }))).toMatchObject({
        status: 400,
        message: expect.stringContaining(`body failed validation: body.${key} should be not present`),
      });
    }
    expect(await rejection(bot.query(source, { page_size: 101 }))).toMatchObject({ status: 400 });
  });

  test('show one partition each, without trash', async () => {
    const workspace = newWorkspace(notion);
    const { owner, bot } = callers(workspace);
    const source = await newSource(workspace);
    const [live, archived, trashed] = [await owner.row(source), await owner.row(source), await owner.row(source)];
    await owner.patch(`pages/${archived}`, { is_archived: true });
    await owner.patch(`pages/${trashed}`, { in_trash: true });
    const lists = async () => [idsOf(await bot.query(source)), idsOf(await bot.query(source, { is_archived: true, result_type: 'page' }))];
    expect(await lists()).toEqual([[live], [archived]]);
    expect(await bot.query(source, { result_type: 'data_source' })).toMatchObject({ results: [], has_more: false });
    expect(await bot.get(`pages/${archived}`)).toMatchObject({ is_archived: true, in_trash: false });
    expect(await bot.get(`pages/${trashed}`)).toMatchObject({ is_archived: false, in_trash: true });
    await owner.patch(`pages/${archived}`, { is_archived: false });
    await owner.patch(`pages/${trashed}`, { in_trash: false });
    expect(await lists()).toEqual([[live, archived, trashed], []]);
  });

  test('show only rows that the connection sees', async () => {
    const workspace = newWorkspace(notion);
    const { owner, bot } = callers(workspace);
    const source = await newSource(workspace);
    const [seen, unseen] = [await owner.row(source), await owner.row(source)];
    notion.unshare({ botId: workspace.bot.id, id: unseen });
    expect(idsOf(await bot.query(source))).toEqual([seen]);
    expect(idsOf(await owner.query(source))).toEqual([seen, unseen]);
  });

  test('compare times to the millisecond and answer with minutes', async () => {
    const workspace = newWorkspace(notion);
    const { owner, bot } = callers(workspace);
    const source = await newSource(workspace);
    const rows: string[] = [];
    for (const at of [0, 59_999, 60_000, 119_999, 120_000]) {
      now = start + at;
      rows.push(await owner.row(source));
    }
    const times = (await bot.query(source)).results.map((row) => row.created_time);
    expect(times).toEqual([after(0), after(0), after(1), after(1), after(2)]);
    const minute = { and: [created({ on_or_after: after(1) }), created({ before: after(2) })] };
    expect(idsOf(await bot.query(source, { filter: minute }))).toEqual([rows[2], rows[3]]);
    expect(idsOf(await bot.query(source, { filter: created({ after: after(0) }) }))).toEqual(rows.slice(1));
    const either = { or: [created({ equals: after(2) }), created({ on_or_before: after(0) })] };
    expect(idsOf(await bot.query(source, { filter: either }))).toEqual([rows[0], rows[4]]);

    now = start + 180_000;
    await owner.edit(rows[1] ?? '', named('edited'));
    const edited = { timestamp: 'last_edited_time', last_edited_time: { on_or_after: after(3) } };
    expect(idsOf(await bot.query(source, { filter: edited }))).toEqual([rows[1]]);
    const sorted = async (timestamp: string, direction: string) => idsOf(await bot.query(source, { sorts: [{ timestamp, direction }] }));
    expect(await sorted('created_time', 'descending')).toEqual(rows.toReversed());
    expect((await sorted('last_edited_time', 'descending'))[0]).toBe(rows[1]);
  });

  test('filter by the values of properties', async () => {
    const workspace = newWorkspace(notion);
    const { owner, bot } = callers(workspace);
    const source = await newSource(workspace, {
      Id: { unique_id: {} },
      Done: { checkbox: {} },
      Kind: { select: {} },
      Size: { number: {} },
    });
    const rows = [
      await owner.row(source, { ...named('Alpha'), Kind: { select: { name: 'A' } }, Size: { number: 3 } }),
      await owner.row(source, { ...named('Beta'), Done: { checkbox: true } }),
      await owner.row(source, { ...named('Alpine'), Size: { number: 1 } }),
    ];
    const matching = async (property: string, condition: Body) =>
      idsOf(await bot.query(source, { filter: { property, ...condition } })).map((id) => rows.indexOf(id));
    expect(await matching('Id', { unique_id: { greater_than: 1, less_than_or_equal_to: 3 } })).toEqual([1, 2]);
    expect(await matching('Done', { checkbox: { equals: false } })).toEqual([0, 2]);
    expect(await matching('Kind', { select: { equals: 'A' } })).toEqual([0]);
    expect(await matching('Kind', { select: { does_not_equal: 'A' } })).toEqual([1, 2]);
    expect(await matching('Size', { number: { greater_than_or_equal_to: 1 } })).toEqual([0, 2]);
    expect(await matching('Name', { title: { starts_with: 'Alp' } })).toEqual([0, 2]);
    const bySize = await bot.query(source, { sorts: [{ property: 'Size', direction: 'ascending' }] });
    expect(idsOf(bySize)).toEqual([rows[2], rows[0], rows[1]]);
    const only = await bot.get(`pages/${rows[0]}?filter_properties=title`);
    expect(Object.keys(only.properties)).toEqual(['Name']);
  });

  test('say on every page that the result is cut off, and say nothing otherwise', async () => {
    const workspace = newWorkspace(notion);
    const { owner, bot } = callers(workspace);
    const source = await newSource(workspace);
    for (let number = 0; number < 5; number += 1) await owner.row(source);
    notion.settings.change({ rows: { resultLimit: 5 } });
    expect('request_status' in (await bot.query(source))).toBe(false);
    notion.settings.change({ rows: { resultLimit: 4 } });
    const first = await bot.query(source, { page_size: 2 });
    const second = await bot.query(source, { page_size: 2, start_cursor: first.next_cursor });
    const incomplete = { type: 'incomplete', incomplete_reason: 'query_result_limit_reached' };
    expect([first, second]).toMatchObject([
      { has_more: true, request_status: incomplete },
      { has_more: false, next_cursor: null, request_status: incomplete },
    ]);
    expect(new Set([...idsOf(first), ...idsOf(second)]).size).toBe(4);
  });

  test('page with cursors that die and belong to one question', async () => {
    now = start;
    const workspace = newWorkspace(notion);
    const { owner, bot } = callers(workspace);
    const source = await newSource(workspace);
    for (let number = 0; number < 4; number += 1) await owner.row(source);
    notion.settings.change({ rows: { cursorLifeMs: 1000 } });
    const { next_cursor } = await bot.query(source, { page_size: 2 });
    expect((await bot.query(source, { start_cursor: next_cursor })).results.length).toBe(2);
    const invalid = { status: 400, code: 'validation_error', message: `The start_cursor provided is invalid: ${next_cursor}` };
    expect(await rejection(bot.query(source, { start_cursor: next_cursor, is_archived: true }))).toMatchObject(invalid);
    now += 1001;
    expect(await rejection(bot.query(source, { start_cursor: next_cursor }))).toMatchObject(invalid);
  });

  test('may return short pages before the end', async () => {
    const workspace = newWorkspace(notion);
    const { owner, bot } = callers(workspace);
    const source = await newSource(workspace);
    const rows: string[] = [];
    for (let number = 0; number < 12; number += 1) rows.push(await owner.row(source));
    notion.settings.change({ rows: { shortPageProbability: 1 } });
    const pages: Answer[] = [];
    for (let cursor: string | null | undefined; cursor !== null; cursor = pages.at(-1)?.next_cursor) {
      pages.push(await bot.query(source, { page_size: 5, ...(cursor === undefined ? {} : { start_cursor: cursor }) }));
    }
    expect(pages.flatMap(idsOf)).toEqual(rows);
    expect(pages.slice(0, -1).some((page) => page.results.length < 5 && page.has_more)).toBe(true);
  });

  test('time out for large pages only', async () => {
    const workspace = newWorkspace(notion);
    const { bot } = callers(workspace);
    const source = await newSource(workspace);
    notion.faults.inject({ kind: 'gateway_timeout', path: '/v1/data_sources/*/query', pageSizeOver: 50 });
    notion.faults.inject({ kind: 'service_unavailable', path: '/v1/data_sources/*/query', pageSizeOver: 25 });
    expect(await rejection(bot.query(source))).toMatchObject({ status: 504 });
    expect(await rejection(bot.query(source, { page_size: 50 }))).toMatchObject({ status: 503 });
    expect(await bot.query(source, { page_size: 25 })).toMatchObject({ results: [] });
  });

  test('show the state of some time ago, although a single read shows the present', async () => {
    now = start;
    const workspace = newWorkspace(notion);
    const { owner, bot } = callers(workspace);
    const source = await newSource(workspace);
    const elsewhere = await newSource(workspace, {}, 'Elsewhere');
    notion.settings.change({ rows: { lagMs: [10_000, 10_000] } });
    const [edited, moved, trashed, archived, deleted] = [
      await owner.row(source, named('before')),
      await owner.row(source),
      await owner.row(source),
      await owner.row(source),
      await owner.row(source),
    ];
    const all = [edited, moved, trashed, archived, deleted];
    expect(idsOf(await bot.query(source))).toEqual([]);
    now += 10_000;
    expect(idsOf(await bot.query(source))).toEqual(all);
    now += 60_000;
    await owner.edit(edited, named('after'));
    await workspace.asOwner.pages.move({ page_id: moved, parent: { type: 'data_source_id', data_source_id: elsewhere } });
    await owner.patch(`pages/${trashed}`, { in_trash: true });
    await owner.patch(`pages/${archived}`, { is_archived: true });
    notion.deletePermanently({ id: deleted });

    now += 9_999;
    const old = await bot.query(source);
    expect(new Set(idsOf(old))).toEqual(new Set(all));
    const row = old.results.find(({ id }) => id === edited);
    expect(row).toMatchObject({ last_edited_time: after(0), properties: { Name: { title: [{ plain_text: 'before' }] } } });
    expect(await bot.get(`pages/${edited}`)).toMatchObject({ properties: { Name: { title: [{ plain_text: 'after' }] } } });
    expect(idsOf(await bot.query(elsewhere))).toEqual([]);
    now += 1;
    expect(idsOf(await bot.query(source))).toEqual([edited]);
    expect(idsOf(await bot.query(source, { is_archived: true }))).toEqual([archived]);
    expect(idsOf(await bot.query(elsewhere))).toEqual([moved]);
  });
});

const rollup = (name: string, property: string) => ({
  rollup: { function: name, relation_property_name: 'Tasks', rollup_property_name: property },
});

async function projectsAndTasks(workspace: Workspace) {
  const projects = await newSource(workspace, {}, 'Projects');
  const tasks = await newSource(workspace, {
    Project: { relation: { data_source_id: projects, dual_property: { synced_property_name: 'Tasks' } } },
    Hours: { number: {} },
    Price: { formula: { expression: 'prop("Hours") * 2' } },
  });
  await callsOf(workspace.owner.token).patch(`data_sources/${projects}`, {
    properties: {
      Sum: rollup('sum', 'Hours'),
      Price: rollup('sum', 'Price'),
      Count: rollup('count', 'Name'),
      Names: rollup('show_original', 'Name'),
      Unique: rollup('show_unique', 'Hours'),
      Twice: { formula: { expression: 'prop("Sum") * 2' } },
    },
  });
  return { projects, tasks };
}
const linked = (...ids: string[]) => ({ relation: ids.map((id) => ({ id })) });

const shownTitle = (content: string) => ({ type: 'title', title: [expect.objectContaining({ plain_text: content })] });

test('a single read may be stale', async () => {
  now = start;
  const workspace = newWorkspace(notion);
  const { owner, bot } = callers(workspace);
  notion.settings.change({ rows: { lagMs: [5000, 5000], staleReadProbability: 1 } });
  const id = await owner.row(await newSource(workspace), named('before'));
  const title = async () => cellOf(await bot.get(`pages/${id}`), 'Name')['title'];
  now += 60_000;
  await owner.edit(id, named('after'));
  now += 4999;
  expect(await title()).toMatchObject([{ plain_text: 'before' }]);
  now += 1;
  expect(await title()).toMatchObject([{ plain_text: 'after' }]);
});

describe('values that follow other rows', () => {
  test('a two-way relation changes both ends, but edits only one row', async () => {
    now = start;
    const workspace = newWorkspace(notion);
    const { owner, bot } = callers(workspace);
    const { projects, tasks } = await projectsAndTasks(workspace);
    const [alpha, beta] = [await owner.row(projects, named('Alpha')), await owner.row(projects, named('Beta'))];
    const task = await owner.row(tasks, { Project: linked(alpha) });
    const tasksOf = async (id: string) => cellOf(await bot.get(`pages/${id}`), 'Tasks').relation.map((each) => each.id);
    expect([await tasksOf(alpha), await tasksOf(beta)]).toEqual([[task], []]);
    now += 120_000;
    await owner.edit(task, { Project: linked(beta) });
    expect([await tasksOf(alpha), await tasksOf(beta)]).toEqual([[], [task]]);
    expect((await bot.get(`pages/${beta}`))['last_edited_time']).toBe(after(0));
    await owner.edit(alpha, { Tasks: linked(task) });
    expect(cellOf(await bot.get(`pages/${task}`), 'Project').relation.map(({ id }) => id)).toEqual([beta, alpha]);
    await owner.patch(`pages/${task}`, { in_trash: true });
    expect([await tasksOf(alpha), await tasksOf(beta)]).toEqual([[], []]);
  });

  test('an unshared row is missing from relations, and from what is computed over them', async () => {
    const workspace = newWorkspace(notion);
    const { owner, bot } = callers(workspace);
    const { projects, tasks } = await projectsAndTasks(workspace);
    const project = await owner.row(projects);
    const hidden = await owner.row(tasks, { Project: linked(project), Hours: { number: 3 } });
    notion.unshare({ botId: workspace.bot.id, id: hidden });
    const page = await bot.get(`pages/${project}`);
    expect(cellOf(page, 'Tasks')).toMatchObject({ relation: [], has_more: false });
    expect(cellOf(page, 'Sum')['rollup']).toEqual({ type: 'number', number: 0, function: 'sum' });
    expect(cellOf(await owner.get(`pages/${project}`), 'Sum')['rollup']).toEqual({ type: 'number', number: 3, function: 'sum' });
  });

  test('rollups and formulas are computed over each other', async () => {
    const workspace = newWorkspace(notion);
    const { owner, bot } = callers(workspace);
    const { projects, tasks } = await projectsAndTasks(workspace);
    const project = await owner.row(projects);
    const rows: string[] = [];
    for (const hours of [1, 2, 2])
      rows.push(await owner.row(tasks, { ...named(`T${hours}`), Project: linked(project), Hours: { number: hours } }));
    const page = await bot.get(`pages/${project}`);
    expect(cellOf(await bot.get(`pages/${rows[1]}`), 'Price')['formula']).toEqual({ type: 'number', number: 4 });
    expect(cellOf(page, 'Sum')['rollup']).toEqual({ type: 'number', number: 5, function: 'sum' });
    expect(cellOf(page, 'Price')['rollup']).toEqual({ type: 'number', number: 10, function: 'sum' });
    expect(cellOf(page, 'Count')['rollup']).toEqual({ type: 'number', number: 3, function: 'count' });
    expect(cellOf(page, 'Twice')['formula']).toEqual({ type: 'number', number: 10 });
    expect(cellOf(page, 'Names')['rollup']).toEqual({
      type: 'array',
      array: [shownTitle('T1'), shownTitle('T2'), shownTitle('T2')],
      function: 'show_original',
    });
    expect(cellOf(page, 'Unique')['rollup']).toMatchObject({ array: [{ number: 1 }, { number: 2 }] });
    notion.settings.change({ rows: { relatedBudget: 2 } });
    const over = await bot.get(`pages/${project}`);
    expect(cellOf(over, 'Sum')['rollup']).toEqual({ type: 'unsupported', unsupported: {}, function: 'sum' });
    expect(cellOf(over, 'Twice')['formula']).toEqual({ type: 'unsupported', unsupported: {} });
  });

  test('the property endpoint computes a rollup on its last page, and some not at all', async () => {
    const workspace = newWorkspace(notion);
    const { owner, bot } = callers(workspace);
    const { projects, tasks } = await projectsAndTasks(workspace);
    const project = await owner.row(projects);
    for (const hours of [1, 2, 3]) await owner.row(tasks, { Project: linked(project), Hours: { number: hours } });
    const page = await bot.get(`pages/${project}`);
    const path = (name: string) => `pages/${project}/properties/${cellOf(page, name).id}?page_size=2`;
    const first = await bot.get(path('Sum'));
    expect(first).toMatchObject({
      object: 'list',
      has_more: true,
      property_item: { type: 'rollup', rollup: { type: 'incomplete', function: 'sum' } },
    });
    const last = await bot.get(`${path('Sum')}&start_cursor=${first.next_cursor}`);
    expect(last).toMatchObject({ has_more: false, property_item: { rollup: { type: 'number', number: 6, function: 'sum' } } });
    expect([first.results.length, last.results.length]).toEqual([2, 1]);
    const names = await bot.get(path('Names'));
    expect(names).toMatchObject({ results: [{ object: 'property_item', type: 'title' }, {}], has_more: true });
    expect(await bot.get(`${path('Names')}&start_cursor=${names.next_cursor}`)).toMatchObject({
      property_item: { rollup: { type: 'array', array: [], function: 'show_original' } },
    });
    expect(await bot.get(path('Unique'))).toMatchObject({ property_item: { rollup: { type: 'unsupported' } } });
  });

  test('queries show computed values of the same time as the rows', async () => {
    now = start;
    const workspace = newWorkspace(notion);
    const { owner, bot } = callers(workspace);
    const { projects, tasks } = await projectsAndTasks(workspace);
    notion.settings.change({ rows: { lagMs: [5000, 5000] } });
    const project = await owner.row(projects);
    const task = await owner.row(tasks, { Project: linked(project), Hours: { number: 1 } });
    now += 60_000;
    await owner.edit(task, { Hours: { number: 9 } });
    const sum = async () => (await bot.query(projects)).results.map((row) => cellOf(row, 'Sum')['rollup']);
    expect(await sum()).toMatchObject([{ number: 1 }]);
    now += 5000;
    expect(await sum()).toMatchObject([{ number: 9 }]);
  });

  test.each<[string, unknown]>([
    ['"a"', { type: 'string', string: 'a' }],
    ['1.5', { type: 'number', number: 1.5 }],
    ['prop("Hours")', { type: 'number', number: 6 }],
    ['prop("Hours") / 0', { type: 'number', number: null }],
    ['prop("Hours") - 2', { type: 'number', number: 4 }],
    ['prop("Done")', { type: 'boolean', boolean: false }],
    ['prop("Due")', { type: 'date', date: { start: '2026-01-02', end: null, time_zone: null } }],
    ['prop("Name")', { type: 'string', string: 'A' }],
    ['prop("Missing")', { type: 'string', string: null }],
    ['now()', { type: 'date', date: { start: '2026-01-01T00:00:00.000Z', end: null, time_zone: null } }],
    ['prop("F")', { type: 'unsupported', unsupported: {} }],
    ['let(x, 1, x)', { type: 'string', string: null }],
  ])('the formula %s', async (expression, expected) => {
    now = start;
    const workspace = newWorkspace(notion);
    const { owner } = callers(workspace);
    const source = await newSource(workspace, {
      Hours: { number: {} },
      Done: { checkbox: {} },
      Due: { date: {} },
      F: { formula: { expression } },
    });
    const id = await owner.row(source, { ...named('A'), Hours: { number: 6 }, Due: { date: { start: '2026-01-02' } } });
    expect(cellOf(await owner.get(`pages/${id}`), 'F')['formula']).toEqual(expected);
  });
});
