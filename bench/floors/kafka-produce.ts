// Appends records to the log, so many in flight, each sent as soon as one before it is acknowledged by all in-sync replicas: by a bare client, one
// record a request or those of 2 ms together, or by the product's own publisher. In: a task as JSON on stdin. Out: what it measured, as JSON on stdout.
import { json } from 'node:stream/consumers';
import type { OutgoingRecord } from '@notion-mirror/event-log/log-record';
import { createPublisher } from '@notion-mirror/event-log/publisher';
import { createStablePartitioner } from '@notion-mirror/event-log/stable-partitioner';
import { createMetrics } from '@notion-mirror/service-kit/metrics';
import { ProduceAcks, Producer } from '@platformatic/kafka';
import { z } from 'zod';
import { kafkaOf, silent } from '../bench-kafka.ts';
import { eventEncoder, eventRecord } from '../log-records.ts';
import { percentile } from '../statistics.ts';

const task = z
  .object({
    brokers: z.array(z.string()),
    schemaRegistryUrl: z.url({ hostname: /^127\.0\.0\.1$/ }),
    topicPrefix: z.string(),
    client: z.enum(['kafkajs', 'platformatic', 'publisher']),
    /** The bare clients: those of 2 ms in one request. The publisher has a rule of its own. */
    batched: z.boolean(),
    inFlight: z.number().int().max(4_096),
    seconds: z.number().max(600),
  })
  .parse(await json(process.stdin));

const batchMs = 2;

interface Appender {
  append(record: OutgoingRecord): Promise<void>;
  close(): Promise<void>;
}

async function publisher(): Promise<Appender> {
  const opened = await createPublisher({ kafka: kafkaOf(task.brokers), logger: silent, metrics: createMetrics('bench') });
  return { append: (record) => opened.publish(record), close: () => opened.stop() };
}

async function kafkajs(): Promise<Appender> {
  const producer = kafkaOf(task.brokers).producer({
    createPartitioner: createStablePartitioner,
    allowAutoTopicCreation: false,
    idempotent: true,
  });
  await producer.connect();
  return {
    append: batching(async (records) => {
      const [{ topic }] = records;
      await producer.send({ topic, acks: -1, messages: records.map(({ key, value, headers }) => ({ key, value, headers })) });
    }),
    close: () => producer.disconnect(),
  };
}

async function platformatic(): Promise<Appender> {
  const producer = new Producer({ clientId: 'bench', bootstrapBrokers: task.brokers, idempotent: true, autocreateTopics: false });
  return {
    append: batching(async (records) => {
      const messages = records.map(({ topic, key, value, headers }) => ({
        topic,
        key: Buffer.from(key ?? ''),
        value,
        headers: new Map(Object.entries(headers).map(([name, header]) => [Buffer.from(name), Buffer.from(header)])),
      }));
      await producer.send({ messages, acks: ProduceAcks.ALL });
    }),
    close: () => producer.close(),
  };
}

type Records = [OutgoingRecord, ...OutgoingRecord[]];

/** Every record gets the answer of the request that it is in. */
function batching(send: (records: Records) => Promise<void>): Appender['append'] {
  if (!task.batched) return (record) => send([record]);
  let waiting: { readonly records: Records; readonly sent: Promise<void> } | null = null;
  return (record) => {
    if (waiting === null) {
      const records: Records = [record];
      const { promise, resolve } = Promise.withResolvers<void>();
      setTimeout(() => {
        waiting = null;
        resolve(send(records));
      }, batchMs);
      waiting = { records, sent: promise };
    } else waiting.records.push(record);
    return waiting.sent;
  };
}

const appender = await { kafkajs, platformatic, publisher }[task.client]();
const encode = await eventEncoder(task);
// Encoded before the clock starts: what is measured is the log.
const records = Array.from({ length: 2_000 }, (_, n) => eventRecord(encode, n));

/** Milliseconds that each record took. */
async function appendFor(seconds: number): Promise<number[]> {
  const until = performance.now() + seconds * 1_000;
  const latencies: number[] = [];
  let next = 0;
  async function appendSome(): Promise<void> {
    for (;;) {
      const began = performance.now();
      const record = records[next % records.length];
      if (began > until || record === undefined) return;
      next += 1;
      await appender.append(record);
      latencies.push(performance.now() - began);
    }
  }
  await Promise.all(Array.from({ length: task.inFlight }, appendSome));
  return latencies;
}

await appendFor(task.seconds / 3);
const cpuBefore = process.cpuUsage();
const began = performance.now();
const latencies = await appendFor(task.seconds);
const seconds = (performance.now() - began) / 1_000;
const { user, system } = process.cpuUsage(cpuBefore);
await appender.close();
process.stdout.write(
  JSON.stringify({
    perSecond: latencies.length / seconds,
    p50Ms: percentile(latencies, 50),
    p99Ms: percentile(latencies, 99),
    cpuMicroseconds: (user + system) / latencies.length,
  }),
);
