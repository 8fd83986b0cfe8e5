import { topicsFor } from '@notion-mirror/event-log/topics';
import kafkajs from 'kafkajs';
import type { Scenario } from '../scenario.ts';

const unknownSchema = Buffer.concat([Buffer.from([0, 0x7f, 0xff, 0xff, 0xff]), Buffer.from('what')]);

export const poison: Scenario = {
  name: 'poison-records',
  what: 'records on the log that are not Avro, name an unknown schema, hold wrong types or nothing: they become dead letters and delay nothing',
  async damage({ cluster, system, customers, between, expectDeadLetters }) {
    const { events } = topicsFor(system.env['MIRROR_TOPIC_PREFIX'] ?? '');
    const kafka = new kafkajs.Kafka({ brokers: cluster.direct.kafkaBrokers.split(','), logLevel: kafkajs.logLevel.NOTHING });
    const producer = kafka.producer();
    await producer.connect();
    const key = customers[0]?.workspaceId ?? '';
    // Our own event schema with an invalid body.
    const frame = Buffer.from([0, 0, 0, 0, 1]);
    const messages = [
      { key, value: Buffer.from('{"json":true}'), headers: { 'mirror-kind': 'sync' } },
      { key, value: Buffer.alloc(0), headers: { 'mirror-kind': 'delete' } },
      { key, value: null, headers: { 'mirror-kind': 'sync' } },
      { key: null, value: unknownSchema, headers: { 'mirror-kind': 'sync' } },
      { key, value: Buffer.concat([frame, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff])]), headers: { 'mirror-kind': 'sync', ce_id: 'x' } },
    ];
    for (const message of messages) {
      await between(200, 900);
      await producer.send({ topic: events, messages: [message] });
      expectDeadLetters(1);
    }
    await producer.disconnect();
  },
};
