import { randomUUID } from 'node:crypto';
import { deadLetterRecord } from '@notion-mirror/event-log/dead-letters';
import { createKafka } from '@notion-mirror/event-log/kafka-client';
import { createPublisher } from '@notion-mirror/event-log/publisher';
import { readAll, silent } from '@notion-mirror/event-log/testing/isolated-log';
import { topicsFor } from '@notion-mirror/event-log/topics';
import { Registry } from '@notion-mirror/service-kit/metrics';

/**
 * Writes a dead letter for `many` of the events on the log, as a worker that could not handle them would have. Redriven, they are handled. For tests. `env`: of
 * the system's processes. Throws when there are fewer events.
 */
export async function buryEvents(env: Readonly<Record<string, string>>, many: number, code: string): Promise<void> {
  const brokers = (env['MIRROR_KAFKA_BROKERS'] ?? '').split(',');
  const kafka = createKafka({ brokers, ssl: false, sasl: null, clientId: `test-${randomUUID().slice(0, 8)}`, logger: silent });
  const topics = topicsFor(env['MIRROR_TOPIC_PREFIX'] ?? '');
  const events = await readAll(kafka, topics.events);
  if (events.length < many) throw new Error(`there are ${events.length} events, and not ${many}`);
  const publisher = await createPublisher({ kafka, logger: silent, metrics: new Registry(), deadlineMs: 30_000 });
  const failure = { class: 'poison', code, message: 'the schema is not known' } as const;
  for (const { partition, offset, key, value, headers } of events.slice(0, many)) {
    const failedAt = new Date();
    const record = {
      topic: topics.events,
      partition,
      offset: BigInt(offset),
      timestamp: failedAt.getTime(),
      key: key === null ? null : Buffer.from(key),
      value,
      headers,
    };
    const about = { attempts: 1, firstFailedAt: failedAt, failedAt, service: 'sync-worker', group: 'sync-worker' };
    await publisher.publish(deadLetterRecord({ topic: topics.deadLetters, record, failure, ...about }));
  }
  await publisher.stop();
}
