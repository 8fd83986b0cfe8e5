import type { DeadLetterRecord, Failure, LogRecord } from './log-record.ts';

const maxMessageLength = 1_000;

/**
 * The dead letter of a record: its key, value and headers as they were, and why it is one, as text in `dlq.*` headers. Times are ISO 8601.
 * The `dlq.original.*` headers of a record that was redriven before stay: they say where it first lay.
 */
export function deadLetterRecord(options: {
  readonly topic: string;
  readonly record: LogRecord;
  readonly failure: Failure;
  /** How often it was tried. */
  readonly attempts: number;
  readonly firstFailedAt: Date;
  readonly failedAt?: Date;
  readonly service: string;
  readonly group: string;
}): DeadLetterRecord {
  const { topic, record, failure, attempts, firstFailedAt, failedAt = new Date(), service, group } = options;
  const original = {
    'dlq.original.topic': record.topic,
    'dlq.original.partition': String(record.partition),
    'dlq.original.offset': String(record.offset),
    'dlq.original.timestamp': new Date(record.timestamp).toISOString(),
    'dlq.original.group': group,
  };
  return {
    topic,
    key: record.key,
    value: record.value,
    headers: {
      ...original,
      ...record.headers,
      'dlq.error.class': failure.class,
      'dlq.error.code': failure.code,
      'dlq.error.message': failure.message.slice(0, maxMessageLength).toWellFormed(),
      'dlq.attempts': String(attempts),
      'dlq.first_failed_at': firstFailedAt.toISOString(),
      'dlq.failed_at': failedAt.toISOString(),
      'dlq.service': service,
    },
  };
}
