import { expect, it } from 'vitest';
import { startRepeating } from './repeating.ts';

const hour = 3_600_000;
const unexpected = (error: unknown) => {
  throw error;
};

it('takes a turn at once, and one more for any number of nudges during a turn', async () => {
  let turns = 0;
  const first = Promise.withResolvers<void>();
  const repeating = startRepeating({
    everyMs: hour,
    async turn() {
      turns += 1;
      if (turns === 1) await first.promise;
    },
    onFailure: unexpected,
  });
  repeating.nudge();
  repeating.nudge();
  expect(turns).toBe(1);
  first.resolve();
  await expect.poll(() => turns).toBe(2);
  repeating.nudge();
  await expect.poll(() => turns).toBe(3);
  await repeating.stop();
});

it('reports a failed turn and goes on', async () => {
  const failures: unknown[] = [];
  const repeating = startRepeating({
    everyMs: 1,
    turn: () => Promise.reject(new Error('unavailable')),
    onFailure: (error) => failures.push(error),
  });
  await expect.poll(() => failures.length).toBeGreaterThan(2);
  await repeating.stop();
});

it('regression: stopped during a turn, it ends with that turn instead of waiting until the next one is due', async () => {
  const turn = Promise.withResolvers<void>();
  const repeating = startRepeating({ everyMs: hour, turn: () => turn.promise, onFailure: unexpected });
  const stopped = repeating.stop();
  turn.resolve();
  await expect(stopped).resolves.toBeUndefined();
});
