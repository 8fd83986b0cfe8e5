import { expect, test } from 'vitest';
import { createTurns } from './turns.ts';

test('so many run at once, the others in order, also after a failure', async () => {
  const turns = createTurns(2);
  const { signal } = new AbortController();
  const begun: number[] = [];
  const ends = [0, 1, 2, 3].map(() => Promise.withResolvers<void>());
  const works = ends.map(async ({ promise }, n) =>
    turns.take(signal, async () => {
      begun.push(n);
      await promise;
    }),
  );
  expect(begun).toEqual([0, 1]);
  ends[1]?.reject(new Error('failed'));
  await expect(works[1]).rejects.toThrow('failed');
  expect(begun).toEqual([0, 1, 2]);
  ends[0]?.resolve();
  await works[0];
  expect(begun).toEqual([0, 1, 2, 3]);
  ends.forEach(({ resolve }) => resolve());
  await Promise.all([works[2], works[3]]);
});

test('who has left does not begin, and passes its turn on', async () => {
  const turns = createTurns(1);
  const leaving = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = turns.take(new AbortController().signal, async () => promise);
  const gone = turns.take(leaving.signal, async () => Promise.resolve('begun'));
  const last = turns.take(new AbortController().signal, async () => Promise.resolve('last'));
  leaving.abort(new Error('gone'));
  resolve();
  await first;
  await expect(gone).rejects.toThrow('gone');
  expect(await last).toBe('last');
});
