import type { SwitchedOn } from '@notion-mirror/mirror-store/rows-switch';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { expect, test } from 'vitest';
import { createRowsReadiness } from './start-rows-readiness.ts';

const second = 1_000;
const first = new Date('2026-12-01T00:00:00Z');
const later = new Date(first.getTime() + 3_600 * second);

/** `on`: what the switch says. `done`: what was outdated, in order. */
function world({ lagMs = 60 * second }: { readonly lagMs?: number } = {}) {
  const state: { on: SwitchedOn | null; isUnavailable: boolean } = { on: null, isUnavailable: false };
  const done: unknown[] = [];
  const outdate = (what: string) => async (since: Date) => {
    if (state.isUnavailable) throw new Error('unavailable');
    done.push([what, since]);
    return 1;
  };
  const readiness = createRowsReadiness({
    rows: { turnOnWhenPossible: async () => state.on },
    contents: { outdate: outdate('sources') },
    sweeps: { outdate: async (since) => void (await outdate('sweeps')(since)) },
    lagMs,
    toleranceMs: 10 * second,
    logger: createLogger({ service: 'test', level: 'silent' }),
  });
  return {
    state,
    done,
    check: async (on: SwitchedOn | null): Promise<boolean> => {
      state.on = on;
      await readiness.check();
      return readiness.isReady();
    },
  };
}

test('no scan begins before it sees what was missed', async () => {
  const { check } = world();
  expect(await check(null)).toBe(false);
  expect(await check({ since: first, forMs: 0 })).toBe(false);
  expect(await check({ since: first, forMs: 70 * second })).toBe(false);
  expect(await check({ since: first, forMs: 70 * second + 1 })).toBe(true);
});

test('a scan waits until each ingress has seen the switch, however short the lag is: a change during the scan must not be ignored', async () => {
  const { check } = world({ lagMs: -10 * second });
  expect(await check({ since: first, forMs: 2_999 })).toBe(false);
  expect(await check({ since: first, forMs: 3_000 })).toBe(true);
});

test('when a process with rows off misses events, nothing counts as complete at once, and scans wait until that has ended', async () => {
  const { check, done } = world();
  await check({ since: first, forMs: 100 * second });
  expect(done.splice(0)).toEqual([
    ['sources', first],
    ['sweeps', first],
  ]);
  expect(await check({ since: first, forMs: 101 * second })).toBe(true);
  expect(done).toEqual([]);
  expect(await check({ since: later, forMs: -10 * second })).toBe(false);
  expect(done.splice(0)).toEqual([['sources', later]]);
  expect(await check({ since: later, forMs: 100 * second })).toBe(true);
  expect(done).toEqual([['sweeps', later]]);
});

test('while MongoDB is unavailable nothing becomes ready, and what was not done is done later', async () => {
  const { check, done, state } = world();
  await check({ since: first, forMs: 100 * second });
  done.length = 0;
  state.isUnavailable = true;
  await expect(check({ since: later, forMs: 100 * second })).rejects.toThrow('unavailable');
  state.isUnavailable = false;
  expect(await check({ since: later, forMs: 101 * second })).toBe(true);
  expect(done).toEqual([
    ['sources', later],
    ['sweeps', later],
  ]);
});
