import { setTimeout as delay } from 'node:timers/promises';
import type { Customer } from '@notion-mirror/demo/customers';
import { richText } from '@notion-mirror/demo/notion-user';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';
import { waitUntil } from './wait-until.ts';

// One partition for all tenants, so each can delay the others. A Notion call takes 20 ms; a document takes two calls.
const callMs = 20;
const databases = Number(process.env['MIRROR_TEST_DATABASES'] ?? 10_000);
const hangingTenants = 100;
const databasesOfEach = 6;
const edits = 60;
const editEveryMs = 100;
/**
 * Documents of the other tenant that may be written between an edit and its document. With fair scheduling it is a handful, finished by the other tenant's
 * four slots. In log order it would be thousands.
 */
const mostAhead = 100;

let scene: Scene;
let noisy: Customer;
let quiet: { customer: Customer; databaseId: string };
const figures: { neighbour: string; p50: number; p95: number; max: number; ahead: number }[] = [];

beforeAll(async () => {
  scene = await setScene('fairness', {
    env: {
      MIRROR_KAFKA_PARTITIONS: '1',
      MIRROR_NOTION_REQUESTS_PER_MINUTE: '100000',
    },
  });
  await scene.startAll();
  noisy = await scene.connect('noisy', 'Noisy');
  const customer = await scene.connect('quiet', 'Quiet');
  quiet = { customer, databaseId: (await customer.user.createDatabase(customer.pages.home, 'Quiet', {})).databaseId };
  await scene.untilEqual();
}, 120_000);

afterAll(async () => {
  console.table(figures);
  await scene.end();
});

describe('a quiet tenant sees its edits without delay, on a partition with a tenant', () => {
  test('that does nothing', async () => {
    answersAs(null);
    expect(await aheadOfQuiet('no other tenant')).toBe(0);
  });

  test(`that has ${databases.toLocaleString('en')} changed databases`, { timeout: 900_000 }, async () => {
    answersAs(null);
    await changeDatabases(noisy, databases);
    await waitUntil(async () => (await mirrored('noisy')) > 0);
    expect(await aheadOfQuiet(`${databases} changed databases`)).toBeLessThan(mostAhead);
    // The noisy tenant was busy throughout.
    expect(await mirrored('noisy')).toBeLessThan(databases);
  });

  test('whose token is throttled', async () => {
    answersAs({ kind: 'rate_limited', retryAfterSeconds: 5 });
    expect(await aheadOfQuiet('a throttled token')).toBeLessThan(mostAhead);
    expect(await mirrored('noisy')).toBeLessThan(databases);
  });

  test('whose Notion calls take 30 s', async () => {
    answersAs({ kind: 'latency', latencyMs: 30_000 });
    expect(await aheadOfQuiet('30 s for an answer')).toBeLessThan(mostAhead);
  });

  test(`and ${hangingTenants} more whose Notion calls never return`, { timeout: 180_000 }, async () => {
    const hanging = Array.from({ length: hangingTenants }, (_, index) => scene.prepare(`hangs-${index}`, 'Hangs'));
    for (const { botToken } of hanging) scene.notion.faults.inject({ kind: 'hang', token: botToken });
    for (const customer of hanging) await scene.register(customer);
    for (const customer of hanging) await changeDatabases(customer, databasesOfEach);
    await waitUntil(() => scene.notion.faults.list().filter(({ kind, fired }) => kind === 'hang' && fired > 0).length === hangingTenants);
    expect(await aheadOfQuiet(`${hangingTenants} tenants that hang`)).toBeLessThan(mostAhead);
    expect(await scene.db.collection('databases').countDocuments({ workspaceId: { $regex: '^hangs-' } })).toBe(0);
  });

  test('and drops no work: the hung tenants are mirrored once Notion answers, and the busy one continues', async () => {
    scene.notion.faults.clear();
    const before = await mirrored('noisy');
    const hung = { workspaceId: { $regex: '^hangs-' } };
    const all = hangingTenants * databasesOfEach;
    await waitUntil(async () => (await scene.db.collection('databases').countDocuments(hung)) === all, { timeoutMs: 100_000 });
    await waitUntil(async () => (await mirrored('noisy')) > before);
    expect(scene.lines.filter(({ outcome }) => outcome === 'dead_letter')).toEqual([]);
  });
});

/** 20 ms a call for both tenants, plus the given fault for the noisy one. */
function answersAs(fault: Parameters<typeof scene.notion.faults.inject>[0] | null): void {
  scene.notion.faults.clear();
  scene.notion.faults.inject({ kind: 'latency', latencyMs: callMs, token: quiet.customer.botToken });
  scene.notion.faults.inject({ kind: 'latency', latencyMs: callMs, token: noisy.botToken });
  if (fault !== null) scene.notion.faults.inject({ ...fault, token: noisy.botToken });
}

async function changeDatabases({ notionWorkspaceId, pages }: Customer, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    scene.notion.createDatabase({ workspaceId: notionWorkspaceId, title: `Database ${index}`, parent: { type: 'page', id: pages.home } });
    if (index % 200 === 199) await scene.pair.settle({ timeoutMs: 120_000 });
  }
  await scene.pair.settle({ timeoutMs: 120_000 });
}

function mirrored(workspaceId: string): Promise<number> {
  return scene.db.collection('databases').countDocuments({ workspaceId });
}

/**
 * Edits the quiet tenant's database repeatedly. Resolves to the most documents of others that were written between an edit and its document. Prints how
 * long that took, which depends on the machine.
 */
async function aheadOfQuiet(neighbour: string): Promise<number> {
  const { customer, databaseId } = quiet;
  const ours = `quiet:${databaseId}`;
  const changes = scene.db.collection<{ _id: string; title?: string }>('database_records').watch([], { fullDocument: 'updateLookup' });
  const since = new Map<number, { readonly at: number; readonly others: number }>();
  const latencies: number[] = [];
  let others = 0;
  let ahead = 0;
  changes.on('change', (change) => {
    if (!('documentKey' in change) || change.documentKey._id !== ours) {
      others += 1;
      return;
    }
    const seen = 'fullDocument' in change ? editOf(change.fullDocument?.title) : Number.NaN;
    // A document that shows this edit also covers earlier ones.
    for (const [edit, from] of since) {
      if (!(edit <= seen)) continue;
      latencies.push(performance.now() - from.at);
      ahead = Math.max(ahead, others - from.others);
      since.delete(edit);
    }
  });
  const note = (edit: number) => since.set(edit, { at: performance.now(), others });
  try {
    // The change stream must be open before the first measured edit.
    await waitUntil(async () => {
      await customer.user.editDatabase(databaseId, { title: richText('edit 0') });
      note(0);
      await delay(100);
      return latencies.length > 0;
    });
    latencies.length = 0;
    ahead = 0;
    for (let edit = 1; edit <= edits; edit += 1) {
      note(edit);
      await customer.user.editDatabase(databaseId, { title: richText(`edit ${edit}`) });
      await delay(editEveryMs);
    }
    await waitUntil(() => since.size === 0, { describe: () => `edits missing from the mirror: ${[...since.keys()].join(', ')}` });
  } finally {
    await changes.close();
  }
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Infinity);
  figures.push({ neighbour, p50: at(0.5), p95: at(0.95), max: at(1), ahead });
  return ahead;
}

function editOf(title: string | undefined): number {
  return Number(/^edit (\d+)$/.exec(title ?? '')?.[1]);
}
