import { expect, test } from 'vitest';
import { createSampler } from './sampler.ts';

test('one sample serves all who ask while it is made, and until it is too old', async () => {
  let now = 0;
  let made = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const sample = createSampler(
    100,
    async () => {
      made += 1;
      await promise;
      return made;
    },
    () => now,
  );
  const both = [sample(), sample()];
  now = 1_000;
  resolve();
  expect(await Promise.all(both)).toEqual([1, 1]);
  now = 1_099;
  expect(await sample()).toBe(1);
  now = 1_100;
  expect(await sample()).toBe(2);
});

test('a failure is reported to who waited, and not kept', async () => {
  let works = false;
  const sample = createSampler(100, async () => (works ? Promise.resolve('works') : Promise.reject(new Error('unavailable'))));
  await expect(sample()).rejects.toThrow('unavailable');
  works = true;
  expect(await sample()).toBe('works');
});
