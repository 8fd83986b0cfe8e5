import { createLogger } from '@notion-mirror/service-kit/logger';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { describe, expect, it } from 'vitest';
import { settled } from '../test/fake-clock.ts';
import {
  connection,
  container,
  databaseId,
  dataSource,
  notFound,
  notionError,
  otherSourceId,
  sourceId,
  unauthorized,
} from '../test/notion-samples.ts';
import { hang, startScriptedServer, type Reply } from '../test/scripted-server.ts';
import { ok, setUp, throttled, type SetUp, type View } from '../test/set-up.ts';
import { SearchError } from './data-source-search.ts';
import { createTokenSource, type TokenResult } from './token-source.ts';

const seen: View = { [databaseId]: ok(container()), [sourceId]: ok(dataSource()) };

const bot = (id: string) => ({ botId: `1edc05f6-2702-81b5-8408-00000000000${id}` });

const holderOf = ({ source }: SetUp, dataSourceId = sourceId) =>
  source.databaseOfDataSource({ workspaceId: 'tenant-1', dataSourceId, preferConnectionId: 'a' }, new AbortController().signal);

const look = ({ source }: SetUp) => source.lookAtDatabase({ workspaceId: 'tenant-1', databaseId }, new AbortController().signal);

const searchPage = (ids: string[], nextCursor: string | null): Reply =>
  ok({
    object: 'list',
    results: ids.map((id) => dataSource({ id })),
    has_more: nextCursor !== null,
    next_cursor: nextCursor,
    type: 'page_or_data_source',
    page_or_data_source: {},
  });

async function searchAll({ source }: SetUp, signal = new AbortController().signal): Promise<string[]> {
  const found: string[] = [];
  for await (const page of source.searchDataSources(connection('a'), signal)) found.push(...page.map(({ dataSourceId }) => dataSourceId));
  return found;
}

describe('fetchDatabase through one connection', () => {
  it('returns the container and its data sources', async () => {
    const { fetch, calls } = await setUp({ 'token-a': seen });
    const outcome = await fetch({ databaseId: databaseId.replaceAll('-', '').toUpperCase() });
    expect(outcome).toMatchObject({
      kind: 'live',
      connectionId: 'a',
      content: { dataSources: [{ id: sourceId, name: 'My Task Tracker', properties: [{ name: 'In stock' }, { name: 'Name' }] }] },
    });
    expect(calls()).toEqual([`token-a ${databaseId}`, `token-a ${sourceId}`]);
  });

  it('returns every data source, in the order of the container, reading a few at a time', async () => {
    const ids = Array.from({ length: 20 }, (_, i) => `263104cd-477e-804b-8c32-0000000000${String(i + 10)}`);
    let open = 0;
    let most = 0;
    const slow =
      (id: string): Reply =>
      (response) => {
        open += 1;
        most = Math.max(most, open);
        setImmediate(() => {
          open -= 1;
          response.end(JSON.stringify(dataSource({ id })));
        });
      };
    const view: View = { [databaseId]: ok(container({ data_sources: ids.map((id) => ({ id, name: id })) })) };
    for (const id of ids) view[id] = slow(id);
    const { fetch } = await setUp({ 'token-a': view });
    const outcome = await fetch();
    expect(outcome.kind === 'live' && outcome.content.dataSources.map(({ id }) => id)).toEqual(ids);
    expect(most).toBeLessThanOrEqual(3);
  });

  it.each([
    ['in_trash', container({ in_trash: true })],
    ['archived, where in_trash is missing', container({ in_trash: undefined, archived: true })],
  ])('%s is trashed', async (_, body) => {
    const { fetch, calls } = await setUp({ 'token-a': { [databaseId]: ok(body) } });
    expect(await fetch()).toEqual({ kind: 'trashed', connectionId: 'a' });
    expect(calls()).toHaveLength(1);
  });

  it('404 is inaccessible', async () => {
    const { fetch } = await setUp({ 'token-a': {} });
    expect(await fetch()).toEqual({ kind: 'inaccessible' });
  });

  it('a listed source that answers 404 is looked up in the container again, then kept as inaccessible', async () => {
    const listed = container({
      data_sources: [
        { id: otherSourceId, name: 'Secret' },
        { id: sourceId, name: 'Open' },
      ],
    });
    const { fetch, calls } = await setUp({ 'token-a': { [databaseId]: ok(listed), [sourceId]: ok(dataSource()) } });
    expect(await fetch()).toMatchObject({
      kind: 'live',
      content: {
        dataSources: [
          { id: otherSourceId, name: 'Secret', accessible: false },
          { id: sourceId, title: '' },
        ],
      },
    });
    expect(calls().filter((call) => call.endsWith(databaseId))).toHaveLength(2);
    expect(calls()).toHaveLength(4);
  });

  it('a source that left between the two reads is not in the document, and one that was added is', async () => {
    const before = container({ data_sources: [{ id: otherSourceId, name: 'Leaving' }] });
    const { fetch } = await setUp({ 'token-a': { ...seen, [databaseId]: [ok(before), ok(container())] } });
    const outcome = await fetch();
    expect(outcome.kind === 'live' && outcome.content.dataSources.map(({ id }) => id)).toEqual([sourceId]);
  });

  it('a database that vanishes between the two reads is gone', async () => {
    const before = container({ data_sources: [{ id: otherSourceId, name: 'Leaving' }] });
    expect(await (await setUp({ 'token-a': { [databaseId]: [ok(before), notFound] } })).fetch()).toEqual({ kind: 'inaccessible' });
    const trashed = await setUp({ 'token-a': { [databaseId]: [ok(before), ok(container({ in_trash: true }))] } });
    expect(await trashed.fetch()).toMatchObject({ kind: 'trashed' });
  });

  it.each([
    ['400 about the request', notionError(400, 'invalid_request_url'), 'invalid', 'invalid_request_url'],
    ['403', notionError(403, 'restricted_resource'), 'restricted', 'restricted_resource'],
    ['blocked', notionError(429, 'rate_limited', { reason: 'public_api_request_blocked' }), 'restricted', 'public_api_request_blocked'],
    ['a partial object', ok({ object: 'database', id: databaseId }), 'restricted', 'partial_object'],
    ['an object of another shape', ok(container({ data_sources: {} })), 'unexpected', 'malformed_object'],
  ])('%s fails permanently', async (_, reply, failureClass, code) => {
    const { fetch, calls } = await setUp({ 'token-a': { ...seen, [databaseId]: reply } });
    expect(await fetch()).toMatchObject({ kind: 'failed', failure: { class: failureClass, code } });
    expect(calls()).toHaveLength(1);
  });

  // Linked views, databases that became pages or lost their data sources: each of their events was a dead letter, and a mirrored one stayed for ever.
  it.each([
    `Database with ID ${databaseId} is a linked database and cannot be retrieved here.`,
    `Provided ID ${databaseId} is a page, not a database.`,
    'Database does not contain any data sources accessible by this API bot.',
  ])('an id that Notion cannot show as a database is inaccessible: %s', async (message) => {
    const { fetch } = await setUp({ 'token-a': { [databaseId]: notionError(400, 'validation_error', { message }) } });
    expect(await fetch()).toMatchObject({ kind: 'inaccessible', refusal: { class: 'unreadable', code: 'validation_error' } });
  });

  // One unreadable source made a dead letter of its database: title and all other sources stayed stale.
  it.each([
    ['403', notionError(403, 'restricted_resource'), 'restricted_resource'],
    ['400', notionError(400, 'validation_error'), 'validation_error'],
    ['400 of another kind', notionError(400, 'invalid_request'), 'invalid_request'],
    ['a partial object', ok({ object: 'data_source', id: otherSourceId }), 'partial_object'],
  ])('a data source that answers %s hides only itself', async (_, reply, reason) => {
    const listed = container({
      data_sources: [
        { id: otherSourceId, name: 'Secret' },
        { id: sourceId, name: 'Open' },
      ],
    });
    const view = { [databaseId]: ok(listed), [sourceId]: ok(dataSource()), [otherSourceId]: reply };
    const { fetch } = await setUp({ 'token-a': view });
    const outcome = await fetch();
    expect(outcome.kind === 'live' && outcome.content.dataSources).toMatchObject([
      { id: otherSourceId, name: 'Secret', accessible: false, reason },
      { id: sourceId, name: 'Open' },
    ]);
    expect(outcome.kind === 'live' && outcome.content.raw.dataSources).toHaveLength(1);
  });

  it.each([
    ['of a blocked integration', notionError(429, 'rate_limited', { reason: 'public_api_request_blocked' }), 'public_api_request_blocked'],
    ['about the request', notionError(400, 'invalid_request_url'), 'invalid_request_url'],
    ['that cannot be read', ok(dataSource({ properties: [] })), 'malformed_object'],
  ])('an answer %s proves nothing about a data source', async (_, reply, code) => {
    const { fetch } = await setUp({ 'token-a': { ...seen, [sourceId]: reply } });
    expect(await fetch()).toMatchObject({ kind: 'failed', failure: { code } });
  });

  it.each([
    ['500', notionError(500, 'internal_server_error'), 'server'],
    ['HTML 502', { status: 502, body: '<html>' }, 'server'],
    ['HTML 404', { status: 404, body: '<html>' }, 'server'],
    ['409', notionError(409, 'conflict_error'), 'conflict'],
    ['no answer', hang, 'network'],
  ] satisfies [string, Reply, string][])('%s is retried after a growing backoff', async (_, reply, failureClass) => {
    for (const place of [databaseId, sourceId]) {
      const { fetch, clock } = await setUp({ 'token-a': { ...seen, [place]: reply } }, reply === hang ? { deadlineMs: 200 } : {});
      expect(await fetch()).toMatchObject({ kind: 'retry', at: clock.now() + 1_000, scope: 'request', failure: { class: failureClass } });
      expect(await fetch({ attempt: 4 })).toMatchObject({ kind: 'retry', at: clock.now() + 8_000 });
      expect(await fetch({ attempt: 1_000 })).toMatchObject({ kind: 'retry', at: clock.now() + 60_000 });
    }
  });

  it('Retry-After of a 503 is obeyed', async () => {
    const { fetch, clock } = await setUp({ 'token-a': { [databaseId]: notionError(503, 'service_unavailable', { retryAfter: '20' }) } });
    expect(await fetch()).toMatchObject({ kind: 'retry', at: clock.now() + 20_000, scope: 'request' });
  });

  it('text that is not an id is never sent', async () => {
    const { fetch, calls } = await setUp({ 'token-a': seen });
    expect(await fetch({ databaseId: '../users/me' })).toMatchObject({ kind: 'failed', failure: { class: 'invalid', code: 'not_an_id' } });
    expect(calls()).toEqual([]);
  });

  it('stops at once when it is aborted', async () => {
    const asked = Promise.withResolvers<void>();
    const { fetch, logs, clock } = await setUp({ 'token-a': { [databaseId]: () => asked.resolve() } });
    const stop = new AbortController();
    const fetching = fetch({}, stop.signal);
    await asked.promise;
    stop.abort();
    expect(await fetching).toMatchObject({ kind: 'retry', at: clock.now(), failure: { code: 'aborted' } });
    expect(await fetch({}, stop.signal)).toMatchObject({ kind: 'retry', failure: { code: 'aborted' } });
    expect(logs.join('')).not.toContain('"level":"error"');
  });
});

describe('fetchDatabase with expected sources', () => {
  it('reads them while the container is in flight', async () => {
    const asked = { container: Promise.withResolvers<void>(), source: Promise.withResolvers<void>() };
    const both = Promise.all([asked.container.promise, asked.source.promise]);
    const onceBothAreAsked =
      (which: keyof typeof asked, body: unknown): Reply =>
      (response) => {
        asked[which].resolve();
        void both.then(() => response.setHeader('content-type', 'application/json').end(JSON.stringify(body)));
      };
    const { fetch, calls } = await setUp({
      'token-a': {
        [databaseId]: onceBothAreAsked('container', container()),
        [sourceId]: onceBothAreAsked('source', dataSource()),
      },
    });
    const outcome = await fetch({ expected: [sourceId] });
    expect(outcome.kind === 'live' && outcome.content.dataSources.map(({ id }) => id)).toEqual([sourceId]);
    expect(calls()).toHaveLength(2);
  });

  it('trusts the container, not the expectation', async () => {
    const view = { ...seen, [otherSourceId]: ok(dataSource({ id: otherSourceId })) };
    const outcome = await (await setUp({ 'token-a': view })).fetch({ expected: [otherSourceId] });
    expect(outcome.kind === 'live' && outcome.content.dataSources.map(({ id }) => id)).toEqual([sourceId]);
  });

  it('does not wait for one that hangs when the database is in the trash, gone or refused', async () => {
    for (const [reply, kind] of [
      [ok(container({ in_trash: true })), 'trashed'],
      [notFound, 'inaccessible'],
      [throttled, 'retry'],
    ] as const) {
      const { fetch } = await setUp({ 'token-a': { [databaseId]: reply, [sourceId]: hang } });
      expect(await fetch({ expected: [sourceId] })).toMatchObject({ kind });
    }
  });

  it('reads nothing ahead in a retry, so that one that is no longer listed cannot make every attempt fail', async () => {
    const broken = notionError(500, 'internal_server_error');
    const { fetch, clock, calls } = await setUp({ 'token-a': { ...seen, [otherSourceId]: broken } });
    const first = await fetch({ expected: [otherSourceId] });
    expect(first).toMatchObject({ kind: 'retry' });
    await clock.advance(60_000);
    expect(await fetch({ expected: [otherSourceId], attempt: 2 })).toMatchObject({ kind: 'live' });
    expect(calls().filter((call) => call.endsWith(otherSourceId))).toHaveLength(1);
  });

  it('one that answers 404 is looked up in the container again, like any other', async () => {
    const { fetch, calls } = await setUp({ 'token-a': { [databaseId]: ok(container()) } });
    const outcome = await fetch({ expected: [sourceId] });
    expect(outcome.kind === 'live' && outcome.content.dataSources).toMatchObject([{ id: sourceId, accessible: false }]);
    expect(calls()).toHaveLength(3);
  });
});

describe('fetchDatabase within the budget', () => {
  it('makes no call while the token is paused, for 50 fetches of as many databases, and resumes to the second', async () => {
    const { fetch, clock, calls } = await setUp({ 'token-a': { ...seen, [databaseId]: [throttled, ok(container())] } });
    const at = clock.now() + 30_000;
    expect(await fetch()).toMatchObject({
      kind: 'retry',
      at,
      scope: 'connection',
      failure: { class: 'rate_limited', code: 'rate_limited' },
    });
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, i) => fetch({ databaseId: `248104cd-477e-80fd-b757-0000000000${String(i + 10)}` })),
    );
    for (const outcome of outcomes) expect(outcome).toMatchObject({ kind: 'retry', at, scope: 'connection', failure: { code: 'pause' } });
    expect(calls()).toHaveLength(1);
    await clock.advance(29_999);
    expect(await fetch()).toMatchObject({ kind: 'retry', at });
    expect(calls()).toHaveLength(1);
    await clock.advance(1);
    expect(await fetch()).toMatchObject({ kind: 'live' });
  });

  it('does not start a fetch without room, and returns when it will have room', async () => {
    const { fetch, clock, calls, metrics, postponed } = await setUp({ 'token-a': seen }, { requestsPerMinute: 3 });
    expect(await fetch()).toMatchObject({ kind: 'live' });
    const at = clock.now() + 60_001;
    expect(await fetch()).toMatchObject({ kind: 'retry', at, scope: 'connection', failure: { class: 'rate_limited', code: 'window' } });
    expect(calls()).toHaveLength(2);
    expect(await metrics.metrics()).toContain('notion_mirror_notion_budget_denied_total{cause="window"} 1');
    expect(postponed).toEqual(['window']);
    await clock.advance(60_001);
    expect(await fetch()).toMatchObject({ kind: 'live' });
  });

  it('frees the room it did not use', async () => {
    const { fetch } = await setUp({ 'token-a': { [databaseId]: ok(container({ in_trash: true })) } }, { requestsPerMinute: 4 });
    for (let i = 0; i < 3; i += 1) expect(await fetch()).toMatchObject({ kind: 'trashed' });
    expect(await fetch()).toMatchObject({ kind: 'retry' });
  });

  it('waits inside for the rest of a database that is larger than the budget', async () => {
    const ids = Array.from({ length: 7 }, (_, i) => `263104cd-477e-804b-8c32-00000000000${i}`);
    const view: View = { [databaseId]: ok(container({ data_sources: ids.map((id) => ({ id, name: id })) })) };
    for (const id of ids) view[id] = ok(dataSource({ id }));
    const { fetch, clock, calls } = await setUp({ 'token-a': view }, { requestsPerMinute: 3 });
    const fetching = fetch();
    // All readers wait: no call is in flight whose answer would count for the next window.
    for (const [made, waiting] of [
      [3, 3],
      [6, 2],
    ]) {
      await expect.poll(() => [calls().length, clock.sleepers]).toEqual([made, waiting]);
      await clock.advance(60_001);
    }
    expect(await fetching).toMatchObject({ kind: 'live', content: { dataSources: { length: 7 } } });
    expect(calls()).toHaveLength(8);
  });

  it('stops waiting inside when it is aborted', async () => {
    const two = container({
      data_sources: [
        { id: sourceId, name: 'a' },
        { id: otherSourceId, name: 'b' },
      ],
    });
    const { fetch, clock } = await setUp({ 'token-a': { ...seen, [databaseId]: ok(two) } }, { requestsPerMinute: 2 });
    const stop = new AbortController();
    const fetching = fetch({}, stop.signal);
    await expect.poll(() => clock.sleepers).toBe(1);
    stop.abort();
    expect(await fetching).toMatchObject({ kind: 'retry', at: clock.now(), failure: { code: 'aborted' } });
  });

  it('does not wait for the other sources when one is throttled', async () => {
    const ids = Array.from({ length: 6 }, (_, i) => `263104cd-477e-804b-8c32-00000000000${i}`);
    const view: View = { [databaseId]: ok(container({ data_sources: ids.map((id) => ({ id, name: id })) })) };
    for (const id of ids) view[id] = hang;
    view[ids[0]!] = throttled;
    const { fetch, clock } = await setUp({ 'token-a': view });
    expect(await fetch()).toMatchObject({
      kind: 'retry',
      at: clock.now() + 30_000,
      scope: 'connection',
      failure: { class: 'rate_limited' },
    });
  });

  it("a workspace's limit pauses the other connections of the workspace, an overload does not", async () => {
    const workspaceLimit = notionError(429, 'rate_limited', { reason: 'public_api_space_request_rate_limit', retryAfter: '90' });
    const connections = [
      connection('a'),
      connection('b', { workspaceId: 'tenant-2' }),
      connection('c', { workspaceId: 'tenant-3', notionWorkspaceId: 'other' }),
    ];
    const limited = await setUp({ 'token-a': { [databaseId]: workspaceLimit }, 'token-b': seen, 'token-c': seen }, { connections });
    const at = limited.clock.now() + 90_000;
    expect(await limited.fetch()).toMatchObject({ kind: 'retry', at });
    expect(await limited.fetch({ workspaceId: 'tenant-2' })).toMatchObject({ kind: 'retry', at, failure: { code: 'workspace_pause' } });
    expect(await limited.fetch({ workspaceId: 'tenant-3' })).toMatchObject({ kind: 'live' });
    const overload = notionError(529, 'service_overload', { retryAfter: '90' });
    const loaded = await setUp({ 'token-a': { [databaseId]: overload }, 'token-b': seen, 'token-c': seen }, { connections });
    expect(await loaded.fetch()).toMatchObject({ kind: 'retry', failure: { class: 'rate_limited', code: 'service_overload' } });
    expect(await loaded.fetch({ workspaceId: 'tenant-2' })).toMatchObject({ kind: 'live' });
  });
});

describe('fetchDatabase through several connections', () => {
  it('asks the connections that the webhook names first, then the event’s own, then the one that saw it last', async () => {
    const connections = [connection('a', bot('a')), connection('b', bot('b')), connection('c', bot('c'))];
    const first = async (asking: Parameters<SetUp['fetch']>[0], before: Parameters<SetUp['fetch']>[0][] = []) => {
      const { fetch, server } = await setUp({ 'token-a': seen, 'token-b': seen, 'token-c': seen }, { connections });
      for (const earlier of before) await fetch(earlier);
      const outcome = await fetch(asking);
      expect(outcome.kind).toBe('live');
      return [outcome.kind === 'live' ? outcome.connectionId : null, server.requests.length - 2 * before.length];
    };
    expect(await first({})).toEqual(['a', 2]);
    expect(await first({ preferConnectionId: 'b' })).toEqual(['b', 2]);
    const named = { accessibleBy: ['556a1abf-4f08-40c6-878a-75890d2a88ba', '1EDC05F6270281B5840800000000000C'] };
    expect(await first({ preferConnectionId: 'b', ...named })).toEqual(['c', 2]);
    expect(await first({}, [{ preferConnectionId: 'c' }])).toEqual(['c', 2]);
    expect(await first({ preferConnectionId: 'b' }, [{ preferConnectionId: 'c' }])).toEqual(['b', 2]);
  });

  it('trusts the one that sees it, whatever the others answer', async () => {
    const notSeeing: Reply[] = [
      notFound,
      notionError(500, 'internal_server_error'),
      notionError(403, 'restricted_resource'),
      throttled,
      unauthorized,
    ];
    for (const reply of notSeeing) {
      const { fetch } = await setUp(
        { 'token-a': { [databaseId]: reply }, 'token-b': seen },
        { connections: [connection('a'), connection('b')] },
      );
      expect(await fetch()).toMatchObject({ kind: 'live', connectionId: 'b' });
    }
  });

  it('is inaccessible only if every active connection says so', async () => {
    const all = await setUp({ 'token-a': {}, 'token-b': {} });
    expect(await all.fetch()).toEqual({ kind: 'inaccessible' });
    expect(all.calls()).toHaveLength(2);
    const noDatabase = notionError(400, 'validation_error', { message: 'It is a page, not a database.' });
    const both = await setUp({ 'token-a': { [databaseId]: noDatabase }, 'token-b': {} });
    expect(await both.fetch()).toMatchObject({ kind: 'inaccessible', refusal: { class: 'unreadable' } });
    expect(await look(both)).toEqual({ kind: 'gone' });
    const one = await setUp({ 'token-a': { [databaseId]: noDatabase }, 'token-b': seen });
    expect(await one.fetch()).toMatchObject({ kind: 'live', connectionId: 'b' });
    const unsure: [Reply, string][] = [
      [notionError(500, 'internal_server_error'), 'server'],
      [throttled, 'rate_limited'],
    ];
    for (const [reply, failureClass] of unsure) {
      for (const views of [
        { 'token-a': {}, 'token-b': { [databaseId]: reply } },
        { 'token-a': { [databaseId]: reply }, 'token-b': {} },
      ]) {
        expect(await (await setUp(views)).fetch()).toMatchObject({ kind: 'retry', failure: { class: failureClass } });
      }
    }
  });

  it('a throttled connection holds up this database only, when another connection can still answer for others', async () => {
    const one = await setUp({ 'token-a': { [databaseId]: throttled }, 'token-b': {} });
    expect(await one.fetch()).toMatchObject({ kind: 'retry', at: one.clock.now() + 30_000, scope: 'request' });
    const both = await setUp({ 'token-a': { [databaseId]: throttled }, 'token-b': { [databaseId]: throttled } });
    expect(await both.fetch()).toMatchObject({ kind: 'retry', scope: 'connection' });
  });

  it('a refusal of one and a 404 of the other do not prove that it is gone', async () => {
    const { fetch } = await setUp({ 'token-a': { [databaseId]: notionError(403, 'restricted_resource') }, 'token-b': {} });
    expect(await fetch()).toMatchObject({ kind: 'failed', failure: { class: 'restricted' } });
  });

  it('asks active connections only, and their 404s are the only ones that count', async () => {
    const connections = [
      connection('a', { status: 'paused' }),
      connection('b', { status: 'unauthorized' }),
      connection('c', { status: 'deleted' }),
      connection('d'),
      connection('e', { workspaceId: 'another tenant' }),
    ];
    const { fetch, calls } = await setUp({ 'token-a': seen, 'token-b': seen, 'token-d': {}, 'token-e': seen }, { connections });
    expect(await fetch({ preferConnectionId: 'a' })).toEqual({ kind: 'inaccessible' });
    expect(calls()).toEqual([`token-d ${databaseId}`]);
  });

  it('returns the statuses when no connection is active', async () => {
    const connections = [connection('a', { status: 'paused' }), connection('b', { status: 'unauthorized' })];
    const { fetch, calls } = await setUp({}, { connections });
    expect(await fetch()).toEqual({ kind: 'no_active_connection', statuses: ['paused', 'unauthorized'] });
    expect(await fetch({ workspaceId: 'unknown' })).toEqual({ kind: 'no_active_connection', statuses: [] });
    expect(calls()).toEqual([]);
  });
});

describe('a token that Notion refuses', () => {
  it('is replaced by a fresh one, once', async () => {
    const { fetch, calls, refreshed, dead } = await setUp(
      { 'token-a': { ...seen, [databaseId]: unauthorized }, 'token-a-fresh': seen },
      { connections: [connection('a')] },
    );
    expect(await fetch()).toMatchObject({ kind: 'live' });
    expect(calls().slice(0, 2)).toEqual([`token-a ${databaseId}`, `token-a-fresh ${databaseId}`]);
    expect(refreshed).toEqual(['a']);
    expect(dead).toEqual([]);
  });

  it('makes the connection unauthorized when the fresh one is refused too, without further calls', async () => {
    const refusing: View = { [databaseId]: unauthorized };
    const set = await setUp(
      { 'token-a': refusing, 'token-a-fresh': refusing },
      { connections: [connection('a'), connection('p', { status: 'paused' })] },
    );
    expect(await set.fetch()).toEqual({ kind: 'no_active_connection', statuses: ['unauthorized', 'paused'] });
    expect(await set.fetch()).toEqual({ kind: 'no_active_connection', statuses: ['unauthorized', 'paused'] });
    expect(set.calls()).toHaveLength(2);
    expect(set.dead).toEqual([['a', 'token_refused']]);
    expect(set.logs.join('')).not.toContain('token-a');
  });

  it('is tried again after a minute if the refusal could not be recorded, and at once when the connection was changed', async () => {
    const refusing: View = { [databaseId]: unauthorized };
    const connections = [connection('a')];
    const set = await setUp(
      { 'token-a': refusing, 'token-a-fresh': refusing },
      { connections, onUnauthorized: async () => Promise.reject(new Error('the store is unavailable')) },
    );
    expect(await set.fetch()).toMatchObject({ kind: 'no_active_connection' });
    await set.clock.advance(59_999);
    await set.fetch();
    expect(set.dead).toHaveLength(1);
    await set.clock.advance(1);
    await set.fetch();
    expect(set.dead).toHaveLength(2);
    connections[0] = connection('a', { updatedAt: new Date('2026-02-01T00:00:00.000Z') });
    await set.fetch();
    expect(set.dead).toHaveLength(3);
    expect(set.logs.join('')).toContain('the store is unavailable');
  });

  it('of one connection does not stop the others', async () => {
    const views = { 'token-a': { [databaseId]: unauthorized }, 'token-a-fresh': { [databaseId]: unauthorized } };
    const connections = [connection('a'), connection('b')];
    const other = await setUp({ ...views, 'token-b': seen }, { connections });
    expect(await other.fetch()).toMatchObject({ kind: 'live', connectionId: 'b' });
    const blind = await setUp({ ...views, 'token-b': {} }, { connections });
    expect(await blind.fetch()).toEqual({ kind: 'inaccessible' });
    expect(blind.dead).toEqual([['a', 'token_refused']]);
  });

  const refusedInTheMiddle = {
    'token-a': { [databaseId]: [ok(container()), unauthorized], [sourceId]: unauthorized },
    'token-a-fresh': { [databaseId]: unauthorized, [sourceId]: unauthorized },
  };

  // A period of 401s at Notion made every tenant with an event unauthorized until an operator acted.
  it('a moment after it was accepted is probed for a while, and then given up', async () => {
    const { fetch, dead, clock, calls } = await setUp(refusedInTheMiddle, { connections: [connection('a')] });
    for (const waitMs of [1_000, 2_000, 4_000, 8_000]) {
      expect(await fetch()).toMatchObject({
        kind: 'retry',
        at: clock.now() + waitMs,
        scope: 'connection',
        failure: { class: 'unauthorized' },
      });
      const before = calls().length;
      expect(await fetch()).toMatchObject({ kind: 'retry', at: clock.now() + waitMs });
      expect(calls()).toHaveLength(before);
      expect(dead).toEqual([]);
      await clock.advance(waitMs);
    }
    expect(await fetch()).toMatchObject({ kind: 'no_active_connection' });
    expect(dead).toEqual([['a', 'token_refused']]);
  });

  it('a moment after it was accepted, and accepted again soon, has no consequences', async () => {
    const answers = [ok(container()), unauthorized, ok(container())];
    const { fetch, dead, clock } = await setUp(
      { 'token-a': { ...seen, [databaseId]: answers }, 'token-a-fresh': { [databaseId]: unauthorized } },
      { connections: [connection('a')] },
    );
    expect(await fetch()).toMatchObject({ kind: 'live' });
    expect(await fetch()).toMatchObject({ kind: 'retry' });
    await clock.advance(1_000);
    expect(await fetch()).toMatchObject({ kind: 'live' });
    expect(dead).toEqual([]);
  });

  it('while Notion refuses every token is probed for ten minutes, and soon given up once Notion accepts a token again', async () => {
    const refusing: View = { [databaseId]: [ok(container()), unauthorized], [sourceId]: ok(dataSource()) };
    const views = {
      'token-a': refusing,
      'token-a-fresh': { [databaseId]: unauthorized },
      'token-b': { ...refusing, [databaseId]: [ok(container()), ...Array.from({ length: 18 }, () => unauthorized), ok(container())] },
      'token-b-fresh': { [databaseId]: unauthorized },
    };
    const tenants = { a: 'tenant-1', b: 'tenant-2' } as const;
    const set = await setUp(views, { connections: [connection('a'), connection('b', { workspaceId: tenants.b })] });
    const fetchOf = (tenant: keyof typeof tenants) => set.fetch({ workspaceId: tenants[tenant] });
    expect([(await fetchOf('a')).kind, (await fetchOf('b')).kind]).toEqual(['live', 'live']);
    for (let passed = 0; passed < 540_000; passed += 30_000) {
      expect([(await fetchOf('a')).kind, (await fetchOf('b')).kind]).toEqual(['retry', 'retry']);
      await set.clock.advance(30_000);
    }
    expect(set.dead).toEqual([]);
    while ((await fetchOf('b')).kind !== 'live') await set.clock.advance(30_000);
    await set.clock.advance(30_000);
    expect((await fetchOf('a')).kind).toBe('no_active_connection');
    expect(set.dead).toEqual([['a', 'token_refused']]);
  });

  it('can be probed whatever the status of the connection, without consequences', async () => {
    const me = ok({ object: 'user', id: 'u', type: 'bot' });
    const stopped = connection('a', { status: 'unauthorized' });
    const never = new AbortController().signal;
    const accepted = await setUp({ 'token-a': { me } });
    expect(await accepted.source.probe(stopped, never)).toBe('accepted');
    const refused = await setUp({ 'token-a': { me: unauthorized }, 'token-a-fresh': { me: unauthorized } });
    expect(await refused.source.probe(stopped, never)).toBe('refused');
    expect(refused.dead).toEqual([]);
    const down = await setUp({ 'token-a': { me: notionError(500, 'internal_server_error') } });
    expect(await down.source.probe(stopped, never)).toBe('unknown');
  });

  const problem = { class: 'unauthorized', code: 'invalid_credentials', message: 'm' } as const;
  it.each([
    [{ kind: 'unauthorized', reason: 'grant_refused', failure: problem }, 'grant_refused'],
    [{ kind: 'connection_deleted', failure: problem }, 'connection_deleted'],
  ] satisfies [TokenResult, string][])('or that there is no token any more: $0.kind', async (result, reason) => {
    const { fetch, dead, calls } = await setUp({ 'token-a': seen }, { tokens: { get: async () => result } });
    expect(await fetch()).toMatchObject({ kind: 'no_active_connection' });
    expect(dead).toEqual([['a', reason]]);
    expect(calls()).toEqual([]);
  });

  it('is fetched again from Nango', async () => {
    let forced = 0;
    await using nango = await startScriptedServer(({ path }) => {
      if (path.includes('force_refresh=true')) forced += 1;
      return ok({ credentials: { type: 'OAUTH2', access_token: forced > 0 ? 'token-a-fresh' : 'token-a' } });
    });
    const logger = createLogger({ service: 'test', level: 'silent' });
    const tokens = createTokenSource({ nango: { url: nango.url, apiKey: 'key' }, decrypt: null, logger, metrics: new Registry() });
    const databases = Array.from({ length: 5 }, (_, i) => `248104cd-477e-80fd-b757-00000000000${i}`);
    const old: View = {};
    const fresh: View = { [sourceId]: ok(dataSource()) };
    for (const id of databases) [old[id], fresh[id]] = [unauthorized, ok(container({ id }))];
    const { fetch, dead } = await setUp({ 'token-a': old, 'token-a-fresh': fresh }, { connections: [connection('a')], tokens });
    const outcomes = await Promise.all(databases.map((id) => fetch({ databaseId: id })));
    expect(outcomes.map(({ kind }) => kind)).toEqual(databases.map(() => 'live'));
    expect([forced, nango.requests.length, dead]).toEqual([1, 2, []]);
  });

  it('is retried when it cannot be fetched now', async () => {
    const failure = { class: 'misconfigured', code: 'forbidden', message: 'm' } as const;
    const far = { get: async () => ({ kind: 'retry' as const, at: Date.parse('2027-01-01'), failure }) };
    const { fetch } = await setUp({ 'token-a': seen }, { tokens: far });
    expect(await fetch()).toEqual({ kind: 'retry', at: Date.parse('2027-01-01'), scope: 'connection', failure });
    const near = await setUp({ 'token-a': seen }, { tokens: { get: async () => ({ kind: 'retry', at: 0, failure }) } });
    expect(await near.fetch({ attempt: 3 })).toMatchObject({ at: near.clock.now() + 4_000 });
    const stuck = await setUp({ 'token-a': seen }, { tokens: { get: () => new Promise(() => {}) } });
    const stop = new AbortController();
    const fetching = stuck.fetch({}, stop.signal);
    await settled();
    stop.abort();
    expect(await fetching).toMatchObject({ kind: 'retry', failure: { code: 'aborted' } });
  });
});

describe('databaseOfDataSource', () => {
  it('returns the database that holds the source, as one connection sees it', async () => {
    expect(await holderOf(await setUp({ 'token-a': seen }))).toEqual({ kind: 'database', databaseId });
    expect(await holderOf(await setUp({ 'token-a': {}, 'token-b': seen }))).toEqual({ kind: 'database', databaseId });
  });

  it('finds none where there is none', async () => {
    expect(await holderOf(await setUp({ 'token-a': {}, 'token-b': {} }))).toEqual({ kind: 'not_found' });
    const orphan = ok(dataSource({ parent: { type: 'page_id', page_id: 'p' } }));
    expect(await holderOf(await setUp({ 'token-a': { [sourceId]: orphan } }))).toEqual({ kind: 'not_found' });
  });

  it('is as careful as fetchDatabase', async () => {
    expect(await holderOf(await setUp({ 'token-a': {}, 'token-b': { [sourceId]: throttled } }))).toMatchObject({ kind: 'retry' });
    expect(await holderOf(await setUp({}, { connections: [] }))).toMatchObject({ kind: 'no_active_connection' });
    expect(await holderOf(await setUp({ 'token-a': seen }), 'x')).toMatchObject({ kind: 'failed' });
    expect(await holderOf(await setUp({ 'token-a': { [sourceId]: ok({ object: 'data_source', id: sourceId }) } }))).toMatchObject({
      kind: 'failed',
    });
  });
});

describe('lookAtDatabase', () => {
  it('is one call, and gone only if every connection says so', async () => {
    const both = await setUp({ 'token-a': {}, 'token-b': seen });
    expect(await look(both)).toMatchObject({ kind: 'live', dataSourceIds: [sourceId], raw: { id: databaseId } });
    expect(both.calls()).toHaveLength(2);
    expect(await look(await setUp({ 'token-a': {}, 'token-b': {} }))).toEqual({ kind: 'gone' });
    expect(await look(await setUp({ 'token-a': { [databaseId]: ok(container({ in_trash: true })) } }))).toEqual({ kind: 'trashed' });
  });

  it('leaves half of the budget for events', async () => {
    const set = await setUp({ 'token-a': seen }, { requestsPerMinute: 4 });
    expect([(await look(set)).kind, (await look(set)).kind, (await look(set)).kind]).toEqual(['live', 'live', 'retry']);
    expect(set.source.spareAt(connection('a'))).toBeGreaterThan(set.clock.now());
    expect((await set.fetch()).kind).toBe('live');
  });
});

describe('a connection for many calls', () => {
  it('is the active one that a fetch asks first', async () => {
    const connections = [connection('a', { status: 'paused' }), connection('b'), connection('c', { botId: 'bot-c' })];
    const { source } = await setUp({}, { connections });
    const first = (asking: object) => source.firstAsked({ workspaceId: 'tenant-1', ...asking })?.connectionId;
    expect([first({ preferConnectionId: 'a' }), first({ preferConnectionId: 'c' })]).toEqual(['b', 'c']);
    expect(first({ preferConnectionId: 'b', accessibleBy: ['bot-c'] })).toBe('c');
    expect(source.firstAsked({ workspaceId: 'tenant-2' })).toBeNull();
  });

  it('can make as many at once as its whole budget has room for', async () => {
    const { source, clock } = await setUp({}, { requestsPerMinute: 4 });
    expect(source.lastOf(connection('a'), 4)).toBe(clock.now());
    expect(source.lastOf(connection('a'), 5)).toBe(clock.now() + 60_001);
  });
});

describe('searchDataSources', () => {
  it('follows the pages to the end', async () => {
    const set = await setUp({ 'token-a': { search: [searchPage(['s1', 's2'], 'c1'), searchPage([], 'c2'), searchPage(['s3'], null)] } });
    expect(await searchAll(set)).toEqual(['s1', 's2', 's3']);
    const bodies = set.server.requests.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
    expect(bodies.map((body) => body['start_cursor'])).toEqual([undefined, 'c1', 'c2']);
    expect(bodies[0]).toMatchObject({ filter: { property: 'object', value: 'data_source' }, page_size: 100 });
  });

  it('waits while it is throttled and through short outages, from the first page on', async () => {
    const trouble = [throttled, throttled, notionError(502, 'bad_gateway'), searchPage(['s1'], 'c1'), throttled, searchPage(['s2'], null)];
    const set = await setUp({ 'token-a': { search: trouble } });
    const searching = searchAll(set);
    let ended = false;
    void searching.then(() => (ended = true));
    await expect
      .poll(async () => {
        if (set.clock.sleepers > 0) await set.clock.advance(30_000);
        return ended;
      })
      .toBe(true);
    expect(await searching).toEqual(['s1', 's2']);
    expect(set.calls()).toHaveLength(6);
  });

  it('gives up with the reason', async () => {
    const failing: [Reply, string][] = [
      [notionError(400, 'validation_error'), 'invalid'],
      [notionError(403, 'restricted_resource'), 'restricted'],
      [unauthorized, 'unauthorized'],
    ];
    for (const [reply, failureClass] of failing) {
      const set = await setUp({ 'token-a': { search: reply }, 'token-a-fresh': { search: reply } }, { connections: [connection('a')] });
      const error: unknown = await searchAll(set).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(SearchError);
      expect(error).toMatchObject({ failure: { class: failureClass } });
    }
    const down = await setUp({ 'token-a': { search: notionError(500, 'internal_server_error') } });
    const searching = searchAll(down).catch((reason: unknown) => reason);
    let error: unknown;
    void searching.then((reason) => (error = reason));
    await expect
      .poll(async () => {
        if (down.clock.sleepers > 0) await down.clock.advance(60_000);
        return error;
      })
      .toMatchObject({ failure: { class: 'server' } });
    expect(down.calls()).toHaveLength(6);
  });

  it('leaves part of the budget for others when a database keeps failing, and waits alone', async () => {
    const set = await setUp({ 'token-a': { ...seen, search: searchPage([], null) } }, { requestsPerMinute: 6 });
    expect((await set.fetch({ attempt: 4 })).kind).toBe('live');
    expect(await set.fetch({ attempt: 4 })).toMatchObject({ kind: 'retry', scope: 'request', failure: { code: 'window' } });
    expect(await searchAll(set)).toEqual([]);
    expect((await set.fetch()).kind).toBe('live');
  });

  it('stops when it is aborted', async () => {
    const set = await setUp({ 'token-a': { search: throttled } });
    const stop = new AbortController();
    const searching = searchAll(set, stop.signal).catch((reason: unknown) => reason);
    await expect.poll(() => set.clock.sleepers).toBe(1);
    stop.abort();
    expect(await searching).toBeInstanceOf(SearchError);
  });
});
