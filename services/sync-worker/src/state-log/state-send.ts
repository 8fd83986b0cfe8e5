import { sendSpan } from '@notion-mirror/event-log/send-span';
import type { StateRecord } from '@notion-mirror/event-log/state-record';
import type { Span, Tracing } from '@notion-mirror/service-kit/tracing/tracing';

/** The span of appending a state, and the record as it is to be appended: a consumer continues from there. Null: its write is not sampled. */
export function startStateSend(
  tracing: Tracing,
  topic: string,
  record: StateRecord,
): { readonly sent: StateRecord; readonly span: Span | null } {
  const { traceparent, ...headers } = record.headers;
  if (traceparent === undefined) return { sent: record, span: null };
  const about = {
    'messaging.kafka.message.key': record.key,
    'messaging.kafka.message.tombstone': record.value === null ? true : undefined,
    'notion_mirror.rev': headers['mirror-rev'] === undefined ? undefined : Number(headers['mirror-rev']),
  };
  const span = tracing.child(traceparent, sendSpan(topic, about));
  return span === null ? { sent: record, span } : { sent: { ...record, headers: { ...headers, traceparent: span.trace } }, span };
}
