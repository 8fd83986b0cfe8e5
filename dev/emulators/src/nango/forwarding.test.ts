import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Receiver } from '../../test/receiver.ts';
import { startReceiver } from '../../test/receiver.ts';
import { nangoHmac, nangoLegacySignature, notionSignature } from '../signatures.ts';
import { stableStringify } from '../stable-json.ts';
import type { NangoEmulator, NangoEmulatorOptions } from './emulator.ts';
import { startNangoEmulator } from './emulator.ts';

/** How long each wait between two attempts was meant to be. None takes its time. */
const waits: number[] = vi.hoisted(() => []);
vi.mock(import('node:timers/promises'), async (load) => {
  const real = await load();
  const wait: typeof real.setTimeout = (ms, value, options) => {
    waits.push(ms ?? Number.NaN);
    return real.setTimeout(0, value, options);
  };
  return { ...real, setTimeout: wait };
});

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const signingKey = 'test-webhook-signing-key';
const workspaceId = '13950b26-c203-4f3b-b97d-93ec06319565';
let receiver: Receiver;
let nango: NangoEmulator;
beforeEach(async () => {
  waits.length = 0;
  receiver = await startReceiver();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await nango.stop();
  await receiver.stop();
});

/** A Nango without auth webhooks. */
async function start(options: NangoEmulatorOptions = {}) {
  nango = await startNangoEmulator({ signingKey, forwardTo: receiver.url, sendOnCreation: false, ...options });
}

function connect(connectionId: string, of: string | null = workspaceId) {
  nango.createConnection({ connectionId, accessToken: 'ntn_x', workspaceId: of });
}

async function fromNotion(body: string, headers: Record<string, string> = {}, url = nango.webhookUrl()) {
  const response = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
  return { status: response.status, body: await response.json() };
}

const event = JSON.stringify({ workspace_id: workspaceId, type: 'database.created', id: 'event-1', data: { b: 1, a: 'ü🚀' } });

test('a webhook is acknowledged at once, wrapped for its connection, with sorted keys, both signatures and the headers of Notion', async () => {
  await start();
  connect('c-1');
  const token = 'secret_token';
  nango.setWebhookSecret({ webhookSecret: token });
  const signature = notionSignature(token, event);
  expect(
    await fromNotion(event, { 'X-Notion-Signature': signature, 'User-Agent': 'notion', Cookie: 'a=b', 'X-Custom': 'kept', Referer: 'x' }),
  ).toEqual({
    status: 200,
    body: { status: 'success' },
  });
  await nango.settle();
  const [webhook] = receiver.received;
  const body = `{"connectionId":"c-1","from":"notion","payload":{"data":{"a":"ü🚀","b":1},"id":"event-1","type":"database.created","workspace_id":"${workspaceId}"},"providerConfigKey":"notion","type":"forward"}`;
  expect(webhook?.body).toBe(body);
  expect(webhook?.headers).toMatchObject({
    'x-nango-hmac-sha256': nangoHmac(signingKey, body),
    'x-nango-signature': nangoLegacySignature(signingKey, body),
    'content-type': 'application/json',
    'x-notion-signature': signature,
    'x-custom': 'kept',
  });
  expect(webhook?.headers['user-agent']).toMatch(/^nango\//);
  for (const name of ['cookie', 'referer', 'authorization', 'sec-fetch-mode', 'transfer-encoding'])
    expect(webhook?.headers).not.toHaveProperty(name);
  expect(webhook?.headerNames).toEqual(
    expect.arrayContaining([
      'X-Nango-Signature',
      'X-Nango-Hmac-Sha256',
      'content-type',
      'user-agent',
      'x-notion-signature',
      'Content-Length',
    ]),
  );
  // Nango's bytes differ from those Notion signed.
  expect(notionSignature(token, webhook?.body ?? '')).not.toBe(signature);
});

test('each connection of the workspace gets one webhook; other connections get none', async () => {
  await start();
  connect('c-1');
  connect('c-2');
  connect('elsewhere', 'another-workspace');
  await fromNotion(event);
  await nango.settle();
  expect(receiver.received.map(({ body }) => (JSON.parse(body) as { connectionId: string }).connectionId)).toEqual(['c-1', 'c-2']);
});

test('a webhook is unwrapped when no connection matches, or when the connection does not record its workspace', async () => {
  await start();
  connect('old', null);
  await fromNotion(event);
  await nango.settle();
  expect(receiver.received.map(({ body }) => body)).toEqual([stableStringify(JSON.parse(event))]);
});

test('the handshake is forwarded unwrapped and unverified', async () => {
  await start();
  connect('c-1');
  nango.setWebhookSecret({ webhookSecret: 'secret_token' });
  const handshake = '{"verification_token":"secret_EXAMPLE_TOKEN_FROM_NOTION_DOCS"}';
  expect((await fromNotion(handshake)).status).toBe(200);
  await nango.settle();
  expect(receiver.received[0]).toMatchObject({
    body: handshake,
    headers: { 'x-nango-hmac-sha256': '8deac43d31a654c47ed62f0fd1a0db243f135012aa756bd533360d69b0c47e78' },
  });
});

test('with a webhook secret an event must be signed by Notion', async () => {
  await start();
  connect('c-1');
  nango.setWebhookSecret({ webhookSecret: 'secret_token' });
  expect(await fromNotion(event)).toEqual({ status: 401, body: { error: { code: 'webhook_missing_signature' } } });
  expect(await fromNotion(event, { 'x-notion-signature': notionSignature('another', event) })).toMatchObject({ status: 401 });
  const disguised = JSON.stringify({ verification_token: 'x', workspace_id: workspaceId });
  expect((await fromNotion(disguised)).status).toBe(401);
  await nango.settle();
  expect(receiver.received).toEqual([]);
});

test.each([
  ['an unknown environment', '/webhook/00000000-0000-4000-8000-000000000000/notion', 404, 'unknown_environment'],
  ['no UUID', '/webhook/prod/notion', 400, 'invalid_uri_params'],
])('%s', async (_, path, status, code) => {
  await start();
  expect(await fromNotion(event, {}, nango.url + path)).toEqual({ status, body: { error: { code } } });
  expect(await fromNotion(event, {}, nango.webhookUrl('other'))).toMatchObject({
    status: 404,
    body: { error: { code: 'unknown_provider_config' } },
  });
});

test.each([
  ['a 5xx is attempted three times', [500, 502, 503, 200], [30, 60], 'lost'],
  ['a passing 5xx is retried', [500, 200], [30], 'delivered'],
  ['a broken connection is retried', ['reset', 200], [30], 'delivered'],
  ['429 is never retried', [429, 200], [], 'lost'],
  ['400 is never retried', [400, 200], [], 'lost'],
  ['408 is never retried', [408, 200], [], 'lost'],
] as const)('%s', async (_, answers, waitsMs, state) => {
  await start({ delivery: { timeScale: 0.01 } });
  connect('c-1');
  receiver.answerWith(...answers);
  await fromNotion(event);
  await nango.settle();
  expect(receiver.received.length).toBe(waitsMs.length + 1);
  expect(waits).toEqual(waitsMs);
  expect(nango.deliveries()).toMatchObject([{ state, connectionId: 'c-1' }]);
});

test('a timeout of the receiver is retried', async () => {
  await start({ delivery: { timeoutMs: 50 } });
  connect('c-1');
  const patience = new AbortController();
  const timeouts = vi.spyOn(AbortSignal, 'timeout').mockReturnValueOnce(patience.signal);
  receiver.answerWith('hang');
  await fromNotion(event);
  await receiver.waitFor(1);
  patience.abort();
  await nango.settle();
  expect(timeouts.mock.calls).toEqual([[50], [50]]);
  expect(nango.deliveries()[0]?.attempts.map(({ result }) => result)).toEqual([
    { kind: 'network_error', code: 'ECONNABORTED' },
    { kind: 'answer', status: 200 },
  ]);
});

test('two events that fail three times open the breaker; then everything is lost at once, auth webhooks too', async () => {
  await start({ delivery: { breaker: { windowMs: 100_000_000, cooldownMs: 100_000_000 } } });
  connect('c-1');
  receiver.answerWith(500, 500, 500, 500, 500, 500);
  await fromNotion(event);
  await nango.settle();
  expect(nango.breakerState({ url: receiver.url })).toBe('closed');
  await fromNotion(event);
  await nango.settle();
  expect(nango.breakerState({ url: receiver.url })).toBe('open');
  await fromNotion(event);
  nango.reauthorize({ connectionId: 'c-1', accessToken: 'ntn_y' });
  await nango.settle();
  expect(receiver.received.length).toBe(6);
  expect(nango.deliveries().slice(2)).toMatchObject([
    { type: 'forward', state: 'lost', attempts: [{ result: { kind: 'circuit_breaker_open' } }] },
    { type: 'auth', state: 'lost', attempts: [{ result: { kind: 'circuit_breaker_open' } }] },
  ]);
  nango.resetBreaker();
  await fromNotion(event);
  await nango.settle();
  expect(receiver.received.length).toBe(7);
});

test('a second URL gets every webhook too; an override replaces both', async () => {
  const [second, own] = [await startReceiver(), await startReceiver()];
  await start({ forwardTo: [receiver.url, second.url] });
  connect('c-1');
  nango.createConnection({ connectionId: 'c-2', accessToken: 'ntn_x', workspaceId, webhookUrlOverride: own.url });
  await fromNotion(event);
  await nango.settle();
  const connections = [receiver, second, own].map(({ received }) =>
    received.map(({ body }) => (JSON.parse(body) as { connectionId: string }).connectionId),
  );
  expect(connections).toEqual([['c-1'], ['c-1'], ['c-2']]);
  await Promise.all([second.stop(), own.stop()]);
});

test('without a URL nothing is sent', async () => {
  await start({ forwardTo: [] });
  connect('c-1');
  expect((await fromNotion(event)).status).toBe(200);
  await nango.settle();
  expect(nango.deliveries()).toEqual([]);
});

test('after a rotation only the new key signs', async () => {
  await start();
  connect('c-1');
  await fromNotion(event);
  await nango.settle();
  nango.rotateSigningKey({ signingKey: 'new-key' });
  await fromNotion(event);
  await nango.settle();
  const [before, after] = receiver.received;
  expect(before?.headers['x-nango-hmac-sha256']).toBe(nangoHmac(signingKey, before?.body ?? ''));
  expect(after?.headers['x-nango-hmac-sha256']).toBe(nangoHmac('new-key', after?.body ?? ''));
});
