import type { Customer } from '@notion-mirror/demo/customers';
import { richText } from '@notion-mirror/demo/notion-user';
import type { ServiceProcess } from '@notion-mirror/demo/service-process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';
import { waitUntil } from './wait-until.ts';

/** Calls a minute, by our count and by this Notion's: one more in its window is answered with 429. */
const budget = 60;
const windowMs = 60_000;
const windows = 2;

let scene: Scene;
let worker: ServiceProcess;

beforeAll(async () => {
  scene = await setScene('rate_budget', {
    env: { MIRROR_NOTION_REQUESTS_PER_MINUTE: String(budget) },
    emulators: { notion: { rateLimit: { windowMs, perToken: budget } } },
  });
  [worker] = await Promise.all([scene.start('sync-worker'), scene.start('ingress'), scene.start('delete-worker')]);
});

afterAll(() => scene.end());

test('50 edits of one database while its token is throttled cost one fetch, and no call before Retry-After ends', async () => {
  const acme = await scene.connect('acme', 'Acme');
  const { databaseId } = await acme.user.createDatabase(acme.pages.home, 'Tasks', {});
  await scene.untilEqual();
  await scene.untilSwept('acme');
  await scene.untilHandled();

  // Longer than the edits take, even on a busy machine.
  const retryAfterSeconds = 30;
  scene.notion.faults.inject({ kind: 'rate_limited', token: acme.botToken, count: 1, retryAfterSeconds });
  await acme.user.editDatabase(databaseId, { title: richText('edit 0') });
  await waitUntil(() => scene.notion.faults.list().length === 0);
  const [before, callsBefore] = [await figures(), answers(acme, 200)];
  for (let edit = 1; edit <= 50; edit += 1) await acme.user.editDatabase(databaseId, { title: richText(`edit ${edit}`) });
  await scene.pair.settle();

  await waitUntil(async () => (await scene.db.collection('databases').findOne({ databaseId }))?.['title'] === 'edit 50');
  const after = await figures();
  expect(after.fetches - before.fetches).toBe(1);
  // One fetch, during the pause and after it: the container and its data source.
  expect(answers(acme, 200) - callsBefore).toBe(2);
  expect(answers(acme, 429)).toBe(1);
  // The container and its one data source, for each of the 50 events that needed no fetch of its own.
  await waitUntil(async () => (await figures()).saved - before.saved === 100);
  // Log lines are written up to 100 ms late.
  const coalesced = () =>
    scene.lines.filter((line) => line.outcome === 'written' && line['databaseId'] === databaseId && line['coalescedInto'] !== undefined);
  await waitUntil(() => coalesced().length >= 50);
});

test('at the budget Notion never answers 429, and work resumes in the next window', { timeout: (windows + 3) * windowMs }, async () => {
  const globex = await scene.connect('globex', 'Globex');
  const refused = answers(globex, 429);
  for (let index = 0; index < budget * windows; index += 1) {
    const parent = { type: 'page', id: globex.pages.home } as const;
    scene.notion.createDatabase({ workspaceId: globex.notionWorkspaceId, title: `Database ${index}`, parent });
  }
  await waitUntil(() => answers(globex, 200) > budget * windows, { timeoutMs: (windows + 2) * windowMs });
  expect(answers(globex, 429)).toBe(refused);
  console.log(`${answers(globex, 200)} calls in ${windows} windows of ${budget}, none refused`);
});

/** Notion's answers to a customer's bot with this status. */
function answers({ botToken }: Customer, status: number): number {
  return scene.notion.calls
    .counts()
    .filter(({ token }) => token === botToken)
    .reduce((sum, { statuses }) => sum + (statuses[status] ?? 0), 0);
}

async function figures(): Promise<{ fetches: number; saved: number }> {
  const text = await (await fetch(`${worker.opsUrl}/metrics`)).text();
  const sum = (pattern: RegExp) => [...text.matchAll(pattern)].reduce((total, [, value]) => total + Number(value), 0);
  return {
    fetches: sum(/^notion_mirror_database_fetches_total\{outcome="live"[^}]*\} (\d+)$/gm),
    saved: sum(/^notion_mirror_notion_calls_saved_total\{because="coalesced"[^}]*\} (\d+)$/gm),
  };
}
