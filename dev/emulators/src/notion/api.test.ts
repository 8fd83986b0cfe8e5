import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { newWorkspace, rejection } from '../../test/customer.ts';
import type { NotionEmulator } from './emulator.ts';
import { startNotionEmulator } from './emulator.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let notion: NotionEmulator;
let now = Date.parse('2026-01-01T00:00:00Z');
beforeAll(async () => {
  notion = await startNotionEmulator({ seed: 'api', clock: () => now });
});
afterAll(() => notion.stop());

async function answer(
  path: string,
  token: string,
  { method = 'GET', version = '2025-09-03', body }: { method?: string; version?: string; body?: string } = {},
) {
  const headers = { authorization: `Bearer ${token}`, ...(version === '' ? {} : { 'notion-version': version }) };
  const response = await fetch(notion.url + path, { method, headers, ...(body === undefined ? {} : { body }) });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Record<string, unknown> };
}

const unknownId = '00000000-0000-4000-8000-000000000000';

test.each([
  ['an unknown token', '/v1/users/me', { token: 'unknown' }, 401, 'unauthorized', 'API token is invalid.'],
  [
    'no version',
    '/v1/users/me',
    { version: '' },
    400,
    'missing_version',
    'Notion-Version header failed validation: Notion-Version header should be defined, instead was `undefined`.',
  ],
  [
    'a version that never existed',
    '/v1/users/me',
    { version: '2025-01-01' },
    400,
    'missing_version',
    expect.stringContaining('instead was `"2025-01-01"`'),
  ],
  ['an unknown path', '/v1/nothing', {}, 400, 'invalid_request_url', 'Invalid request URL.'],
  [
    'no id',
    '/v1/databases/123',
    {},
    400,
    'validation_error',
    'path failed validation: path.database_id should be a valid uuid, instead was `"123"`.',
  ],
  [
    'an unknown object',
    `/v1/databases/${unknownId}`,
    {},
    404,
    'object_not_found',
    `Could not find database with ID: ${unknownId}. Make sure the relevant pages and databases are shared with your integration "My Integration".`,
  ],
  ['broken JSON', '/v1/search', { method: 'POST', body: '{"query"' }, 400, 'invalid_json', 'Error parsing JSON body.'],
  [
    'an invalid field',
    '/v1/search',
    { method: 'POST', body: '{"page_size":"x"}' },
    400,
    'validation_error',
    expect.stringContaining('body failed validation: body.page_size'),
  ],
  [
    'a missing field',
    '/v1/databases',
    { method: 'POST', body: '{}' },
    400,
    'validation_error',
    'body failed validation: body.parent should be defined, instead was `undefined`.',
  ],
])(
  '%s',
  async (_, path, { token, ...request }: { token?: string; method?: string; version?: string; body?: string }, status, code, message) => {
    const { bot } = newWorkspace(notion);
    const refused = await answer(path, token ?? bot.token, request);
    expect(refused.status).toBe(status);
    expect(refused.body).toEqual({ object: 'error', status, code, message, request_id: refused.headers.get('x-notion-request-id') });
  },
);

test('an unshared page is not found until it is shared; sharing covers everything under it', async () => {
  const { workspaceId, asBot, bot } = newWorkspace(notion);
  const page = notion.createPage({ workspaceId });
  const inner = notion.createPage({ workspaceId, parent: { type: 'page', id: page.id } });
  const { id: database_id } = notion.createDatabase({ workspaceId, parent: { type: 'page', id: inner.id } });
  const isSeen = () =>
    asBot.databases.retrieve({ database_id }).then(
      () => true,
      () => false,
    );
  expect(await isSeen()).toBe(false);
  notion.share({ botId: bot.id, id: page.id });
  expect(await isSeen()).toBe(true);
  notion.unshare({ botId: bot.id, id: inner.id });
  expect(await isSeen()).toBe(false);
  notion.share({ botId: bot.id, id: database_id });
  expect(await isSeen()).toBe(true);
  notion.unshare({ botId: bot.id, id: page.id });
  expect(await isSeen()).toBe(false);
});

test('a bot sees nothing of another workspace', async () => {
  const here = newWorkspace(notion);
  const there = newWorkspace(notion);
  expect(await rejection(here.asBot.pages.retrieve({ page_id: there.pageId }))).toMatchObject({ status: 404 });
  notion.share({ botId: here.bot.id, id: there.pageId });
  expect(await rejection(here.asBot.pages.retrieve({ page_id: there.pageId }))).toMatchObject({ status: 404 });
});

test('a bot without the capabilities cannot write, and reads only ids', async () => {
  const { workspaceId, integrationId, pageId } = newWorkspace(notion);
  const bot = notion.installBot({ workspaceId, integrationId, capabilities: { read: false, update: false } });
  notion.share({ botId: bot.id, id: pageId });
  expect((await answer(`/v1/pages/${pageId}`, bot.token)).body).toEqual({ object: 'page', id: pageId, request_id: expect.any(String) });
  expect(await answer(`/v1/pages/${pageId}`, bot.token, { method: 'PATCH', body: '{"in_trash":true}' })).toMatchObject({
    status: 403,
    body: { code: 'restricted_resource' },
  });
});

test('a token is dead once renewed, or once its bot is removed', async () => {
  const { bot } = newWorkspace(notion);
  const old = bot.token;
  const renewed = notion.renewToken({ botId: bot.id }).token;
  expect((await answer('/v1/users/me', old)).status).toBe(401);
  expect((await answer('/v1/users/me', renewed)).status).toBe(200);
  notion.removeBot({ botId: bot.id });
  expect((await answer('/v1/users/me', renewed)).status).toBe(401);
});

test('over the budget: 429 with the wait, until the window ends; a person is never limited', async () => {
  const { bot, owner } = newWorkspace(notion);
  notion.settings.change({ rateLimit: { perToken: 2 } });
  const me = () => answer('/v1/users/me', bot.token);
  expect([(await me()).status, (await me()).status]).toEqual([200, 200]);
  now += 15_000;
  const limited = await me();
  expect(limited.status).toBe(429);
  expect(limited.headers.get('retry-after')).toBe('45');
  expect(limited.body).toMatchObject({ code: 'rate_limited', additional_data: { rate_limit_reason: 'public_api_request_rate_limit' } });
  now += 45_000;
  expect((await me()).status).toBe(200);
  notion.settings.change({ rateLimit: { perToken: null, perWorkspace: 0, workspaceRetryAfterSeconds: 120 } });
  const space = await me();
  expect(space.headers.get('retry-after')).toBe('120');
  expect(space.body).toMatchObject({ additional_data: { rate_limit_reason: 'public_api_space_request_rate_limit' } });
  expect((await answer('/v1/users/me', owner.token)).status).toBe(200);
  notion.settings.change({ rateLimit: { perWorkspace: null } });
  expect(notion.calls.counts({ token: bot.token })).toEqual([
    { token: bot.token, endpoint: 'GET /v1/users/me', calls: 5, statuses: { 200: 3, 429: 2 } },
  ]);
});
