import type { ServerResponse } from 'node:http';
import type { RowProperty } from '@notion-mirror/domain/entities/row';
import { scanRows, type PageRequest, type ScanEnd } from '@notion-mirror/domain/row-scan';
import { describe, expect, it } from 'vitest';
import { settled } from '../test/fake-clock.ts';
import { connection, databaseId, notionError, otherSourceId, sourceId, unauthorized } from '../test/notion-samples.ts';
import { mentions, otherPageId, page, pageId, richText, userId } from '../test/row-samples.ts';
import { hang, type Reply } from '../test/scripted-server.ts';
import { ok, setUp, throttled, type SetUp, type View } from '../test/set-up.ts';
import type { FoundRow } from './row-document.ts';
import { RowQueryError } from './row-query.ts';

const never = new AbortController().signal;
const other = notionError(500, 'internal_server_error');
const id = (index: number) => `0f3b2c1d-5a6e-4b7c-8d9e-${String(index).padStart(12, '0')}`;
const ids = (from: number, count: number) => Array.from({ length: count }, (_, index) => id(from + index));

const fetchRow = ({ source }: SetUp, asking: Partial<Parameters<SetUp['source']['fetchRow']>[0]> = {}, signal = never) =>
  source.fetchRow({ workspaceId: 'tenant-1', pageId, ...asking }, signal);

const list = (results: readonly unknown[], nextCursor: string | null = null, more: Record<string, unknown> = {}): Reply =>
  ok({ object: 'list', results, has_more: nextCursor !== null, next_cursor: nextCursor, ...more });

const relation = (pages: readonly string[], hasMore: boolean) => ({
  id: 'Rel%3A',
  type: 'relation',
  relation: pages.map((related) => ({ id: related })),
  has_more: hasMore,
});
const relationPart = (pages: readonly string[], nextCursor: string | null = null) =>
  list(
    pages.map((related) => ({ object: 'property_item', id: 'Rel:', type: 'relation', relation: { id: related } })),
    nextCursor,
    { type: 'property_item', property_item: { id: 'Rel:', type: 'relation', relation: {} } },
  );
const items = (type: string, values: readonly unknown[]) => list(values.map((value) => ({ object: 'property_item', type, [type]: value })));
const mentioned = (count: number) =>
  mentions(count)
    .map((_, index) => `m${index}`)
    .join('');
const first = 'Rel%3A?page_size=100';
const next = (cursor: string) => `Rel%3A?start_cursor=${cursor}&page_size=100`;
const cutRow = ok(page({ properties: { Tasks: relation(ids(0, 25), true) } }));
const moved = ok(page({ parent: { type: 'page_id', page_id: otherPageId } }));

async function properties(set: SetUp, asking: Parameters<typeof fetchRow>[1] = {}): Promise<readonly RowProperty[]> {
  const outcome = await fetchRow(set, asking);
  if (outcome.kind !== 'live') throw new Error(JSON.stringify(outcome));
  return outcome.content.properties;
}

describe('fetchRow', () => {
  it('is one call for a row without cut values', async () => {
    const set = await setUp({ 'token-a': { [pageId]: ok(page({ is_archived: true })) } });
    expect(await fetchRow(set, { pageId: pageId.replaceAll('-', '').toUpperCase() })).toMatchObject({
      kind: 'live',
      connectionId: 'a',
      content: { databaseId, dataSourceId: sourceId, title: 'Tuscan kale', isArchived: true, raw: { id: pageId } },
    });
    expect(set.calls()).toEqual([`token-a ${pageId}`]);
  });

  it.each([
    ['the trash', ok(page({ in_trash: true })), { kind: 'trashed', connectionId: 'a' }],
    ['another parent', moved, { kind: 'moved_away', parent: { type: 'page_id', id: otherPageId }, connectionId: 'a' }],
    [
      'another parent, in the trash',
      ok(page({ in_trash: true, parent: { type: 'workspace', workspace: true } })),
      { kind: 'moved_away', parent: { type: 'workspace', id: null }, connectionId: 'a' },
    ],
    ['404', notionError(404, 'object_not_found'), { kind: 'inaccessible' }],
    [
      'an id of another kind',
      notionError(400, 'validation_error', { message: `Provided ID ${pageId} is a database, not a page.` }),
      { kind: 'inaccessible', refusal: { class: 'unreadable' } },
    ],
    ['only the id', ok({ object: 'page', id: pageId }), { kind: 'failed', failure: { class: 'restricted', code: 'partial_object' } }],
    [
      'a parent without its database',
      ok(page({ parent: { type: 'data_source_id', data_source_id: sourceId } })),
      { kind: 'failed', failure: { class: 'unexpected', code: 'malformed_object' } },
    ],
    ['another object', ok({ object: 'database', id: pageId }), { kind: 'retry', failure: { code: 'unexpected_object' } }],
    ['a throttled call', throttled, { kind: 'retry', scope: 'connection' }],
  ])('%s', async (_, reply, outcome) => {
    const set = await setUp({ 'token-a': { [pageId]: reply } });
    expect(await fetchRow(set)).toMatchObject(outcome);
    expect(set.calls()).toHaveLength(1);
  });

  it('is as careful as fetchDatabase with several connections, none, and what is no id', async () => {
    const seen = { [pageId]: ok(page()) };
    expect(await fetchRow(await setUp({ 'token-a': {}, 'token-b': seen }))).toMatchObject({ kind: 'live', connectionId: 'b' });
    expect(await fetchRow(await setUp({ 'token-a': {}, 'token-b': {} }))).toEqual({ kind: 'inaccessible' });
    expect(await fetchRow(await setUp({ 'token-a': {}, 'token-b': { [pageId]: throttled } }))).toMatchObject({ kind: 'retry' });
    expect(await fetchRow(await setUp({}, { connections: [] }))).toMatchObject({ kind: 'no_active_connection' });
    expect(await fetchRow(await setUp({ 'token-a': seen }), { pageId: 'x' })).toMatchObject({ kind: 'failed' });
  });

  it('reads the rest of a relation, part by part, and names every page in `related`', async () => {
    const parts: View = {
      [first]: relationPart(ids(0, 100), 'c1'),
      [next('c1')]: relationPart([], 'c2'),
      [next('c2')]: relationPart(ids(100, 3)),
    };
    const set = await setUp({ 'token-a': { [pageId]: cutRow, ...parts } });
    const outcome = await fetchRow(set);
    expect(outcome).toMatchObject({ kind: 'live', content: { related: ids(0, 103), raw: { id: pageId } } });
    expect(outcome.kind === 'live' && outcome.content.properties).toEqual([
      { id: 'Rel%3A', name: 'Tasks', type: 'relation', value: ids(0, 103) },
    ]);
    expect(set.calls()).toEqual([pageId, first, next('c1'), next('c2')].map((key) => `token-a ${key}`));
  });

  it('reads the rest of people, texts and the title', async () => {
    const users = ids(0, 26).map((user) => ({ object: 'user', id: user }));
    const row = page({
      properties: {
        Who: { id: 'who', type: 'people', people: users.slice(0, 25) },
        Name: { id: 'title', type: 'title', title: mentions(25) },
        Note: { id: 'note', type: 'rich_text', rich_text: mentions(25) },
        Few: { id: 'few', type: 'people', people: [{ object: 'user', id: userId }] },
      },
    });
    const set = await setUp({
      'token-a': {
        [pageId]: ok(row),
        'who?page_size=100': items('people', users),
        'title?page_size=100': items('title', [...mentions(26), ...richText('!')]),
        'note?page_size=100': items('rich_text', mentions(25)),
      },
    });
    const outcome = await fetchRow(set);
    expect(outcome).toMatchObject({ content: { title: `${mentioned(26)}!` } });
    expect(outcome.kind === 'live' && outcome.content.properties).toEqual([
      { id: 'who', name: 'Who', type: 'people', value: ids(0, 26) },
      { id: 'title', name: 'Name', type: 'title', value: `${mentioned(26)}!` },
      { id: 'note', name: 'Note', type: 'rich_text', value: mentioned(25) },
      { id: 'few', name: 'Few', type: 'people', value: [userId] },
    ]);
    expect(set.calls()).toHaveLength(4);
  });

  it('never reads the rest of a rollup', async () => {
    const rollup = {
      id: 'roll',
      type: 'rollup',
      rollup: { type: 'array', function: 'show_original', array: [{ type: 'people', people: ids(0, 25).map((user) => ({ id: user })) }] },
    };
    const set = await setUp({ 'token-a': { [pageId]: ok(page({ properties: { All: rollup } })) } });
    expect(await properties(set)).toMatchObject([{ computed: true, resultType: 'array' }]);
    expect(set.calls()).toHaveLength(1);
  });

  it.each([
    ['is refused', { [first]: notionError(400, 'validation_error') }],
    ['is gone', { [first]: notionError(404, 'object_not_found') }],
    ['repeats', { [first]: relationPart(ids(0, 100), 'c1'), [next('c1')]: relationPart(ids(0, 100), 'c1') }],
    ['holds another type', { [first]: list([{ object: 'property_item', type: 'people', people: { id: userId } }]) }],
    ['is malformed', { [first]: list([{ object: 'property_item', type: 'relation', relation: [] }]) }],
  ] satisfies [string, View][])('keeps what the page holds when the rest %s', async (_, parts) => {
    const set = await setUp({ 'token-a': { [pageId]: cutRow, ...parts } });
    expect(await properties(set)).toMatchObject([{ value: ids(0, 25), complete: false }]);
  });

  it('is retried when Notion fails to return the rest, and keeps what the page holds at the fourth attempt', async () => {
    const set = await setUp({ 'token-a': { [pageId]: cutRow, [first]: other } });
    expect(await fetchRow(set, { attempt: 3 })).toMatchObject({ kind: 'retry', failure: { class: 'server' } });
    expect(await properties(set, { attempt: 4 })).toMatchObject([{ value: ids(0, 25), complete: false }]);
  });

  it('waits as long as it takes when it is throttled, and writes nothing when it is aborted', async () => {
    const set = await setUp({ 'token-a': { [pageId]: cutRow, [first]: throttled } });
    expect(await fetchRow(set, { attempt: 9 })).toMatchObject({ kind: 'retry', failure: { class: 'rate_limited' } });
    const stop = new AbortController();
    const hanging = await setUp({ 'token-a': { [pageId]: cutRow, [first]: hang } });
    const fetching = fetchRow(hanging, { attempt: 9 }, stop.signal);
    await expect.poll(() => hanging.calls().length).toBe(2);
    stop.abort();
    expect(await fetching).toMatchObject({ kind: 'retry', failure: { code: 'aborted' } });
  });

  it('asks the next connection when the token dies before the rest', async () => {
    const parts = { [first]: relationPart(ids(0, 26)) };
    const set = await setUp(
      {
        'token-a': { [pageId]: cutRow, [first]: unauthorized },
        'token-a-fresh': { [first]: unauthorized },
        'token-b': { [pageId]: cutRow, ...parts },
      },
      { connections: [connection('a'), connection('b')] },
    );
    // The token was accepted a moment ago, so it is probed first.
    expect(await fetchRow(set)).toMatchObject({ kind: 'live', connectionId: 'b', content: { related: ids(0, 26) } });
  });

  it('for a scan leaves half of the budget for events, also with the rest of a value', async () => {
    const parts = { [first]: relationPart(ids(0, 26), 'c1'), [next('c1')]: relationPart(ids(26, 1)) };
    const view = { [pageId]: cutRow, ...parts, [otherPageId]: ok(page({ id: otherPageId })) };
    const set = await setUp({ 'token-a': view }, { requestsPerMinute: 4 });
    const fetching = fetchRow(set, { isSpare: true });
    await expect.poll(() => set.clock.sleepers).toBe(1);
    expect(set.calls()).toHaveLength(2);
    expect(await fetchRow(set, { pageId: otherPageId, isSpare: true })).toMatchObject({ kind: 'retry', scope: 'request' });
    expect(await fetchRow(set, { pageId: otherPageId })).toMatchObject({ kind: 'live' });
    await set.clock.advance(60_001);
    expect(await fetching).toMatchObject({ kind: 'live', content: { related: ids(0, 27) } });
  });
});

const request: PageRequest = { partition: 'live', from: null, until: null, cursor: null, pageSize: 100 };
const minute = (index: number) => new Date(Date.parse('2026-03-01T10:00:00.000Z') + index * 60_000).toISOString();
const row = (index: number, more: Record<string, unknown> = {}) => page({ id: id(index), created_time: minute(index), ...more });

const rowText = (index: number, names: readonly string[]) => {
  const entries = names.map((name) => `${JSON.stringify(name)}:{"id":"x","type":"checkbox","checkbox":true}`);
  return JSON.stringify(row(index, { properties: 0 })).replace('"properties":0', `"properties":{${entries.join(',')}}`);
};

const ask = ({ source }: SetUp, more: Partial<PageRequest> = {}, signal = never) =>
  source.queryRows(connection('a'), sourceId, signal)({ ...request, ...more });
const bodies = ({ server }: SetUp) => server.requests.map(({ body }) => JSON.parse(body) as Record<string, unknown>);

/** Lets the time pass until the promise is settled. */
async function inTime<T>(set: SetUp, promise: Promise<T>): Promise<T> {
  let ended = false;
  const end = () => (ended = true);
  promise.then(end, end);
  await expect
    .poll(async () => {
      if (set.clock.sleepers > 0) await set.clock.advance(60_000);
      return ended;
    })
    .toBe(true);
  return promise;
}

async function rejection(set: SetUp, more: Partial<PageRequest> = {}): Promise<unknown> {
  const error: unknown = await inTime(
    set,
    ask(set, more).catch((reason: unknown) => reason),
  );
  expect(error).toBeInstanceOf(RowQueryError);
  return error;
}

describe('queryRows', () => {
  it('asks for the live partition in order of created time', async () => {
    const set = await setUp({ 'token-a': { query: list([row(1), row(2, { is_archived: true, in_trash: true })], 'c1') } });
    const answer = await ask(set, { pageSize: 50 });
    expect(answer).toMatchObject({
      kind: 'page',
      startedAt: set.clock.now(),
      nextCursor: 'c1',
      isIncomplete: false,
      rows: [
        {
          id: id(1),
          createdTime: Date.parse(minute(1)),
          isArchived: false,
          isInTrash: false,
          isCut: false,
          content: { title: 'Tuscan kale' },
        },
        { id: id(2), createdTime: Date.parse(minute(2)), isArchived: true, isInTrash: true },
      ],
    });
    expect(set.calls()).toEqual(['token-a query']);
    expect(bodies(set)).toEqual([{ result_type: 'page', sorts: [{ timestamp: 'created_time', direction: 'ascending' }], page_size: 50 }]);
  });

  it('asks for a range of the archived partition, from a cursor', async () => {
    const set = await setUp({ 'token-a': { query: list([]) } });
    const from = Date.parse(minute(1));
    const until = Date.parse(minute(3));
    await ask(set, { partition: 'archived', from, until, cursor: 'c1' });
    await ask(set, { from });
    await ask(set, { until });
    const [after, before] = [
      { timestamp: 'created_time', created_time: { on_or_after: '2026-03-01T10:01:00.000Z' } },
      { timestamp: 'created_time', created_time: { before: '2026-03-01T10:03:00.000Z' } },
    ];
    const [both, later, earlier] = bodies(set);
    expect(both).toMatchObject({ is_archived: true, start_cursor: 'c1', filter: { and: [after, before] } });
    expect([later?.['filter'], earlier?.['filter']]).toEqual([after, before]);
    expect(later).not.toHaveProperty('is_archived');
  });

  it('asks for a range of numbers, and says so when Notion refuses that order', async () => {
    const numbered = row(1, { properties: { ID: { id: 'a%3Ab', type: 'unique_id', unique_id: { prefix: null, number: 7 } } } });
    const set = await setUp({ 'token-a': { query: [list([numbered, row(2)]), list([]), notionError(400, 'validation_error')] } });
    const from = Date.parse(minute(1));
    const order = { property: 'a%3Ab', from: 7, direction: 'ascending' } as const;
    const answer = await ask(set, { from, numbered: order });
    expect(answer).toMatchObject({ kind: 'page', rows: [{ number: { property: 'a%3Ab', value: 7 } }, {}] });
    expect(answer.kind === 'page' && answer.rows[1]).not.toHaveProperty('number');
    await ask(set, { numbered: { ...order, from: null, direction: 'descending' } });
    expect(await ask(set, { numbered: order })).toEqual({ kind: 'cursor_refused' });
    const created = { timestamp: 'created_time', created_time: { on_or_after: minute(1) } };
    const above = { property: 'a%3Ab', unique_id: { greater_than_or_equal_to: 7 } };
    const [above7, second] = bodies(set);
    expect(above7).toMatchObject({ sorts: [{ property: 'a%3Ab', direction: 'ascending' }], filter: { and: [created, above] } });
    expect(second).toEqual({ result_type: 'page', sorts: [{ property: 'a%3Ab', direction: 'descending' }], page_size: 100 });
  });

  it('asks for what was edited since a time, in order of the last edit, with the same care', async () => {
    const replies = [notionError(503, 'service_unavailable'), list([row(1)], 'c1'), notionError(400, 'validation_error')];
    const set = await setUp({ 'token-a': { query: replies } });
    const edited = set.source.queryEditedRows(connection('a'), sourceId, never);
    const since = Date.parse(minute(3));
    const whole = { partition: 'live', since, cursor: null, pageSize: 100 } as const;
    expect(await inTime(set, edited(whole))).toEqual({ kind: 'overloaded' });
    expect(await edited({ ...whole, partition: 'archived', pageSize: 50 })).toMatchObject({
      kind: 'page',
      nextCursor: 'c1',
      rows: [{ id: id(1) }],
    });
    expect(await edited({ ...whole, cursor: 'c1' })).toEqual({ kind: 'cursor_refused' });
    const filter = { timestamp: 'last_edited_time', last_edited_time: { on_or_after: '2026-03-01T10:03:00.000Z' } };
    const sorts = [{ timestamp: 'last_edited_time', direction: 'ascending' }];
    const [, archived, second] = bodies(set);
    expect(archived).toEqual({ is_archived: true, result_type: 'page', sorts, filter, page_size: 50 });
    expect(second).toEqual({ result_type: 'page', sorts, filter, page_size: 100, start_cursor: 'c1' });
  });

  it('keeps the order of properties named like numbers, in each row', async () => {
    const names = [['b', '2024', 'a'], ['c'], ['2025', '1', 'z']];
    const text = `{"object":"list","has_more":false,"next_cursor":null,"results":[${names.map((some, index) => rowText(index, some)).join(',')}]}`;
    const set = await setUp({ 'token-a': { query: (response) => void response.end(text) } });
    const answer = await ask(set);
    const found = answer.kind === 'page' ? answer.rows.map(({ content }) => content.properties.map(({ name }) => name)) : null;
    expect(found).toEqual(names);
  });

  it('says when the result ends at the cap, and when a value is cut off', async () => {
    const status = { type: 'incomplete', incomplete_reason: 'query_result_limit_reached' };
    const cut = row(1, { properties: { Tasks: relation(ids(0, 25), true) } });
    const set = await setUp({ 'token-a': { query: list([cut], null, { request_status: status }) } });
    expect(await ask(set)).toMatchObject({ isIncomplete: true, nextCursor: null, rows: [{ isCut: true }] });
    const whole = await setUp({ 'token-a': { query: list([], null, { request_status: { type: 'complete' } }) } });
    expect(await ask(whole)).toMatchObject({ isIncomplete: false });
  });

  it('leaves out what is no row of the data source', async () => {
    const elsewhere = { type: 'data_source_id', data_source_id: otherSourceId, database_id: databaseId };
    const results = [
      { object: 'data_source', id: otherSourceId },
      row(1, { parent: elsewhere }),
      row(2, { parent: { type: 'page_id', page_id: otherPageId } }),
      row(3),
    ];
    const answer = await ask(await setUp({ 'token-a': { query: list(results) } }));
    expect(answer).toMatchObject({ rows: [{ id: id(3) }] });
    expect(answer.kind === 'page' && answer.rows).toHaveLength(1);
  });

  it.each([
    ['404', notionError(404, 'object_not_found'), 'refused', 'gone'],
    ['403', notionError(403, 'restricted_resource'), 'refused', 'restricted'],
    ['400', notionError(400, 'validation_error'), 'refused', 'invalid'],
    ['a row without content', list([row(1), { object: 'page', id: id(2) }]), 'refused', 'restricted'],
    ['a row without a created time', list([row(1, { created_time: null })]), 'malformed', 'unexpected'],
    ['a row without properties', list([row(1, { properties: null })]), 'malformed', 'unexpected'],
    ['more, and no cursor', ok({ object: 'list', results: [], has_more: true, next_cursor: null }), 'malformed', 'unexpected'],
    ['an answer without results', ok({ object: 'list', has_more: false }), 'malformed', 'unexpected'],
    ['409 without end', notionError(409, 'conflict_error'), 'unavailable', 'conflict'],
    ['a dead token', unauthorized, 'unauthorized', 'unauthorized'],
  ])('stops the scan with the reason: %s', async (_, query, problem, failureClass) => {
    const set = await setUp({ 'token-a': { query }, 'token-a-fresh': { query } }, { connections: [connection('a')] });
    expect(await rejection(set)).toMatchObject({ problem, failure: { class: failureClass } });
    expect(set.calls()).toHaveLength(problem === 'unavailable' ? 6 : problem === 'unauthorized' ? 2 : 1);
  });

  it('a refusal of a later page is about its cursor, except 403', async () => {
    for (const query of [notionError(400, 'validation_error'), notionError(404, 'object_not_found')]) {
      expect(await ask(await setUp({ 'token-a': { query } }), { cursor: 'c1' })).toEqual({ kind: 'cursor_refused' });
    }
    const restricted = await setUp({ 'token-a': { query: notionError(403, 'restricted_resource') } });
    expect(await rejection(restricted, { cursor: 'c1' })).toMatchObject({ problem: 'refused' });
  });

  it.each([
    ['503', notionError(503, 'service_unavailable', { retryAfter: '5' }), 5_000],
    ['504', notionError(504, 'gateway_timeout'), 1_000],
    ['504 of an edge', { status: 504, body: '<html>' }, 1_000],
  ] satisfies [string, Reply, number][])('backs off before it says that Notion is overloaded: %s', async (_, query, waitMs) => {
    const set = await setUp({ 'token-a': { query } });
    const began = set.clock.now();
    const rows = set.source.queryRows(connection('a'), sourceId, never);
    for (const wait of [waitMs, Math.max(waitMs, 2_000)]) {
      const answer = rows(request);
      await expect.poll(() => set.clock.sleepers).toBe(1);
      let ended = false;
      void answer.then(() => (ended = true));
      await set.clock.advance(wait - 1);
      expect(ended).toBe(false);
      await set.clock.advance(1);
      expect(await answer).toEqual({ kind: 'overloaded' });
    }
    expect([set.calls().length, set.clock.now() - began]).toEqual([2, waitMs + Math.max(waitMs, 2_000)]);
  });

  it('waits while it is throttled, however often, and names when the page that it got was asked for', async () => {
    const set = await setUp({ 'token-a': { query: [...Array.from({ length: 9 }, () => throttled), list([row(1)])] } });
    const began = set.clock.now();
    const answer = await inTime(set, ask(set));
    expect(answer).toMatchObject({ kind: 'page', rows: [{ id: id(1) }] });
    expect(answer.kind === 'page' && answer.startedAt - began).toBeGreaterThanOrEqual(9 * 30_000);
    expect(set.calls()).toHaveLength(10);
  });

  it('names when a page was asked for, not when it came', async () => {
    const answerLate = async (response: ServerResponse) => {
      await set.clock.advance(5_000);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ object: 'list', results: [], has_more: false, next_cursor: null }));
    };
    const set: SetUp = await setUp({ 'token-a': { query: (response: ServerResponse) => void answerLate(response) } });
    const began = set.clock.now();
    expect(await ask(set)).toMatchObject({ kind: 'page', startedAt: began });
    expect(set.clock.now()).toBe(began + 5_000);
  });

  it('leaves half of the budget for events, and waits for its own half', async () => {
    const set = await setUp({ 'token-a': { query: list([]), [pageId]: ok(page()) } }, { requestsPerMinute: 4 });
    await ask(set);
    await ask(set);
    const waiting = ask(set);
    await expect.poll(() => set.clock.sleepers).toBe(1);
    expect(await fetchRow(set)).toMatchObject({ kind: 'live' });
    expect(set.calls()).toHaveLength(3);
    await set.clock.advance(60_001);
    expect(await waiting).toMatchObject({ kind: 'page' });
  });

  it('stops when it is aborted', async () => {
    const stop = new AbortController();
    const set = await setUp({ 'token-a': { query: throttled } });
    const asking = ask(set, {}, stop.signal).catch((reason: unknown) => reason);
    await expect.poll(() => set.clock.sleepers).toBe(1);
    stop.abort();
    await settled();
    expect(await asking).toMatchObject({ name: 'RowQueryError', problem: 'aborted' });
  });

  it('lets a scan see every row, through an overload and a cursor that dies', async () => {
    const dead = notionError(400, 'validation_error', { message: 'The start_cursor provided is invalid: c2' });
    const replies = [
      list([row(1), row(2)], 'c1'),
      notionError(503, 'service_unavailable'),
      // The window ends at the minute that the live partition had reached.
      list([row(0, { is_archived: true })]),
      list([row(2), row(3)], 'c2'),
      dead,
      list([]),
      list([row(3), row(4)]),
      list([row(5, { is_archived: true })]),
    ];
    const set = await setUp({ 'token-a': { query: replies } });
    const seen = new Set<string>();
    const scan = scanRows<FoundRow, FoundRow>(
      {
        ask: set.source.queryRows(connection('a'), sourceId, never),
        async *mirrored() {},
        isSame: () => false,
      },
      null,
    );
    const read = async (): Promise<ScanEnd> => {
      for (;;) {
        const step = await scan.next();
        if (step.done === true) return step.value;
        if (step.value.kind === 'rows') for (const found of step.value.rows) seen.add(found.id);
      }
    };
    const end = await inTime(set, read());
    expect(end).toMatchObject({ kind: 'ended', isComplete: true, rows: { live: 4, archived: 2 }, truncated: [] });
    expect([...seen].toSorted()).toEqual(ids(0, 6));
    expect(bodies(set).map((body) => body['page_size'])).toEqual([100, 100, 50, 100, 100, 100, 100, 100]);
  });
});
