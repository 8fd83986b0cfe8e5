import type { Connection } from '@notion-mirror/domain/connection';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createFakeClock, type FakeClock } from '../test/fake-clock.ts';
import { connection } from '../test/notion-samples.ts';
import { hang, reset, startScriptedServer, type Reply, type ScriptedServer, type SeenRequest } from '../test/scripted-server.ts';
import { createTokenSource, type TokenSource } from './token-source.ts';

const apiKey = 'nango-api-key-to-keep-secret';

interface SetUp {
  readonly source: TokenSource;
  readonly server: ScriptedServer;
  readonly clock: FakeClock;
  readonly logs: string[];
  readonly metrics: Registry;
}

async function setUp(
  reply: (request: SeenRequest, number: number) => Reply | Promise<Reply>,
  options: { apiKey?: string | null; decrypt?: ((connection: Connection) => string) | null; maxTokens?: number; deadlineMs?: number } = {},
): Promise<SetUp> {
  let number = 0;
  const server = await startScriptedServer((request) => reply(request, (number += 1)));
  onTestFinished(async () => server[Symbol.asyncDispose]());
  const clock = createFakeClock();
  const logs: string[] = [];
  const metrics = new Registry();
  const source = createTokenSource({
    nango: { url: `${server.url}/`, apiKey: options.apiKey === undefined ? apiKey : options.apiKey },
    decrypt: options.decrypt ?? null,
    logger: createLogger({ service: 'test', level: 'trace', destination: { write: (line) => logs.push(line) } }),
    metrics,
    clock,
    maxTokens: options.maxTokens,
    deadlineMs: options.deadlineMs,
  });
  return { source, server, clock, logs, metrics };
}

/** ApiPublicConnectionFull of Nango, with Notion's token response in `raw`. */
function nangoConnection(token: string): Reply {
  return {
    status: 200,
    body: {
      id: 1234,
      connection_id: '4f7f7b8e-0c55-4b0e-9f0e-2f6d1f6f8a11',
      provider_config_key: 'notion',
      provider: 'notion',
      errors: [],
      end_user: null,
      tags: { end_user_id: 'u_42' },
      metadata: null,
      connection_config: { workspace_id: '13950b26-c203-4f3b-b97d-93ec06319565' },
      webhook_url_override: null,
      created_at: '2026-01-05T10:00:00.000+00:00',
      updated_at: '2026-01-05T10:00:00.000+00:00',
      last_fetched_at: '2026-01-06T10:00:00.000+00:00',
      credentials: { type: 'OAUTH2', access_token: token, raw: { access_token: token, token_type: 'bearer', bot_id: 'b' } },
    },
  };
}

const nangoError = (status: number, code: string, headers: Record<string, string> = {}): Reply => ({
  status,
  body: { error: { code } },
  headers,
});
const one = connection('c1');
const two = connection('c2');

describe('a token from Nango', () => {
  it('is fetched again when the connection was written since: a customer who reconnected was refused with the old token', async () => {
    const { source } = await setUp((_request, number) => nangoConnection(number < 3 ? 'ntn_old' : 'ntn_new'));
    expect(await source.get(one)).toEqual({ kind: 'token', token: 'ntn_old' });
    expect(await source.refresh(one, 'ntn_old')).toEqual({ kind: 'token', token: 'ntn_old' });
    const connectedAgain = { ...one, updatedAt: new Date(one.updatedAt.getTime() + 1) };
    expect(await source.get(connectedAgain)).toEqual({ kind: 'token', token: 'ntn_new' });
  });

  it('is requested as the API requires', async () => {
    const { source, server } = await setUp(() => nangoConnection('ntn_1'));
    const odd = connection('c/1 ?&', { providerConfigKey: 'notion & co' });
    expect(await source.get(odd)).toEqual({ kind: 'token', token: 'ntn_1' });
    expect(server.requests).toMatchObject([
      { method: 'GET', path: '/connections/c%2F1%20%3F%26?provider_config_key=notion+%26+co', token: apiKey },
    ]);
  });

  it('is kept for five minutes, for each connection', async () => {
    const { source, server, clock } = await setUp((_, number) => nangoConnection(`ntn_${number}`));
    expect(await source.get(one)).toEqual({ kind: 'token', token: 'ntn_1' });
    expect(await source.get(two)).toEqual({ kind: 'token', token: 'ntn_2' });
    await clock.advance(299_999);
    expect(await source.get(one)).toEqual({ kind: 'token', token: 'ntn_1' });
    await clock.advance(1);
    expect(await source.get(one)).toEqual({ kind: 'token', token: 'ntn_3' });
    expect(server.requests).toHaveLength(3);
  });

  it('is fetched once for concurrent callers', async () => {
    const { source, server } = await setUp((_, number) => nangoConnection(`ntn_${number}`));
    const results = await Promise.all(Array.from({ length: 50 }, () => source.get(one)));
    expect(new Set(results.map((result) => JSON.stringify(result)))).toEqual(new Set(['{"kind":"token","token":"ntn_1"}']));
    expect(server.requests).toHaveLength(1);
  });

  it('is forgotten when too many others are held', async () => {
    const { source, server } = await setUp(() => nangoConnection('ntn_1'), { maxTokens: 2 });
    for (const id of ['c1', 'c2', 'c3', 'c1']) await source.get(connection(id));
    expect(server.requests).toHaveLength(4);
  });

  it('stays in use while Nango is unavailable, and is checked again', async () => {
    let isDown = false;
    const { source, server, clock } = await setUp((_, number) =>
      isDown ? nangoError(500, 'server_error') : nangoConnection(`ntn_${number}`),
    );
    await source.get(one);
    isDown = true;
    await clock.advance(300_000);
    expect(await source.get(one)).toEqual({ kind: 'token', token: 'ntn_1' });
    expect(await source.get(one)).toEqual({ kind: 'token', token: 'ntn_1' });
    expect(server.requests).toHaveLength(2);
    expect(await source.get(two)).toMatchObject({ kind: 'retry', failure: { class: 'server' } });
    isDown = false;
    await clock.advance(30_000);
    expect(await source.get(one)).toEqual({ kind: 'token', token: 'ntn_4' });
  });

  it('is refreshed past the cache, once for all callers refused at the same time or a moment later', async () => {
    const { source, server } = await setUp((_, number) => nangoConnection(`ntn_${number}`));
    await source.get(one);
    const results = await Promise.all(Array.from({ length: 20 }, () => source.refresh(one, 'ntn_1')));
    expect(results.every((result) => result.kind === 'token' && result.token === 'ntn_2')).toBe(true);
    expect(await source.refresh(one, 'ntn_1')).toEqual({ kind: 'token', token: 'ntn_2' });
    expect(await source.get(one)).toEqual({ kind: 'token', token: 'ntn_2' });
    expect(server.requests.map(({ path }) => path)).toEqual([
      '/connections/c1?provider_config_key=notion',
      '/connections/c1?provider_config_key=notion&force_refresh=true',
    ]);
  });

  it('is not refreshed when a newer one is known already', async () => {
    const { source, server, clock } = await setUp((_, number) => nangoConnection(`ntn_${number}`));
    await source.get(one);
    await clock.advance(300_000);
    await source.get(one);
    expect(await source.refresh(one, 'ntn_1')).toEqual({ kind: 'token', token: 'ntn_2' });
    expect(server.requests).toHaveLength(2);
  });

  it('is not refreshed again when the refresh returned the same one', async () => {
    const { source, server, clock } = await setUp(() => nangoConnection('ntn_same'));
    await source.get(one);
    for (let i = 0; i < 5; i += 1) expect(await source.refresh(one, 'ntn_same')).toEqual({ kind: 'token', token: 'ntn_same' });
    expect(server.requests).toHaveLength(2);
    await clock.advance(10_000);
    await source.refresh(one, 'ntn_same');
    expect(server.requests).toHaveLength(3);
  });

  it.each([
    ['a deleted connection', nangoError(404, 'not_found'), { kind: 'connection_deleted', failure: { class: 'gone', code: 'not_found' } }],
    ['a refresh that failed', nangoError(400, 'invalid_credentials'), { kind: 'unauthorized', reason: 'grant_refused' }],
    ['a grant that is beyond refreshing', nangoError(424, 'invalid_credentials'), { kind: 'unauthorized', reason: 'grant_refused' }],
    [
      'a wrong API key',
      nangoError(401, 'unknown_account'),
      { kind: 'retry', failure: { class: 'misconfigured', code: 'unknown_account' } },
    ],
    ['a missing scope', nangoError(403, 'forbidden'), { kind: 'retry', failure: { class: 'misconfigured', code: 'forbidden' } }],
    ['an unknown integration', nangoError(400, 'unknown_provider_config'), { kind: 'retry', failure: { class: 'misconfigured' } }],
    [
      'credentials without a token',
      { status: 200, body: { credentials: {} } },
      { kind: 'retry', failure: { class: 'misconfigured', code: 'no_access_token' } },
    ],
    [
      'a token with a line break',
      nangoConnection('ntn_a\nb'),
      { kind: 'retry', failure: { class: 'misconfigured', code: 'no_access_token' } },
    ],
    ['a server error', nangoError(500, 'server_error'), { kind: 'retry', failure: { class: 'server', code: 'server_error' } }],
    ['a 404 of a proxy', { status: 404, body: '<html>' }, { kind: 'retry', failure: { class: 'server', code: 'not_a_nango_answer' } }],
    ['a 401 of a proxy', { status: 401, body: '<html>' }, { kind: 'retry', failure: { class: 'server', code: 'not_a_nango_answer' } }],
    ['HTML with status 200', { status: 200, body: '<html>' }, { kind: 'retry', failure: { class: 'server', code: 'malformed_body' } }],
    ['a reset connection', reset, { kind: 'retry', failure: { class: 'network', code: 'reset' } }],
    ['no answer', hang, { kind: 'retry', failure: { class: 'network', code: 'deadline' } }],
  ] satisfies [string, Reply, object][])('%s', async (_, reply, expected) => {
    const { source, clock, logs } = await setUp(() => reply, reply === hang ? { deadlineMs: 100 } : {});
    const result = await source.get(one);
    expect(result).toMatchObject(expected);
    expect(result.kind !== 'retry' || result.at > clock.now()).toBe(true);
    expect(`${JSON.stringify(result)}${logs.join('')}`).not.toMatch(/nango-api-key|ntn_a/);
  });

  it('makes every connection wait as long as Nango asks when it throttles', async () => {
    const { source, server, clock } = await setUp((_, number) =>
      number === 1 ? nangoError(429, 'too_many_request', { 'retry-after': '17' }) : nangoConnection('ntn_1'),
    );
    const at = clock.now() + 17_000;
    expect(await source.get(one)).toMatchObject({ kind: 'retry', at, failure: { class: 'rate_limited', code: 'too_many_request' } });
    expect(await source.get(two)).toMatchObject({ kind: 'retry', at });
    expect(server.requests).toHaveLength(1);
    await clock.advance(17_000);
    expect(await source.get(two)).toEqual({ kind: 'token', token: 'ntn_1' });
  });

  it('leaves a wrong API key to the operator: one call, one error line, a long wait', async () => {
    const { source, server, clock, logs } = await setUp(() => nangoError(401, 'unknown_account'));
    for (let i = 0; i < 10; i += 1) await source.get(connection(`c${i}`));
    expect(server.requests).toHaveLength(1);
    expect(await source.get(one)).toMatchObject({ kind: 'retry', at: clock.now() + 120_000 });
    const loud = logs.filter((line) => line.includes('"level":"error"'));
    expect(loud).toHaveLength(1);
    expect(loud[0]).toContain('Nango refuses the API key');
  });

  it('logs once a minute that an operator must act, however many events run into it', async () => {
    const { source, clock, logs } = await setUp(() => nangoError(400, 'unknown_provider_config'));
    const loud = () => logs.filter((line) => line.includes('"level":"error"')).length;
    for (let i = 0; i < 10; i += 1) await source.get(connection(`c${i}`));
    expect(loud()).toBe(1);
    await clock.advance(60_000);
    await source.get(one);
    expect(loud()).toBe(2);
  });

  it('is not requested without an API key', async () => {
    const { source, server } = await setUp(() => nangoConnection('ntn_1'), { apiKey: null });
    expect(await source.get(one)).toMatchObject({ kind: 'retry', failure: { class: 'misconfigured', code: 'no_nango_api_key' } });
    expect(server.requests).toHaveLength(0);
  });

  it('is counted by outcome', async () => {
    const { source, metrics } = await setUp((_, number) => (number === 1 ? nangoConnection('ntn_1') : nangoError(404, 'not_found')));
    await source.get(one);
    await source.get(two);
    const text = await metrics.metrics();
    expect(text).toContain('notion_mirror_token_fetches_total{outcome="token"} 1');
    expect(text).toContain('notion_mirror_token_fetches_total{outcome="connection_deleted"} 1');
    expect(text).not.toContain('c1');
  });
});

const decrypt = ({ token }: Connection): string => (token ?? '').replace('sealed:', '');

describe('a stored token', () => {
  const stored = connection('c1', { token: 'sealed:ntn_stored' });

  it('is decrypted, and Nango is never called', async () => {
    const { source, server } = await setUp(() => nangoConnection('ntn_1'), { decrypt });
    expect(await source.get(stored)).toEqual({ kind: 'token', token: 'ntn_stored' });
    expect(server.requests).toHaveLength(0);
  });

  it('cannot be refreshed, only replaced', async () => {
    const { source, server } = await setUp(() => nangoConnection('ntn_1'), { decrypt });
    expect(await source.refresh(stored, 'ntn_stored')).toMatchObject({ kind: 'unauthorized', reason: 'token_refused' });
    const replaced = connection('c1', { token: 'sealed:ntn_newer' });
    expect(await source.refresh(replaced, 'ntn_stored')).toEqual({ kind: 'token', token: 'ntn_newer' });
    expect(server.requests).toHaveLength(0);
  });

  it.each([
    ['there is no key', null],
    [
      'it was stored with another key',
      () => {
        throw new Error('unable to authenticate data');
      },
    ],
    ['it holds a line break', () => 'ntn_stored\n'],
  ])('needs an operator when %s', async (_, broken) => {
    const { source, logs } = await setUp(() => nangoConnection('ntn_1'), { decrypt: broken });
    expect(await source.get(stored)).toMatchObject({ kind: 'retry', failure: { class: 'misconfigured', code: 'token_unreadable' } });
    expect(logs.join('')).toContain('"level":"error"');
    expect(logs.join('')).not.toContain('ntn_stored');
  });
});
