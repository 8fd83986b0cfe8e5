import { PublishError, type PublishFailure } from '@notion-mirror/event-log/publisher';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { createMetrics } from '@notion-mirror/service-kit/metrics';
import { afterEach, expect, test } from 'vitest';
import { createIngressMetrics } from './ingress-metrics.ts';
import { startSpoolDrainer, type SpoolDrainer } from './spool-drainer.ts';

const drainers: SpoolDrainer[] = [];
afterEach(async () => {
  await Promise.all(drainers.splice(0).map((drainer) => drainer.stop()));
});

/** A spool with records 1…n, and a fake log with settable failures. */
function open(howMany: number, batchSize = 3) {
  const names = Array.from({ length: howMany }, (_, index) => String(index + 1));
  const spooled = new Map(
    names.map((id) => [id, { id, spooledAt: new Date(0), topic: 'events', key: id, value: Buffer.from(id), headers: {} }]),
  );
  const published: string[] = [];
  const tried: string[] = [];
  const state = {
    healthy: true,
    failures: new Map<string, PublishFailure>(),
    storeFails: false,
    removals: 'work' as 'work' | 'fail',
    looks: 0,
  };
  const orFail = () => {
    if (state.storeFails) throw new Error('unavailable');
  };
  const start = () => {
    const drainer = startSpoolDrainer({
      publisher: {
        healthy: () => state.healthy,
        async publish({ key }) {
          tried.push(String(key));
          const reason = state.failures.get(String(key));
          if (reason !== undefined) throw new PublishError(reason, 'x');
          published.push(String(key));
        },
      },
      spool: {
        async oldest(n) {
          state.looks += 1;
          orFail();
          return [...spooled.values()].slice(0, n);
        },
        async remove(ids) {
          orFail();
          if (state.removals === 'fail') throw new Error('unavailable');
          for (const id of ids) spooled.delete(id);
        },
        async count() {
          orFail();
          return spooled.size;
        },
      },
      metrics: createIngressMetrics(createMetrics('test')),
      logger: createLogger({ service: 'test', level: 'silent' }),
      pauseMs: 1,
      batchSize,
    });
    drainers.push(drainer);
    return drainer;
  };
  return { start, state, published, tried, left: () => [...spooled.keys()] };
}

test('publishes all in order and removes them', async () => {
  const { start, published, left } = open(10);
  const drainer = start();
  await expect.poll(() => drainer.waiting()).toBe(0);
  expect(published).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10']);
  expect(left()).toEqual([]);
});

test('removes exactly the acknowledged records', async () => {
  const { start, state, published, left } = open(5, 10);
  state.failures.set('2', 'deadline').set('4', 'full');
  start();
  await expect.poll(left).toEqual(['2', '4']);
  expect(published).toEqual(['1', '3', '5']);
  state.failures.clear();
  await expect.poll(left).toEqual([]);
  expect(published).toEqual(['1', '3', '5', '2', '4']);
});

test('while the log is unavailable one record at a time is attempted, and the number waiting is known', async () => {
  const { start, state, published, tried } = open(5);
  state.healthy = false;
  for (const id of ['1', '2', '3', '4', '5']) state.failures.set(id, 'deadline');
  const drainer = start();
  await expect.poll(() => drainer.waiting()).toBe(5);
  await expect.poll(() => tried.length).toBeGreaterThan(2);
  expect(new Set(tried)).toEqual(new Set(['1']));
  state.failures.clear();
  await expect.poll(() => drainer.waiting()).toBe(0);
  expect(published).toEqual(['1', '2', '3', '4', '5']);
});

test('records that the log refuses do not block others, and are published once it accepts them', async () => {
  const { start, state, published, left } = open(12);
  const refused = ['1', '2', '3', '4', '5', '6', '7'];
  for (const id of refused) state.failures.set(id, 'refused');
  start();
  await expect.poll(left).toEqual(refused);
  expect(published).toEqual(['8', '9', '10', '11', '12']);
  state.failures.clear();
  await expect.poll(left).toEqual([]);
});

test('resumes when MongoDB recovers', async () => {
  const { start, state, left } = open(5);
  state.storeFails = true;
  const drainer = start();
  await expect.poll(() => state.looks).toBeGreaterThan(1);
  expect(drainer.waiting()).toBeNull();
  state.storeFails = false;
  await expect.poll(left).toEqual([]);
});

test('a record whose removal failed is published again, never lost', async () => {
  const { start, state, published, left } = open(1);
  state.removals = 'fail';
  start();
  await expect.poll(() => published.length).toBeGreaterThan(1);
  expect(left()).toEqual(['1']);
  state.removals = 'work';
  await expect.poll(left).toEqual([]);
});

test('stops during a pause', async () => {
  const { start, state } = open(0);
  const drainer = start();
  await expect.poll(() => state.looks).toBeGreaterThan(0);
  await drainer.stop();
  const { looks } = state;
  await drainer.stop();
  expect(state.looks).toBe(looks);
});
