import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Receiver } from '../../test/receiver.ts';
import { startReceiver } from '../../test/receiver.ts';
import type { NotionEmulator } from './emulator.ts';
import { startNotionEmulator } from './emulator.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let notion: NotionEmulator;
let receiver: Receiver;
beforeAll(async () => {
  notion = await startNotionEmulator({ seed: 'control' });
  receiver = await startReceiver();
});
afterAll(async () => {
  await notion.stop();
  await receiver.stop();
});

type Answer = Record<string, unknown> & { id: string; token: string; owner: { token: string } };

async function control(method: string, path: string, input?: object) {
  const response = await fetch(`${notion.url}/_control${path}`, {
    method,
    ...(input === undefined ? {} : { body: JSON.stringify(input) }),
  });
  return { status: response.status, body: (await response.json()) as Answer };
}

test('a whole test works over HTTP alone, in any language', async () => {
  const { body: workspace } = await control('POST', '/workspaces', { name: 'Acme' });
  const { body: integration } = await control('POST', '/integrations', { name: 'Mirror' });
  const { body: bot } = await control('POST', '/bots', { workspaceId: workspace.id, integrationId: integration.id });
  const { body: page } = await control('POST', '/pages', { workspaceId: workspace.id, title: 'Home' });
  await control('POST', '/share', { botId: bot.id, id: page.id });
  const { body: subscription } = await control('POST', '/subscriptions', { integrationId: integration.id, url: receiver.url });
  expect(subscription).toMatchObject({ status: 'active', handshake: { state: 'delivered' } });
  const { body: database } = await control('POST', '/databases', {
    workspaceId: workspace.id,
    title: 'Tasks',
    parent: { type: 'page', id: page.id },
  });

  await control('POST', '/settle');
  expect(receiver.received.map(({ body }) => JSON.parse(body) as object)).toContainEqual(
    expect.objectContaining({ type: 'database.created' }),
  );
  const deliveries = (await control('GET', `/deliveries?state=delivered&entityId=${database.id}`)).body;
  expect(deliveries).toMatchObject([{ type: 'database.created', attempts: [{ result: { kind: 'answer', status: 200 } }] }]);

  const truth = (await control('GET', `/truth?workspace=${workspace.id}&bot=${bot.id}`)).body;
  const headers = { authorization: `Bearer ${bot.token}`, 'notion-version': '2026-03-11' };
  const { request_id: _, ...answer } = (await (await fetch(`${notion.url}/v1/databases/${database.id}`, { headers })).json()) as Answer;
  expect(truth).toMatchObject({ databases: [{ database: answer, dataSources: [{ name: 'Tasks', answer: { object: 'data_source' } }] }] });

  await control('POST', '/faults', { kind: 'service_unavailable', count: 1 });
  expect((await fetch(`${notion.url}/v1/users/me`, { headers })).status).toBe(503);
  expect((await control('GET', '/faults')).body).toEqual([]);
  expect((await control('GET', `/calls?token=${bot.token}`)).body).toContainEqual({
    token: bot.token,
    endpoint: 'GET /v1/users/me',
    calls: 1,
    statuses: { 503: 1 },
  });

  await control('POST', '/unshare', { botId: bot.id, id: page.id });
  expect((await control('GET', `/truth?workspace=${workspace.id}&bot=${bot.id}`)).body).toEqual({ databases: [] });
  await control('POST', '/delete-permanently', { id: database.id });
  expect((await control('GET', `/truth?workspace=${workspace.id}`)).body).toEqual({ databases: [] });
});

test.each([
  ['POST', '/pages', {}, 400, 'workspaceId'],
  ['POST', '/pages', { workspaceId: 'none' }, 404, 'There is no workspace with the id none.'],
  ['POST', '/faults', { kind: 'nothing' }, 400, 'kind'],
  ['POST', '/settings', { delivery: { maxAttempts: 9 } }, 400, 'maxAttempts'],
  ['POST', '/settings', { delivery: { dropprobability: 1 } }, 400, 'dropprobability'],
  ['GET', '/nothing', undefined, 404, 'There is no GET /_control/nothing.'],
])('%s %s %j is refused', async (method, path, input, status, message) => {
  const refused = await control(method, path, input);
  expect(refused.status).toBe(status);
  expect(JSON.stringify(refused.body)).toContain(message);
});

test('settings can be changed individually', async () => {
  await control('POST', '/settings', { delivery: { aggregationMs: 5 } });
  const { body } = await control('POST', '/settings', { rateLimit: { perToken: 3 } });
  expect(body).toMatchObject({ delivery: { aggregationMs: 5, maxAttempts: 8 }, rateLimit: { perToken: 3, windowMs: 60_000 } });
  await control('POST', '/settings', { delivery: { aggregationMs: 0 }, rateLimit: { perToken: null } });
});

test('reset discards everything', async () => {
  const { body: workspace } = await control('POST', '/workspaces', {});
  await control('POST', '/reset');
  expect((await control('GET', `/truth?workspace=${workspace.id}`)).status).toBe(404);
  expect((await control('GET', '/subscriptions')).body).toEqual([]);
  expect((await control('GET', '/health')).body).toEqual({ status: 'ok', seed: 'control' });
});
