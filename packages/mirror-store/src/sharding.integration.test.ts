import type { Document } from 'mongodb';
import { expect, test } from 'vitest';
import { openTestDatabase, someLayout } from '../test/mongo.ts';
import { initMongo } from './init.ts';
import { unevenSharding } from './sharding.ts';

test('a replica set shards nothing', async () => {
  const mongo = await openTestDatabase();
  try {
    await initMongo(mongo.db, someLayout);
    expect(await unevenSharding(mongo.db, someLayout.storages)).toEqual([]);
  } finally {
    await mongo.drop();
  }
});

// No router was ever asked: it answers `sharded: true` by its documentation.
test('a shadow that is sharded otherwise than the mirror is found', async () => {
  const sharded = new Set(['database_records', 'row_records', 'shadow_row_records']);
  const router = { command: ({ collStats }: Document) => Promise.resolve({ ok: 1, sharded: sharded.has(String(collStats)) }) };
  const uneven = [{ sharded: 'database_records', unsharded: 'shadow_records' }];
  expect(await unevenSharding(router, someLayout.storages)).toEqual(uneven);
});
