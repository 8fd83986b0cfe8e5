import type { AnyBulkWriteOperation, BulkWriteOptions } from 'mongodb';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../../test/mongo.ts';
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

/** Too deep for the server to store, but not too deep for it to parse the command. */
const deep: unknown = JSON.parse(`${'['.repeat(185)}1${']'.repeat(185)}`);

/** The result of each operation from a real server; the error class for one that rejected with an error. */
async function results(operations: AnyBulkWriteOperation<Item>[], options: BulkWriteOptions = {}): Promise<unknown> {
  try {
    await mongo.db.collection<Item>('items').bulkWrite(operations, { ordered: false, ...options });
  } catch (error) {
    const found = resultsOfFailure(error, operations.length);
    return found?.map((result) => (result.status === 'fulfilled' ? result.value.kind : result.reason.constructor)) ?? null;
  }
  throw new Error('the write should have failed');
}

test('each operation gets its own result', async () => {
  expect(await results([upsert('a'), upsert('there'), upsert('b', deep), upsert('c')])).toEqual([
    'written',
    'conflict',
    'rejected',
    'written',
  ]);
});

test("a duplicate key in an operator's unique index is no conflict", async () => {
  const items = mongo.db.collection('items');
  await items.createIndex({ raw: 1 }, { unique: true, partialFilterExpression: { raw: { $gt: '' } }, name: 'mine_id_' });
  expect(await results([upsert('a', 'x'), upsert('b', 'x'), upsert('there')])).toEqual(['written', 'rejected', 'conflict']);
  await items.dropIndex('mine_id_');
});

test('no result is known without a majority acknowledgement', async () => {
  const twoNodes = { writeConcern: { w: 2, wtimeoutMS: 10 } };
  expect(await results([upsert('there'), upsert('a')], twoNodes)).toBeNull();
  expect(await results([upsert('b'), upsert('c')], twoNodes)).toBeNull();
});

test('no result is known after a failure of the whole command', () => {
  expect(resultsOfFailure(new Error('connection closed'), 2)).toBeNull();
});
