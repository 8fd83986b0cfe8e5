import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, silent as logger } from '../test/mongo.ts';
import { someOutcome } from '../test/outcomes.ts';
import { createOutcomeKeeper } from './outcome-keeper.ts';
import { registerSilence, silentTenants } from './tenant-signs.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;

beforeAll(async () => {
  mongo = await openTestDatabase();
});
afterAll(() => mongo.drop());

const hour = 3_600_000;

test('a tenant is silent when Notion shows edits without a webhook, and none came since', async () => {
  const now = new Date();
  const ago = (hours: number) => new Date(now.getTime() - hours * hour);
  const keeper = createOutcomeKeeper({ db: mongo.db, retentionMs: 60_000, logger, metrics: new Registry() });
  const webhook = (workspaceId: string, hours: number) => keeper.keep(someOutcome('w', { workspaceId, receivedAt: ago(hours) }));
  const found = (workspaceId: string, hours: number, isUnannounced = true) =>
    keeper.keep(someOutcome('f', { workspaceId, origin: 'reconcile', receivedAt: ago(hours), at: ago(hours), isUnannounced }));
  webhook('lively', 1);
  webhook('lively', 50);
  found('lively', 2);
  webhook('quiet', 50);
  found('quiet', 2, false);
  webhook('silent', 30);
  found('silent', 2);
  found('never', 3);
  webhook('long ago', 100);
  found('long ago', 90);
  await keeper.stop(20_000);

  // Written without waiting for the majority, but read with majority.
  await expect
    .poll(() => silentTenants(mongo.db, 24 * hour, now))
    .toEqual([
      { workspaceId: 'never', lastWebhookAt: null, lastUnannouncedAt: ago(3) },
      { workspaceId: 'silent', lastWebhookAt: ago(30), lastUnannouncedAt: ago(2) },
    ]);
  expect(await silentTenants(mongo.db, 48 * hour, now)).toMatchObject([{ workspaceId: 'never' }]);
  expect(await silentTenants(mongo.db, 0, now)).toEqual([]);

  const registry = new Registry();
  registerSilence(registry, mongo.db, 24 * hour);
  expect(await registry.metrics()).toContain('notion_mirror_silent_tenants 2');
});
