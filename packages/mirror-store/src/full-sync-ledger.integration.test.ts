import type { Connection } from '@notion-mirror/domain/connection';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../test/mongo.ts';
import { createFullSyncLedger, type FullSyncLedger } from './full-sync-ledger.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
let ledger: FullSyncLedger;
beforeAll(async () => {
  mongo = await openTestDatabase();
  ledger = createFullSyncLedger(mongo.db);
});
beforeEach(async () => {
  await mongo.db.collection('full_syncs').deleteMany({});
});
afterAll(async () => {
  await mongo.drop();
});

const connection = (connectionId: string, updatedAt = new Date(1000)): Connection => ({
  connectionId,
  providerConfigKey: 'notion',
  workspaceId: 'acme',
  notionWorkspaceId: 'notion-1',
  botId: null,
  status: 'active',
  statusReason: null,
  token: null,
  createdAt: new Date(1000),
  updatedAt,
});

test('is due until it is complete, and due again after another activation', async () => {
  const [a, b] = [connection('a'), connection('b')];
  expect(await ledger.due([a, b])).toEqual([a, b]);
  expect(await ledger.claim(a, 60_000)).toBe(true);
  expect(await ledger.due([a, b])).toEqual([a, b]);
  await ledger.complete(a, 7);
  expect(await ledger.due([a, b])).toEqual([b]);
  const again = connection('a', new Date(2000));
  expect(await ledger.due([again])).toEqual([again]);
  expect(await ledger.claim(again, 60_000)).toBe(true);
});

test('of many who claim it one gets it, and nobody once it is complete', async () => {
  const claims = await Promise.all(Array.from({ length: 10 }, () => ledger.claim(connection('a'), 60_000)));
  expect(claims.filter(Boolean)).toHaveLength(1);
  await ledger.complete(connection('a'), 0);
  expect(await ledger.claim(connection('a'), 60_000)).toBe(false);
});

test('a lease that ran out is taken over; one that was put off is not, for a while', async () => {
  expect(await ledger.claim(connection('a'), 0)).toBe(true);
  expect(await ledger.claim(connection('a'), 0)).toBe(true);
  await ledger.putOff(connection('a'), 60_000);
  expect(await ledger.claim(connection('a'), 60_000)).toBe(false);
  await ledger.putOff(connection('a'), 0);
  expect(await ledger.claim(connection('a'), 60_000)).toBe(true);
});

test('who works for an earlier activation does not complete the present one', async () => {
  await ledger.claim(connection('a'), 60_000);
  const present = connection('a', new Date(2000));
  expect(await ledger.claim(present, 60_000)).toBe(true);
  await ledger.complete(connection('a'), 3);
  expect(await ledger.due([present])).toEqual([present]);
  expect(await ledger.claim(connection('a'), 60_000)).toBe(false);
});
