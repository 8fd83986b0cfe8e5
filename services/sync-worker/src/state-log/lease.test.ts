import { expect, test } from 'vitest';
import { leadWhileHeld, type Leadership } from './lease.ts';

/** Stops after `tries` attempts. `held`: whether it gets the lease. */
async function lead(tries: number, held: boolean, work: (leadership: Leadership, nth: number) => Promise<void>) {
  const stopping = new AbortController();
  const failures: unknown[] = [];
  const counts = { led: 0, released: 0, ended: 0 };
  await leadWhileHeld(
    {
      hold: () => Promise.resolve(held),
      release: async () => void (counts.released += 1),
    },
    {
      stopping: stopping.signal,
      lead: async (leadership) => {
        counts.led += 1;
        await work(leadership, counts.led);
      },
      onFailure: (error) => failures.push(error),
      onEnd: () => {
        counts.ended += 1;
        if (counts.ended === tries) stopping.abort();
      },
    },
  );
  return { led: counts.led, released: counts.released, failures };
}

test('leads while it holds the lease, and releases it', async () => {
  expect(await lead(1, true, async () => {})).toEqual({ led: 1, released: 1, failures: [] });
});

test('does not lead without the lease', async () => {
  expect(await lead(1, false, async () => {})).toEqual({ led: 0, released: 0, failures: [] });
});

test('leaving aborts the signal of the leadership', async () => {
  const { led } = await lead(1, true, async ({ signal, leave }) => {
    leave();
    expect(signal.aborted).toBe(true);
  });
  expect(led).toBe(1);
});

test('a failure is reported, and leading is retried', async () => {
  const found = await lead(2, true, async (_leadership, nth) => {
    if (nth === 1) throw new Error('no broker');
  });
  expect(found.led).toBe(2);
  expect(found.failures).toEqual([new Error('no broker')]);
});
