import { isolatedLog } from '@notion-mirror/event-log/testing/isolated-log';
import type { StackAddresses } from '@notion-mirror/local-stack/stack';
import { startWatchdog, type Watchdog } from '@notion-mirror/local-stack/watchdog';
import { z } from 'zod';
import { runTask } from '../children.ts';
import { eventEncoder, eventRecord } from '../log-records.ts';
import type { Contender, Prepared, Scenario } from '../scenario.ts';

const partitions = 12;
const bareClients = ['kafkajs', 'platformatic'] as const;
const produced = z.object({ perSecond: z.number(), p50Ms: z.number(), p99Ms: z.number(), cpuMicroseconds: z.number() });
const consumed = z.object({ perSecond: z.number(), cpuMicroseconds: z.number() });

interface Log {
  /** Of every task. */
  readonly addresses: { readonly brokers: readonly string[]; readonly schemaRegistryUrl: string; readonly topicPrefix: string };
  readonly kafka: ReturnType<typeof isolatedLog>['kafka'];
  readonly watchdog: Watchdog;
}

/** What it costs to append to the log, all in-sync replicas, idempotent: the publisher of the ingress beside two bare clients. */
export const logAppends: Scenario = {
  name: 'log-appends',
  title: 'Records of 1.1 KB appended to the log (acks=all, idempotent), so many in flight',
  figures: [
    { name: 'sent', unit: '/s' },
    { name: 'p50', unit: 'ms' },
    { name: 'p99', unit: 'ms' },
    { name: 'CPU', unit: 'µs' },
  ],
  targets: [],
  plots: [{ kind: 'bars', figure: 'sent' }],
  prepare: (stack, quick) =>
    prepareWithLog(stack, async ({ addresses, watchdog }) => {
      const contender = (name: string, how: object, inFlight: number): Contender => ({
        name: `${name}, ${inFlight} in flight`,
        async measure() {
          const task = { ...addresses, ...how, inFlight, seconds: quick ? 0.5 : 4 };
          const { perSecond, p50Ms, p99Ms, cpuMicroseconds } = produced.parse(await runTask(watchdog, 'floors/kafka-produce.ts', task));
          return { sent: perSecond, p50: p50Ms, p99: p99Ms, CPU: cpuMicroseconds };
        },
      });
      return (quick ? [64] : [64, 256]).flatMap((inFlight) => [
        contender('publisher', { client: 'publisher', batched: true }, inFlight),
        ...bareClients.flatMap((client) => [
          contender(`${client}, batches of 2 ms`, { client, batched: true }, inFlight),
          contender(`${client}, one by one`, { client, batched: false }, inFlight),
        ]),
      ]);
    }),
};

/** What it costs to read the log: the lane consumer of the workers (lanes, order, bounds, commits of what is done) beside two bare clients. */
export const logReads: Scenario = {
  name: 'log-reads',
  title: 'Events of 1.1 KB read from the log and decoded',
  figures: [
    { name: 'read', unit: '/s' },
    { name: 'CPU', unit: 'µs' },
  ],
  targets: [],
  plots: [{ kind: 'bars', figure: 'read' }],
  prepare: (stack, quick) =>
    prepareWithLog(stack, async ({ addresses, kafka, watchdog }) => {
      const events = quick ? 2_000 : 100_000;
      await fill(kafka, addresses, events);
      return (['lane-consumer', ...bareClients] as const).map((client) => ({
        name: client === 'lane-consumer' ? 'lane consumer' : client,
        async measure() {
          const task = { ...addresses, client, events };
          const { perSecond, cpuMicroseconds } = consumed.parse(await runTask(watchdog, 'floors/kafka-consume.ts', task));
          return { read: perSecond, CPU: cpuMicroseconds };
        },
      }));
    }),
};

async function fill(kafka: Log['kafka'], addresses: Log['addresses'], events: number): Promise<void> {
  const encode = await eventEncoder(addresses);
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  for (let from = 0; from < events; from += 1_000) {
    const records = Array.from({ length: Math.min(1_000, events - from) }, (_, n) => eventRecord(encode, from + n));
    const topic = records[0]?.topic ?? '';
    await producer.send({ topic, messages: records.map(({ key, value, headers }) => ({ key, value, headers })) });
  }
  await producer.disconnect();
}

/** Topics and schemas of their own, as `mirror init` makes them; removed at the end. */
async function prepareWithLog(stack: StackAddresses, prepare: (log: Log) => Promise<Prepared['contenders']>): Promise<Prepared> {
  const resources = new AsyncDisposableStack();
  try {
    const watchdog = await startWatchdog();
    resources.defer(() => watchdog.close());
    const { prefix: topicPrefix, kafka, init, remove } = isolatedLog(stack);
    resources.defer(remove);
    await init(partitions);
    const { schemaRegistryUrl } = stack;
    const contenders = await prepare({
      addresses: { brokers: stack.kafkaBrokers.split(','), schemaRegistryUrl, topicPrefix },
      kafka,
      watchdog,
    });
    return { contenders, end: () => resources.disposeAsync() };
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}
