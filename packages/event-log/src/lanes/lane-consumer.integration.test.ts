import { tracingOff } from '@notion-mirror/service-kit/tracing/tracing';
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { Registry } from '@notion-mirror/service-kit/metrics';
import type { Kafka } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createDeadLetterSink } from '../dead-letter-sink.ts';
import { createEventCodec } from '../event-codec.ts';
import { toRecord, type OutgoingRecord } from '../event-record.ts';
import { createEventRouting } from '../event-routing.ts';
import { createLaneConsumer, type ConsumerLimits, type LaneConsumer, type Outcome, type Work } from './lane-consumer.ts';
import { createPublisher, type Publisher } from '../publisher.ts';
import { registerSchemas } from '../register-schemas.ts';
import { kafkaBehindProxy } from '../testing/broker-proxy.ts';
import { createTopic, eventOf, isolatedLog, readAll, silent, until } from '../testing/isolated-log.ts';
import { createTopics, topicsFor } from '../topics.ts';

const stack = inject('stack');
const log = isolatedLog(stack);
const admin = log.kafka.admin();
let publisher: Publisher;

beforeAll(async () => {
  await admin.connect();
  publisher = await createPublisher({ kafka: log.kafka, logger: silent, metrics: new Registry(), deadlineMs: 10_000 });
});
afterAll(async () => {
  await publisher.stop();
  await admin.disconnect();
  await log.remove();
});

let topicCount = 0;
async function newTopic(partitions: number): Promise<{ topic: string; groupId: string }> {
  topicCount += 1;
  const topic = `${log.prefix}topic-${topicCount}`;
  await createTopic(admin, { topic, numPartitions: partitions, replicationFactor: 1 });
  return { topic, groupId: `${topic}.group` };
}

/** Records named `<beginning>-<number>` of `lane`; the task of each is its name, unless `task` is given. */
async function produce(
  topic: string,
  beginning: string,
  count: number,
  options: { lane?: (index: number) => string; bytes?: number } = {},
): Promise<string[]> {
  const { lane = () => 'acme', bytes = 0 } = options;
  const names = Array.from({ length: count }, (_, index) => `${beginning}-${index}`);
  await Promise.all(
    names.map((name, index) => publisher.publish({ topic, key: lane(index), value: Buffer.from(name.padEnd(bytes, ' ')), headers: {} })),
  );
  return names;
}

const committed = async (groupId: string, topic: string): Promise<number[]> => {
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
  return (found?.partitions ?? []).toSorted((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset));
};
const ends = async (topic: string): Promise<number[]> =>
  (await admin.fetchTopicOffsets(topic)).toSorted((a, b) => a.partition - b.partition).map(({ high }) => Number(high));

interface Member {
  readonly consumer: LaneConsumer;
  readonly handled: string[];
  readonly metric: (name: string, labels?: Record<string, string>) => Promise<number>;
}

function member(
  place: { topic: string; groupId: string },
  options: {
    handle?: (work: Work<string>) => Promise<Outcome>;
    deadLetter?: Parameters<typeof createLaneConsumer>[0]['deadLetter'];
    beforeCommit?: () => Promise<void>;
    prepare?: (owned: ((key: string) => boolean) | null) => Promise<void>;
    limits?: ConsumerLimits;
    kafka?: Kafka;
  } = {},
): Member {
  const handled: string[] = [];
  const metrics = new Registry();
  const consumer = createLaneConsumer<string>({
    kafka: options.kafka ?? log.kafka,
    ...place,
    logger: silent,
    metrics,
    limits: { sessionTimeoutMs: 6_000, commitIntervalMs: 100, ...options.limits },
    route(record) {
      const name = String(record.value).trim();
      return { kind: 'work', task: name, item: name };
    },
    async handle(work) {
      const outcome = (await options.handle?.(work)) ?? { kind: 'done' };
      if (outcome.kind === 'done') handled.push(...work.items.map(({ item }) => item));
      return outcome;
    },
    deadLetter: options.deadLetter ?? (async () => {}),
    ...(options.beforeCommit === undefined ? {} : { beforeCommit: options.beforeCommit }),
    ...(options.prepare === undefined ? {} : { prepare: options.prepare }),
  });
  return {
    consumer,
    handled,
    async metric(name, labels = {}) {
      const found = (await metrics.getSingleMetric(`notion_mirror_${name}`)?.get()) as
        | { values: { value: number; labels: Record<string, string | number> }[] }
        | undefined;
      const matching =
        found?.values.filter((value) => Object.entries(labels).every(([label, wanted]) => String(value.labels[label]) === wanted)) ?? [];
      return matching.reduce((sum, { value }) => sum + value, 0);
    },
  };
}

const failure = { class: 'dependency', code: 'because', message: 'the test says so' } as const;
const byId = (all: readonly DatabaseEvent[]) => all.toSorted((a, b) => a.eventId.localeCompare(b.eventId));
/** The lane of the n-th record: this many tenants take turns. */
const tenants = (count: number) => (index: number) => `tenant-${index % count}`;
const never = new Promise<never>(() => {});

describe('the lane consumer', () => {
  it('carries events from the publisher to the handler, each group its kind, and commits to the end', async () => {
    const prefix = `${log.prefix}whole.`;
    const { events, deadLetters, eventsSubject: subject } = topicsFor(prefix);
    const { schemaRegistry } = log;
    await createTopics(log.kafka, prefix, { partitions: 3, replicationFactor: 1, retentionMs: 86_400_000 }, []);
    await registerSchemas({ schemaRegistry, subject });
    const codec = await createEventCodec({ schemaRegistry, subject });
    const sent = Array.from({ length: 300 }, (_, index) =>
      eventOf({ workspaceId: `tenant-${index % 20}`, databaseId: `database-${index % 50}`, kind: index % 10 === 0 ? 'delete' : 'sync' }),
    );
    const poison: OutgoingRecord = {
      topic: events,
      key: 'tenant-1',
      value: Buffer.from('not avro'),
      headers: { ce_id: 'poison', 'mirror-kind': 'sync' },
    };
    await Promise.all([...sent.map((event) => publisher.publish(toRecord({ topic: events, event, codec }))), publisher.publish(poison)]);

    const run = async (kind: 'sync' | 'delete') => {
      const got: DatabaseEvent[] = [];
      const groupId = `${prefix}${kind}`;
      const consumer = createLaneConsumer<DatabaseEvent>({
        kafka: log.kafka,
        groupId,
        topic: events,
        logger: silent,
        metrics: new Registry(),
        limits: { commitIntervalMs: 100 },
        route: createEventRouting(codec, kind),
        async handle({ items }) {
          got.push(...items.map(({ item }) => item));
          return { kind: 'done' };
        },
        deadLetter: createDeadLetterSink({
          publisher,
          topic: deadLetters,
          service: 'test',
          group: groupId,
          tracing: tracingOff,
          logger: silent,
        }),
      });
      await consumer.run();
      await until(async () => expect(await committed(groupId, events)).toEqual(await ends(events)));
      await consumer.stop({ deadlineMs: 5_000 });
      return got;
    };
    const [synced, deleted] = await Promise.all([run('sync'), run('delete')]);
    expect(byId(synced)).toEqual(byId(sent.filter(({ kind }) => kind === 'sync')));
    expect(byId(deleted)).toEqual(byId(sent.filter(({ kind }) => kind === 'delete')));
    expect(await readAll(log.kafka, deadLetters)).toMatchObject([
      {
        key: 'tenant-1',
        value: Buffer.from('not avro'),
        headers: { ce_id: 'poison', 'dlq.error.code': 'not_framed', 'dlq.original.topic': events },
      },
    ]);
  });

  it('does not commit past a record whose dead letter is not durable', async () => {
    const place = await newTopic(1);
    const durable = Promise.withResolvers<void>();
    const { consumer, handled } = member(place, {
      handle: async ({ task }) => (task === 'record-3' ? { kind: 'dead', failure } : { kind: 'done' }),
      deadLetter: () => durable.promise,
    });
    await produce(place.topic, 'record', 10);
    await consumer.run();
    await until(() => handled.length === 9);
    await until(async () => expect(await committed(place.groupId, place.topic)).toEqual([3]));
    durable.resolve();
    await until(async () => expect(await committed(place.groupId, place.topic)).toEqual([10]));
    await consumer.stop({ deadlineMs: 5_000 });
  });

  it('commits only work that finished before beforeCommit was called, and waits a second for one that never ends', async () => {
    const place = await newTopic(1);
    const telling: PromiseWithResolvers<void>[] = [];
    const { consumer, handled } = member(place, {
      beforeCommit() {
        telling.push(Promise.withResolvers());
        return telling.at(-1)?.promise ?? Promise.resolve();
      },
    });
    await produce(place.topic, 'early', 3);
    await consumer.run();
    await until(() => telling.length === 1);
    const flushed = handled.length;
    expect(flushed).toBeGreaterThan(0);
    await produce(place.topic, 'late', 5);
    await until(() => handled.length === 8);
    expect(await committed(place.groupId, place.topic)).toEqual([-1]);
    telling[0]?.resolve();
    await until(async () => expect((await committed(place.groupId, place.topic))[0]).toBeGreaterThanOrEqual(flushed));
    expect(await committed(place.groupId, place.topic)).toEqual([flushed]);
    // The second one never ends.
    await until(async () => expect(await committed(place.groupId, place.topic)).toEqual([8]));
    expect(telling).toHaveLength(2);
    await consumer.stop({ deadlineMs: 5_000 });
  });

  it('does not delay a tenant because of a throttled one on the same partition, which holds no slot', async () => {
    const place = await newTopic(1);
    const { consumer, handled, metric } = member(place, {
      limits: { perLane: 1, total: 1 },
      handle: async ({ lane }) =>
        lane === 'throttled' ? { kind: 'retry', at: Date.now() + 60_000, scope: 'lane', failure } : { kind: 'done' },
    });
    await consumer.run();
    await produce(place.topic, 'throttled', 500, { lane: () => 'throttled' });
    const quiet = await produce(place.topic, 'quiet', 20, { lane: () => 'quiet' });
    await until(() => handled.length === 20);
    expect(new Set(handled)).toEqual(new Set(quiet));
    await until(async () => expect(await metric('waiting_records')).toBe(500));
    expect(await metric('running_handlers')).toBe(0);
    expect(await metric('lag_records', { partition: '0' })).toBe(520);
    expect(await metric('lag_seconds', { partition: '0' })).toBeGreaterThan(0);
    await consumer.stop({ deadlineMs: 5_000 });
    // Nothing of the throttled tenant is finished, so nothing behind it is committed: a successor reads it all.
    const successor = member(place);
    await successor.consumer.run();
    await until(() => successor.handled.length === 520);
    await successor.consumer.stop({ deadlineMs: 5_000 });
  });

  it('loses nothing when members join and leave, and ends with everything committed', async () => {
    const place = await newTopic(6);
    const slow = {
      handle: async (): Promise<Outcome> => new Promise((resolve) => setTimeout(() => resolve({ kind: 'done' }), 3)),
      limits: { perLane: 1 },
    };
    const members = [member(place, slow), member(place, slow), member(place, slow)];
    const [first, second, third] = members as [Member, Member, Member];
    const all = () => new Set(members.flatMap(({ handled }) => handled));
    const lane = tenants(40);
    await first.consumer.run();
    const names = await produce(place.topic, 'early', 1_500, { lane });
    await until(() => first.handled.length > 100);
    await Promise.all([second.consumer.run(), third.consumer.run()]);
    names.push(...(await produce(place.topic, 'middle', 1_500, { lane })));
    await until(() => second.handled.length > 100 && third.handled.length > 100);
    await first.consumer.stop({ deadlineMs: 5_000 });
    names.push(...(await produce(place.topic, 'late', 500, { lane })));
    await until(() => expect(all()).toEqual(new Set(names)));
    await until(async () => expect(await committed(place.groupId, place.topic)).toEqual(await ends(place.topic)));
    expect(await second.metric('rebalances_total')).toBeGreaterThan(1);
    await Promise.all([second, third].map(({ consumer }) => consumer.stop({ deadlineMs: 5_000 })));
    // Everything was committed: a successor has nothing to do.
    const successor = member(place);
    await successor.consumer.run();
    const [one] = await produce(place.topic, 'afterwards', 1);
    await until(() => successor.handled.length > 0);
    expect(successor.handled).toEqual([one]);
    await successor.consumer.stop({ deadlineMs: 5_000 });
  });

  const names = Array.from({ length: 20 }, (_, index) => `tenant-${index}`);
  const owned = (consumer: LaneConsumer) => names.filter((name) => consumer.owns(name));

  it('takes no record before it is prepared for its partitions, and owns no tenant of them', async () => {
    const place = await newTopic(4);
    await produce(place.topic, 'record', 20, { lane: tenants(20) });
    const asked: (string[] | null)[] = [];
    const answers: (() => Promise<void>)[] = [() => Promise.reject(new Error('not yet')), () => prepared.promise];
    const prepared = Promise.withResolvers<void>();
    const options = {
      prepare(isOwned: ((key: string) => boolean) | null) {
        asked.push(isOwned === null ? null : names.filter(isOwned));
        return answers.shift()?.() ?? Promise.resolve();
      },
    };
    const { consumer, handled } = member(place, options);
    const others: Member[] = [];
    try {
      await consumer.run();
      await until(() => asked.length === 2);
      expect([handled, owned(consumer), asked]).toEqual([[], [], [names, names]]);
      prepared.resolve();
      await until(() => handled.length === 20);
      expect(owned(consumer)).toEqual(names);
      // Each member is prepared for the tenants that it owns, and one that gets no partition for none.
      for (let other = 0; other < 4; other += 1) {
        others.push(member(place));
        await others.at(-1)?.consumer.run();
      }
      await until(() => [consumer, ...others.map((one) => one.consumer)].flatMap((one) => one.state().partitions).length === 4);
      await until(() => JSON.stringify(asked.at(-1)) === JSON.stringify(consumer.state().partitions.length === 0 ? null : owned(consumer)));
      expect(asked.at(-1)?.length ?? 0).toBeLessThan(20);
    } finally {
      await Promise.all([consumer, ...others.map((one) => one.consumer)].map((one) => one.stop({ deadlineMs: 3_000 })));
    }
  });

  it('is prepared again when partitions are added, since tenants move then', async () => {
    const place = await newTopic(1);
    const asked: string[][] = [];
    const { consumer } = member(place, {
      async prepare(isOwned) {
        asked.push(names.filter((name) => isOwned?.(name) === true));
      },
    });
    try {
      await consumer.run();
      await until(() => asked.length === 1);
      await admin.createPartitions({ topicPartitions: [{ topic: place.topic, count: 4 }] });
      await until(() => asked.length > 1, 60_000);
      expect(owned(consumer)).toEqual(asked.at(-1));
    } finally {
      await consumer.stop({ deadlineMs: 3_000 });
    }
  });

  it('stops: running work may end, waiting work is left to a successor, finished work is committed', async () => {
    const place = await newTopic(1);
    const started = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const { consumer, handled } = member(place, {
      limits: { perLane: 2, commitIntervalMs: 60_000 },
      handle: async ({ task }) => {
        if (task === 'record-4') {
          started.resolve();
          await gate.promise;
        }
        return { kind: 'done' };
      },
    });
    await produce(place.topic, 'record', 5);
    await consumer.run();
    await started.promise;
    await until(() => handled.length === 4);
    expect(consumer.ready().ok).toBe(true);
    const stopped = consumer.stop({ deadlineMs: 8_000 });
    expect(consumer.ready().ok).toBe(false);
    gate.resolve();
    await stopped;
    expect(handled).toHaveLength(5);
    expect(await committed(place.groupId, place.topic)).toEqual([5]);
  });

  it.each<[string, (signal: AbortSignal) => Promise<Outcome>]>([
    [
      'heeds the signal',
      (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        }),
    ],
    ['heeds nothing', () => never],
  ])('stops at the deadline when work %s, and does not commit it', async (_, block) => {
    const place = await newTopic(1);
    const started = Promise.withResolvers<void>();
    const { consumer } = member(place, {
      handle: async ({ task, signal }) => {
        if (task !== 'record-2') return { kind: 'done' };
        started.resolve();
        return block(signal);
      },
    });
    await produce(place.topic, 'record', 5);
    await consumer.run();
    await started.promise;
    // It never ends: stopping waits for it until the deadline only.
    await consumer.stop({ deadlineMs: 2_000 });
    expect(await committed(place.groupId, place.topic)).toEqual([2]);
  });

  it('can be stopped at any moment while it starts, and leaves nothing behind', async () => {
    const place = await newTopic(1);
    const proxy = await kafkaBehindProxy(stack.kafkaBrokers);
    for (const milliseconds of [0, 1, 2, 4, 6, 8, 10, 15, 20, 30]) {
      const { consumer } = member(place, { kafka: proxy.kafka });
      const running = consumer.run();
      await delay(milliseconds);
      await consumer.stop({ deadlineMs: 8_000 });
      await running;
    }
    // A start that continued after the stop would join now and stay.
    await delay(1_000);
    expect(proxy.connections()).toBe(0);
    const { groups } = await admin.describeGroups([place.groupId]);
    expect(groups.flatMap(({ members }) => members)).toEqual([]);
    proxy.close();
  });

  it('waits for a broker that is not up yet', async () => {
    const place = await newTopic(1);
    const proxy = await kafkaBehindProxy(stack.kafkaBrokers);
    proxy.set('closed');
    const { consumer, handled } = member(place, { kafka: proxy.kafka });
    const running = consumer.run();
    await produce(place.topic, 'record', 3);
    expect(consumer.ready().ok).toBe(false);
    proxy.set('open');
    await running;
    expect(consumer.ready().ok).toBe(true);
    await until(() => handled.length === 3);
    await consumer.stop({ deadlineMs: 5_000 });
    proxy.close();
  });

  it('continues behind records that retention has removed, and counts them', async () => {
    const place = await newTopic(1);
    const first = member(place);
    await produce(place.topic, 'record', 10);
    await first.consumer.run();
    await until(() => first.handled.length === 10);
    await first.consumer.stop({ deadlineMs: 5_000 });
    await produce(place.topic, 'lost', 10);
    // The client knows the partition's leader from this call on, and only that one.
    await admin.fetchTopicOffsets(place.topic);
    await admin.deleteTopicRecords({ topic: place.topic, partitions: [{ partition: 0, offset: '20' }] });
    const kept = await produce(place.topic, 'kept', 5);
    const second = member(place);
    await second.consumer.run();
    await until(() => second.handled.length === 5);
    expect(new Set(second.handled)).toEqual(new Set(kept));
    expect(await second.metric('skipped_offsets_total')).toBe(10);
    await second.consumer.stop({ deadlineMs: 5_000 });
  });

  it('continues behind records that were removed while it was paused', async () => {
    const place = await newTopic(1);
    const gate = Promise.withResolvers<void>();
    const { consumer, handled, metric } = member(place, {
      limits: { maxRecords: 1 },
      handle: async ({ task }) => {
        if (task === 'first-0') await gate.promise;
        return { kind: 'done' };
      },
    });
    await consumer.run();
    await produce(place.topic, 'first', 1);
    await until(async () => expect(await metric('paused_partitions')).toBe(1));
    await produce(place.topic, 'lost', 10);
    await admin.fetchTopicOffsets(place.topic);
    await admin.deleteTopicRecords({ topic: place.topic, partitions: [{ partition: 0, offset: '11' }] });
    const kept = await produce(place.topic, 'kept', 5);
    gate.resolve();
    await until(() => expect(new Set(handled)).toEqual(new Set(['first-0', ...kept])));
    expect(await metric('skipped_offsets_total')).toBe(10);
    await until(async () => expect(await committed(place.groupId, place.topic)).toEqual([16]));
    await consumer.stop({ deadlineMs: 5_000 });
  });

  it('names the command that creates a missing topic', async () => {
    const { consumer } = member({ topic: `${log.prefix}nowhere`, groupId: `${log.prefix}no-group` });
    await expect(consumer.run()).rejects.toThrow('run `mirror init`');
    await consumer.stop({ deadlineMs: 2_000 });
  });
});

// Each of these waits for the session of a dead member to expire, or keeps its own member waiting.
describe.concurrent('the lane consumer, over a longer time,', () => {
  it('repeats work that a killed member had not committed, and skips nothing', async () => {
    const place = await newTopic(3);
    const names = await produce(place.topic, 'record', 3_000, { lane: tenants(30) });
    const script = fileURLToPath(new URL('../testing/consumer-process.ts', import.meta.url));
    const killed = spawn(process.execPath, [script, stack.kafkaBrokers, place.groupId, place.topic], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    killed.stdout.on('data', (chunk) => {
      output += String(chunk);
    });
    await until(() => output.split('\n').length > 500);
    const dead = new Promise((resolve) => {
      killed.on('exit', resolve);
    });
    killed.kill('SIGKILL');
    await dead;
    const before = output.split('\n').slice(0, -1);
    expect(before.length).toBeLessThan(3_000);
    const { consumer, handled } = member(place);
    await consumer.run();
    await until(() => expect(new Set([...before, ...handled])).toEqual(new Set(names)));
    await until(async () => expect(await committed(place.groupId, place.topic)).toEqual(await ends(place.topic)));
    await consumer.stop({ deadlineMs: 5_000 });
  });

  it('pauses a partition at the bound, stays in the group meanwhile, and resumes', async () => {
    const place = await newTopic(2);
    const gate = Promise.withResolvers<void>();
    const { consumer, handled, metric } = member(place, {
      // Room for one more fetch between the pause, at four fifths, and the bound, at which every partition would be paused.
      limits: { maxBytes: 8 * 1024 * 1024, perLane: 1, total: 1_000 },
      handle: async ({ lane }) => {
        if (lane === 'blocked') await gate.promise;
        return { kind: 'done' };
      },
    });
    await consumer.run();
    const blocked = await produce(place.topic, 'blocked', 100, { lane: () => 'blocked', bytes: 100_000 });
    await until(async () => expect(await metric('paused_partitions')).toBe(1));
    // Four fifths of the bound, and at most one fetch: 1 MiB for a partition.
    expect(await metric('waiting_records')).toBeLessThan(80);
    // The other partition is still read. (The key decides; one of these is on it.)
    const others = await produce(place.topic, 'other', 30, { lane: tenants(30) });
    await until(() => handled.length > 0);
    const joins = await metric('rebalances_total');
    await delay(8_000);
    expect(await metric('rebalances_total')).toBe(joins);
    expect(consumer.live()).toMatchObject({ ok: true });
    gate.resolve();
    await until(() => expect(new Set(handled)).toEqual(new Set([...blocked, ...others])));
    await until(async () => expect(await metric('paused_partitions')).toBe(0));
    await consumer.stop({ deadlineMs: 5_000 });
  });

  it('recovers by itself after an outage of the broker, and loses nothing', async () => {
    const place = await newTopic(2);
    const proxy = await kafkaBehindProxy(stack.kafkaBrokers);
    const { consumer, handled, metric } = member(place, { kafka: proxy.kafka });
    const fatal: Error[] = [];
    consumer.onFatal((error) => fatal.push(error));
    const lane = tenants(10);
    const names = await produce(place.topic, 'before', 50, { lane });
    await consumer.run();
    await until(() => handled.length === 50);
    for (const mode of ['closed', 'frozen'] as const) {
      const crashes = await metric('consumer_crashes_total');
      proxy.set(mode);
      names.push(...(await produce(place.topic, mode, 50, { lane })));
      await until(async () => (await metric('consumer_crashes_total')) > crashes);
      proxy.set('open');
      await until(() => expect(new Set(handled)).toEqual(new Set(names)));
    }
    await until(async () => expect(await committed(place.groupId, place.topic)).toEqual(await ends(place.topic)));
    expect(fatal).toEqual([]);
    expect(consumer.live()).toMatchObject({ ok: true });
    await consumer.stop({ deadlineMs: 5_000 });
    proxy.close();
  });

  it('rejoins when its commits go to a broker that is no longer the coordinator', async () => {
    const place = await newTopic(2);
    const proxy = await kafkaBehindProxy(stack.kafkaBrokers);
    const { consumer, handled, metric } = member(place, { kafka: proxy.kafka, limits: { commitsFailForMs: 1_000 } });
    await produce(place.topic, 'before', 10, { lane: tenants(4) });
    await consumer.run();
    await until(async () => expect(await committed(place.groupId, place.topic)).toEqual(await ends(place.topic)));
    // Heartbeats and fetches continue all the time.
    proxy.set('foreign');
    const names = await produce(place.topic, 'after', 10, { lane: tenants(4) });
    await until(() => expect(handled).toEqual(expect.arrayContaining(names)));
    await until(async () => (await metric('consumer_crashes_total')) > 0);
    proxy.set('open');
    await until(async () => expect(await committed(place.groupId, place.topic)).toEqual(await ends(place.topic)));
    expect(consumer.live()).toMatchObject({ ok: true });
    await consumer.stop({ deadlineMs: 5_000 });
    proxy.close();
  });

  it('reports that it cannot continue when the topic is deleted', async () => {
    const place = await newTopic(1);
    const { consumer, handled } = member(place);
    const fatal = Promise.withResolvers<Error>();
    consumer.onFatal(fatal.resolve);
    await produce(place.topic, 'record', 1);
    await consumer.run();
    await until(() => handled.length === 1);
    await admin.deleteTopics({ topics: [place.topic] });
    expect((await fatal.promise).message).toContain('run `mirror init`');
    expect(consumer.live().ok).toBe(false);
    await consumer.stop({ deadlineMs: 2_000 });
  });
});
