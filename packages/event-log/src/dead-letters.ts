import type { Failure } from '@notion-mirror/domain/failure';
import type { DeadLetterRecord, LogRecord } from './log-record.ts';

const maxMessageLength = 1_000;

/**
 * The dead letter of a record: its key, value and headers as they were, and the cause, as text in `dlq.*` headers. Times are ISO 8601.
 * The `dlq.original.*` headers of a record that was redriven before stay: they hold its first place.
 */
export function deadLetterRecord(options: {
  readonly topic: string;
  readonly record: LogRecord;
  readonly failure: Failure;
  /** Attempts to handle it. */
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

/** Where a dead letter can be redriven to; `nowhere`: it does not name its origin. */
export type Redrive =
  | { readonly to: 'log'; readonly topic: string }
  /** The ingress route of a webhook that could not be parsed. */
  | { readonly to: 'ingress'; readonly route: 'nango' | 'notion' }
  | { readonly to: 'nowhere' };

/** The headers of a dead letter. One that is missing or unreadable is null, or `unknown` where letters are counted or grouped by it. */
export interface DeadLetterFacts {
  readonly partition: number;
  readonly offset: bigint;
  /** When the letter was written, milliseconds since the epoch. */
  readonly timestamp: number;
  /** As written: an earlier version may have used other names. */
  readonly cause: { readonly class: string; readonly code: string; readonly message: string };
  readonly service: string;
  readonly attempts: number | null;
  readonly firstFailedAt: Date | null;
  /** When the letter was written, if it has no header for that. */
  readonly failedAt: Date;
  /** The tenant; null for a webhook that could not be read. */
  readonly workspaceId: string | null;
  readonly eventId: string | null;
  readonly eventType: string | null;
  readonly redrive: Redrive;
  /** How often it was redriven. */
  readonly redrives: number;
}

const unknown = 'unknown';

export function readDeadLetter(record: LogRecord): DeadLetterFacts {
  const { partition, offset, timestamp, key, headers } = record;
  return {
    partition,
    offset,
    timestamp,
    cause: {
      class: headers['dlq.error.class'] ?? unknown,
      code: headers['dlq.error.code'] ?? unknown,
      message: headers['dlq.error.message'] ?? '',
    },
    service: headers['dlq.service'] ?? unknown,
    attempts: countIn(headers['dlq.attempts']),
    firstFailedAt: timeIn(headers['dlq.first_failed_at']),
    failedAt: timeIn(headers['dlq.failed_at']) ?? new Date(timestamp),
    workspaceId: key === null ? null : key.toString(),
    eventId: headers['ce_id'] ?? null,
    eventType: headers['ce_type'] ?? null,
    redrive: redriveOf(headers),
    redrives: countIn(headers['dlq.redrives']) ?? 0,
  };
}

function redriveOf(headers: LogRecord['headers']): Redrive {
  const topic = headers['dlq.original.topic'];
  if (topic !== undefined) return { to: 'log', topic };
  const route = headers['dlq.route'];
  return route === 'nango' || route === 'notion' ? { to: 'ingress', route } : { to: 'nowhere' };
}

/** Names the record that a dead letter was first: the same for one that came back from a redrive. Null: it does not say. */
export function firstPlaceOf({ headers }: Pick<LogRecord, 'headers'>): string | null {
  const place = ['topic', 'partition', 'offset'].map((name) => headers[`dlq.original.${name}`]);
  return place.includes(undefined) ? null : place.join(':');
}

/** Headers about the last failure, which a redriven record does not keep. */
const failureHeaders = /^dlq\.(error\.|attempts$|first_failed_at$|failed_at$|service$)/;

/**
 * A worker's dead letter as a record of the log again: key, value and headers as they were. `dlq.original.*` stays and holds its first place;
 * `dlq.redrives` counts.
 */
export function redrivenRecord(topic: string, letter: LogRecord): DeadLetterRecord {
  const headers = Object.fromEntries(Object.entries(letter.headers).filter(([name]) => !failureHeaders.test(name)));
  const redrives = countIn(letter.headers['dlq.redrives']) ?? 0;
  return { topic, key: letter.key, value: letter.value, headers: { ...headers, 'dlq.redrives': String(redrives + 1) } };
}

function countIn(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : null;
}

function timeIn(text: string | undefined): Date | null {
  const time = new Date(text ?? Number.NaN);
  return Number.isNaN(time.getTime()) ? null : time;
}
