import { expect, onTestFinished, test, vi } from 'vitest';
import type { Identity } from '../access/who.ts';
import { createPlans, type KeptPlan } from './plans.ts';

const ann: Identity = { name: 'ann', role: 'operator', by: 'session' };
const bob: Identity = { name: 'bob', role: 'operator', by: 'bearer' };
const plan: KeptPlan = {
  order: { action: 'replay.switch', workspaceId: null, target: {} },
  job: { kind: 'switch', replayId: 'r' },
  letters: 0,
};

test('a plan belongs to the operator who made it, and runs once', () => {
  const plans = createPlans();
  const { id } = plans.keep(ann, plan);
  expect([plans.take(bob, id), plans.take(null, id)]).toEqual([null, null]);
  // From another of her sessions, too.
  expect(plans.take({ ...ann, by: 'bearer' }, id)).toBe(plan);
  expect(plans.take(ann, id)).toBeNull();
  plans.putBack(ann, id, plan);
  expect(plans.take(ann, id)).toBe(plan);
});

test('the oldest plans give way to a large one, and none outlives its time in memory', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const plans = createPlans(() => 0);
  const ids = Array.from({ length: 5 }, () => plans.keep(ann, { ...plan, letters: 50_000 }).id);
  const [oldest, next, , , latest] = ids.map((id) => plans.take(ann, id)?.letters);
  expect([oldest, next, latest]).toEqual([undefined, 50_000, 50_000]);
  const { id } = plans.keep(ann, plan);
  // By the timer: the clock of the plans stands.
  await vi.advanceTimersByTimeAsync(600_000);
  expect(plans.take(ann, id)).toBeNull();
});

test('a plan is kept for ten minutes, and a hundred of them at most', () => {
  let now = 0;
  const plans = createPlans(() => now);
  const { id, expiresAt } = plans.keep(ann, plan);
  expect(expiresAt.getTime()).toBe(600_000);
  now = 600_000;
  expect(plans.take(ann, id)).toBeNull();
  const ids = Array.from({ length: 101 }, () => plans.keep(ann, plan).id);
  expect(ids.filter((one) => plans.take(ann, one) !== null)).toHaveLength(100);
});
