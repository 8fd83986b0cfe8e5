import { afterAll, beforeAll, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';
import { waitUntil } from './wait-until.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await setScene('purge', { env: { MIRROR_CONNECTION_TENANT: 'tag:organization_id' } });
  await scene.startAll();
});
afterAll(() => scene.end());

const properties = { Name: { title: {} } };

interface Receipt {
  readonly erased: Readonly<Record<string, number>>;
  readonly agesOut: readonly { readonly where: string; readonly at: string | null }[];
}

/** Collections with a document that contains the text anywhere. */
async function holding(text: string): Promise<string[]> {
  const collections = await scene.db.listCollections({ type: 'collection' }).toArray();
  const found: string[] = [];
  for (const { name } of collections.filter((one) => !one.name.startsWith('system.'))) {
    const documents = await scene.db.collection(name).find().toArray();
    if (documents.some((document) => JSON.stringify(document).includes(text))) found.push(name);
  }
  return found;
}

test('a tenant purged while workers fetch for it stays erased, and another tenant keeps everything', async () => {
  const acme = await scene.connect('acme', 'Acme');
  const globex = await scene.connect('globex', 'Globex');
  for (const customer of [acme, globex]) {
    for (let number = 0; number < 6; number += 1) {
      await customer.user.createDatabase(customer.pages.home, `${customer.workspaceId} plan ${number}`, properties);
    }
  }
  const { databaseId: known } = await acme.user.createDatabase(acme.pages.home, 'acme plan to edit', properties);
  await scene.untilEqual();
  for (const { workspaceId } of [acme, globex]) await scene.untilSwept(workspaceId);
  const neighbours = await scene.db.collection('databases').find({ workspaceId: 'globex' }).sort({ _id: 1 }).toArray();

  await expect(scene.mirror('connections', 'purge', acme.connectionId)).rejects.toThrow('purge needs --yes');
  expect(await scene.mirror('connections', 'purge', '--workspace-id', 'acme', '--dry-run')).toContain('database_records');
  expect(await scene.db.collection('databases').countDocuments({ workspaceId: 'acme' })).toBe(7);

  // Calls are slow enough that fetches of old and new databases are in flight when the tenant is purged.
  scene.notion.faults.inject({ kind: 'latency', latencyMs: 4_000, token: acme.botToken });
  await acme.user.editDatabase(known, { is_locked: true });
  await acme.user.createDatabase(acme.pages.home, 'acme plan in flight', properties);
  await scene.pair.settle();
  await waitUntil(() => scene.notion.calls.recent().some(({ token, status }) => token === acme.botToken && status === null));

  const receipt = JSON.parse(await scene.mirror('connections', 'purge', acme.connectionId, '--yes', '--json')) as Receipt;
  expect(receipt.erased).toMatchObject({ connections: 1, sweeps: 1 });
  expect(receipt.erased['database_records']).toBeGreaterThanOrEqual(7);
  expect(receipt.agesOut.map(({ where }) => where)).toEqual([
    expect.stringMatching(/^topic .*notion\.database-events$/),
    expect.stringMatching(/^topic .*notion\.database-states$/),
    expect.stringMatching(/^topic .*notion\.row-states$/),
    expect.stringMatching(/^topic .*dead-letters$/),
    'collection event_outcomes',
    'collection connection_notices',
  ]);
  expect(receipt.agesOut.filter(({ at }) => !(Date.parse(at ?? '') > Date.now()))).toEqual([]);

  // A late notice from Nango, and an edit.
  scene.notion.faults.clear();
  await acme.user.createDatabase(acme.pages.home, 'acme plan after the end', properties);
  await scene.pair.settle();
  await waitUntil(() =>
    scene.lines.some(
      ({ msg, notionWorkspaceId }) => msg === 'event ignored: no_active_connection' && notionWorkspaceId === acme.notionWorkspaceId,
    ),
  );
  expect(await holding('acme plan')).toEqual([]);
  // Each worker writes its status every two seconds; until then it may name the tenant.
  await expect.poll(() => holding('"acme"')).toEqual([]);
  // The late webhook's outcome, ignored, is stored half a second later. The calls of the connection count for its budget for a minute.
  const aging = new Set(['event_outcomes', 'worker_status']);
  expect((await holding(acme.connectionId)).filter((name) => !aging.has(name))).toEqual(['connection_notices']);
  expect(await scene.db.collection('databases').find({ workspaceId: 'globex' }).sort({ _id: 1 }).toArray()).toEqual(neighbours);
}, 180_000);
