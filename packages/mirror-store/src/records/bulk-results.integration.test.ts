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

/** As the store replaces a record. Nothing has rev 0. */
const upsert = (_id: string, raw: unknown = null): AnyBulkWriteOperation<Item> => ({
  replaceOne: { filter: { _id, rev: 0 }, replacement: { raw }, upsert: true },
});
/** As the store writes a record where there is none. */
const insert = (_id: string, raw: unknown = null): AnyBulkWriteOperation<Item> => ({
  insertOne: { document: { _id, raw } as Item },
});
const ways = [
  ['upsert', upsert],
  ['insert', insert],
] as const;

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

test.each(ways)('each operation gets its own result: %s', async (_, write) => {
  expect(await results([write('a'), write('there'), write('b', deep), write('c')])).toEqual(['written', 'conflict', 'rejected', 'written']);
});

test('each operation gets its own result: upserts among inserts', async () => {
  const mixed = [upsert('there'), insert('a'), upsert('b'), insert('there'), insert('c', deep), upsert('d', deep), insert('e')];
  expect(await results(mixed)).toEqual(['conflict', 'written', 'written', 'conflict', 'rejected', 'rejected', 'written']);
});

test.each(ways)("a duplicate key in an operator's unique index is no conflict: %s", async (_, write) => {
  const items = mongo.db.collection('items');
  await items.createIndex({ raw: 1 }, { unique: true, partialFilterExpression: { raw: { $gt: '' } }, name: 'mine_id_' });
  expect(await results([write('a', 'x'), write('b', 'x'), write('there')])).toEqual(['written', 'rejected', 'conflict']);
  await items.dropIndex('mine_id_');
});

test.each(ways)('no result is known without a majority acknowledgement: %s', async (_, write) => {
  const twoNodes = { writeConcern: { w: 2, wtimeoutMS: 10 } };
  expect(await results([write('there'), write('a')], twoNodes)).toBeNull();
  expect(await results([write('b'), write('c')], twoNodes)).toBeNull();
});

test('no result is known after a failure of the whole command', () => {
  expect(resultsOfFailure(new Error('connection closed'), 2)).toBeNull();
});
