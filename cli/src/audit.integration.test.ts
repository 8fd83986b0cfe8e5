import { randomUUID } from 'node:crypto';
import { openMongo, type Mongo } from '@notion-mirror/mirror-store/client';
import { createHandshakeStore } from '@notion-mirror/mirror-store/handshake-store';
import { initMongo } from '@notion-mirror/mirror-store/init';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { someLayout } from '../../packages/mirror-store/test/mongo.ts';
import { mirror as run } from '../test/surroundings.ts';

const stack = inject('stack');
const uri = new URL(stack.mongodbUri);
uri.pathname = `/audit_${randomUUID().slice(0, 8)}`;
const env = {
  MIRROR_KAFKA_BROKERS: stack.kafkaBrokers,
  MIRROR_SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
  MIRROR_MONGODB_URI: uri.href,
  MIRROR_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
  MIRROR_OPERATOR: 'ann@example.com',
};
const notionWorkspace = '13950b26-c203-4f3b-b97d-93ec06319565';

let mongo: Mongo;
beforeAll(async () => {
  mongo = await openMongo(uri.href, { appName: 'audit-test' });
  await initMongo(mongo.db, someLayout);
});
afterAll(async () => {
  await mongo.db.dropDatabase();
  await mongo.close();
});

interface Listed {
  readonly actions: readonly Readonly<Record<string, unknown>>[];
  readonly hasMore: boolean;
}

const mirror = async (args: string[], options: { stdin?: string } = {}) => run(args, { env, ...options });

async function listed(...args: string[]): Promise<Listed> {
  const { code, stdout } = await mirror(['audit', 'list', ...args, '--json']);
  expect(code).toBe(0);
  return JSON.parse(stdout) as Listed;
}

test('commands that change something are listed with who, why and how they ended; those that only look are not', async () => {
  expect((await mirror(['audit', 'list'])).stdout).toContain('No action of an operator is stored');
  const add = ['connections', 'add', 'own', '--workspace-id', 'acme', '--notion-workspace-id', notionWorkspace];
  await mirror([...add, '--token-file', '-', '--reason', ' a new customer '], { stdin: 'ntn_secret_of_acme' });
  await mirror(['connections', 'pause', 'own', '--reason', 'asked for']);
  await mirror(['connections', 'pause', 'own']);
  await mirror(['connections', 'list']);
  await mirror(['connections', 'resume', 'unknown']);
  await createHandshakeStore({ db: mongo.db, encryptionKey: Buffer.alloc(32, 7) }).keepOnce('notion', 'secret_of_a_handshake');
  await mirror(['handshake', 'show', 'notion']);
  await mirror(['replay', 'cancel']);

  const { actions, hasMore } = await listed();
  expect(hasMore).toBe(false);
  const common = { who: 'ann@example.com', via: 'cli', outcome: 'done', failure: null, reason: null, isJob: false, version: '0.1.0' };
  const ofAcme = { ...common, workspaceId: 'acme', target: { connectionId: 'own' } };
  const ofNoTenant = { ...common, workspaceId: null };
  expect(actions.toReversed()).toEqual(
    [
      {
        ...ofAcme,
        action: 'connections.add',
        target: { connectionId: 'own', token: 'store' },
        reason: 'a new customer',
        counts: { added: 1 },
      },
      { ...ofAcme, action: 'connections.pause', reason: 'asked for', counts: { changed: 1 } },
      { ...ofAcme, action: 'connections.pause', counts: { changed: 0 } },
      {
        ...ofNoTenant,
        action: 'connections.resume',
        target: { connectionId: 'unknown' },
        outcome: 'failed',
        counts: {},
        failure: 'unknown_connection',
      },
      { ...ofNoTenant, action: 'handshake.show', target: { slots: ['notion'] }, counts: { shown: 1 } },
      { ...ofNoTenant, action: 'replay.cancel', target: {}, outcome: 'failed', counts: {}, failure: 'no_replay' },
    ].map((action) => ({ id: expect.any(String), at: expect.any(String), endedAt: expect.any(String), ...action })),
  );
  expect(JSON.stringify(await mongo.db.collection('operator_actions').find().toArray())).not.toMatch(/ntn_|secret_of/);
});

test('the list is filtered, cut, and drawn as a table', async () => {
  expect((await listed('--action', 'connections.pause')).actions).toHaveLength(2);
  expect(await listed('--workspace-id', 'acme', '--last', '1')).toMatchObject({ actions: [{ reason: null }], hasMore: true });
  expect((await listed('--who', 'bob')).actions).toEqual([]);
  const { stdout } = await mirror(['audit', 'list']);
  expect(stdout).toMatch(/ann@example\.com +connections\.pause +acme +connectionId own +done, changed 1 +asked for/);
  expect(stdout).toContain('failed: unknown_connection');
  expect(await mirror(['audit', 'list', '--action', 'fly'])).toMatchObject({ code: 2 });
});

test('a reason that is too long is refused before anything is done', async () => {
  const refused = await mirror(['connections', 'resume', 'own', '--reason', 'x'.repeat(501)]);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--reason takes at most 500 characters') });
  expect((await listed('--action', 'connections.resume', '--workspace-id', 'acme')).actions).toEqual([]);
});

test('without a name it is the user of the operating system', async () => {
  const { MIRROR_OPERATOR: _name, ...others } = env;
  await run(['connections', 'resume', 'own'], { env: others });
  const { actions } = await listed('--last', '1');
  expect(actions).toMatchObject([{ action: 'connections.resume', who: expect.stringMatching(/^\S+$/) }]);
  expect(actions[0]?.['who']).not.toBe('ann@example.com');
});

test('what cannot be recorded is not done', async () => {
  await mongo.db.command({ collMod: 'operator_actions', validator: { never: true } });
  const { code, stderr } = await mirror(['connections', 'pause', 'own']);
  await mongo.db.command({ collMod: 'operator_actions', validator: {} });
  expect(code).toBe(1);
  expect(stderr).toContain('the action could not be recorded, so nothing was done');
  expect((await mirror(['connections', 'list'])).stdout).toContain('active');
});
