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

/** Follows what comes from now on. A pause lasts until `goOn`; `pauses` says after how many changes each was taken. */
async function follow() {
  const pauses: number[] = [];
  let seen = 0;
  let wake = Promise.withResolvers<void>();
  let isHolding = false;
  const stopping = new AbortController();
  stopping.signal.addEventListener('abort', () => wake.resolve());
  const changes = openRecordChanges(mongo.db, databaseStorage, {
    async pause() {
      pauses.push(seen);
      if (isHolding) await wake.promise;
    },
  });
  const { position } = await changes.snapshot('all');
  return {
    pauses,
    seen: () => seen,
    /** Reads until `stop`. */
    begin() {
      const following = (async () => {
        for await (const { change } of changes.follow(position, stopping.signal)) if (change !== null) seen += 1;
      })();
      onTestFinished(async () => {
        stopping.abort();
        await following;
      });
    },
    holdPauses() {
      isHolding = true;
    },
    goOn() {
      wake.resolve();
      wake = Promise.withResolvers<void>();
    },
  };
}

const documents = (count: number, name: string) => Array.from({ length: count }, (_, n) => ({ _id: `${name} ${n}` }));

describe('changes of records', () => {
  // At 50 changes a second a question to MongoDB for each was a tenth of a worker's CPU.
  test('are read together when they come one by one', async () => {
    const reader = await follow();
    reader.holdPauses();
    reader.begin();
    await records().insertOne({ _id: 'first' });
    await expect.poll(() => reader.pauses).toEqual([1]);
    for (const document of documents(50, 'one')) await records().insertOne(document);
    reader.goOn();
    // What was written during the pause came with one answer.
    await expect.poll(() => reader.pauses).toEqual([1, 51]);
  });

  // Whether a change "was awaited" was decided by the clock: on a busy machine each answer took longer than the limit, and the reading of
  // 8,000 changes that were waiting took 48 s.
  test('are read without a pause while changes are waiting', async () => {
    const reader = await follow();
    await records().insertMany(documents(8_000, 'many'));
    reader.begin();
    await expect.poll(reader.seen).toBeGreaterThanOrEqual(8_000);
    expect(reader.pauses.filter((at) => at < 8_000)).toEqual([]);
  });
});
