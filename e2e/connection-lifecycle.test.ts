import type { Customer } from '@notion-mirror/demo/customers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';
import { waitUntil } from './wait-until.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await setScene('lifecycle', { env: { MIRROR_CONNECTION_TENANT: 'tag:organization_id' } });
  await scene.startAll();
});
afterAll(() => scene.end());

const properties = { Name: { title: {} } };
const connectionOf = (connectionId: string) =>
  scene.db
    .collection<{ _id: string; status: string; statusReason: string | null; workspaceId: string }>('connections')
    .findOne({ _id: connectionId });
const becomes = (connectionId: string, status: string) => waitUntil(async () => (await connectionOf(connectionId))?.status === status);
const callsOf = (customer: Customer) => scene.notion.calls.counts({ token: customer.botToken });

/** A customer with a database who connects in our product: Nango sends a notice, and no operator runs a command. */
async function connects(tenant: string): Promise<Customer & { databaseId: string }> {
  const customer = scene.prepare(tenant, tenant);
  const { databaseId } = await customer.user.createDatabase(customer.pages.home, 'Before', properties);
  // The scene's connection has no tag; one created by our product would.
  scene.nango.deleteConnection({ connectionId: customer.connectionId });
  scene.nango.createConnection({
    connectionId: customer.connectionId,
    accessToken: customer.botToken,
    workspaceId: customer.notionWorkspaceId,
    botId: customer.botId,
    tags: { organization_id: tenant },
  });
  await becomes(customer.connectionId, 'active');
  await scene.untilEqual();
  return { ...customer, databaseId };
}

describe('a connection, as Nango reports it', () => {
  test('is added for the tenant in its tag and mirrored, then deleted, and returns when recreated', async () => {
    const acme = await connects('acme');
    expect(await connectionOf(acme.connectionId)).toMatchObject({ workspaceId: 'acme' });
    expect(await scene.db.collection('databases').findOne({ databaseId: acme.databaseId })).toMatchObject({ workspaceId: 'acme' });

    scene.nango.deleteConnection({ connectionId: acme.connectionId });
    await becomes(acme.connectionId, 'deleted');
    expect(await connectionOf(acme.connectionId)).toMatchObject({ statusReason: 'deleted_at_nango' });
    const before = callsOf(acme);
    await acme.user.editDatabase(acme.databaseId, { is_locked: true });
    await scene.pair.settle();
    await waitUntil(() =>
      scene.lines.some(({ msg, connectionId }) => msg === 'event ignored: no_active_connection' && connectionId === null),
    );
    expect(callsOf(acme)).toEqual(before);

    scene.nango.createConnection({
      connectionId: acme.connectionId,
      accessToken: acme.botToken,
      workspaceId: acme.notionWorkspaceId,
      botId: acme.botId,
      tags: { organization_id: 'another-tenant-by-now' },
    });
    await becomes(acme.connectionId, 'active');
    await scene.untilEqual();
    expect(await connectionOf(acme.connectionId)).toMatchObject({ workspaceId: 'acme' });
  }, 120_000);

  test('becomes unauthorized after a failed refresh, and resumes when the customer reconnects', async () => {
    const globex = await connects('globex');
    scene.nango.failRefresh({ connectionId: globex.connectionId, exhausted: true });
    await becomes(globex.connectionId, 'unauthorized');
    await globex.user.createDatabase(globex.pages.home, 'Meanwhile', properties);
    await scene.pair.settle();
    const { token } = scene.notion.renewToken({ botId: globex.botId });
    scene.nango.reauthorize({ connectionId: globex.connectionId, accessToken: token });
    await becomes(globex.connectionId, 'active');
    await scene.untilEqual();
    expect(await scene.db.collection('databases').countDocuments({ workspaceId: 'globex' })).toBe(2);
  }, 120_000);

  test('stays removed once an operator removed it, and is left to the operator if it names no tenant', async () => {
    const initech = await connects('initech');
    await scene.mirror('connections', 'remove', initech.connectionId, '--yes');
    scene.nango.reauthorize({ connectionId: initech.connectionId, accessToken: initech.botToken });
    await waitUntil(() => scene.lines.some((line) => JSON.stringify(line['decision'] ?? null).includes('an operator has removed it')));
    expect(await connectionOf(initech.connectionId)).toMatchObject({ status: 'deleted' });

    const stranger = scene.prepare('stranger', 'Stranger');
    await waitUntil(async () => (await scene.mirror('connections', 'list')).includes('it has no tag organization_id'));
    expect(await connectionOf(stranger.connectionId)).toBeNull();
  }, 120_000);
});
