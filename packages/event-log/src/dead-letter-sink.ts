import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { inSpan } from '@notion-mirror/service-kit/tracing/in-span';
import { readTraceparent, traceFieldsOf } from '@notion-mirror/service-kit/tracing/trace-context';
import type { Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import { deadLetterRecord } from './dead-letters.ts';
import type { EventCodec } from './event-codec.ts';
import type { DeadLetter } from './lanes/work.ts';
import type { Failure } from '@notion-mirror/domain/failure';
import type { LogRecord } from './log-record.ts';
import type { Publisher } from './publisher.ts';
import { sendSpan } from './send-span.ts';

/** A record that became a dead letter. `event`: null when its bytes cannot be decoded. */
export interface DeadRecord {
  readonly record: LogRecord;
  readonly event: DatabaseEvent | null;
  readonly failure: Failure;
  readonly attempts: number;
}

/** Where a worker's consumer puts records that can never succeed: the dead-letter topic, with a log line. */
export function createDeadLetterSink(deps: {
  readonly publisher: Publisher;
  readonly topic: string;
  readonly service: string;
  readonly group: string;
  readonly tracing: Tracing;
  readonly logger: Logger;
  /** Who else wants to know; `codec` reads the events for them. */
  readonly listener?: { readonly codec: Pick<EventCodec, 'decode'>; readonly onDead: (dead: DeadRecord) => void } | undefined;
}): DeadLetter {
  const { publisher, topic, service, group, tracing, logger, listener } = deps;

  async function tell(record: LogRecord, failure: Failure, attempts: number): Promise<void> {
    if (listener === undefined) return;
    const decoded = record.value === null ? null : await listener.codec.decode(record.value);
    listener.onDead({ record, event: decoded?.kind === 'event' ? decoded.event : null, failure, attempts });
  }

  /** In any trace, sampled or not: an event that is lost to its consumers must be found by an operator. */
  async function sending(
    trace: string | undefined,
    { partition, offset, headers }: LogRecord,
    failure: Failure,
    attempts: number,
    publish: () => Promise<void>,
  ): Promise<void> {
    const span = tracing.observed(trace ?? tracing.newTrace(), () =>
      sendSpan(topic, {
        'messaging.message.id': headers['ce_id'],
        'notion_mirror.original_partition': partition,
        'notion_mirror.original_offset': Number(offset),
        'notion_mirror.failure': `${failure.class}/${failure.code}`,
        'notion_mirror.attempts': attempts,
      }),
    );
    span?.keep();
    await inSpan(span, publish);
  }

  return async function deadLetter(record, failure, { attempts, firstFailedAt }) {
    const trace = readTraceparent(record.headers['traceparent']);
    await sending(trace, record, failure, attempts, () =>
      publisher.publish(deadLetterRecord({ topic, record, failure, attempts, firstFailedAt, service, group })),
    );
    const { partition, offset } = record;
    const eventId = record.headers['ce_id'];
    const workspaceId = record.key?.toString();
    logger.error(
      { eventId, workspaceId, partition, offset: String(offset), failure, attempts, outcome: 'dead_letter', ...traceFieldsOf(trace) },
      'event handled',
    );
    void tell(record, failure, attempts);
  };
}
