import { createHmac, randomUUID } from 'node:crypto';
import type { Customer } from '@notion-mirror/demo/customers';
import { createConnectionStore, type ConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { createSpool } from '@notion-mirror/mirror-store/spool';
import type { ServiceProcess } from '@notion-mirror/demo/service-process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';
import { waitUntil } from './wait-until.ts';

let scene: Scene;
let store: ConnectionStore;
let ingress: ServiceProcess;
let syncWorker: ServiceProcess;

const properties = { Name: { title: {} } };

beforeAll(async () => {
  scene = await setScene('explain');
  store = createConnectionStore(scene.db);
  ingress = await scene.start('ingress');
  syncWorker = await scene.start('sync-worker');
  await scene.start('delete-worker');
});
afterAll(() => scene.end());

interface Explanation {
  readonly ok: boolean;
  readonly databaseId: string;
  readonly causes: readonly { readonly code: string; readonly text: string; readonly remedy: string | null }[];
  readonly events: readonly Record<string, unknown>[];
}

async function explain(subject: string, ...args: string[]): Promise<Explanation & { readonly codes: readonly string[] }> {
  const { code, stdout, stderr } = await scene.tryMirror('explain', subject, '--json', ...args);
  const found = JSON.parse(stdout) as Explanation;
  if (found.ok !== (code === 0)) throw new Error(`exit code ${code}: ${stderr}`);
  return { ...found, codes: found.causes.map((cause) => cause.code) };
}

/** A tenant with one mirrored database and no sweep running: a sweep would find a problem before the test's event does. */
async function tenant(name: string): Promise<{ customer: Customer; databaseId: string }> {
  const customer = scene.prepare(name, name);
  await scene.register(customer);
  const { databaseId } = await customer.user.createDatabase(customer.pages.home, `Tasks of ${name}`, properties);
  await waitUntil(async () => (await scene.db.collection('databases').findOne({ databaseId })) !== null);
  await scene.pair.settle();
  await scene.untilSwept(customer.workspaceId);
  return { customer, databaseId };
}

/** Waits until every offset of its events is committed: until then a finished event still "waits in the log". */
const settled = (databaseId: string) => expect.poll(async () => (await explain(databaseId)).codes, { timeout: 60_000 }).toEqual([]);

const outcomes = () => scene.db.collection('event_outcomes');
const untilKept = (filter: Record<string, unknown>) =>
  waitUntil(async () => (await outcomes().findOne(filter)) !== null, {
    describe: () => JSON.stringify({ filter, lines: scene.lines.slice(-30) }, null, 2),
  });
const edit = { is_locked: true };

/** Posts a signed webhook, and resolves with the ingress's answer. */
async function post(webhook: object): Promise<unknown> {
  const body = JSON.stringify(webhook);
  const signature = createHmac('sha256', scene.nango.environment.signingKey).update(body).digest('hex');
  const headers = { 'content-type': 'application/json', 'x-nango-hmac-sha256': signature };
  return (await fetch(scene.webhookUrl('nango'), { method: 'POST', headers, body })).json();
}

describe('mirror explain', () => {
  test('explains a change by its database, its URL, its data source and its event', async () => {
    const { customer, databaseId } = await tenant('acme');
    await customer.user.editDatabase(databaseId, edit);
    await scene.untilEqual();
    await untilKept({ databaseId, origin: 'nango', type: 'database.content_updated' });
    await settled(databaseId);
    const found = await explain(databaseId.replaceAll('-', ''), '--last', '20');
    expect(found).toMatchObject({ ok: true, databaseId, causes: [] });
    const change = found.events.find(({ type }) => type === 'database.content_updated');
    expect(change).toMatchObject({
      workspaceId: 'acme',
      origin: 'nango',
      partition: expect.any(Number),
      offset: expect.any(Number),
      waitedMs: expect.any(Number),
      attempts: 1,
      service: 'sync-worker',
    });
    const written = found.events.find((one) => one['fetch'] !== null);
    expect(written).toMatchObject({
      outcome: 'written',
      fetch: { requestId: expect.stringMatching(/^[0-9a-f-]{36}$/), calls: 2, ms: expect.any(Number) },
      record: { databaseId, rev: expect.any(Number), ms: expect.any(Number) },
    });
    const document = await scene.db.collection<{ dataSources: { id: string }[] }>('databases').findOne({ databaseId });
    const dataSourceId = String(document?.dataSources[0]?.id);
    for (const subject of [
      `https://www.notion.so/acme/Tasks-${databaseId.replaceAll('-', '')}?v=1`,
      dataSourceId,
      String(change?.['eventId']),
    ]) {
      expect(await explain(subject)).toMatchObject({ ok: true, databaseId, causes: [] });
    }
    const human = await scene.tryMirror('explain', String(change?.['eventId']));
    expect(human.stdout).toMatch(/received .*, signed with Nango's key\n +on the log at \d:\d+/);
  });

  test('names each injected problem of a connection', async () => {
    const stranger = scene.prepare('stranger', 'stranger');
    const lost = await stranger.user.createDatabase(stranger.pages.home, 'Lost', properties);
    await untilKept({ databaseId: lost.databaseId, reason: 'no_active_connection' });
    expect((await explain(lost.databaseId)).codes).toContain('no_connection');

    const paused = await tenant('paused');
    await settled(paused.databaseId);
    await store.pause(paused.customer.connectionId, 'holidays');
    expect(await explain(paused.databaseId)).toMatchObject({
      ok: false,
      causes: [
        { code: 'connection_paused', text: expect.stringContaining('holidays'), remedy: 'mirror connections resume paused-connection' },
      ],
    });

    const dead = await tenant('dead');
    scene.notion.renewToken({ botId: dead.customer.botId });
    await dead.customer.user.editDatabase(dead.databaseId, edit);
    await untilKept({ databaseId: dead.databaseId, outcome: 'parked' });
    expect((await explain(dead.databaseId)).codes).toEqual(expect.arrayContaining(['connection_unauthorized', 'parked']));

    const gone = await tenant('gone');
    await settled(gone.databaseId);
    await store.remove(gone.customer.connectionId, 'left us');
    expect((await explain(gone.databaseId)).codes).toEqual(['connection_deleted']);
  });

  test('names each injected problem of a mirrored database', async () => {
    const { customer, databaseId } = await tenant('globex');
    const unsupported = { id: randomUUID(), type: 'view.updated' };
    expect(await post({ type: 'forward', from: 'notion', payload: unsupported })).toMatchObject({ reason: 'unsupported_event_type' });
    await untilKept({ eventId: unsupported.id });
    expect((await explain(unsupported.id)).codes).toEqual(['unsupported_type']);

    const linked = scene.notion.createLinkedDatabase({
      workspaceId: customer.notionWorkspaceId,
      parent: { type: 'page', id: customer.pages.home },
    });
    await untilKept({ databaseId: linked.id, reason: 'linked_database' });
    expect((await explain(linked.id, '--workspace-id', 'globex')).codes[0]).toBe('linked_database');

    const trashed = await customer.user.createDatabase(customer.pages.home, 'Trashed', properties);
    await customer.user.editDatabase(trashed.databaseId, { in_trash: true });
    await waitUntil(
      async () =>
        (await scene.db.collection('database_records').findOne({ databaseId: trashed.databaseId, removed: { $exists: true } })) !== null,
    );
    await expect.poll(async () => (await explain(trashed.databaseId)).codes, { timeout: 60_000 }).toEqual(['trashed']);

    scene.notion.settings.change({ delivery: { dropProbability: 1 } });
    await customer.user.editDatabase(databaseId, edit);
    expect(await explain(databaseId)).toMatchObject({ codes: ['stale'], causes: [{ remedy: 'mirror verify globex --fix' }] });
    scene.notion.unshare({ botId: customer.botId, id: customer.pages.home });
    expect((await explain(databaseId)).codes).toEqual(['not_shared']);
    scene.notion.settings.change({ delivery: { dropProbability: 0 } });
  });

  test('names each injected problem in the pipeline', async () => {
    const slow = await tenant('slow');
    scene.notion.faults.inject({ kind: 'rate_limited', token: slow.customer.botToken, retryAfterSeconds: 600 });
    await slow.customer.user.editDatabase(slow.databaseId, edit);
    await waitUntil(async () => (await scene.db.collection('worker_status').findOne({ 'backlog.held.class': 'rate_limited' })) !== null);
    const limited = await explain(slow.databaseId, '--no-notion');
    expect(limited.codes).toEqual(expect.arrayContaining(['rate_limited', 'waiting_in_log']));
    expect(limited.causes.find(({ code }) => code === 'rate_limited')?.text).toMatch(/until 20\d\d-/);

    const status = JSON.parse(await scene.mirror('status', '--json')) as Record<string, unknown>;
    expect(status).toMatchObject({
      ok: true,
      tenants: { unauthorized: 1, paused: 1, deleted: 1 },
      groups: [
        { service: 'sync-worker', workers: 1, lag: expect.any(Number), lagSeconds: expect.any(Number), waiting: expect.any(Number) },
        { service: 'delete-worker', workers: 1, lag: 0, oldestAt: null },
      ],
      pending: [{ workspaceId: 'slow' }],
      held: [{ workspaceId: 'slow', held: { class: 'rate_limited' } }],
      parked: expect.any(Number),
      silent: [],
    });

    const refused = await tenant('refused');
    scene.notion.faults.inject({ kind: 'restricted_resource', token: refused.customer.botToken });
    await refused.customer.user.editDatabase(refused.databaseId, edit);
    await untilKept({ databaseId: refused.databaseId, outcome: 'dead_letter' });
    const letter = await explain(refused.databaseId, '--no-notion');
    expect(letter.codes).toContain('dead_letter');
    expect(letter.causes[0]?.text).toContain('restricted/restricted_resource');
    expect(letter.events[0]).toMatchObject({ outcome: 'dead_letter', failure: { class: 'restricted' } });

    const payload = { type: 'database.created', entity: { id: slow.databaseId } };
    expect(await post({ type: 'forward', from: 'notion', connectionId: 7, payload })).toMatchObject({ status: 'quarantined' });
    expect((await explain(slow.databaseId, '--no-notion')).codes).toContain('quarantined');

    const waiting = await tenant('waiting');
    await syncWorker.stop();
    await waiting.customer.user.editDatabase(waiting.databaseId, edit);
    await scene.pair.settle();
    await waitUntil(async () => (await scene.db.collection('worker_status').countDocuments({ service: 'sync-worker' })) === 0);
    const behind = await explain(waiting.databaseId);
    expect(behind.codes).toEqual(expect.arrayContaining(['waiting_in_log', 'no_worker']));

    const alone = await scene.mirror('status');
    expect(alone).toMatch(/sync-worker +0 +[1-9]\d* +\d+ s/);
    expect(alone).toContain('No sync-worker has reported lately.');
    expect(alone).toMatch(/dead letters +in the spool +parked\n[1-9]\d* +0 +[1-9]/);

    await ingress.stop();
    const spool = createSpool(scene.db);
    await spool.store({ topic: 'events', key: 'waiting', value: Buffer.from(waiting.databaseId), headers: { ce_id: 'spooled-event' } });
    expect((await explain(waiting.databaseId)).codes).toContain('in_spool');
    expect((await explain('spooled-event')).codes).toContain('in_spool');
    expect((await explain('11111111-2222-3333-4444-555555555555')).codes).toEqual(['tenant_unknown']);
  });
});
