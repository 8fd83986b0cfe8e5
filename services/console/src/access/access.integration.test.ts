import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { ErrorAnswer } from '../answers/common.ts';
import { openTestConsole, type Asked, type Reply, type RunningConsole, type TestConsole } from '../testing/test-console.ts';
import { routeHeads } from '../testing/route-heads.ts';

const viewerToken = 'viewer-token-0123456789';
const operatorToken = 'operator-token-0123456789';
const line = (name: string, role: string, token: string) => `${name} ${role} sha256:${createHash('sha256').update(token).digest('hex')}`;
const proxySecret = 'a secret of the proxy, long enough.';

let tested: TestConsole;
let open: RunningConsole;
let guarded: RunningConsole;
let proxied: RunningConsole;

beforeAll(async () => {
  tested = await openTestConsole(inject('stack'));
  await tested.connect({ workspaceId: 'acme' });
  open = await tested.start({});
  const tokens = [line('ann', 'viewer', viewerToken), '# for the night shift', line('bob', 'operator', operatorToken)].join('\n');
  guarded = await tested.start({ MIRROR_CONSOLE_ACCESS: 'tokens', MIRROR_CONSOLE_TOKENS: tokens });
  proxied = await tested.start({
    MIRROR_CONSOLE_ACCESS: 'proxy',
    MIRROR_CONSOLE_PROXY_SECRET: proxySecret,
    MIRROR_CONSOLE_OPERATOR_GROUPS: 'sre, oncall',
    MIRROR_CONSOLE_VIEWER_GROUPS: 'support',
    MIRROR_CONSOLE_ORIGIN: 'https://mirror.example.com',
  });
});
afterAll(async () => tested.close());

const codeOf = ({ json }: Reply) => (json as ErrorAnswer | null)?.error.code;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** An address of the route. What it names does not exist, so that one that lets the request in answers 400 or 404 at the latest. */
const addressOf = (path: string) => path.replaceAll(/:\w+/g, '0') + (path === '/api/find' ? '?q=x' : '');
/** A body that many of the routes would take. */
const fitting = {
  reason: 'a test',
  action: 'drop',
  filter: { class: 'poison' },
  confirm: 'switch',
  tenant: 'acme',
  providerConfigKey: 'notion',
};
/** Of the collections that the console may write. */
const everything = async () =>
  Object.fromEntries(
    await Promise.all(
      ['operator_actions', 'settled_dead_letters', 'connections', 'connection_notices', 'sweeps', 'replays', 'database_records'].map(
        async (name) => [name, await tested.mongo.db.collection(name).find().toArray()] as const,
      ),
    ),
  );
const sent = (method: string): Asked => {
  const headers = { 'content-type': 'application/json' };
  return method === 'POST' ? { method, headers, body: {} } : { method };
};

describe.each(routeHeads().map((route) => [route.method, route.path, route] as const))('%s %s', (method, path, route) => {
  const address = addressOf(path);
  // Streams and what reads Kafka are left at once; who may is decided before.
  const ask = (console: RunningConsole, headers: Readonly<Record<string, string>>) => {
    const asked = sent(method);
    return console.ask(address, { ...asked, headers: { ...asked.headers, ...headers }, headOnly: true });
  };

  test('is refused to who has not signed in', async () => {
    const { status } = await ask(guarded, { 'sec-fetch-site': 'same-origin' });
    expect(status === 401).toBe(route.role !== 'anyone');
  });

  test('lets a viewer look, and not act', async () => {
    const { status } = await ask(guarded, bearer(viewerToken));
    expect(status).not.toBe(401);
    expect(status === 403).toBe(route.role === 'operator');
  });

  test('lets an operator in', async () => {
    const { status } = await ask(guarded, bearer(operatorToken));
    expect([401, 403]).not.toContain(status);
  });

  test('is refused to another site, also with a session', async () => {
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }]) {
      const answer = await ask(open, headers);
      expect([answer.status, codeOf(answer)]).toEqual([403, 'cross_site']);
    }
    if (method === 'GET') return;
    const others: Record<string, string>[] = [{}, { origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'none' }];
    for (const headers of others) {
      const answer = await ask(open, headers);
      expect([answer.status, codeOf(answer)]).toEqual([403, 'cross_site']);
    }
  });

  test('changes nothing when it is refused', async () => {
    if (method === 'GET') return;
    const before = await everything();
    const asked = sent(method);
    const refused = [
      guarded.ask(address, asked),
      guarded.ask(address, { ...asked, headers: { ...asked.headers, ...bearer(viewerToken) } }),
      open.ask(address, { ...asked, headers: { ...asked.headers, 'sec-fetch-site': 'cross-site' } }),
      open.ask(address, { ...asked, headers: { ...asked.headers, 'sec-fetch-site': 'same-origin', host: 'evil.example' } }),
      ...(method === 'POST'
        ? ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'].map(async (type) =>
            open.ask(address, { ...asked, body: fitting, headers: { 'content-type': type, 'sec-fetch-site': 'same-origin' } }),
          )
        : []),
    ];
    // Anyone may end a session of their own; without one nothing happens.
    const allowed = route.role === 'anyone' ? [200, 400, 401] : [];
    for (const { status } of await Promise.all(refused)) expect([401, 403, 415, ...allowed]).toContain(status);
    expect(await everything()).toEqual(before);
  });

  test("is refused under another host's name", async () => {
    for (const host of ['evil.example', `evil.example:${open.port}`, 'localhost.evil.example', '192.168.0.1']) {
      const answer = await ask(open, { host });
      expect([host, codeOf(answer)]).toEqual([host, 'wrong_host']);
    }
  });
});

const signIn = async (token: string) =>
  guarded.ask('/api/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
    body: { token },
  });
const cookieOf = ({ headers }: Reply) => String(headers['set-cookie']);

describe('a session', () => {
  test('is a cookie that no script reads and no other site sends', async () => {
    const answer = await signIn(viewerToken);
    expect(answer.json).toMatchObject({ name: 'ann', role: 'viewer', access: 'tokens' });
    expect(cookieOf(answer)).toMatch(/^mirror-console=[\w.-]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
    expect(cookieOf(answer)).not.toContain(viewerToken);
    const [cookie = ''] = cookieOf(answer).split(';');
    expect((await guarded.ask('/api/me', { headers: { cookie } })).json).toMatchObject({
      name: 'ann',
      actions: { signOut: { allowed: true } },
    });
    // A browser adds a cookie by itself, so it needs the headers as well.
    const headers = { cookie, 'content-type': 'application/json' };
    expect(codeOf(await guarded.ask('/api/session', { method: 'POST', headers, body: { token: 'x' } }))).toBe('cross_site');
    const changed = cookie.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    expect((await guarded.ask('/api/me', { headers: { cookie: changed } })).status).toBe(401);
    const out = await guarded.ask('/api/session', { method: 'DELETE', headers: { cookie, 'sec-fetch-site': 'same-origin' } });
    expect(cookieOf(out)).toContain('Max-Age=0');
  });

  test('begins with a known token only, of the right type', async () => {
    expect(codeOf(await signIn('unknown'))).toBe('sign_in_with_token');
    const asForm = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' };
    expect((await guarded.ask('/api/session', { method: 'POST', headers: asForm, body: { token: viewerToken } })).status).toBe(415);
  });
});

describe('a proxy', () => {
  const known = { 'x-console-proxy-secret': proxySecret, host: 'mirror.example.com' };
  const user = { 'x-forwarded-user': 'cleo' };

  test.each([
    ['its secret and an operator', { ...known, ...user, 'x-forwarded-groups': 'all,oncall' }, { name: 'cleo', role: 'operator' }],
    ['its secret and a viewer', { ...known, ...user, 'x-forwarded-groups': 'support' }, { name: 'cleo', role: 'viewer' }],
  ])('with %s signs in', async (_name, headers, who) => {
    expect((await proxied.ask('/api/me', { headers })).json).toMatchObject({ ...who, access: 'proxy' });
  });

  test.each([
    ['another group', { ...known, ...user, 'x-forwarded-groups': 'sales' }],
    ['no user', { ...known, 'x-forwarded-groups': 'sre' }],
    ['another secret', { ...known, ...user, 'x-forwarded-groups': 'sre', 'x-console-proxy-secret': 'guessed' }],
    ['no secret', { host: known.host, ...user, 'x-forwarded-groups': 'sre' }],
    ['a token', { host: known.host, ...bearer(operatorToken) }],
  ])('with %s does not', async (_name, headers) => {
    expect(codeOf(await proxied.ask('/api/me', { headers }))).toBe('sign_in_at_proxy');
  });
});

test('every answer says what a browser may do with it', async () => {
  for (const path of ['/', '/api/me', '/api/nothing', '/t/acme']) {
    const { headers } = await open.ask(path);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
    });
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'/);
    expect(headers['content-security-policy']).not.toContain('unsafe');
  }
});
