import type { Client } from '@notionhq/client';
import { isFullDatabase, verifyWebhookSignature } from '@notionhq/client';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { newWorkspace } from '../../test/customer.ts';
import type { Receiver } from '../../test/receiver.ts';
import { startReceiver } from '../../test/receiver.ts';
import type { NotionEmulator } from './emulator.ts';
import { startNotionEmulator } from './emulator.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let notion: NotionEmulator;
let receiver: Receiver;
beforeAll(async () => {
  notion = await startNotionEmulator({ seed: 'webhooks' });
});
afterAll(() => notion.stop());
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  for (const { id } of notion.subscriptions()) notion.unsubscribe({ id });
  notion.settings.change({
    announce: { containerEdits: 'database', sourcesOfContainer: true, descendants: true, dataSourceParent: 'database', dependents: true },
  });
  await receiver.stop();
});

async function subscribed({
  type = 'public' as const,
  ...input
}: { type?: 'public' | 'internal'; apiVersion?: '2022-06-28' | '2025-09-03'; eventTypes?: string[] } = {}) {
  const workspace = newWorkspace(notion, type);
  const subscription = await notion.subscribe({ integrationId: workspace.integrationId, url: receiver.url, ...input });
  receiver.received.length = 0;
  return { ...workspace, subscription };
}

/** The events received since the last call, after everything has settled. */
async function events() {
  await notion.settle();
  return receiver.received
    .splice(0)
    .map(({ body }) => JSON.parse(body) as { type: string; entity: { id: string; type: string }; data: unknown });
}
const types = async () => (await events()).map(({ type }) => type).toSorted();

async function newDatabase(client: Client, pageId: string) {
  const database = await client.databases.create({ parent: { type: 'page_id', page_id: pageId } });
  if (!isFullDatabase(database)) throw new Error('A partial database.');
  return { id: database.id, sourceId: database.data_sources[0]?.id ?? '' };
}

test('the handshake posts the token, signed with itself, and pasting it activates the subscription', async () => {
  const { integrationId, asOwner, pageId } = newWorkspace(notion);
  const subscription = await notion.subscribe({ integrationId, url: receiver.url, verify: false });
  const [handshake] = receiver.received;
  expect(JSON.parse(handshake?.body ?? '')).toEqual({ verification_token: subscription.verificationToken });
  const signature = handshake?.headers['x-notion-signature'];
  const { verificationToken } = subscription;
  expect(await verifyWebhookSignature({ body: handshake?.body ?? '', signature: String(signature), verificationToken })).toBe(true);
  expect(subscription.handshake.state).toBe('delivered');
  expect(subscription.status).toBe('pending_verification');

  await newDatabase(asOwner, pageId);
  await notion.settle();
  expect(receiver.received.length).toBe(1);
  expect(() => notion.verifySubscription({ id: subscription.id, verificationToken: 'another' })).toThrow('not the verification token');
  await notion.resendVerification({ id: subscription.id });
  expect(receiver.received[1]?.body).toBe(handshake?.body);
  notion.verifySubscription({ id: subscription.id, verificationToken });
  await newDatabase(asOwner, pageId);
  await notion.settle();
  expect(receiver.received.length).toBeGreaterThan(2);
});

test('an event has the whole envelope, and a signature over its bytes', async () => {
  const { asOwner, pageId, workspaceId, integrationId, subscription, owner, bot } = await subscribed({ eventTypes: ['database.created'] });
  const before = Date.now();
  const { id } = await newDatabase(asOwner, pageId);
  await notion.settle();
  const body = receiver.received[0]?.body ?? '';
  const event = JSON.parse(body) as { timestamp: string };
  expect(event).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    timestamp: expect.stringMatching(/Z$/),
    workspace_id: workspaceId,
    workspace_name: 'Quantify Labs',
    subscription_id: subscription.id,
    integration_id: integrationId,
    authors: [{ id: owner.id, type: 'person' }],
    accessible_by: [
      { id: owner.id, type: 'person' },
      { id: bot.id, type: 'bot' },
    ],
    attempt_number: 1,
    api_version: '2025-09-03',
    entity: { id, type: 'database' },
    type: 'database.created',
    data: { parent: { id: pageId, type: 'page' } },
  });
  expect(Date.parse(event.timestamp)).toBeGreaterThanOrEqual(before);
  const signature = String(receiver.received[0]?.headers['x-notion-signature']);
  expect(await verifyWebhookSignature({ body, signature, verificationToken: subscription.verificationToken })).toBe(true);
  expect(await verifyWebhookSignature({ body: `${body} `, signature, verificationToken: subscription.verificationToken })).toBe(false);
});

test('events of an internal integration have no accessible_by; a bot can be an author', async () => {
  const { asBot, pageId, bot } = await subscribed({ type: 'internal', eventTypes: ['database.created'] });
  await newDatabase(asBot, pageId);
  const [event] = await events();
  expect(event).not.toHaveProperty('accessible_by');
  expect(event).toMatchObject({ authors: [{ id: bot.id, type: 'bot' }] });
});

test('every change has its event', async () => {
  const { asOwner, pageId, workspaceId } = await subscribed();
  const page = await asOwner.pages.create({ parent: { page_id: pageId }, properties: {} });
  expect(await types()).toEqual(['page.content_updated', 'page.created']);
  const { id, sourceId } = await newDatabase(asOwner, page.id);
  expect(await types()).toEqual(['data_source.created', 'database.created', 'page.content_updated']);
  await asOwner.databases.update({ database_id: id, title: [{ text: { content: 'New' } }] });
  expect(await types()).toEqual(['database.content_updated']);
  await asOwner.databases.update({ database_id: id, parent: { type: 'page_id', page_id: pageId } });
  expect(await types()).toEqual(['database.moved']);
  await asOwner.databases.update({ database_id: id, in_trash: true });
  expect(await types()).toEqual(['data_source.deleted', 'database.deleted']);
  await asOwner.databases.update({ database_id: id, in_trash: true });
  expect(await types()).toEqual([]);
  await asOwner.databases.update({ database_id: id, in_trash: false });
  expect(await types()).toEqual(['data_source.undeleted', 'database.undeleted']);

  await asOwner.dataSources.update({ data_source_id: sourceId, properties: { Done: { checkbox: {} }, Name: { name: 'Title' } } });
  const [schema] = await events();
  expect(schema).toMatchObject({
    type: 'data_source.schema_updated',
    entity: { id: sourceId, type: 'data_source' },
    data: {
      parent: { id, type: 'database', data_source_id: sourceId },
      updated_properties: [
        { id: expect.any(String), name: 'Done', action: 'created' },
        { id: 'title', name: 'Title', action: 'updated' },
      ],
    },
  });
  const row = await asOwner.pages.create({ parent: { data_source_id: sourceId }, properties: {} });
  const created = await events();
  expect(created.map(({ type }) => type).toSorted()).toEqual(['data_source.content_updated', 'page.created']);
  expect(created.find(({ type }) => type === 'data_source.content_updated')?.data).toMatchObject({
    updated_blocks: [{ id: row.id, type: 'page' }],
  });
  expect(created.find(({ type }) => type === 'page.created')?.data).toEqual({ parent: { id, type: 'database', data_source_id: sourceId } });
  await asOwner.pages.update({ page_id: row.id, properties: { Title: { title: [{ text: { content: 'x' } }] }, Done: { checkbox: true } } });
  expect(await events()).toMatchObject([{ type: 'page.properties_updated', data: { updated_properties: ['title', expect.any(String)] } }]);

  const other = await newDatabase(asOwner, pageId);
  await events();
  await asOwner.dataSources.update({ data_source_id: sourceId, parent: { database_id: other.id } });
  expect(await events()).toMatchObject([{ type: 'data_source.moved', data: { parent: { id: other.id, type: 'database' } } }]);
  await asOwner.dataSources.update({ data_source_id: sourceId, in_trash: true });
  expect(await types()).toEqual(['data_source.deleted']);
  await asOwner.dataSources.update({ data_source_id: sourceId, in_trash: false });
  expect(await types()).toEqual(['data_source.undeleted']);
  await asOwner.dataSources.create({ parent: { database_id: id }, properties: { Name: { title: {} } } });
  expect(await types()).toEqual(['data_source.created']);
  notion.deletePermanently({ id: other.id });
  expect(await types()).toEqual(['data_source.deleted', 'data_source.deleted', 'database.deleted']);

  notion.createLinkedDatabase({ workspaceId, parent: { type: 'page', id: pageId } });
  expect((await events()).find(({ type }) => type === 'database.created')?.entity.type).toBe('block');
});

test('trashing a page announces the databases under it', async () => {
  const { asOwner, pageId } = await subscribed();
  const page = await asOwner.pages.create({ parent: { page_id: pageId }, properties: {} });
  const { id } = await newDatabase(asOwner, page.id);
  await asOwner.databases.update({ database_id: (await newDatabase(asOwner, page.id)).id, in_trash: true });
  await events();
  await asOwner.pages.update({ page_id: page.id, in_trash: true });
  expect((await events()).filter(({ type }) => type === 'database.deleted').map(({ entity }) => entity.id)).toEqual([id]);
  await asOwner.pages.update({ page_id: page.id, in_trash: false });
  expect((await events()).filter(({ type }) => type === 'database.undeleted').map(({ entity }) => entity.id)).toEqual([id]);

  notion.settings.change({ announce: { descendants: false } });
  await asOwner.pages.update({ page_id: page.id, in_trash: true });
  expect(await types()).toEqual(['page.deleted']);
});

test('unshared objects and unsharing cause no events', async () => {
  const { asOwner, pageId, workspaceId, bot } = await subscribed();
  const { id } = await newDatabase(asOwner, pageId);
  await events();
  notion.unshare({ botId: bot.id, id });
  await asOwner.databases.update({ database_id: id, is_locked: true });
  const hidden = notion.createPage({ workspaceId });
  await newDatabase(asOwner, hidden.id);
  expect(await events()).toEqual([]);
  notion.share({ botId: bot.id, id: hidden.id });
  expect(await events()).toEqual([]);
  await asOwner.databases.update({ database_id: id, parent: { type: 'page_id', page_id: hidden.id } });
  expect(await events()).toEqual([]);
});

test('a change that alters the response for another source announces that one too', async () => {
  const { asOwner, pageId } = await subscribed();
  const [tasks, projects] = [await newDatabase(asOwner, pageId), await newDatabase(asOwner, pageId)];
  await asOwner.dataSources.update({
    data_source_id: tasks.sourceId,
    properties: { Project: { relation: { data_source_id: projects.sourceId, dual_property: { synced_property_name: 'Tasks' } } } },
  });
  const entities = async () =>
    new Set((await events()).filter(({ type }) => type === 'data_source.schema_updated').map(({ entity }) => entity.id));
  await events();
  await asOwner.dataSources.update({ data_source_id: tasks.sourceId, properties: { Project: { name: 'In project' } } });
  expect(await entities()).toEqual(new Set([tasks.sourceId, projects.sourceId]));
  notion.settings.change({ announce: { dependents: false } });
  await asOwner.dataSources.update({ data_source_id: tasks.sourceId, properties: { 'In project': { name: 'Project' } } });
  expect(await entities()).toEqual(new Set([tasks.sourceId]));
  notion.settings.change({ announce: { dependents: true } });
  notion.deletePermanently({ id: tasks.id });
  expect(await entities()).toEqual(new Set([projects.sourceId]));
});

test("the parent of a data source event is a hint: the database, the database's parent, or the database's id as a page", async () => {
  notion.settings.change({ announce: { dataSourceParent: 'mixed' } });
  const { asOwner, pageId } = await subscribed({ eventTypes: ['data_source.schema_updated'] });
  const { id, sourceId } = await newDatabase(asOwner, pageId);
  for (let round = 0; round < 40; round += 1) await asOwner.dataSources.update({ data_source_id: sourceId, title: [] });
  const parents = new Set((await events()).map(({ data }) => JSON.stringify((data as { parent: unknown }).parent)));
  expect(parents).toEqual(
    new Set([
      JSON.stringify({ id, type: 'database', data_source_id: sourceId }),
      JSON.stringify({ id: pageId, type: 'page' }),
      JSON.stringify({ id, type: 'page' }),
    ]),
  );
});

test('a database in a wiki has the wiki as its parent, with its data source', async () => {
  const { asOwner, workspaceId, bot } = await subscribed({ eventTypes: ['database.content_updated'] });
  const wiki = notion.createWiki({ workspaceId });
  notion.share({ botId: bot.id, id: wiki.id });
  const { id } = notion.createDatabase({ workspaceId, parent: { type: 'database', id: wiki.id } });
  await asOwner.databases.update({ database_id: id, is_locked: true });
  expect(await events()).toMatchObject([{ data: { parent: { id: wiki.id, type: 'database', data_source_id: wiki.dataSourceId } } }]);
});

test('a database can be at the top of the workspace or of a teamspace', async () => {
  const { workspaceId, bot } = await subscribed({ eventTypes: ['database.moved'] });
  const { id } = notion.createDatabase({ workspaceId, parent: { type: 'workspace' } });
  const teamspace = notion.createTeamspace({ workspaceId });
  notion.share({ botId: bot.id, id });
  notion.move({ id, parent: { type: 'teamspace', id: teamspace.id } });
  notion.move({ id, parent: { type: 'workspace' } });
  expect((await events()).map(({ data }) => data)).toEqual(
    expect.arrayContaining([{ parent: { id: teamspace.id, type: 'team' } }, { parent: { id: workspaceId, type: 'space' } }]),
  );
});

test('a subscription of version 2022-06-28 has no data source events', async () => {
  const { asOwner, pageId } = await subscribed({ apiVersion: '2022-06-28' });
  const { id, sourceId } = await newDatabase(asOwner, pageId);
  expect(await types()).toEqual(['database.created', 'page.content_updated']);
  await asOwner.dataSources.update({ data_source_id: sourceId, properties: { Done: { checkbox: {} } } });
  const [event] = await events();
  expect(event).toMatchObject({ api_version: '2022-06-28', type: 'database.schema_updated', entity: { id, type: 'database' } });
  expect(event?.data).not.toHaveProperty('parent.data_source_id');
  await asOwner.dataSources.update({ data_source_id: sourceId, in_trash: true });
  expect(await types()).toEqual([]);
});

test('changes made while a subscription is paused are never sent', async () => {
  const { asOwner, pageId, subscription } = await subscribed();
  notion.pauseSubscription({ id: subscription.id });
  await newDatabase(asOwner, pageId);
  expect(await types()).toEqual([]);
  notion.resumeSubscription({ id: subscription.id });
  await newDatabase(asOwner, pageId);
  expect(await types()).toContain('database.created');
});
