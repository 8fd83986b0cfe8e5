import { setTimeout as delay } from 'node:timers/promises';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import type { OutgoingRecord } from './event-record.ts';
import { createPublisher, PublishError, type Publisher } from './publisher.ts';
import { kafkaBehindProxy } from './testing/broker-proxy.ts';
import { createTopic, isolatedLog, readAll, silent, until } from './testing/isolated-log.ts';
import { createTopics, topicsFor } from './topics.ts';

const stack = inject('stack');
const log = isolatedLog(stack);
const topics = topicsFor(log.prefix);

beforeAll(async () => {
  await createTopics(log.kafka, log.prefix, { partitions: 3, replicationFactor: 1, retentionMs: 60_000 }, []);
});
afterAll(log.remove);

/** Tests share the topic; each finds its records by name. */
const recordOf = (name: string, key: string | null, size = 20): OutgoingRecord => ({
  topic: topics.events,
  key,
  value: Buffer.alloc(size, 'x'),
  headers: { name },
});
const namesOnTopic = async (beginning: string, topic = topics.events) =>
  (await readAll(log.kafka, topic)).map(({ headers }) => headers['name'] ?? '').filter((name) => name.startsWith(beginning));
const reasonOf = (error: unknown) => (error instanceof PublishError ? error.reason : error);
const outcome = (promise: Promise<void>) => promise.then(() => 'acknowledged', reasonOf);

describe('the publisher', () => {
  let publisher: Publisher;
  let metrics: Registry;
  const open = async (options: Partial<Parameters<typeof createPublisher>[0]> = {}) => {
    metrics = new Registry();
    publisher = await createPublisher({ kafka: log.kafka, logger: silent, metrics, ...options });
    return publisher;
  };
  const batches = async () => {
    const { values } = (await metrics.getSingleMetric('notion_mirror_publish_batch_records')!.get()) as {
      values: { metricName?: string; value: number }[];
    };
    return values.find(({ metricName }) => metricName === 'notion_mirror_publish_batch_records_count')?.value ?? 0;
  };
  afterEach(() => publisher.stop());

  it('appends in the order of the calls, many records with one request', async () => {
    await open();
    const names = Array.from({ length: 3_000 }, (_, index) => `order-${index}`);
    await Promise.all(names.map((name, index) => publisher.publish(recordOf(name, `key-${index % 7}`))));
    const found = (await readAll(log.kafka, topics.events)).filter(({ headers }) => headers['name']?.startsWith('order-'));
    expect(found).toHaveLength(3_000);
    for (const partition of [0, 1, 2]) {
      const numbers = found.filter((record) => record.partition === partition).map(({ headers }) => Number(headers['name']?.slice(6)));
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
    expect(new Set(found.map(({ key, partition }) => `${key} ${partition}`)).size).toBe(7);
    expect(await batches()).toBeLessThan(20);
    expect(publisher.healthy()).toBe(true);
  });

  it('keeps key, value and headers as they are, and records without a key or a value', async () => {
    await open();
    await publisher.publish({
      topic: topics.deadLetters,
      key: Buffer.from([0, 255]),
      value: Buffer.from([1, 2]),
      headers: { name: 'bytes-1', ünïcode: '🗂️', raw: Buffer.from([104]) },
    });
    await publisher.publish({ topic: topics.deadLetters, key: null, value: null, headers: { name: 'bytes-2' } });
    const found = (await readAll(log.kafka, topics.deadLetters)).filter(({ headers }) => headers['name']?.startsWith('bytes-'));
    expect(found.map(({ value, headers }) => ({ value, headers }))).toEqual([
      { value: Buffer.from([1, 2]), headers: { name: 'bytes-1', ünïcode: '🗂️', raw: 'h' } },
      { value: null, headers: { name: 'bytes-2' } },
    ]);
  });

  it('refuses a record that is too large for its topic, and appends its neighbours', async () => {
    await open();
    const small = Array.from({ length: 20 }, (_, index) => recordOf(`neighbour-${index}`, 'a'));
    const large = recordOf('neighbour-large', 'a', 1_200_000);
    const records = [...small.slice(0, 10), large, ...small.slice(10)];
    const results = await Promise.all(records.map((record) => outcome(publisher.publish(record))));
    expect(results.filter((result) => result === 'refused')).toHaveLength(1);
    expect(results[10]).toBe('refused');
    expect(new Set(await namesOnTopic('neighbour-'))).toEqual(new Set(small.map(({ headers }) => headers['name'])));
  });

  it('refuses only that record when a whole batch is refused because of it', async () => {
    const strict = `${log.prefix}strict`;
    const admin = log.kafka.admin();
    await admin.connect();
    await createTopic(admin, { topic: strict, numPartitions: 1, configEntries: [{ name: 'max.message.bytes', value: '50000' }] });
    await admin.disconnect();
    await open();
    const records = Array.from({ length: 20 }, (_, index) => ({
      ...recordOf(`strict-${index}`, 'a', index === 10 ? 60_000 : 100),
      topic: strict,
    }));
    const results = await Promise.all(records.map((record) => outcome(publisher.publish(record))));
    expect(results).toEqual(records.map((_, index) => (index === 10 ? 'refused' : 'acknowledged')));
    expect(new Set(await namesOnTopic('strict-', strict)).size).toBe(19);
  });

  it('accepts a dead letter of nearly 2 MiB, and refuses a record too large for any topic', async () => {
    await open();
    await publisher.publish({ ...recordOf('huge-1', 'a', 2 * 1024 * 1024 - 1_000), topic: topics.deadLetters });
    expect(await outcome(publisher.publish(recordOf('huge-2', 'a', 5 * 1024 * 1024)))).toBe('refused');
  });

  it('refuses a record that cannot be encoded instead of failing its batch', async () => {
    await open();
    const broken = { ...recordOf('encoding-broken', 'a'), headers: { name: undefined } } as unknown as OutgoingRecord;
    const results = await Promise.all(
      [recordOf('encoding-1', 'a'), broken, recordOf('encoding-2', 'a')].map((record) => outcome(publisher.publish(record))),
    );
    expect(results).toEqual(['acknowledged', 'refused', 'acknowledged']);
  });

  it('refuses records when too many wait, by number and by bytes', async () => {
    await open({ maxWaiting: 5, maxWaitingBytes: 100_000 });
    const many = await Promise.all(Array.from({ length: 8 }, (_, index) => outcome(publisher.publish(recordOf(`full-${index}`, 'a')))));
    expect(many).toEqual([...Array.from({ length: 5 }, () => 'acknowledged'), 'full', 'full', 'full']);
    const large = await Promise.all([1, 2].map((index) => outcome(publisher.publish(recordOf(`full-large-${index}`, 'a', 60_000)))));
    expect(large).toEqual(['acknowledged', 'full']);
    expect(await outcome(publisher.publish(recordOf('full-after', 'a')))).toBe('acknowledged');
  });

  it('sends waiting records before it stops, and accepts no more', async () => {
    await open();
    const sent = Promise.all(Array.from({ length: 100 }, (_, index) => outcome(publisher.publish(recordOf(`stop-${index}`, 'a')))));
    const stopped = publisher.stop();
    expect(await outcome(publisher.publish(recordOf('stop-late', 'a')))).toBe('stopped');
    await stopped;
    expect(new Set(await sent)).toEqual(new Set(['acknowledged']));
    expect(await namesOnTopic('stop-')).toHaveLength(100);
  });

  it('does not create a topic', async () => {
    await open({ deadlineMs: 1_000 });
    const record = { ...recordOf('nowhere', 'a'), topic: `${log.prefix}nowhere` };
    expect(await outcome(publisher.publish(record))).toBe('deadline');
  });
});

describe('the publisher while the broker', () => {
  let proxy: Awaited<ReturnType<typeof kafkaBehindProxy>>;
  let publisher: Publisher;
  beforeAll(async () => {
    proxy = await kafkaBehindProxy(stack.kafkaBrokers);
  });
  afterEach(async () => {
    proxy.set('open');
    await publisher.stop();
    await until(() => proxy.connections() === 0);
  });
  afterAll(() => proxy.close());
  const open = async (deadlineMs: number) => {
    publisher = await createPublisher({ kafka: proxy.kafka, logger: silent, metrics: new Registry(), deadlineMs });
  };

  it.each(['closed', 'frozen'] as const)('is %s, rejects at the deadline, and recovers when it is back', async (mode) => {
    await open(1_500);
    await publisher.publish(recordOf(`${mode}-before`, 'a'));
    proxy.set(mode);
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, index) => outcome(publisher.publish(recordOf(`${mode}-during-${index}`, 'a')))),
    );
    expect(new Set(results)).toEqual(new Set(['deadline']));
    expect(publisher.healthy()).toBe(false);
    proxy.set('open');
    await until(() => publisher.healthy());
    expect(await outcome(publisher.publish(recordOf(`${mode}-after`, 'a')))).toBe('acknowledged');
  });

  it('is down for less than the deadline loses and rejects nothing', async () => {
    await open(5_000);
    proxy.set('closed');
    const results = Array.from({ length: 50 }, (_, index) => outcome(publisher.publish(recordOf(`short-${index}`, 'a'))));
    await until(() => !publisher.healthy());
    proxy.set('open');
    expect(new Set(await Promise.all(results))).toEqual(new Set(['acknowledged']));
    expect(new Set(await namesOnTopic('short-')).size).toBe(50);
  });

  it('is down at the start connects by itself later', async () => {
    proxy.set('closed');
    await open(300);
    expect(publisher.healthy()).toBe(false);
    proxy.set('open');
    await until(() => publisher.healthy());
    expect(await outcome(publisher.publish(recordOf('start-1', 'a')))).toBe('acknowledged');
  });

  it('accepts a batch but its answer is lost, never mistakes the next batch for that one', async () => {
    await open(500);
    await publisher.publish(recordOf('lost-0', 'a'));
    for (const round of [1, 2]) {
      proxy.set('mute');
      expect(await outcome(publisher.publish(recordOf(`lost-${round}-unheard`, 'a')))).toBe('deadline');
      // The silence outlasts the client's own retries; then the client reuses the sequence numbers of the lost batch.
      await delay(2_000);
      proxy.set('open');
      await until(() => publisher.healthy());
      expect(await outcome(publisher.publish(recordOf(`lost-${round}-after`, 'a')))).toBe('acknowledged');
    }
    const names = new Set(await namesOnTopic('lost-'));
    for (const round of [1, 2]) expect(names).toContain(`lost-${round}-after`);
    expect(names).toContain('lost-1-unheard');
  });

  it('is down does not keep it from stopping', async () => {
    await open(1_000);
    await publisher.publish(recordOf('stopping-0', 'a'));
    proxy.set('frozen');
    const result = outcome(publisher.publish(recordOf('stopping-1', 'a')));
    await publisher.stop();
    expect(await result).toBe('deadline');
  });
});
