import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openTestDatabase } from '../../test/mongo.ts';
import { databaseStorage } from '../entities/database.ts';
import { openRecordChanges } from './record-changes.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => {
  mongo = await openTestDatabase();
});
afterAll(() => mongo.drop());

const records = () => mongo.db.collection<{ _id: string }>(databaseStorage.collection);

/** Follows changes from now on. While pauses are held, each lasts until `resume`; `pauses` has the number of changes read before each pause. */
async function follow() {
  const pauses: number[] = [];
  let read = 0;
  let wake = Promise.withResolvers<void>();
  let isHolding = false;
  const stopping = new AbortController();
  stopping.signal.addEventListener('abort', () => wake.resolve());
  const changes = openRecordChanges(mongo.db, databaseStorage, {
    async pause() {
      pauses.push(read);
      if (isHolding) await wake.promise;
    },
  });
  const { position } = await changes.snapshot('all');
  return {
    pauses,
    read: () => read,
    /** Reads until `stop`. */
    begin() {
      const following = (async () => {
        for await (const { change } of changes.follow(position, stopping.signal)) if (change !== null) read += 1;
      })();
      onTestFinished(async () => {
        stopping.abort();
        await following;
      });
    },
    holdPauses() {
      isHolding = true;
    },
    resume() {
      wake.resolve();
      wake = Promise.withResolvers<void>();
    },
  };
}

const documents = (count: number, name: string) => Array.from({ length: count }, (_, n) => ({ _id: `${name} ${n}` }));

describe('changes of records', () => {
  // At 50 changes a second, one request to MongoDB per change took a tenth of a worker's CPU.
  test('that arrive one by one are read in batches', async () => {
    const reader = await follow();
    reader.holdPauses();
    reader.begin();
    await records().insertOne({ _id: 'first' });
    await expect.poll(() => reader.pauses).toEqual([1]);
    for (const document of documents(50, 'one')) await records().insertOne(document);
    reader.resume();
    // All changes made during the pause came in one response.
    await expect.poll(() => reader.pauses).toEqual([1, 51]);
  });

  // The decision to pause depended on the clock: on a busy machine every response exceeded the limit, and reading 8,000 waiting changes
  // took 48 s.
  test('that are already waiting are read without a pause', async () => {
    const reader = await follow();
    await records().insertMany(documents(8_000, 'many'));
    reader.begin();
    await expect.poll(reader.read).toBeGreaterThanOrEqual(8_000);
    expect(reader.pauses.filter((at) => at < 8_000)).toEqual([]);
  });
});
