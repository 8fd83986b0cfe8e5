import { expect, test } from 'vitest';
import { createBatcher } from './batcher.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));
const done = (ops: readonly number[]) => ops.map((op) => ({ status: 'fulfilled' as const, value: op * 10 }));

test('simultaneous operations are sent together, each with its own result', async () => {
  const batches: (readonly number[])[] = [];
  const batch = createBatcher<number, number>({
    maxOps: 3,
    maxInFlight: 4,
    run: async (ops) => {
      batches.push(ops);
      return done(ops);
    },
  });
  expect(await Promise.all([1, 2, 3, 4].map(batch))).toEqual([10, 20, 30, 40]);
  expect(batches).toEqual([[1, 2, 3], [4]]);
});

test('operations that arrive while all batches are in flight are sent together when one returns', async () => {
  const batches: (readonly number[])[] = [];
  const returns: (() => void)[] = [];
  const batch = createBatcher<number, number>({
    maxOps: 100,
    maxInFlight: 2,
    run: async (ops) => {
      batches.push(ops);
      await new Promise<void>((resolve) => returns.push(resolve));
      return done(ops);
    },
  });
  const answers = [batch(1)];
  await turn();
  answers.push(batch(2));
  await turn();
  answers.push(batch(3), batch(4));
  await turn();
  await turn();
  expect(batches).toEqual([[1], [2]]);
  returns[1]?.();
  expect(await answers[1]).toBe(20);
  await turn();
  expect(batches).toEqual([[1], [2], [3, 4]]);
  returns[0]?.();
  returns[2]?.();
  expect(await Promise.all(answers)).toEqual([10, 20, 30, 40]);
});

test('at most the given number of batches is in flight', async () => {
  let inFlight = 0;
  let most = 0;
  const batch = createBatcher<number, number>({
    maxOps: 1,
    maxInFlight: 2,
    run: async (ops) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      await turn();
      inFlight -= 1;
      return done(ops);
    },
  });
  expect(await Promise.all([1, 2, 3, 4, 5].map(batch))).toEqual([10, 20, 30, 40, 50]);
  expect(most).toBe(2);
});

test('a batch is bounded in size, and a larger operation is sent alone', async () => {
  const batches: (readonly number[])[] = [];
  const batch = createBatcher<number, number>({
    maxOps: 100,
    maxSize: 10,
    sizeOf: (op) => op,
    maxInFlight: 10,
    run: async (ops) => {
      batches.push(ops);
      return done(ops);
    },
  });
  await Promise.all([4, 6, 1, 50, 9].map(batch));
  expect(batches).toEqual([[4, 6], [1], [50], [9]]);
});

test('a failure affects only its own operation, or its own batch', async () => {
  const batch = createBatcher<number, number>({
    maxOps: 2,
    maxInFlight: 1,
    run: async (ops) => {
      if (ops.includes(9)) throw new Error('all of it');
      return ops.map((op) =>
        op === 1 ? { status: 'rejected' as const, reason: new Error('only this') } : { status: 'fulfilled' as const, value: op },
      );
    },
  });
  const results = await Promise.allSettled([1, 2, 9, 8, 5].map(batch));
  expect(results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.message))).toEqual([
    'only this',
    2,
    'all of it',
    'all of it',
    5,
  ]);
});
