import type { AnyBulkWriteOperation, BulkWriteOptions } from 'mongodb';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../test/mongo.ts';
import { resultsOfFailure } from './bulk-results.ts';

interface Item {
  readonly _id: string;
}

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => {
  mongo = await openTestDatabase();
});
beforeEach(async () => {
  await mongo.db.collection('items').deleteMany({});
  await mongo.db.collection<Item>('items').insertOne({ _id: 'there' });
});
afterAll(async () => {
  await mongo.drop();
});

const upsert = (_id: string, raw: unknown = null): AnyBulkWriteOperation<Item> => ({
  replaceOne: { filter: { _id, rev: 0 }, replacement: { raw }, upsert: true },
});

/** Deeper than the server stores, but not so deep that it cannot read the command. */
const deep: unknown = JSON.parse(`${'['.repeat(185)}1${']'.repeat(185)}`);

/** What each operation became when the server answers; the class for one that was rejected with an error. */
async function results(operations: AnyBulkWriteOperation<Item>[], options: BulkWriteOptions = {}): Promise<unknown> {
  try {
    await mongo.db.collection<Item>('items').bulkWrite(operations, { ordered: false, ...options });
  } catch (error) {
    const found = resultsOfFailure(error, operations.length);
    return found?.map((result) => (result.status === 'fulfilled' ? result.value.kind : result.reason.constructor)) ?? null;
  }
  throw new Error('the write should have failed');
}

test('each operation has its own result', async () => {
  expect(await results([upsert('a'), upsert('there'), upsert('b', deep), upsert('c')])).toEqual([
    'written',
    'conflict',
    'rejected',
    'written',
  ]);
});

test("a clash on an operator's unique index is no conflict", async () => {
  const items = mongo.db.collection('items');
  await items.createIndex({ raw: 1 }, { unique: true, partialFilterExpression: { raw: { $gt: '' } }, name: 'mine_id_' });
  expect(await results([upsert('a', 'x'), upsert('b', 'x'), upsert('there')])).toEqual(['written', 'rejected', 'conflict']);
  await items.dropIndex('mine_id_');
});

test('what is not confirmed says nothing', async () => {
  const twoNodes = { writeConcern: { w: 2, wtimeoutMS: 10 } };
  expect(await results([upsert('there'), upsert('a')], twoNodes)).toBeNull();
  expect(await results([upsert('b'), upsert('c')], twoNodes)).toBeNull();
});

test('a failure of the whole says nothing of its operations', () => {
  expect(resultsOfFailure(new Error('connection closed'), 2)).toBeNull();
});
