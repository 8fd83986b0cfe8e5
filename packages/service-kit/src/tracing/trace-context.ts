import { randomFillSync } from 'node:crypto';

/**
 * A trace travels as a value: the text of a W3C `traceparent` (https://www.w3.org/TR/trace-context), `00-<trace id>-<span id>-<flags>`. It is the
 * header of a record, a field of an event, and of a document if the trace is sampled.
 */
const valid = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The context in a header; undefined: there is none that this version can read. */
export function readTraceparent(header: unknown): string | undefined {
  return typeof header === 'string' && valid.test(header) ? header : undefined;
}

export function traceIdOf(trace: string): string {
  return trace.slice(3, 35);
}

export function spanIdOf(trace: string): string {
  return trace.slice(36, 52);
}

const nine = '9'.charCodeAt(0);

export function isSampled(trace: string | undefined): boolean {
  if (trace === undefined) return false;
  // The last hexadecimal digit: those up to 9 and those from a on follow each other by code.
  const digit = trace.charCodeAt(54);
  return (digit & 1) === (digit <= nine ? 1 : 0);
}

/** Names of OpenTelemetry for logs in JSON (https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context). */
export interface TraceFields {
  readonly trace_id: string;
  readonly span_id: string;
  readonly trace_flags: string;
}

/** For a log line or a stored outcome, whether the trace is sampled or not. */
export function traceFieldsOf(trace: string | undefined): Partial<TraceFields> {
  return trace === undefined ? {} : { trace_id: traceIdOf(trace), span_id: spanIdOf(trace), trace_flags: trace.slice(53) };
}

/** A new trace with its first span. `isTraceSampled` decides by the trace id. */
export function newTrace(isTraceSampled: (traceId: string) => boolean): string {
  const ids = randomHex();
  const traceId = ids.slice(0, 32);
  return `00-${traceId}-${ids.slice(32)}-${isTraceSampled(traceId) ? '01' : '00'}`;
}

/** The same context, sampled whatever was decided. To be called before it is passed on. */
export function sampled(trace: string): string {
  return `${trace.slice(0, 53)}01`;
}

/** A new span of the same trace. */
export function newSpanOf(trace: string): string {
  return `${trace.slice(0, 36)}${randomHex().slice(32)}${trace.slice(52)}`;
}

/** A trace id and a span id together. */
const idBytes = 24;
/** A large random read costs no more than a small one, and small ones took a sixteenth of an event's cost. */
const pool = Buffer.alloc(idBytes * 256);
let used = pool.length;

function randomHex(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += idBytes;
  return pool.toString('hex', used - idBytes, used);
}
