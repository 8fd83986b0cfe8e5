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

/** A record to append. */
export interface OutgoingRecord {
  readonly topic: string;
  /** Decides the partition; null: any. */
  readonly key: Buffer | string | null;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string | Buffer>>;
}

/** A dead letter keeps its record as it was, so its value may be missing. */
export type DeadLetterRecord = Omit<OutgoingRecord, 'value'> & { readonly value: Buffer | null };

/** `keepKey` returns a key that does not keep the fetched batch in memory. */
export function toLogRecord(topic: string, partition: number, message: KafkaMessage, keepKey = ownBytes): LogRecord {
  // Not an object without a prototype: V8 makes it a dictionary, a kilobyte each.
  const headers = Object.fromEntries(
    Object.entries(message.headers ?? {}).flatMap(([name, value]) => {
      const last = Array.isArray(value) ? value.at(-1) : value;
      return last === undefined ? [] : [[name, repeating.has(name) ? shared(last.toString()) : last.toString()]];
    }),
  ) as Record<string, string>;
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    timestamp: Number(message.timestamp),
    key: message.key && keepKey(message.key),
    value: message.value && ownBytes(message.value),
    headers,
  };
}

/**
 * A copy in memory of its own. From Node's pool (`Buffer.from`) it would share slabs with short-lived buffers, and a waiting record would keep
 * twice its bytes in memory.
 */
function ownBytes(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}

const maxShared = 10_000;
const texts = new Map<string, string>();
const keys = new Map<string, Buffer>();

/**
 * The same text, kept once for all waiting records that repeat it. perf: a waiting event takes 2.0 KB of heap, not 2.5 (commit 264832e); without it a sync-worker with 100,000 waiting events takes
 * 320 MB, not 288, and fewer fit before a partition pauses. Remove when a waiting event that another one's fetch will answer is kept as its offset only.
 */
export function shared(text: string): string {
  return once(texts, text, () => text);
}

/** The same key, kept once for all events of a tenant. Not for the state log, where each database has its own. */
export function sharedKey(key: Buffer): Buffer {
  return once(keys, key.toString('latin1'), () => ownBytes(key));
}

function once<T>(known: Map<string, T>, name: string, make: () => T): T {
  let found = known.get(name);
  if (found === undefined) {
    if (known.size >= maxShared) known.clear();
    found = make();
    known.set(name, found);
  }
  return found;
}

/** Headers that most records repeat. */
const repeating: ReadonlySet<string> = new Set([
  'ce_specversion',
  'ce_type',
  'ce_source',
  'content-type',
  'mirror-kind',
  'mirror-accessible-by',
]);

/** The objects around the bytes: an event of 600 bytes takes 2,900 while it waits (Node 24). */
const overheadBytes = 2_300;

/** Approximately how much memory a record takes while it waits. */
export function sizeOf({ key, value, headers }: Pick<LogRecord, 'key' | 'value' | 'headers'>): number {
  let bytes = overheadBytes + (key?.length ?? 0) + (value?.length ?? 0);
  for (const name in headers) bytes += name.length + (headers[name]?.length ?? 0);
  return bytes;
}

/** Topic, partition and offset, for a log line. */
export function placeOf({ topic, partition, offset }: LogRecord): { topic: string; partition: number; offset: string } {
  return { topic, partition, offset: String(offset) };
}
