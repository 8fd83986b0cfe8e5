import type { RowProperty } from '@notion-mirror/domain/entities/row';
import { describe, expect, it } from 'vitest';
import { connection, databaseId, notionError, sourceId, unauthorized } from '../test/notion-samples.ts';
import { mentions, otherPageId, page, pageId, richText, userId } from '../test/row-samples.ts';
import { hang, type Reply } from '../test/scripted-server.ts';
import { ok, setUp, throttled, type SetUp, type View } from '../test/set-up.ts';

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
