import { expect, test } from 'vitest';
import { waitFor } from './wait-for.ts';

const never = new AbortController().signal;
const options = { waitMs: 5_000, signal: never, isFatal: () => false, onWaiting: () => {} };

test('a failing step is retried until it succeeds, and its error is reported at intervals', async () => {
  const reported: unknown[] = [];
  let attempts = 0;
  const result = await waitFor(
    async () => {
      attempts += 1;
      if (attempts < 3) throw new Error(`not up (${attempts})`);
      return 'up';
    },
    { ...options, onWaiting: (error) => reported.push(error) },
  );
  expect(result).toBe('up');
  expect(reported).toEqual([new Error('not up (1)')]);
});

test('a wait of 0 ms means one attempt', async () => {
  let attempts = 0;
  const down = async () => {
    attempts += 1;
    throw new Error('down');
  };
  await expect(waitFor(down, { ...options, waitMs: 0 })).rejects.toThrow('down');
  expect(attempts).toBe(1);
});

test('a fatal error is not retried', async () => {
  let attempts = 0;
  const refused = async () => {
    attempts += 1;
    throw new Error('refused');
  };
  await expect(waitFor(refused, { ...options, isFatal: () => true })).rejects.toThrow('refused');
  expect(attempts).toBe(1);
});

test('Ctrl-C interrupts a hanging step', async () => {
  const aborter = new AbortController();
  const waiting = waitFor(async () => new Promise<never>(() => {}), { ...options, signal: aborter.signal });
  aborter.abort(new Error('stopped by SIGINT'));
  await expect(waiting).rejects.toThrow('stopped by SIGINT');
});
