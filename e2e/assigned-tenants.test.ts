import type { Customer } from '@notion-mirror/demo/customers';
import { richText } from '@notion-mirror/demo/notion-user';
import type { ServiceProcess } from '@notion-mirror/demo/service-process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';

// A sync-worker holds the connections of the tenants of its partitions only, so that its memory does not grow with all tenants.

const tenants = 12;

let scene: Scene;
let customers: Customer[];

beforeAll(async () => {
  scene = await setScene('assigned_tenants', { env: { MIRROR_KAFKA_PARTITIONS: '6' } });
  await Promise.all([scene.start('ingress'), scene.start('delete-worker')]);
  customers = Array.from({ length: tenants }, (_, index) => scene.prepare(`tenant-${index}`, `Tenant ${index}`));
});
afterAll(() => scene.end());

/** The active connections that a process holds. */
async function heldBy({ opsUrl }: ServiceProcess): Promise<number> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  return Number(/^notion_mirror_connections\{.*status="active".*\} (\d+)$/m.exec(text)?.[1]);
}

/** Changes a database of each tenant, and resolves when the mirror shows all of it. */
async function editAll(title: string): Promise<void> {
  for (const { user, pages } of customers) {
    const { databaseId } = await user.createDatabase(pages.home, 'Tasks', { Name: { title: {} } });
    await user.editDatabase(databaseId, { title: richText(title) });
  }
  await scene.untilEqual();
  expect(await scene.db.collection('databases').countDocuments({ title })).toBe(tenants);
}

test('the connections of a tenant move with its partition from worker to worker, and none of its events is lost', async () => {
  const first = await scene.start('sync-worker');
  expect(await heldBy(first)).toBe(0);
  // Also those that are added while it runs.
  for (const customer of customers) await scene.register(customer);
  await expect.poll(() => heldBy(first)).toBe(tenants);
  await editAll('one worker');

  const second = await scene.start('sync-worker');
  await expect.poll(async () => [(await heldBy(second)) > 0, (await heldBy(first)) + (await heldBy(second))]).toEqual([true, tenants]);
  await editAll('two workers');

  await first.stop();
  await expect.poll(() => heldBy(second)).toBe(tenants);
  await editAll('one again');
  await scene.untilHandled();
  expect(
    scene.lines.filter(({ service, outcome }) => service === 'sync-worker' && (outcome === 'parked' || outcome === 'dead_letter')),
  ).toEqual([]);
  expect(scene.lines.filter(({ reason }) => reason === 'no_connection')).toEqual([]);
});
