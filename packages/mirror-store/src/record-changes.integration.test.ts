import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openTestDatabase } from '../test/mongo.ts';
import { collectionNames } from './collections.ts';
import { openRecordChanges } from './record-changes.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => {
  mongo = await openTestDatabase();
});
afterAll(() => mongo.drop());

const records = () => mongo.db.collection<{ _id: string }>(collectionNames.databaseRecords);

/** Follows what comes from now on, and notes when. */
async function follow(): Promise<{ readonly at: readonly number[]; readonly until: (changes: number) => Promise<void> }> {
  const changes = openRecordChanges(mongo.db);
  const { position } = await changes.snapshot('all');
  const stopping = new AbortController();
  const at: number[] = [];
  const following = (async () => {
    for await (const { change } of changes.follow(position, stopping.signal)) if (change !== null) at.push(performance.now());
  })();
  onTestFinished(async () => {
    stopping.abort();
    await following;
  });
  return {
    at,
    async until(count) {
      while (at.length < count) await delay(10);
    },
  };
}

describe('changes of records', () => {
  // At 50 changes a second a question to MongoDB for each was a tenth of a worker's CPU.
  test('are read together when they come one by one', async () => {
    const { at, until } = await follow();
    for (let n = 0; n < 100; n += 1) {
      await records().insertOne({ _id: `one ${n}` });
      await delay(15);
    }
    await until(100);
    const arrivals = at.filter((time, index) => index === 0 || time - at[index - 1]! > 10);
    expect(arrivals.length).toBeLessThan(30);
  });

  // A pause after each answer, however much it brought, would have let the state log fall behind under load.
  test('are read without a pause when there are many', async () => {
    const { until } = await follow();
    const began = performance.now();
    await records().insertMany(Array.from({ length: 8_000 }, (_, n) => ({ _id: `many ${n}` })));
    await until(8_000);
    expect(performance.now() - began).toBeLessThan(15_000);
  });
});
