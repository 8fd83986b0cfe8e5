import { createSeededLife } from '@notion-mirror/emulators/seeded-life';
import type { Customer } from '@notion-mirror/demo/customers';
import type { ServiceName, ServiceProcess } from '@notion-mirror/demo/service-process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { wantScans } from './row-scans.ts';
import { watchRows, type RowWatch } from './row-watch.ts';
import { setScene, type Scene } from './scene.ts';
import { waitUntil } from './wait-until.ts';

/** Override with MIRROR_TEST_SEED=…, MIRROR_TEST_ACTIONS=… A failure names its seed. */
const seed = process.env['MIRROR_TEST_SEED'] ?? '20261122';
const actions = Number(process.env['MIRROR_TEST_ACTIONS'] ?? 250);

let scene: Scene;
let watch: RowWatch;
let customers: Customer[];
const services = new Map<ServiceName, ServiceProcess>();

beforeAll(async () => {
  scene = await setScene('life', {
    emulators: {
      seed,
      notion: {
        delivery: {
          delayMs: [0, 400],
          aggregationMs: 50,
          duplicateProbability: 0.15,
          reorderProbability: 0.3,
          reorderMs: 1_500,
        },
        // Rows are created over many minutes, so a small cap splits a data source into windows.
        rows: { keepVersions: true, lagMs: [0, 900], resultLimit: 50, shortPageProbability: 0.1, cursorLifeMs: 2_000 },
      },
    },
    env: { MIRROR_NOTION_REQUESTS_PER_MINUTE: '5000', MIRROR_CLOCK_TOLERANCE_SECONDS: '2' },
  });
  watch = watchRows(scene);
  for (const name of ['ingress', 'sync-worker', 'delete-worker'] as const) services.set(name, await scene.start(name));
  customers = await Promise.all(['acme', 'globex', 'initech', 'hooli'].map((tenant) => scene.connect(tenant, tenant)));
});
afterAll(async () => {
  await watch.stop();
  await scene.end();
});

async function crashAndRestart(name: ServiceName): Promise<void> {
  await services.get(name)?.kill();
  services.set(name, await scene.start(name));
}

describe(`a random life of four tenants (seed ${seed})`, () => {
  test(
    'the mirror equals Notion despite late, duplicated and reordered webhooks and killed workers',
    async () => {
      const rows = { share: 0.6, most: 150 };
      const life = createSeededLife({ pair: scene.pair, workspaces: customers.map(({ inNotion }) => inNotion), seed, rows });
      let crashes: Promise<void> = Promise.resolve();
      for (let done = 1; done <= actions; done += 1) {
        await life.step();
        if (done % 160 === 80) crashes = crashes.then(() => crashAndRestart('sync-worker'));
        if (done % 160 === 0) crashes = crashes.then(() => crashAndRestart('delete-worker'));
      }
      await crashes;
      await scene.untilEqual();
      expect(scene.lines.filter((line) => line['outcome'] === 'dead_letter')).toEqual([]);
      expect(await scene.db.collection('databases').countDocuments()).toBe(scene.notionDatabases());
      expect(await scene.db.collection('rows').countDocuments()).toBe(scene.notionRows());
      await wantScans(scene.db, await scene.countDifferences());
      await waitUntil(async () => (await scene.countDifferences()).length === 0, {
        describe: async () => JSON.stringify((await scene.countDifferences()).slice(0, 5), null, 2),
      });
      await watch.stop();
      expect(watch.complaints).toEqual([]);
      expect(watch.writes).toBeGreaterThan(0);
    },
    300_000 + actions * 200,
  );

  test('all services exit with code 0 on SIGTERM and, restarted, continue with the last events', async () => {
    const [acme] = customers;
    if (acme === undefined) throw new Error('no customer');
    await services.get('sync-worker')?.stop();
    await acme.user.createDatabase(acme.pages.home, 'While no worker runs', { Name: { title: {} } });
    await scene.pair.settle();
    const ends = await Promise.all([...services.values()].map((service) => service.stop()));
    expect(ends).toEqual(ends.map(() => ({ code: 0, signal: null })));
    await scene.startAll();
    await scene.untilEqual();
    expect(await scene.db.collection('databases').findOne({ title: 'While no worker runs' })).not.toBeNull();
  }, 240_000);
});
