import { createLogger } from '@notion-mirror/service-kit/logger';
import { expect, test } from 'vitest';
import { createNoteMissedRows } from './note-missed-rows.ts';

/** A sleep lasts until it is ended. */
function world() {
  const state = { isUnavailable: false, notes: 0 };
  const sleeps: (() => void)[] = [];
  const rows = createNoteMissedRows({
    missed: {
      async note() {
        if (state.isUnavailable) throw new Error('unavailable');
        state.notes += 1;
      },
    },
    deadlineMs: 20,
    sleep: (_ms, signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve());
        sleeps.push(resolve);
      }),
    logger: createLogger({ service: 'test', level: 'silent' }),
  });
  return { state, sleeps, rows };
}

test('an event is answered once it is noted that events are missed', async () => {
  const { state, rows } = world();
  await rows.note();
  expect(state.notes).toBe(1);
});

test('while MongoDB is unavailable events are answered, and it is noted as soon as that is back, without another event', async () => {
  const { state, sleeps, rows } = world();
  state.isUnavailable = true;
  await rows.note();
  await rows.note();
  expect(sleeps).toHaveLength(1);
  state.isUnavailable = false;
  sleeps[0]?.();
  await expect.poll(() => state.notes).toBe(1);
});

test('a stop does not wait for MongoDB', async () => {
  const { state, rows } = world();
  state.isUnavailable = true;
  await rows.note();
  await rows.stop();
  expect(state.notes).toBe(0);
});
