import type { Customer } from '@notion-mirror/demo/customers';
import type { ServiceProcess } from '@notion-mirror/demo/service-process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';

let scene: Scene;
let syncWorker: ServiceProcess;
let customer: Customer;
let databaseId: string;
let source: string;

beforeAll(async () => {
  scene = await setScene('schema_history');
  await Promise.all([scene.start('ingress'), scene.start('delete-worker')]);
  syncWorker = await scene.start('sync-worker');
  customer = await scene.connect('acme', 'Acme');
  const properties = { Name: { title: {} }, 'Price 0': { number: {} } };
  ({ databaseId, dataSourceId: source } = await customer.user.createDatabase(customer.pages.home, 'Tasks', properties));
  await scene.untilEqual();
});
afterAll(() => scene.end());

interface Renaming {
  readonly kind: string;
  readonly old: string;
  readonly new: string;
}

/** From the first name to the last: what each change replaced, and by what. */
async function renamings(): Promise<Renaming[]> {
  const found = await scene.db
    .collection<{ changes: Renaming[] }>('schema_changes')
    .find({ dataSourceId: source })
    .sort({ rev: 1 })
    .toArray();
  return found.flatMap(({ changes }) => changes);
}

let name = 0;
async function rename(): Promise<void> {
  await customer.user.editDataSource(source, { properties: { [`Price ${name}`]: { name: `Price ${name + 1}` } } });
  name += 1;
}

/** Where a change does not go on from the one before, from `Price 0` to the name of today. */
function gapsIn(chain: readonly Renaming[]): object[] {
  const now = { kind: 'now', old: `Price ${name}`, new: '' };
  return [...chain, now].filter((change, index) => change.old !== (chain[index - 1]?.new ?? 'Price 0'));
}

test('while a worker is killed again and again, no change is lost, doubled or invented', async () => {
  for (let round = 0; round < 4; round += 1) {
    const before = (await renamings()).length;
    for (let edit = 0; edit < 3; edit += 1) await rename();
    // Polls without a pause: the worker must die right after it has written.
    while ((await renamings()).length === before);
    await syncWorker.kill();
    await rename();
    syncWorker = await scene.start('sync-worker');
  }
  await scene.untilEqual();
  const chain = await renamings();
  expect(gapsIn(chain)).toEqual([]);
  expect(chain.length).toBeGreaterThanOrEqual(4);
});

test('the history survives a rebuild as a shadow and the switch to it, and goes on', async () => {
  const before = await renamings();
  const documents = await scene.db.collection('schema_changes').find().toArray();
  await scene.mirror('replay', 'run', '--from-states', '--shadow', '--yes');
  await scene.mirror('replay', 'switch', '--yes');
  await scene.mirror('replay', 'run', '--from-states', '--yes');
  await scene.mirror('replay', 'run', '--since', '1h', '--yes');
  await scene.untilEqual();
  expect(await scene.db.collection('schema_changes').find().toArray()).toEqual(documents);
  await rename();
  await scene.untilEqual();
  const after = await renamings();
  expect(after).toHaveLength(before.length + 1);
  expect(gapsIn(after)).toEqual([]);
});

test('mirror shows it, and a purge erases it', async () => {
  const { stdout } = await scene.tryMirror('schema', 'history', databaseId);
  expect(stdout).toContain('renamed from "Price 0"');
  await scene.mirror('connections', 'purge', '--workspace-id', 'acme', '--yes');
  expect(await scene.db.collection('schema_changes').countDocuments()).toBe(0);
});
