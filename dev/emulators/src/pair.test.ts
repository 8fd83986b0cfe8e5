import { isFullDatabase } from '@notionhq/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { notionClient } from '../test/customer.ts';
import type { Receiver } from '../test/receiver.ts';
import { startReceiver } from '../test/receiver.ts';
import type { EmulatorPair } from './pair.ts';
import { startEmulatorPair } from './pair.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let receiver: Receiver;
let pair: EmulatorPair;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  await pair.stop();
  await receiver.stop();
});

const received = () =>
  receiver.received.map(
    ({ body }) =>
      JSON.parse(body) as { type?: string; connectionId?: string; payload?: { id: string; type: string; accessible_by: object[] } },
  );

test('a change in Notion reaches the receiver through Nango, once per connection', async () => {
  pair = await startEmulatorPair({ nango: { forwardTo: receiver.url } });
  const customer = pair.addCustomer({ name: 'Acme', connectionIds: ['acme-1', 'acme-2'] });
  await pair.settle();
  expect(received().map(({ type }) => type)).toEqual([undefined, 'auth', 'auth']);
  expect(receiver.received[0]?.body).toContain('verification_token');
  receiver.received.length = 0;

  const asOwner = notionClient(pair.notion, customer.ownerToken);
  const database = await asOwner.databases.create({ parent: { type: 'page_id', page_id: customer.sharedPageId } });
  await pair.settle();
  const created = received().filter(({ payload }) => payload?.type === 'database.created');
  expect(created.map(({ connectionId }) => connectionId)).toEqual(['acme-1', 'acme-2']);
  expect(created[0]?.payload).toEqual(created[1]?.payload);
  expect(created[0]?.payload?.accessible_by).toEqual(
    expect.arrayContaining(customer.connections.map(({ botId }) => ({ id: botId, type: 'bot' }))),
  );

  const answer = await fetch(`${pair.nango.url}/connections/acme-1?provider_config_key=notion`, {
    headers: { authorization: `Bearer ${pair.nango.environment.apiKey}` },
  });
  const { credentials } = (await answer.json()) as { credentials: { access_token: string; raw: { bot_id: string } } };
  expect(credentials.raw.bot_id).toBe(customer.connections[0]?.botId);
  const seen = await notionClient(pair.notion, credentials.access_token).databases.retrieve({ database_id: database.id });
  expect(isFullDatabase(seen)).toBe(true);
});

test("Nango refuses a webhook not signed with Notion's token", async () => {
  pair = await startEmulatorPair({ nango: { forwardTo: receiver.url } });
  const response = await fetch(pair.nango.webhookUrl(), { method: 'POST', body: '{"type":"database.created"}' });
  expect(response.status).toBe(401);
});

test('Notion can send directly to the receiver', async () => {
  pair = await startEmulatorPair({ directTo: receiver.url });
  const customer = pair.addCustomer({ name: 'Acme' });
  pair.notion.createDatabase({ workspaceId: customer.workspaceId, parent: { type: 'page', id: customer.sharedPageId } });
  await pair.settle();
  expect(received().map(({ type }) => type)).toEqual(expect.arrayContaining([undefined, 'database.created']));
  expect(pair.nango.deliveries()).toEqual([]);
});

test('the same seed gives the same ids and tokens', async () => {
  expect(await ids()).toEqual(await ids());
});

async function ids() {
  pair = await startEmulatorPair({ seed: 'same' });
  const customer = pair.addCustomer({ name: 'Acme' });
  await pair.stop();
  return { customer, keys: { ...pair.nango.environment, integrations: null, connections: null, random: null } };
}
