import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, someLayout } from '../../test/mongo.ts';
import { databaseStorage } from '../entities/database.ts';
import { initMongo } from '../init.ts';
import { openShadow } from './shadow.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => {
  mongo = await openTestDatabase();
  await initMongo(mongo.db, someLayout);
});
afterAll(async () => {
  await mongo.drop();
});

// A worker that was killed while it wrote a change of properties left its transaction behind. The switch waited for it with a lock that stopped
// all writes to the mirror, and failed after 30 s.
test('a switch outlasts the transaction of a killed worker, and does not stop the writes of others meanwhile', async () => {
  const records = mongo.db.collection<{ _id: string }>(databaseStorage.collection);
  await using session = mongo.client.startSession();
  session.startTransaction();
  await records.insertOne({ _id: 'acme:of the killed worker' }, { session });
  const switched = openShadow(mongo.db, databaseStorage).putInPlace();

  const admin = mongo.client.db('admin');
  const running = [{ $currentOp: { allUsers: true } }, { $match: { 'command.renameCollection': { $exists: true } } }];
  await expect.poll(() => admin.aggregate(running, { readConcern: { level: 'local' } }).toArray()).not.toEqual([]);
  await records.insertOne({ _id: 'acme:of another worker' });

  await session.abortTransaction();
  await switched;
  expect(await records.countDocuments()).toBe(0);
});
