import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createConsumerMetrics } from './lane-consumer-metrics.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

const load = { running: 0, waiting: 0, runnable: 0, lanes: 0, oldestRunSince: null };
const lane = (name: string, ageMs: number) => ({ lane: name, waiting: 1, oldestAt: Date.now() - ageMs, held: null });

test('the ten tenants that wait longest are named, and only while they do', async () => {
  const registry = new Registry();
  const metrics = createConsumerMetrics(registry, 'g');
  const named = async () => {
    const { values } = (await registry.getSingleMetric('notion_mirror_tenant_oldest_event_seconds')?.get()) ?? { values: [] };
    return Object.fromEntries(values.map(({ labels, value }) => [String(labels['workspace']), value]));
  };
  const partition = { partition: 0, paused: false, lagRecords: 1n, oldestTimestamp: Date.now() - 90_000 };
  const many = Array.from({ length: 30 }, (_, index) => lane(`t${index}`, 61_000 + index * 1_000));
  metrics.sample(load, [partition], [...many, lane('fresh', 59_000)]);
  expect(await named()).toEqual(Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`t${29 - index}`, 90 - index])));
  expect(await registry.metrics()).toContain('notion_mirror_oldest_event_seconds{group="g"} 90');
  metrics.sample(load, [], [lane('t29', 70_000)]);
  expect(await named()).toEqual({ t29: 70 });
  metrics.sample(load, [], []);
  expect(await named()).toEqual({});
});

test('the records that more processes would help with are a metric of their own', async () => {
  const registry = new Registry();
  createConsumerMetrics(registry, 'g').sample({ ...load, waiting: 70, runnable: 30 }, [], []);
  const text = await registry.metrics();
  expect(text).toContain('notion_mirror_waiting_records{group="g"} 70');
  expect(text).toContain('notion_mirror_consumer_runnable_records{group="g"} 30');
});
