import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../test/mongo.ts';
import { createConnectionNotices, type ConnectionNotice, type ConnectionNotices } from './connection-notices.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
let notices: ConnectionNotices;
beforeAll(async () => {
  mongo = await openTestDatabase();
  notices = createConnectionNotices(mongo.db);
});
beforeEach(async () => {
  await mongo.db.collection('connection_notices').deleteMany({});
});
afterAll(async () => {
  await mongo.drop();
});

const connection = { connectionId: 'c1', providerConfigKey: 'notion' };
const nothing = { takenGrant: null, problem: null };

async function taken(leaseMs = 60_000): Promise<ConnectionNotice> {
  const notice = await notices.take(leaseMs);
  if (notice === null) throw new Error('none is due');
  return notice;
}

test('a connection noted repeatedly is due once, and only one of many takes it', async () => {
  await Promise.allSettled([1, 2, 3].map(() => notices.note(connection, { isDeletion: false })));
  const takes = await Promise.all([1, 2, 3].map(() => notices.take(60_000)));
  expect(takes.filter((notice) => notice !== null)).toMatchObject([{ ...connection, isDeletionAnnounced: false, takenGrant: null }]);
});

test('a deletion is remembered until it is settled, whatever comes after it', async () => {
  await notices.note(connection, { isDeletion: true });
  await notices.note(connection, { isDeletion: false });
  const notice = await taken();
  expect(notice.isDeletionAnnounced).toBe(true);
  await notices.settle(notice, nothing);
  await notices.note(connection, { isDeletion: false });
  expect((await taken()).isDeletionAnnounced).toBe(false);
});

test('a connection noted while taken is due again, with the settled grant', async () => {
  const grant = new Date('2026-11-25T12:00:00Z');
  await notices.note(connection, { isDeletion: false });
  const notice = await taken();
  const takenAt = Date.now();
  await expect.poll(() => Date.now()).toBeGreaterThan(takenAt);
  await notices.note(connection, { isDeletion: true });
  await notices.settle(notice, { takenGrant: grant, problem: null });
  expect(await taken()).toMatchObject({ isDeletionAnnounced: true, takenGrant: grant });
});

test('an expired lease lets another worker take it, and a failed one is postponed', async () => {
  await notices.note(connection, { isDeletion: false });
  await taken(0);
  await notices.postpone(await taken(0), 0);
  const again = await taken();
  expect(again.failures).toBe(1);
  await notices.postpone(again, 60_000);
  expect(await notices.take(0)).toBeNull();
});

test('a notice after a purge carries the time of the purge', async () => {
  await notices.note(connection, { isDeletion: true });
  const before = new Date();
  await notices.bar([connection]);
  expect(await notices.take(0)).toBeNull();
  await notices.note(connection, { isDeletion: false });
  const notice = await taken();
  expect(notice.takenGrant?.getTime()).toBeGreaterThanOrEqual(before.getTime());
  expect(notice.isDeletionAnnounced).toBe(false);
});

test('a connection left to the operator stays listed until it is settled otherwise', async () => {
  await notices.note(connection, { isDeletion: false });
  await notices.settle(await taken(), { takenGrant: null, problem: 'it has no tag organization_id' });
  expect(await notices.leftToOperator()).toMatchObject([{ ...connection, problem: 'it has no tag organization_id' }]);
  await notices.note(connection, { isDeletion: false });
  await notices.settle(await taken(), nothing);
  expect(await notices.leftToOperator()).toEqual([]);
});
