import type { KafkaMessage } from 'kafkajs';

/** One record as it lies on the log. `timestamp` is the producer's, milliseconds since the epoch. Headers are read as UTF-8. */
export interface LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** Why a record could not be handled. `class` and `code` are closed, short and countable; `message` is for people and holds no secrets. */
export interface Failure {
  readonly class: string;
  readonly code: string;
  readonly message: string;
}

/** A record to append. */
export interface OutgoingRecord {
  readonly topic: string;
  /** Decides the partition; null: any. */
  readonly key: Buffer | string | null;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string | Buffer>>;
}

/** A dead letter is its record as it was, so its value may be missing. */
export type DeadLetterRecord = Omit<OutgoingRecord, 'value'> & { readonly value: Buffer | null };

export function toLogRecord(topic: string, partition: number, message: KafkaMessage): LogRecord {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last !== undefined) headers[name] = last.toString();
  }
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    timestamp: Number(message.timestamp),
    key: message.key === null ? null : Buffer.from(message.key),
    value: message.value === null ? null : Buffer.from(message.value),
    headers,
  };
}

/** The objects around the bytes: an event of 600 bytes takes 2,700 while it waits (Node 24). */
const overheadBytes = 2_048;

/** About how much memory a record takes while it waits. */
export function sizeOf({ key, value, headers }: Pick<LogRecord, 'key' | 'value' | 'headers'>): number {
  let bytes = overheadBytes + (key?.length ?? 0) + (value?.length ?? 0);
  for (const name in headers) bytes += name.length + (headers[name]?.length ?? 0);
  return bytes;
}
