// Reads so many events from the beginning of the log and decodes them: by a bare client, or by the product's lane consumer with a handler that
// does nothing. In: a task as JSON on stdin. Out: what it measured, as JSON on stdout.
import { randomUUID } from 'node:crypto';
import { json } from 'node:stream/consumers';
import { createEventCodec } from '@notion-mirror/event-log/event-codec';
import { createEventRouting } from '@notion-mirror/event-log/event-routing';
import { createLaneConsumer } from '@notion-mirror/event-log/lanes/lane-consumer';
import { topicsFor } from '@notion-mirror/event-log/topics';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { databaseEventContract } from '@notion-mirror/schemas/contract';
import { createMetrics } from '@notion-mirror/service-kit/metrics';
import { Consumer, MessagesStreamModes } from '@platformatic/kafka';
import { z } from 'zod';
import { kafkaOf, silent } from '../bench-kafka.ts';

const task = z
  .object({
    brokers: z.array(z.string()),
    schemaRegistryUrl: z.url({ hostname: /^127\.0\.0\.1$/ }),
    topicPrefix: z.string(),
    client: z.enum(['kafkajs', 'platformatic', 'lane-consumer']),
    /** How many events lie on the log. */
    events: z.number().int().positive(),
  })
  .parse(await json(process.stdin));

const { events: topic, eventsSubject: subject } = topicsFor(task.topicPrefix);
const groupId = `${task.topicPrefix}bench-${randomUUID()}`;
const kafka = kafkaOf(task.brokers);
const { type: avro } = databaseEventContract().latest;
/** A zero and the schema's id come before the value. */
const frameBytes = 5;

const all = Promise.withResolvers<void>();
let handled = 0;
function done(count: number): void {
  handled += count;
  if (handled >= task.events) all.resolve();
}

/** The clock starts with the first record: how long it takes to join a group is the broker's setting. */
let started: { readonly at: number; readonly cpu: NodeJS.CpuUsage } | null = null;
function start(): void {
  started ??= { at: performance.now(), cpu: process.cpuUsage() };
}

/** Resolves to what ends it. */
async function laneConsumer(): Promise<() => Promise<void>> {
  const codec = await createEventCodec({ schemaRegistry: { url: task.schemaRegistryUrl, username: null, password: null }, subject });
  const route = createEventRouting(codec, 'sync');
  const consumer = createLaneConsumer<DatabaseEvent>({
    kafka,
    groupId,
    topic,
    logger: silent,
    metrics: createMetrics('bench'),
    route(record) {
      start();
      return route(record);
    },
    async handle({ items }) {
      done(items.length);
      return { kind: 'done' };
    },
    async deadLetter(_, failure) {
      all.reject(new Error(failure.message));
    },
  });
  consumer.onFatal(all.reject);
  await consumer.run();
  return () => consumer.stop({ deadlineMs: 5_000 });
}

async function kafkajs(): Promise<() => Promise<void>> {
  const consumer = kafka.consumer({ groupId });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    async eachBatch({ batch: { messages } }) {
      start();
      for (const { value } of messages) if (value !== null) avro.fromBuffer(value.subarray(frameBytes));
      done(messages.length);
    },
  });
  return () => consumer.disconnect();
}

async function platformatic(): Promise<() => Promise<void>> {
  const consumer = new Consumer({ clientId: 'bench', groupId, bootstrapBrokers: task.brokers, autocommit: 1_000, maxWaitTime: 100 });
  const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST });
  stream.on('error', all.reject);
  stream.on('data', ({ value }) => {
    start();
    avro.fromBuffer(value.subarray(frameBytes));
    done(1);
  });
  return async () => {
    await stream.close();
    await consumer.close();
  };
}

const end = await { kafkajs, platformatic, 'lane-consumer': laneConsumer }[task.client]();
await all.promise;
if (started === null) throw new Error('nothing was read');
const { at, cpu } = started as { readonly at: number; readonly cpu: NodeJS.CpuUsage };
const seconds = (performance.now() - at) / 1_000;
const { user, system } = process.cpuUsage(cpu);
await end();
process.stdout.write(JSON.stringify({ perSecond: handled / seconds, cpuMicroseconds: (user + system) / handled }));
