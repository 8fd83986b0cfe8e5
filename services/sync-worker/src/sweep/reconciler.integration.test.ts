import { spanIdOf, traceIdOf } from '@notion-mirror/service-kit/tracing/trace-context';
import { tracingOff, type Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import { openConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import { initMongo } from '@notion-mirror/mirror-store/init';
import { createSweepLedger } from '@notion-mirror/mirror-store/sweep-ledger';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { openTestDatabase, silent, someLayout } from '../../../../packages/mirror-store/test/mongo.ts';
import { recordSpans } from '../../test/recorded-spans.ts';
import { startReconciler } from './reconciler.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => {
  mongo = await openTestDatabase();
});
beforeEach(async () => {
  await mongo.db.dropDatabase();
  await initMongo(mongo.db, someLayout);
});
afterAll(async () => {
  await mongo.drop();
});

const connections = () => mongo.db.collection<{ _id: string }>('connections');
async function connect(workspaceId: string, changes: { status?: string; updatedAt?: Date } = {}): Promise<void> {
  const now = new Date();
  const document = {
    _id: `connection-of-${workspaceId}`,
    providerConfigKey: 'notion',
    workspaceId,
    notionWorkspaceId: randomUUID(),
    botId: null,
    status: 'active',
    statusReason: null,
    token: null,
    createdAt: now,
    updatedAt: now,
    ...changes,
  };
  await connections().replaceOne({ _id: document._id }, document, { upsert: true });
}

/** A worker whose tenants have no databases, neither in Notion nor in the mirror. Records the tenant of each sweep. */
async function worker(owns: (workspaceId: string) => boolean = () => true, tracing: Tracing = tracingOff) {
  const { db } = mongo;
  const directory = await openConnectionDirectory({ db, logger: silent, metrics: new Registry() });
  const swept: string[] = [];
  const reconciler = startReconciler({
    notion: { spareAt: () => null },
    entities: [
      {
        async compare({ workspaceId }) {
          swept.push(workspaceId);
          return { held: 0, found: 0, gone: [] };
        },
      },
    ],
    sync: () => Promise.resolve('handled'),
    now: Date.now,
    connections: directory,
    ledger: createSweepLedger(db),
    owns,
    // Regular sweeps are at times that depend on the tenant's id: with this interval the next one is far off, whenever the test runs.
    intervalMs: 2 * Date.now(),
    tracing,
    logger: silent,
    metrics: new Registry(),
  });
  onTestFinished(async () => {
    await reconciler.stop();
    await directory.close();
  });
  return {
    /** Resolves once at least `count` sweeps have begun and all have ended: the tenants swept, sorted. */
    sweeps: async (count: number) => {
      await vi.waitFor(
        async () => {
          expect(swept.length).toBeGreaterThanOrEqual(count);
          const ended = await createSweepLedger(db).list();
          expect(ended.every(({ completedAt, claimedBy }) => completedAt !== null && claimedBy === null)).toBe(true);
        },
        { timeout: 60_000, interval: 20 },
      );
      return swept.toSorted();
    },
  };
}

test('every newly active tenant is swept at once, even if there are more than can be swept in parallel', async () => {
  const { sweeps } = await worker();
  const tenants = Array.from({ length: 20 }, (_, at) => `tenant-${at}`);
  await Promise.all(tenants.map((tenant) => connect(tenant)));
  await connect('revoked', { status: 'revoked' });
  expect(await sweeps(tenants.length)).toEqual(tenants.toSorted());
});

test('a tenant is swept again when its connection is reactivated and when an operator requests it', async () => {
  await connect('acme');
  const { sweeps } = await worker();
  expect(await sweeps(1)).toEqual(['acme']);
  await connect('acme', { updatedAt: new Date(Date.now() + 1000) });
  expect(await sweeps(2)).toEqual(['acme', 'acme']);
  await createSweepLedger(mongo.db).request('acme', { acceptRemovals: false });
  expect(await sweeps(3)).toEqual(['acme', 'acme', 'acme']);
});

test('a sweep that events were left to belongs to the trace that they name', async () => {
  const { tracing, spans } = recordSpans();
  await connect('acme');
  const { sweeps } = await worker(() => true, tracing);
  await sweeps(1);
  const trace = tracing.newTrace();
  await createSweepLedger(mongo.db).requestForEvents('acme', trace);
  await sweeps(2);
  expect(spans.filter(({ name }) => name.startsWith('sweep'))).toMatchObject([
    { parent: undefined },
    { name: 'sweep requested', traceId: traceIdOf(trace), parent: spanIdOf(trace) },
  ]);
});

test('a tenant is swept only by the worker that owns its events', async () => {
  const [one, two] = await Promise.all([worker((tenant) => tenant === 'acme'), worker((tenant) => tenant === 'globex')]);
  await Promise.all([connect('acme'), connect('globex')]);
  expect(await Promise.all([one.sweeps(1), two.sweeps(1)])).toEqual([['acme'], ['globex']]);
});

test('a due tenant without an active connection is postponed, and swept when it is active again', async () => {
  await connect('acme');
  const { sweeps } = await worker();
  expect(await sweeps(1)).toEqual(['acme']);
  await connect('acme', { status: 'revoked' });
  await connect('globex');
  expect(await sweeps(2)).toEqual(['acme', 'globex']);
  await mongo.db.collection<{ _id: string }>('sweeps').updateOne({ _id: 'acme' }, { $set: { dueAt: new Date(0) } });
  await expect.poll(() => mongo.db.collection('sweeps').countDocuments({ dueAt: new Date(0) })).toBe(0);
  await connect('acme', { updatedAt: new Date(Date.now() + 1000) });
  expect(await sweeps(3)).toEqual(['acme', 'acme', 'globex']);
});

test('tenants are swept again, without a restart, when the ledger is lost and the connections are restored unchanged', async () => {
  await connect('acme');
  const { sweeps } = await worker();
  expect(await sweeps(1)).toEqual(['acme']);
  const backup = await connections().find().toArray();
  await connections().deleteMany({});
  await mongo.db.collection('sweeps').deleteMany({});
  await connections().insertMany(backup);
  expect(await sweeps(2)).toEqual(['acme', 'acme']);
});
