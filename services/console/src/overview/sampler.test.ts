import { expect, onTestFinished, test, vi } from 'vitest';
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

test('a sample is dropped when it was not asked for a minute, however long it would have been good', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let made = 0;
  const sample = createSampler(Infinity, async () => Promise.resolve((made += 1)));
  await sample();
  await vi.advanceTimersByTimeAsync(59_999);
  expect(await sample()).toBe(1);
  await vi.advanceTimersByTimeAsync(59_999);
  expect(await sample()).toBe(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await sample()).toBe(2);
});
