import { APIResponseError, UnknownHTTPResponseError } from '@notionhq/client';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { newWorkspace, rejection } from '../../test/customer.ts';
import type { FaultInput } from '../http/faults.ts';
import type { NotionEmulator } from './emulator.ts';
import { startNotionEmulator } from './emulator.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let notion: NotionEmulator;
beforeAll(async () => {
  notion = await startNotionEmulator({ seed: 'faults' });
});
afterAll(() => notion.stop());

test.each<[FaultInput, object]>([
  [
    { kind: 'rate_limited' },
    { status: 429, code: 'rate_limited', additional_data: { rate_limit_reason: 'public_api_request_rate_limit' } },
  ],
  [
    { kind: 'request_blocked' },
    { status: 429, code: 'rate_limited', additional_data: { rate_limit_reason: 'public_api_request_blocked' } },
  ],
  [{ kind: 'service_overload' }, { status: 529, code: 'service_overload' }],
  [{ kind: 'service_unavailable' }, { status: 503, code: 'service_unavailable' }],
  [{ kind: 'internal_server_error' }, { status: 500, code: 'internal_server_error' }],
  [{ kind: 'gateway_timeout' }, { status: 504, code: 'gateway_timeout' }],
  [{ kind: 'conflict_error' }, { status: 409, code: 'conflict_error' }],
  [{ kind: 'restricted_resource' }, { status: 403, code: 'restricted_resource' }],
  [{ kind: 'unauthorized' }, { status: 401, code: 'unauthorized', message: 'API token is invalid.' }],
])('$kind', async (fault, expected) => {
  const { asBot } = newWorkspace(notion);
  notion.faults.inject({ ...fault, count: 1 });
  const error = await rejection(asBot.users.me({}));
  expect(error).toBeInstanceOf(APIResponseError);
  expect(error).toMatchObject(expected);
  await asBot.users.me({});
});

test('rate_limited carries Retry-After', async () => {
  const { asBot } = newWorkspace(notion);
  notion.faults.inject({ kind: 'rate_limited', retryAfterSeconds: 7, rateLimitReason: 'public_api_space_request_rate_limit', count: 1 });
  const error = (await rejection(asBot.users.me({}))) as APIResponseError;
  expect((error.headers as Headers).get('retry-after')).toBe('7');
  expect(error.additional_data).toEqual({ rate_limit_reason: 'public_api_space_request_rate_limit' });
});

test('bad_gateway is an HTML page', async () => {
  const { asBot } = newWorkspace(notion);
  notion.faults.inject({ kind: 'bad_gateway', count: 1 });
  const error = await rejection(asBot.users.me({}));
  expect(error).toBeInstanceOf(UnknownHTTPResponseError);
  expect(error).toMatchObject({ status: 502, body: expect.stringContaining('<html>') });
});

test('malformed_json answers 200 and cannot be parsed', async () => {
  const { asBot } = newWorkspace(notion);
  notion.faults.inject({ kind: 'malformed_json', count: 1 });
  expect(await rejection(asBot.users.me({}))).toBeInstanceOf(SyntaxError);
});

test.each(['connection_reset', 'truncated_body'] as const)('%s fails in the network', async (kind) => {
  const { asBot } = newWorkspace(notion);
  notion.faults.inject({ kind, count: 1 });
  expect(await rejection(asBot.users.me({}))).toBeInstanceOf(TypeError);
});

test.each<FaultInput>([{ kind: 'hang' }, { kind: 'latency', latencyMs: 3_600_000 }])('$kind holds the answer back', async (fault) => {
  const { asBot, bot } = newWorkspace(notion);
  notion.faults.inject({ ...fault, token: bot.token, count: 1 });
  const controller = new AbortController();
  const headers = { authorization: `Bearer ${bot.token}` };
  const hanging = rejection(fetch(`${notion.url}/v1/users/me`, { headers, signal: controller.signal }));
  const isHanging = () => notion.calls.recent().some(({ token, status }) => token === bot.token && status === null);
  while (!isHanging()) await new Promise((resolve) => setImmediate(resolve));
  await asBot.users.me({});
  expect(isHanging()).toBe(true);
  controller.abort();
  expect(await hanging).toMatchObject({ name: 'AbortError' });
});

test('after a latency comes the answer', async () => {
  const { asBot, bot } = newWorkspace(notion);
  notion.faults.inject({ kind: 'latency', latencyMs: 1, count: 1 });
  expect(await asBot.users.me({})).toMatchObject({ id: bot.id });
});

test('a fault of one workspace does not affect others', async () => {
  const [sick, healthy] = [newWorkspace(notion), newWorkspace(notion)];
  notion.faults.inject({ kind: 'internal_server_error', workspaceId: sick.workspaceId });
  expect(await rejection(sick.asBot.users.me({}))).toMatchObject({ status: 500 });
  await healthy.asBot.users.me({});
  notion.faults.clear();
});

test('stopping ends hanging requests', async () => {
  const other = await startNotionEmulator();
  const { bot } = newWorkspace(other);
  other.faults.inject({ kind: 'hang' });
  const hanging = rejection(fetch(`${other.url}/v1/users/me`, { headers: { authorization: `Bearer ${bot.token}` } }));
  while (other.calls.recent().length === 0) await new Promise((resolve) => setImmediate(resolve));
  await other.stop();
  expect(await hanging).toBeInstanceOf(TypeError);
});
