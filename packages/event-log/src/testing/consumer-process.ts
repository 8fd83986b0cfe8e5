import { Registry } from '@notion-mirror/service-kit/metrics';
import { createKafka } from '../kafka-client.ts';
import { createLaneConsumer } from '../lanes/lane-consumer.ts';
import { silent } from './isolated-log.ts';

/** A consumer in its own process, to be killed. Prints one line for each record it has handled. */
const [brokers = '', groupId = '', topic = ''] = process.argv.slice(2);
const consumer = createLaneConsumer<string>({
  kafka: createKafka({ brokers: brokers.split(','), ssl: false, sasl: null, clientId: 'killed', logger: silent }),
  groupId,
  topic,
  logger: silent,
  metrics: new Registry(),
  limits: { sessionTimeoutMs: 6_000, commitIntervalMs: 100, perLane: 1 },
  route: (record) => ({ kind: 'work', task: String(record.value), item: String(record.value) }),
  async handle({ items }) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    for (const { item } of items) process.stdout.write(`${item}\n`);
    return { kind: 'done' };
  },
  deadLetter: async () => {},
});
await consumer.run();
