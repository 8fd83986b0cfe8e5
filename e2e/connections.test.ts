import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectionOptions } from '@notion-mirror/demo/system';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';
import { waitUntil } from './wait-until.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await setScene('connections');
  await scene.startAll();
});
afterAll(() => scene.end());

const properties = { Name: { title: {} } };

describe('connections', () => {
  test('a new tenant is mirrored at once, including its existing databases', async () => {
    const acme = scene.prepare('acme', 'Acme');
    const { databaseId } = await acme.user.createDatabase(acme.pages.home, 'Before', properties);
    await scene.pair.settle();
    await scene.mirror('connections', 'add', acme.connectionId, ...connectionOptions(acme));
    await scene.untilEqual();
    expect(await scene.db.collection('databases').findOne({ databaseId })).toMatchObject({ title: 'Before', workspaceId: 'acme' });
  });

  test('changes made while a connection is paused are mirrored after it is resumed', async () => {
    const globex = await scene.connect('globex', 'Globex');
    const { databaseId } = await globex.user.createDatabase(globex.pages.home, 'First', properties);
    await scene.untilEqual();
    await scene.mirror('connections', 'pause', globex.connectionId);
    // The ingress learns of the pause from MongoDB, and ignores webhooks from then on.
    await waitUntil(async () => {
      await globex.user.editDatabase(databaseId, { is_locked: true });
      await scene.pair.settle();
      return scene.lines.some(
        (line) => line.msg === 'event ignored: no_active_connection' && line['notionWorkspaceId'] === globex.notionWorkspaceId,
      );
    });
    await globex.user.createDatabase(globex.pages.home, 'Second', properties);
    await scene.mirror('connections', 'resume', globex.connectionId);
    await scene.untilEqual();
    expect(await scene.db.collection('databases').countDocuments({ workspaceId: 'globex' })).toBe(2);
  });

  test('a dead token makes the connection unauthorized; its events wait and continue after a reconnect', async () => {
    const initech = await scene.connect('initech', 'Initech');
    const { databaseId } = await initech.user.createDatabase(initech.pages.home, 'Reports', properties);
    await scene.untilEqual();
    // A sweep would find the dead token first, and an event without an active connection is not accepted.
    await scene.untilSwept('initech');
    const { token } = scene.notion.renewToken({ botId: initech.botId });
    await initech.user.editDatabase(databaseId, { is_locked: true });
    const connections = scene.db.collection<{ _id: string; status: string }>('connections');
    await waitUntil(async () => (await connections.findOne({ _id: initech.connectionId }))?.status === 'unauthorized');
    await waitUntil(async () => (await scene.db.collection('parked_events').countDocuments({ workspaceId: 'initech' })) > 0);

    scene.nango.reauthorize({ connectionId: initech.connectionId, accessToken: token });
    await scene.mirror('connections', 'resume', initech.connectionId);
    await scene.untilEqual();
    await waitUntil(async () => (await scene.db.collection('parked_events').countDocuments({ workspaceId: 'initech' })) === 0);
    expect(scene.lines.filter((line) => line['outcome'] === 'dead_letter')).toEqual([]);
  });

  test('two tenants of one Notion workspace have separate copies, each limited to the databases its own connection sees', async () => {
    const hooli = await scene.connect('hooli', 'Hooli');
    const { notionWorkspaceId } = hooli;
    const bot = scene.notion.installBot({ workspaceId: notionWorkspaceId, integrationId: scene.pair.integrationId });
    scene.notion.share({ botId: bot.id, id: hooli.pages.archive });
    scene.nango.createConnection({ connectionId: 'labs', accessToken: bot.token, workspaceId: notionWorkspaceId, botId: bot.id });
    const labs = { workspaceId: 'hooli-labs', notionWorkspaceId, botId: bot.id };
    await scene.mirror('connections', 'add', 'labs', ...connectionOptions(labs));

    await hooli.user.createDatabase(hooli.pages.home, 'Seen by one', properties);
    await hooli.user.createDatabase(hooli.pages.archive, 'Seen by both', properties);
    await scene.untilEqual();
    const titles = async (workspaceId: string) =>
      (await scene.db.collection('databases').find({ workspaceId }).toArray()).map(({ title }) => String(title)).toSorted();
    await waitUntil(async () => (await titles('hooli-labs')).length === 1);
    expect(await titles('hooli-labs')).toEqual(['Seen by both']);
    expect(await titles('hooli')).toEqual(['Seen by both', 'Seen by one']);
  });

  test('a database that is no longer shared is removed at its next event, leaving a tombstone without content', async () => {
    const pied = await scene.connect('pied-piper', 'Pied Piper');
    const { databaseId } = await pied.user.createDatabase(pied.pages.home, 'Secret', properties);
    await scene.untilEqual();
    scene.notion.unshare({ botId: pied.botId, id: pied.pages.home });
    await scene.mirror('connections', 'pause', pied.connectionId);
    await scene.mirror('connections', 'resume', pied.connectionId);
    await scene.untilEqual();
    const record = await scene.db.collection<{ _id: string }>('database_records').findOne({ _id: `pied-piper:${databaseId}` });
    expect(record).toMatchObject({ removed: { reason: 'inaccessible' } });
    expect(JSON.stringify(record)).not.toContain('Secret');
  });

  test('a token stored by the mirror is encrypted and works without Nango', async () => {
    const stored = scene.prepare('stored', 'Stored');
    scene.nango.deleteConnection({ connectionId: stored.connectionId });
    const directory = await mkdtemp(join(tmpdir(), 'mirror-token-'));
    try {
      const file = join(directory, 'token');
      await writeFile(file, stored.botToken);
      await scene.mirror('connections', 'add', stored.connectionId, ...connectionOptions(stored), '--token-file', file);
    } finally {
      await rm(directory, { recursive: true });
    }
    await stored.user.createDatabase(stored.pages.home, 'Without Nango', properties);
    await scene.untilEqual();
    expect(await scene.db.collection('databases').countDocuments({ workspaceId: 'stored' })).toBe(1);
    const connection = await scene.db
      .collection<{ _id: string; token: string | null }>('connections')
      .findOne({ _id: stored.connectionId });
    expect(connection?.token).toEqual(expect.any(String));
    expect(JSON.stringify([connection, scene.lines])).not.toContain(stored.botToken);
  });
});
