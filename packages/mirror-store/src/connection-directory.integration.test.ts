import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTestDatabase, serverAddress, silent, someLayout, uriThrough } from '../test/mongo.ts';
import { startTcpProxy } from '../test/tcp-proxy.ts';
import { openMongo, type Mongo } from './client.ts';
import { openConnectionDirectory, type ConnectionDirectory } from './connection-directory.ts';
import { createConnectionStore, type ConnectionStore, type NewConnection } from './connection-store.ts';
import { StoreUnavailableError } from './errors.ts';
import { initMongo } from './init.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
let proxy: Awaited<ReturnType<typeof startTcpProxy>>;
let through: Mongo;
/** Bypasses the proxy. */
let connections: ConnectionStore;
let directory: ConnectionDirectory | null;
let metrics: Registry;

beforeEach(async () => {
  mongo = await openTestDatabase();
  await initMongo(mongo.db, someLayout);
  connections = createConnectionStore(mongo.db);
  proxy = await startTcpProxy(serverAddress());
  through = await openMongo(uriThrough(proxy.port, mongo.name), { appName: 'through-proxy' });
  metrics = new Registry();
  directory = null;
});
afterEach(async () => {
  await directory?.close();
  await through.close();
  await proxy.stop();
  await mongo.drop();
});

async function open(): Promise<ConnectionDirectory> {
  directory = await openConnectionDirectory({ db: through.db, logger: silent, metrics });
  return directory;
}

const given = (connectionId: string, change: Partial<NewConnection> = {}): NewConnection => ({
  connectionId,
  providerConfigKey: 'notion',
  workspaceId: 'acme',
  notionWorkspaceId: 'notion-1',
  botId: null,
  token: null,
  ...change,
});

const idsOf = (found: readonly { readonly connectionId: string }[]) => found.map(({ connectionId }) => connectionId);

test('holds every connection once open', async () => {
  await connections.add(given('a'));
  await connections.add(given('b'));
  await connections.add(given('c', { workspaceId: 'globex' }));
  await connections.pause('b', null);
  const found = await open();
  expect(found.byId('a')).toEqual(await connections.get('a'));
  expect(idsOf(found.ofWorkspace('acme'))).toEqual(['a', 'b']);
  expect(idsOf(found.activeByWorkspace('acme'))).toEqual(['a']);
  expect(idsOf(found.activeByNotionWorkspace('notion-1'))).toEqual(['a', 'c']);
  expect(idsOf(found.allActive())).toEqual(['a', 'c']);
  expect(found.byId('unknown')).toBeNull();
  expect(found.isFollowing()).toBe(true);
});

test('follows added, changed and removed connections, and notifies its listeners', async () => {
  const found = await open();
  const heard: string[] = [];
  found.onChange(() => {
    throw new Error('a failing listener does not affect others');
  });
  const unsubscribe = found.onChange(({ previous, connection }) => {
    heard.push(`${previous?.status ?? 'none'} -> ${connection?.status ?? 'none'}`);
  });
  await connections.add(given('a'));
  await expect.poll(() => idsOf(found.activeByWorkspace('acme'))).toEqual(['a']);
  await connections.pause('a', 'holiday');
  await expect.poll(() => found.byId('a')?.statusReason).toBe('holiday');
  expect(found.activeByWorkspace('acme')).toEqual([]);
  await connections.add(given('a', { workspaceId: 'globex' }));
  await expect.poll(() => idsOf(found.activeByWorkspace('globex'))).toEqual(['a']);
  expect(found.ofWorkspace('acme')).toEqual([]);
  await mongo.db.collection<{ _id: string }>('connections').deleteOne({ _id: 'a' });
  await expect.poll(() => found.byId('a')).toBeNull();
  expect(heard).toEqual(['none -> active', 'active -> paused', 'paused -> active', 'active -> none']);
  unsubscribe();
  await connections.add(given('b'));
  await expect.poll(() => idsOf(found.allActive())).toEqual(['b']);
  expect(heard).toHaveLength(4);
});

test('includes changes made while it opens', async () => {
  for (let round = 0; round < 5; round += 1) {
    const adding = Promise.all(Array.from({ length: 40 }, (_, n) => connections.add(given(`${round}-${n}`))));
    const found = await openConnectionDirectory({ db: through.db, logger: silent, metrics: new Registry() });
    await adding;
    const all = idsOf(await connections.list()).toSorted();
    await expect.poll(() => idsOf(found.allActive()).toSorted()).toEqual(all);
    await found.close();
  }
});

test('serves from memory while MongoDB is unavailable, and catches up when it recovers', async () => {
  await connections.add(given('a'));
  await connections.add(given('b'));
  await connections.add(given('c'));
  const found = await open();
  proxy.cut();
  await expect.poll(() => found.isFollowing()).toBe(false);
  await connections.add(given('d'));
  await connections.pause('b', null);
  await mongo.db.collection<{ _id: string }>('connections').deleteOne({ _id: 'c' });
  expect(idsOf(found.activeByWorkspace('acme'))).toEqual(['a', 'b', 'c']);
  expect(await metrics.getSingleMetricAsString('notion_mirror_connections_following')).toContain('following 0');
  proxy.restore();
  await expect.poll(() => idsOf(found.activeByWorkspace('acme'))).toEqual(['a', 'd']);
  expect(found.byId('b')?.status).toBe('paused');
  await connections.add(given('e'));
  await expect.poll(() => found.byId('e')?.status).toBe('active');
  expect(await metrics.getSingleMetricAsString('notion_mirror_connections')).toContain('status="active"} 3');
});

test('notices a hanging connection to MongoDB', async () => {
  const found = await open();
  proxy.hang();
  await connections.add(given('a'));
  await expect.poll(() => found.isFollowing(), { timeout: 90_000 }).toBe(false);
  proxy.restore();
  await expect.poll(() => found.byId('a')?.status).toBe('active');
});

test('treats a dropped collection as empty, and follows connections added later', async () => {
  await connections.add(given('a'));
  const found = await open();
  await mongo.db.collection('connections').drop();
  await expect.poll(() => found.byId('a')).toBeNull();
  await connections.add(given('b'));
  await expect.poll(() => idsOf(found.allActive())).toEqual(['b']);
});

test('works without the collection, and without the database', async () => {
  await mongo.db.dropDatabase();
  const found = await open();
  await connections.add(given('a'));
  await expect.poll(() => found.byId('a')?.status).toBe('active');
});

test('an unreadable document does not affect others', async () => {
  await mongo.db.collection<{ _id: string; status: string }>('connections').insertOne({ _id: 'odd', status: 'sleepy' });
  await connections.add(given('a'));
  const found = await open();
  expect(idsOf(found.allActive())).toEqual(['a']);
  await mongo.db.collection<{ _id: string }>('connections').updateOne({ _id: 'a' }, { $set: { status: 5 } });
  await expect.poll(() => found.byId('a')).toBeNull();
});

test('does not open while MongoDB is unavailable; a retry does, with the same metrics', async () => {
  proxy.cut();
  await expect(open()).rejects.toThrow(StoreUnavailableError);
  proxy.restore();
  await expect.poll(() => open().then(() => 'open', String)).toBe('open');
});

test('a direct read finds changes that the change stream has not delivered yet', async () => {
  const found = await open();
  // Stops following, as if the stream lagged.
  await found.close();
  await connections.add(given('a'));
  expect(found.byId('a')).toBeNull();
  await found.refresh({ connectionId: 'a' });
  expect(found.byId('a')?.status).toBe('active');
  await connections.add(given('b', { notionWorkspaceId: 'notion-2' }));
  await found.refresh({ notionWorkspaceId: 'notion-2' });
  expect(idsOf(found.activeByNotionWorkspace('notion-2'))).toEqual(['b']);
  await connections.add(given('c', { workspaceId: 'globex' }));
  await found.refresh({ workspaceId: 'globex' });
  expect(idsOf(found.activeByWorkspace('globex'))).toEqual(['c']);
});

test('repeated misses are not queried again', async () => {
  const found = await open();
  const profile = () => mongo.db.collection('system.profile').countDocuments({ op: 'query', ns: `${mongo.name}.connections` });
  await mongo.db.command({ profile: 2 });
  for (let i = 0; i < 50; i += 1) await found.refresh({ connectionId: 'unknown' });
  await Promise.all(Array.from({ length: 50 }, () => found.refresh({ notionWorkspaceId: 'nowhere' })));
  await mongo.db.command({ profile: 0 });
  expect(await profile()).toBe(2);
});

test('a direct read while MongoDB is unavailable ends before the driver times out', async () => {
  const found = await open();
  proxy.cut();
  const read = Promise.allSettled([through.db.collection('connections').findOne({})]);
  await Promise.all([found.refresh({ connectionId: 'a' }), found.refresh({ connectionId: 'a' })]);
  await found.refresh({ connectionId: 'a' });
  expect(await Promise.race([read, Promise.resolve('still waiting')])).toBe('still waiting');
  await read;
});

test('closes even while MongoDB is unavailable', async () => {
  const found = await open();
  await expect(found.close()).resolves.toBeUndefined();
  const again = await openConnectionDirectory({ db: through.db, logger: silent, metrics: new Registry() });
  proxy.cut();
  await expect(again.close()).resolves.toBeUndefined();
});

const acme = (workspaceId: string) => workspaceId === 'acme';
const globex = (workspaceId: string) => workspaceId === 'globex';
const isNumbered = (workspaceId: string) => workspaceId.startsWith('tenant-');

// A worker held the connections of all tenants, so its memory grew with all of them, whatever its share was.
test('holds the connections of some tenants only, and follows those', async () => {
  await connections.add(given('a'));
  await connections.add(given('b', { workspaceId: 'globex' }));
  directory = await openConnectionDirectory({ db: through.db, tenants: null, logger: silent, metrics });
  const found = directory;
  expect(idsOf(found.allActive())).toEqual([]);
  const heard: string[] = [];
  found.onChange(({ connection }) => void heard.push(connection?.connectionId ?? 'none'));
  await found.hold(acme);
  expect(idsOf(found.allActive())).toEqual(['a']);
  await connections.add(given('c', { workspaceId: 'globex' }));
  await connections.add(given('d'));
  await expect.poll(() => idsOf(found.allActive())).toEqual(['a', 'd']);
  await found.hold(globex);
  expect(idsOf(found.allActive())).toEqual(['b', 'c']);
  await connections.pause('b', null);
  await connections.pause('a', null);
  await connections.pause('c', null);
  await expect.poll(() => idsOf(found.allActive())).toEqual([]);
  expect([found.byId('b')?.status, found.byId('a')]).toEqual(['paused', null]);
  await found.hold(null);
  expect([...new Set(heard)]).toEqual(['a', 'd', 'b', 'c']);
  expect(await metrics.getSingleMetricAsString('notion_mirror_connections')).toContain('status="paused"} 0');
});

test('of two calls at once the last one counts, and what changes meanwhile is not lost', async () => {
  directory = await openConnectionDirectory({ db: through.db, tenants: null, logger: silent, metrics });
  const found = directory;
  const all = Array.from({ length: 1_200 }, (_, n) => ({ ...given(`${n}`), _id: `${n}`, workspaceId: `tenant-${n}`, status: 'active' }));
  const times = { createdAt: new Date(), updatedAt: new Date() };
  await mongo.db.collection<{ _id: string }>('connections').insertMany(all.map((one) => ({ ...one, ...times })));
  const changes = Promise.all([connections.pause('7', null), connections.add(given('new', { workspaceId: 'tenant-new' }))]);
  await Promise.all([found.hold(acme), found.hold(isNumbered), changes]);
  const others = all.map(({ _id }) => _id).filter((id) => id !== '7');
  await expect.poll(() => idsOf(found.allActive()).toSorted()).toEqual([...others, 'new'].toSorted());
});

test('loads only what it does not hold already', async () => {
  for (const workspaceId of ['acme', 'globex', 'initech']) await connections.add(given(workspaceId, { workspaceId }));
  directory = await openConnectionDirectory({ db: through.db, tenants: acme, logger: silent, metrics });
  await mongo.db.command({ profile: 2 });
  await directory.hold((workspaceId) => workspaceId !== 'globex');
  await mongo.db.command({ profile: 0 });
  const profile = mongo.db.collection('system.profile');
  expect(await profile.distinct('command.filter.workspaceId', { ns: `${mongo.name}.connections` })).toEqual([{ $in: ['initech'] }]);
  // The ids of all tenants are read from an index.
  expect(await profile.distinct('planSummary', { 'command.sort': { $exists: true } })).toEqual(['IXSCAN { workspaceId: 1 }']);
  expect(await profile.distinct('docsExamined', { 'command.sort': { $exists: true } })).toEqual([0]);
  expect(idsOf(directory.allActive())).toEqual(['acme', 'initech']);
});

test('a direct read finds a connection of a tenant that is not held, which is followed until the next load', async () => {
  await connections.add(given('a'));
  directory = await openConnectionDirectory({ db: through.db, tenants: globex, logger: silent, metrics });
  const found = directory;
  expect([await found.refresh({ workspaceId: 'acme' }), idsOf(found.activeByWorkspace('acme'))]).toEqual([true, ['a']]);
  await connections.pause('a', null);
  await expect.poll(() => found.byId('a')?.status).toBe('paused');
  await found.hold((workspaceId) => workspaceId !== 'none');
  expect(found.byId('a')?.status).toBe('paused');
  await found.hold(globex);
  expect(found.byId('a')).toBeNull();
});

test('cannot be made to hold others while MongoDB is unavailable, nor does a direct read prove anything', async () => {
  await connections.add(given('a'));
  directory = await openConnectionDirectory({ db: through.db, tenants: null, logger: silent, metrics });
  const found = directory;
  proxy.cut();
  expect(await found.refresh({ workspaceId: 'acme' })).toBe(false);
  await expect(found.hold(acme)).rejects.toThrow(StoreUnavailableError);
  proxy.restore();
  await expect.poll(() => found.hold(acme).then(() => idsOf(found.allActive()), String)).toEqual(['a']);
});

test('still holds only its tenants after it has lost MongoDB', async () => {
  await connections.add(given('a'));
  directory = await openConnectionDirectory({ db: through.db, tenants: acme, logger: silent, metrics });
  const found = directory;
  proxy.cut();
  await expect.poll(() => found.isFollowing()).toBe(false);
  await connections.add(given('b'));
  await connections.add(given('c', { workspaceId: 'globex' }));
  proxy.restore();
  await expect.poll(() => idsOf(found.allActive())).toEqual(['a', 'b']);
});
