import { setTimeout as delay } from 'node:timers/promises';
import type { Customer } from '@notion-mirror/demo/customers';
import type { ServiceName, ServiceProcess } from '@notion-mirror/demo/service-process';
import { createSeededLife, type SeededLife } from '@notion-mirror/emulators/seeded-life';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { wantScans } from './row-scans.ts';
import { watchRows, type RowWatch } from './row-watch.ts';
import { setScene, type Scene } from './scene.ts';
import { waitUntil } from './wait-until.ts';

/** Override with MIRROR_TEST_SEED=… A failure names its seed. */
const seed = process.env['MIRROR_TEST_SEED'] ?? '20261130';

const off = { MIRROR_ROWS: 'off' };

let scene: Scene;
let watch: RowWatch;
let customers: Customer[];
let life: SeededLife;
const services = new Map<ServiceName, ServiceProcess>();

beforeAll(async () => {
  scene = await setScene('rows_on', {
    emulators: {
      seed,
      notion: { delivery: { delayMs: [0, 300], duplicateProbability: 0.1 }, rows: { keepVersions: true } },
      // While the ingress is restarted, Nango tries again; for longer than it would, since a busy machine starts processes slowly.
      nango: { delivery: { breaker: null, timeScale: 5 } },
    },
    env: { MIRROR_CLOCK_TOLERANCE_SECONDS: '2' },
  });
  watch = watchRows(scene);
  for (const name of ['ingress', 'sync-worker', 'delete-worker'] as const) {
    services.set(name, await scene.start(name, undefined, off));
  }
  customers = await Promise.all(['acme', 'globex'].map((tenant) => scene.connect(tenant, tenant)));
  life = createSeededLife({ pair: scene.pair, workspaces: customers.map(({ inNotion }) => inNotion), seed, rows: { share: 0.6 } });
});
afterAll(async () => {
  await watch.stop();
  await scene.end();
});

/** Creates a database for each tenant and resolves when the mirror has them: the system works. */
async function untilFollowed(title: string): Promise<void> {
  const wanted = customers.map(({ user, pages }) => user.createDatabase(pages.home, title, { Name: { title: {} } }));
  const ids = (await Promise.all(wanted)).map(({ databaseId }) => databaseId);
  const databases = scene.db.collection('databases');
  await waitUntil(async () => (await databases.countDocuments({ databaseId: { $in: ids } })) === ids.length);
}

async function outcomesWith(reason: string): Promise<number> {
  return scene.db.collection('event_outcomes').countDocuments({ reason });
}

test(`rows can be switched on while customers work: they are complete, and nothing is lost (seed ${seed})`, async () => {
  await life.run(60);
  await scene.untilHandled();
  // The handshake, if the ingress was not there yet.
  const lostBefore = scene.nango.deliveries({ state: 'lost' }).length;
  expect(scene.notionRows()).toBeGreaterThan(0);
  expect(await scene.db.collection('row_records').countDocuments()).toBe(0);
  expect(await scene.db.collection('data_source_contents').countDocuments()).toBe(0);

  const done = new AbortController();
  const work = (async () => {
    while (!done.signal.aborted) {
      await life.step();
      await delay(100);
    }
  })();
  for (const name of ['sync-worker', 'delete-worker'] as const) {
    const next = await scene.start(name);
    await services.get(name)?.stop();
    services.set(name, next);
    await untilFollowed(`after the ${name}`);
  }
  await services.get('ingress')?.stop();
  services.set('ingress', await scene.start('ingress'));
  await untilFollowed('after the ingress');
  await waitUntil(async () => (await scene.db.collection('rows').countDocuments()) > 0);
  done.abort();
  await work;
  await life.run(20);

  await scene.untilEqual();
  await scene.untilHandled();
  await wantScans(scene.db, await scene.countDifferences());
  await waitUntil(async () => (await scene.countDifferences()).length === 0, {
    describe: async () => JSON.stringify((await scene.countDifferences()).slice(0, 5), null, 2),
  });
  // No event of a row reached a worker that does not know rows.
  expect(await outcomesWith('rows_off')).toBe(0);
  expect(scene.nango.deliveries({ state: 'lost' }).slice(lostBefore)).toEqual([]);
  expect(scene.lines.filter(({ outcome }) => outcome === 'dead_letter')).toEqual([]);
  expect(watch.complaints).toEqual([]);
});

// The sync-worker knew nothing of the events that were ignored, so tables stayed complete although rows were missing until their next regular scan.
test(`rows can be switched off and on again: nothing counts as complete until a scan has found what was missed (seed ${seed})`, async () => {
  const replace = async (name: ServiceName, env: Readonly<Record<string, string>>): Promise<void> => {
    await services.get(name)?.kill();
    services.set(name, await scene.start(name, undefined, env));
  };
  const complete = () => scene.db.collection('data_source_contents').countDocuments({ completeAsOf: { $ne: null } });
  expect(await complete()).toBeGreaterThan(0);
  await replace('ingress', off);
  await life.run(20);
  await replace('sync-worker', off);
  await replace('delete-worker', off);
  await life.run(30);
  // Its delete says nothing of its rows to workers for which rows are off.
  const { user, pages } = customers[0] as Customer;
  const [database] = await scene.db.collection('data_source_contents').find({ workspaceId: 'acme' }).sort({ 'rows.live': -1 }).toArray();
  expect(database).toBeDefined();
  await user.editDatabase(String(database?.['databaseId']), { in_trash: true });
  await user.createDatabase(pages.home, 'while rows were off', { Name: { title: {} } });
  await scene.pair.settle();
  await scene.untilHandled();

  await replace('sync-worker', {});
  await waitUntil(async () => (await complete()) === 0);
  await replace('delete-worker', {});
  // Scans may have ended meanwhile; the ingress goes on missing events.
  await waitUntil(async () => {
    await life.step();
    return (await complete()) === 0;
  });
  await replace('ingress', {});
  await scene.pair.settle();
  // No one asks for scans.
  const differences = async () => [...(await scene.differences()), ...(await scene.countDifferences())];
  await waitUntil(async () => (await differences()).length === 0, {
    timeoutMs: 120_000,
    describe: async () => JSON.stringify((await differences()).slice(0, 5), null, 2),
  });
  await watch.stop();
  expect(watch.complaints).toEqual([]);
});
