import { randomUUID } from 'node:crypto';
import { openMongo, type Mongo } from '@notion-mirror/mirror-store/client';
import type { EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import { initMongo } from '@notion-mirror/mirror-store/init';
import { createOutcomeKeeper } from '@notion-mirror/mirror-store/outcome-keeper';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { someLayout } from '../../packages/mirror-store/test/mongo.ts';
import { someOutcome } from '../../packages/mirror-store/test/outcomes.ts';
import { mirror as run } from '../test/surroundings.ts';

const stack = inject('stack');
const uri = new URL(stack.mongodbUri);
uri.pathname = `/events_${randomUUID().slice(0, 8)}`;
const env = { MIRROR_MONGODB_URI: uri.href };
const databaseId = '248104cd-477e-80fd-b757-e945d38000bd';

let mongo: Mongo;
beforeAll(async () => {
  mongo = await openMongo(uri.href, { appName: 'events-test' });
  await initMongo(mongo.db, someLayout);
});
afterAll(async () => {
  await mongo.db.dropDatabase();
  await mongo.close();
});

const mirror = async (...args: string[]) => run(['events', 'list', ...args], { env });

interface Listed {
  readonly events: readonly { readonly eventId: string; readonly needsLook: boolean }[];
  readonly hasMore: boolean;
}

async function listed(...args: string[]): Promise<{ readonly ids: readonly string[]; readonly hasMore: boolean }> {
  const { code, stdout } = await mirror(...args, '--json');
  expect(code).toBe(0);
  const { events, hasMore } = JSON.parse(stdout) as Listed;
  return { ids: events.map(({ eventId }) => eventId), hasMore };
}

async function keep(...outcomes: readonly EventOutcome[]): Promise<void> {
  const logger = createLogger({ service: 'test', level: 'silent' });
  const keeper = createOutcomeKeeper({ db: mongo.db, retentionMs: 3_600_000, logger, metrics: new Registry() });
  outcomes.forEach((outcome) => keeper.keep(outcome));
  await keeper.flush();
  await keeper.stop();
  const written = mongo.db.collection('event_outcomes', { readConcern: { level: 'majority' } });
  await expect.poll(async () => written.countDocuments()).toBe(outcomes.length);
}

test('events are listed latest first, by any of the filters', async () => {
  expect((await mirror()).stdout).toContain('No such event is kept');
  const at = Date.now() - 60_000;
  const time = (n: number) => ({ at: new Date(at + n), receivedAt: new Date(at + n - 10) });
  const parked = { outcome: 'parked', reason: 'paused', record: null };
  await keep(
    ...Array.from({ length: 30 }, (_, n) => someOutcome(`routine-${n}`, time(n))),
    someOutcome('parked', { ...time(100), ...parked, workspaceId: 'globex', databaseId }),
    someOutcome('dead', {
      ...time(200),
      receivedAt: new Date(at - 5_000),
      outcome: 'dead_letter',
      record: null,
      failure: { class: 'poison', code: 'undecodable', message: 'bad bytes' },
    }),
  );
  const all = await listed();
  expect([all.ids.length, all.ids[0], all.hasMore]).toEqual([20, 'dead', true]);
  expect(await listed('--last', '32')).toMatchObject({ hasMore: false });
  expect(await listed('--needs-look')).toEqual({ ids: ['dead', 'parked'], hasMore: false });
  expect(await listed('--needs-look', '--last', '1')).toEqual({ ids: ['dead'], hasMore: true });
  expect((await listed('--needs-look', '--workspace-id', 'globex')).ids).toEqual(['parked']);
  expect((await listed('--about', `https://www.notion.so/Tasks-${databaseId.replaceAll('-', '')}`)).ids).toEqual(['parked']);
  expect((await listed('--outcome', 'dead_letter, parked', '--workspace-id', 'acme')).ids).toEqual(['dead']);
  expect((await listed('--min-ms', '5000')).ids).toEqual(['dead']);
  expect((await listed('--since', '1s')).ids).toEqual([]);

  const { stdout } = await mirror('--needs-look');
  expect(stdout).toContain('parked (paused)');
  expect(stdout).toContain('dead_letter (undecodable)');
  expect(stdout).toContain('2 events.');
  expect(await mirror('--min-ms', 'soon')).toMatchObject({ code: 2 });
});
