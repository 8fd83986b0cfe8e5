import type { Logger } from '@notion-mirror/service-kit/logger';
import { deadLetterRecord } from './dead-letters.ts';
import type { DeadLetter } from './lane-scheduler.ts';
import type { Publisher } from './publisher.ts';

/** Where a worker's consumer puts what can never succeed: the dead-letter topic, and a log line that says so. */
export function createDeadLetterSink(deps: {
  readonly publisher: Publisher;
  readonly topic: string;
  readonly service: string;
  readonly group: string;
  readonly logger: Logger;
}): DeadLetter {
  const { publisher, topic, service, group, logger } = deps;
  return async function deadLetter(record, failure, { attempts, firstFailedAt }) {
    await publisher.publish(deadLetterRecord({ topic, record, failure, attempts, firstFailedAt, service, group }));
    const { partition, offset } = record;
    const eventId = record.headers['ce_id'];
    const workspaceId = record.key?.toString();
    logger.error({ eventId, workspaceId, partition, offset: String(offset), failure, attempts, outcome: 'dead_letter' }, 'event handled');
  };
}
