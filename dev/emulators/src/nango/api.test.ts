import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Receiver } from '../../test/receiver.ts';
import { startReceiver } from '../../test/receiver.ts';
import type { NangoEmulator } from './emulator.ts';
import { startNangoEmulator } from './emulator.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let now = Date.parse('2026-01-05T10:00:00Z');
let receiver: Receiver;
let nango: NangoEmulator;
beforeEach(async () => {
  receiver = await startReceiver();
  nango = await startNangoEmulator({ apiKey: 'key', signingKey: 'sign', forwardTo: receiver.url, clock: () => now });
  nango.createConnection({
    connectionId: 'c-1',
    accessToken: 'ntn_1',
    refreshToken: 'nrt_1',
    workspaceId: 'w-1',
    workspaceName: 'Quantify Labs',
    botId: 'bot-1',
    ownerId: 'user-1',
    tags: { end_user_id: 'u_42' },
  });
  await nango.settle();
});
afterEach(async () => {
  await nango.stop();
  await receiver.stop();
});

async function call(path: string, { method = 'GET', key = 'Bearer key' }: { method?: string; key?: string } = {}) {
  const response = await fetch(nango.url + path, { method, headers: key === '' ? {} : { authorization: key } });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as { connections: object[] } & Record<string, unknown>,
  };
}

const raw = {
  access_token: 'ntn_1',
  token_type: 'bearer',
  bot_id: 'bot-1',
  workspace_id: 'w-1',
  workspace_name: 'Quantify Labs',
  workspace_icon: null,
  owner: { type: 'user', user: { object: 'user', id: 'user-1' } },
  duplicated_template_id: null,
};

test.each(['/connections', '/connection'])('GET %s/{id} answers the whole connection with its token', async (path) => {
  now += 1000;
  const { status, body } = await call(`${path}/c-1?provider_config_key=notion`);
  expect(status).toBe(200);
  expect(body).toEqual({
    id: 1001,
    connection_id: 'c-1',
    provider_config_key: 'notion',
    provider: 'notion',
    errors: [],
    end_user: null,
    tags: { end_user_id: 'u_42' },
    metadata: null,
    connection_config: { workspace_id: 'w-1' },
    webhook_url_override: null,
    created_at: expect.stringMatching(/^2026-01-05T10:00:\d\d\.000\+00:00$/),
    updated_at: expect.any(String),
    last_fetched_at: new Date(now).toISOString().replace('Z', '+00:00'),
    credentials: { type: 'OAUTH2', access_token: 'ntn_1', raw },
  });
});

test('the refresh token is returned only on request', async () => {
  const { body } = await call('/connections/c-1?provider_config_key=notion&refresh_token=true');
  expect(body).toMatchObject({ credentials: { refresh_token: 'nrt_1', raw: { refresh_token: 'nrt_1' } } });
});

test('a forced refresh returns the new token, an ordinary read the dead one', async () => {
  nango.setTokenAfterRefresh({ connectionId: 'c-1', accessToken: 'ntn_2' });
  expect(await credentials()).toMatchObject({ access_token: 'ntn_1' });
  expect(await credentials('&force_refresh=true')).toMatchObject({ access_token: 'ntn_2', raw: { access_token: 'ntn_2' } });
  expect(await credentials()).toMatchObject({ access_token: 'ntn_2' });
});

test('a key without the scope sees no credentials', async () => {
  nango.settings.change({ apiKeyReadsCredentials: false });
  expect((await call('/connections/c-1?provider_config_key=notion')).body['credentials']).toEqual({});
});

test.each([
  ['no key', '/connections/c-1?provider_config_key=notion', '', 401, 'missing_auth_header'],
  ['no bearer', '/connections/c-1?provider_config_key=notion', 'Basic key', 401, 'malformed_auth_header'],
  ['a wrong key', '/connections/c-1?provider_config_key=notion', 'Bearer other', 401, 'unknown_user_account'],
  ['no provider_config_key', '/connections/c-1', 'Bearer key', 400, 'invalid_query_params'],
  ['an unknown parameter', '/connections/c-1?provider_config_key=notion&x=1', 'Bearer key', 400, 'invalid_query_params'],
  ['an invalid flag', '/connections/c-1?provider_config_key=notion&force_refresh=1', 'Bearer key', 400, 'invalid_query_params'],
  ['an unknown integration', '/connections/c-1?provider_config_key=other', 'Bearer key', 400, 'unknown_provider_config'],
  ['an unknown connection', '/connections/c-2?provider_config_key=notion', 'Bearer key', 404, 'not_found'],
])('%s', async (_, path, key, status, code) => {
  expect(await call(path, { key })).toMatchObject({ status, body: { error: { code } } });
});

test.each([
  [false, 400],
  [true, 424],
])('a failed refresh, exhausted %s, answers %i with the connection', async (exhausted, status) => {
  nango.failRefresh({ connectionId: 'c-1', exhausted });
  const failed = await call('/connections/c-1?provider_config_key=notion');
  expect(failed).toMatchObject({
    status,
    body: { error: { code: 'invalid_credentials', payload: { connection: { connection_id: 'c-1', errors: [{ type: 'auth' }] } } } },
  });
  expect(JSON.stringify(failed.body)).not.toContain('ntn_1');
  nango.reauthorize({ connectionId: 'c-1', accessToken: 'ntn_2' });
  expect((await call('/connections/c-1?provider_config_key=notion')).status).toBe(200);
});

test('the list omits configuration and credentials, and can be searched', async () => {
  nango.createConnection({ connectionId: 'c-2', accessToken: 'ntn_2', workspaceId: 'w-2', tags: { team: 'a' } });
  const ids = async (query: string) =>
    (await call(`/connections${query}`)).body.connections.map((connection) =>
      'connection_id' in connection ? connection.connection_id : null,
    );
  expect(await ids('')).toEqual(['c-1', 'c-2']);
  expect(await ids('?connectionId=c-2')).toEqual(['c-2']);
  expect(await ids('?search=c-1')).toEqual(['c-1']);
  expect(await ids('?tags[team]=a')).toEqual(['c-2']);
  expect(await ids('?limit=1&page=1')).toEqual(['c-2']);
  const [first] = (await call('/connections')).body.connections;
  expect(Object.keys(first ?? {}).toSorted()).toEqual([
    'connection_id',
    'created',
    'end_user',
    'errors',
    'id',
    'metadata',
    'provider',
    'provider_config_key',
    'tags',
  ]);
});

test('over the limit: 429 with the headers', async () => {
  nango.settings.change({ apiLimitPerMinute: 1 });
  const allowed = await call('/connections');
  expect(allowed.headers.get('x-ratelimit-remaining')).toBe('0');
  now += 1500;
  const limited = await call('/connections');
  expect(limited).toMatchObject({ status: 429, body: { error: { code: 'too_many_request', method: 'GET', path: '/connections' } } });
  expect(limited.headers.get('retry-after')).toBe('58');
  now += 60_000;
  expect((await call('/connections')).status).toBe(200);
});

test('faults work here too', async () => {
  nango.faults.inject({ kind: 'internal_server_error', path: '/connections/*', count: 1 });
  expect(await call('/connections/c-1?provider_config_key=notion')).toMatchObject({
    status: 500,
    body: { error: { code: 'server_error' } },
  });
  expect((await call('/connections/c-1?provider_config_key=notion')).status).toBe(200);
  expect(nango.calls.counts({ token: 'key' })).toEqual([
    { token: 'key', endpoint: 'GET /connections/c-1', calls: 2, statuses: { 200: 1, 500: 1 } },
  ]);
});

test('auth webhooks report creation, reconnection, failed refresh and deletion', async () => {
  nango.reauthorize({ connectionId: 'c-1', accessToken: 'ntn_2' });
  nango.failRefresh({ connectionId: 'c-1' });
  nango.failAuthorization({ connectionId: 'c-1' });
  nango.failAuthorization({ connectionId: 'c-9' });
  await nango.settle();
  expect(await call('/connections/c-1?provider_config_key=notion', { method: 'DELETE' })).toMatchObject({
    status: 200,
    body: { success: true },
  });
  await nango.settle();
  expect((await call('/connections/c-1?provider_config_key=notion')).status).toBe(404);
  const base = { from: 'nango', type: 'auth', authMode: 'OAUTH2', provider: 'notion', providerConfigKey: 'notion', environment: 'prod' };
  const sent = receiver.received.map(({ body }) => JSON.parse(body) as object);
  expect(sent).toHaveLength(6);
  expect(sent).toEqual(
    expect.arrayContaining([
      { ...base, connectionId: 'c-1', operation: 'creation', success: true, tags: { end_user_id: 'u_42' } },
      { ...base, connectionId: 'c-1', operation: 'override', success: true, tags: { end_user_id: 'u_42' } },
      {
        ...base,
        connectionId: 'c-1',
        operation: 'refresh',
        success: false,
        tags: { end_user_id: 'u_42' },
        error: { type: expect.any(String), description: expect.any(String) },
      },
      {
        ...base,
        connectionId: 'c-1',
        operation: 'override',
        success: false,
        tags: { end_user_id: 'u_42' },
        error: { type: 'access_denied', description: expect.any(String) },
      },
      {
        ...base,
        connectionId: 'c-9',
        operation: 'creation',
        success: false,
        error: { type: 'access_denied', description: expect.any(String) },
      },
      { ...base, connectionId: 'c-1', operation: 'deletion', success: true, tags: { end_user_id: 'u_42' } },
    ]),
  );
});

test('a switch turned off sends nothing, but a reconnection is always sent', async () => {
  nango.settings.change({ sendOnCreation: false, sendOnRefreshError: false, sendOnDeletion: false });
  receiver.received.length = 0;
  nango.createConnection({ connectionId: 'c-2', accessToken: 'ntn_2', workspaceId: 'w-2' });
  nango.failRefresh({ connectionId: 'c-2' });
  nango.reauthorize({ connectionId: 'c-2', accessToken: 'ntn_3' });
  nango.deleteConnection({ connectionId: 'c-2' });
  await nango.settle();
  expect(receiver.received.map(({ body }) => (JSON.parse(body) as { operation: string }).operation)).toEqual(['override']);
});

test('everything works over HTTP too', async () => {
  expect(await control('POST', '/connections', { connectionId: 'c-3', accessToken: 'ntn_3', workspaceId: 'w-3' })).toMatchObject({
    connectionId: 'c-3',
  });
  expect(await control('POST', '/rotate-signing-key', { signingKey: 'k2' })).toEqual({ signingKey: 'k2' });
  expect(await control('GET', '/environment')).toMatchObject({ signingKey: 'k2', apiKey: 'key' });
  await control('POST', '/settle');
  expect(await control('GET', '/deliveries?connectionId=c-3')).toMatchObject([{ state: 'delivered', type: 'auth' }]);
  expect(await control('POST', '/connections/delete', { connectionId: 'none' })).toEqual({ error: 'There is no connection none.' });
  expect(await control('GET', '/health')).toEqual({ status: 'ok' });
});

async function control(method: string, path: string, input?: object) {
  const response = await fetch(`${nango.url}/_control${path}`, {
    method,
    ...(input === undefined ? {} : { body: JSON.stringify(input) }),
  });
  return (await response.json()) as Record<string, unknown>;
}

async function credentials(query = '') {
  return (await call(`/connections/c-1?provider_config_key=notion${query}`)).body['credentials'];
}
