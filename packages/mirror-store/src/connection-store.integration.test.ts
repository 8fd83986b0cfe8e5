import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../test/mongo.ts';
import { createConnectionStore, type ConnectionStore, type NewConnection } from './connection-store.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
let connections: ConnectionStore;
beforeAll(async () => {
  mongo = await openTestDatabase();
  connections = createConnectionStore(mongo.db);
});
beforeEach(async () => {
  await mongo.db.collection('connections').deleteMany({});
});
afterAll(async () => {
  await mongo.drop();
});

const given: NewConnection = {
  connectionId: 'connection-1',
  providerConfigKey: 'notion',
  workspaceId: 'acme',
  notionWorkspaceId: 'notion-1',
  botId: 'bot-1',
  token: 'v1.encrypted',
};

/** Rejects when the id is taken. */
async function added(connection: Parameters<typeof connections.add>[0]) {
  const result = await connections.add(connection);
  if (result.kind === 'taken') throw new Error(`taken by ${result.by.workspaceId}`);
  return result;
}

test('adds, finds and lists', async () => {
  const { connection, previous } = await added(given);
  expect(previous).toBeNull();
  expect(connection).toEqual({ ...given, status: 'active', statusReason: null, createdAt: expect.any(Date), updatedAt: expect.any(Date) });
  expect(await connections.get('connection-1')).toEqual(connection);
  await added({ ...given, connectionId: 'connection-2', workspaceId: 'globex', token: null });
  expect((await connections.list()).map(({ connectionId }) => connectionId)).toEqual(['connection-1', 'connection-2']);
  expect((await connections.list('globex')).map(({ connectionId }) => connectionId)).toEqual(['connection-2']);
  expect(await connections.get('unknown')).toBeNull();
});

test('the document matches the contract', async () => {
  await added({ ...given, botId: null, token: null });
  expect(await mongo.db.collection<{ _id: string }>('connections').findOne({ _id: 'connection-1' })).toEqual({
    _id: 'connection-1',
    providerConfigKey: 'notion',
    workspaceId: 'acme',
    notionWorkspaceId: 'notion-1',
    botId: null,
    status: 'active',
    statusReason: null,
    token: null,
    createdAt: expect.any(Date),
    updatedAt: expect.any(Date),
  });
});

test('text that looks like an operator is stored as text', async () => {
  const odd = { ...given, connectionId: '$a.b', providerConfigKey: '$token', workspaceId: '$$ROOT', token: '$status', botId: '$$NOW' };
  await added(odd);
  expect(await connections.get('$a.b')).toMatchObject(odd);
  expect(await connections.pause('$a.b', '$workspaceId')).toMatchObject({ connection: { statusReason: '$workspaceId' } });
});

test('a connection added again is active, with the new fields', async () => {
  const { connection: first } = await added(given);
  await connections.remove('connection-1', 'by hand');
  const { connection, previous } = await added({ ...given, workspaceId: 'globex', token: null });
  expect(previous).toMatchObject({ status: 'deleted', workspaceId: 'acme', token: null });
  expect(connection).toMatchObject({
    status: 'active',
    statusReason: null,
    workspaceId: 'globex',
    token: null,
    createdAt: first.createdAt,
  });
});

test('every write has a later time than the previous one, even if that had a clock running ahead', async () => {
  await added(given);
  const ahead = new Date(Date.now() + 3_600_000);
  await mongo.db.collection<{ _id: string }>('connections').updateOne({ _id: 'connection-1' }, { $set: { updatedAt: ahead } });
  expect(await connections.pause('connection-1', null)).toMatchObject({ connection: { updatedAt: new Date(ahead.getTime() + 1) } });
  expect(await connections.resume('connection-1')).toMatchObject({ connection: { updatedAt: new Date(ahead.getTime() + 2) } });
  expect(await added(given)).toMatchObject({ connection: { updatedAt: new Date(ahead.getTime() + 3) } });
});

test('pause, resume and remove; a removed connection has lost its token and cannot be resumed', async () => {
  await added(given);
  expect(await connections.pause('connection-1', 'holiday')).toMatchObject({
    kind: 'changed',
    connection: { status: 'paused', statusReason: 'holiday', token: 'v1.encrypted' },
  });
  expect(await connections.resume('connection-1')).toMatchObject({ kind: 'changed', connection: { status: 'active', statusReason: null } });
  expect(await connections.resume('connection-1')).toMatchObject({ kind: 'unchanged', connection: { status: 'active' } });
  expect(await connections.remove('connection-1', 'left')).toMatchObject({
    kind: 'changed',
    connection: { status: 'deleted', statusReason: 'left', token: null },
  });
  for (const change of [await connections.pause('connection-1', null), await connections.resume('connection-1')]) {
    expect(change).toMatchObject({ kind: 'unchanged', connection: { status: 'deleted' } });
  }
  expect(await connections.pause('unknown', null)).toEqual({ kind: 'not_found' });
});

test('markUnauthorized affects only the version of the connection that failed', async () => {
  const { connection: seen } = await added(given);
  // The customer has connected again meanwhile.
  const { connection: renewed } = await added({ ...given, token: 'v1.other' });
  expect(await connections.markUnauthorized(seen, 'token refused')).toMatchObject({ kind: 'unchanged', connection: { status: 'active' } });
  expect(await connections.markDeleted(seen, 'gone at Nango')).toMatchObject({ kind: 'unchanged', connection: { token: 'v1.other' } });
  expect(await connections.markUnauthorized(renewed, 'token refused')).toMatchObject({
    kind: 'changed',
    connection: { status: 'unauthorized', statusReason: 'token refused' },
  });
  expect(await connections.resume('connection-1')).toMatchObject({ kind: 'changed' });
});

test('markUnauthorized does not undo an operator’s change', async () => {
  const { connection: seen } = await added(given);
  await connections.pause('connection-1', 'holiday');
  expect(await connections.markUnauthorized(seen, 'token refused')).toMatchObject({ kind: 'unchanged', connection: { status: 'paused' } });
  await connections.remove('connection-1', 'left');
  const removed = await connections.get('connection-1');
  if (removed === null) throw new Error('it is there');
  expect(await connections.markUnauthorized(removed, 'token refused')).toMatchObject({
    kind: 'unchanged',
    connection: { status: 'deleted' },
  });
});

test('a grant from Nango is admitted only if the connection was not written since', async () => {
  const { token: _, ...grant } = given;
  const admitted = await Promise.all([connections.admit(null, grant), connections.admit(null, grant)]);
  expect(admitted.filter((connection) => connection !== null)).toMatchObject([{ ...grant, status: 'active', token: null }]);
  const seen = await connections.get('connection-1');
  await connections.pause('connection-1', null);
  expect(await connections.admit(seen, grant)).toBeNull();
  const paused = await connections.get('connection-1');
  const again = await connections.admit(paused, { ...grant, botId: 'bot-2' });
  expect(again).toMatchObject({ status: 'active', statusReason: null, botId: 'bot-2' });
  expect(again?.updatedAt.getTime()).toBeGreaterThan(paused?.updatedAt.getTime() ?? Infinity);
});

// The second customer's connection replaced the first one's, and the first customer's events were ignored from then on.
test('an id in use by another integration and tenant is left unchanged', async () => {
  await added(given);
  const other = { ...given, providerConfigKey: 'notion-eu', workspaceId: 'globex', notionWorkspaceId: 'notion-2' };
  expect(await connections.add(other)).toMatchObject({ kind: 'taken', by: { workspaceId: 'acme', providerConfigKey: 'notion' } });
  expect(await connections.get('connection-1')).toMatchObject({ workspaceId: 'acme', providerConfigKey: 'notion' });
  // The tenant moves to another integration, or another tenant takes it over within one.
  expect(await connections.add({ ...other, workspaceId: 'acme' })).toMatchObject({
    kind: 'added',
    previous: { providerConfigKey: 'notion' },
  });
  expect(await connections.add({ ...other, workspaceId: 'globex' })).toMatchObject({ kind: 'added', previous: { workspaceId: 'acme' } });
  // A removed one is free.
  await connections.remove('connection-1', 'by hand');
  expect(await connections.add(given)).toMatchObject({ kind: 'added', connection: { status: 'active', workspaceId: 'acme' } });
});

test('a connection that Notion accepts again becomes active, unless it was written since', async () => {
  const { connection } = await added(given);
  const refused = await connections.markUnauthorized(connection, 'token_refused');
  if (refused.kind !== 'changed') throw new Error('it should have changed');
  expect(await connections.readmit(connection)).toMatchObject({ kind: 'unchanged' });
  expect(await connections.readmit(refused.connection)).toMatchObject({
    kind: 'changed',
    connection: { status: 'active', statusReason: null },
  });
  expect(await connections.readmit(refused.connection)).toMatchObject({ kind: 'unchanged' });
  await connections.pause('connection-1', 'by hand');
  const paused = await connections.get('connection-1');
  expect(paused === null ? null : await connections.readmit(paused)).toMatchObject({ kind: 'unchanged', connection: { status: 'paused' } });
});
