import { once } from 'node:events';
import { expect, test } from 'vitest';
import { sideBySide } from './side-by-side.ts';

test('returns all results', async () => {
  expect(await sideBySide<[number, string]>(undefined, () => [Promise.resolve(1), Promise.resolve('two')])).toEqual([1, 'two']);
});

test('the first failure aborts the others, and they have ended when it is thrown', async () => {
  let ended = false;
  const slowToEnd = async (signal: AbortSignal) => {
    await once(signal, 'abort');
    await Promise.resolve();
    ended = true;
  };
  const both = sideBySide<[never, void]>(undefined, (signal) => [Promise.reject(new Error('no Kafka')), slowToEnd(signal)]);
  await expect(both).rejects.toThrow('no Kafka');
  expect(ended).toBe(true);
});

test('an external abort reaches all', async () => {
  const outer = new AbortController();
  const work = sideBySide<[never]>(outer.signal, (signal) => [
    once(signal, 'abort').then(() => {
      throw new Error('interrupted');
    }),
  ]);
  outer.abort();
  await expect(work).rejects.toThrow('interrupted');
});
