import { createLogger } from '@notion-mirror/service-kit/logger';
import { expect, test } from 'vitest';
import { openRowsReadiness } from './rows-readiness.ts';

const logger = createLogger({ service: 'test', level: 'silent' });
const ready = new Date('2026-12-01T00:00:00Z');

/** Each call of `check` takes the next answer, and a sleep lasts until it is ended. `asked`: the number of calls. */
async function open(...answers: (Date | null | Error)[]) {
  const sleeps: { ms: number; end: () => void }[] = [];
  let asked = 0;
  const readiness = await openRowsReadiness({
    async check() {
      const answer = answers[asked];
      asked += 1;
      if (answer === undefined) throw new Error('asked too often');
      if (answer instanceof Error) throw answer;
      return answer;
    },
    logger,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve());
        sleeps.push({ ms, end: resolve });
      }),
    afterFailureMs: 10_000,
  });
  return { readiness, asked: () => asked, sleeps };
}

test('a process that starts after rows became ready knows at once, and asks no more', async () => {
  const { readiness, sleeps } = await open(ready);
  expect(readiness.since()).toEqual(ready);
  await readiness.stop();
  expect(sleeps).toEqual([]);
});

test('asks until rows are ready, then never again', async () => {
  const { readiness, sleeps, asked } = await open(null, null, ready);
  expect(readiness.since()).toBeNull();
  sleeps[0]?.end();
  await expect.poll(() => sleeps.length).toBe(2);
  expect(readiness.since()).toBeNull();
  sleeps[1]?.end();
  await expect.poll(() => readiness.since()).toEqual(ready);
  await readiness.stop();
  expect([asked(), sleeps.length]).toEqual([3, 2]);
});

test('after a failure it waits longer: a worker that could not report either must have the time to do so', async () => {
  const { readiness, sleeps } = await open(null, new Error('unavailable'), null, ready);
  for (const number of [1, 2, 3]) {
    await expect.poll(() => sleeps.length).toBe(number);
    sleeps[number - 1]?.end();
  }
  await expect.poll(() => readiness.since()).toEqual(ready);
  expect(sleeps.map(({ ms }) => ms)).toEqual([1_000, 10_000, 1_000]);
});

test('a failure of the first call makes the start fail', async () => {
  await expect(open(new Error('unavailable'))).rejects.toThrow('unavailable');
});

test('asks no more once stopped', async () => {
  const { readiness, asked } = await open(null);
  await readiness.stop();
  expect(asked()).toBe(1);
});
