import type { DatabaseEvent, EventKind } from '@notion-mirror/domain/database-event';
import type { EventCodec } from './event-codec.ts';
import type { LogRecord, OutgoingRecord } from './log-record.ts';

export type { OutgoingRecord } from './log-record.ts';

/**
 * The record of an event: key = workspaceId, headers = a CloudEvent in binary mode (https://github.com/cloudevents/spec, Kafka binding) and
 * `mirror-kind`, by which a worker knows without decoding whether the record is its own. `accessibleBy` names the bots that can read the
 * entity, according to Notion: the worker tries theirs first.
 */
export function toRecord(options: {
  readonly topic: string;
  readonly event: DatabaseEvent;
  readonly codec: Pick<EventCodec, 'encode'>;
  readonly accessibleBy?: readonly string[] | undefined;
}): OutgoingRecord {
  const { topic, event, codec, accessibleBy = [] } = options;
  return {
    topic,
    key: event.workspaceId,
    value: codec.encode(event),
    headers: {
      ce_specversion: '1.0',
      ce_id: event.eventId,
      ce_type: event.type,
      ce_source: `/workspaces/${encodeURIComponent(event.workspaceId)}/connections/${encodeURIComponent(event.connectionId)}`,
      ce_time: event.occurredAt.toISOString(),
      'content-type': 'application/avro',
      'mirror-kind': kindHeaderOf(event.kind),
      ...(accessibleBy.length === 0 ? {} : { 'mirror-accessible-by': accessibleBy.join(',') }),
      ...(event.trace === undefined ? {} : { traceparent: event.trace }),
    },
  };
}

function kindHeaderOf(kind: EventKind): string {
  return kind.replace('_', '-');
}

const kindOfHeader: ReadonlyMap<string | undefined, EventKind> = new Map(
  (['sync', 'delete', 'row_sync', 'row_delete'] as const).map((kind) => [kindHeaderOf(kind), kind]),
);

/** The kind that the header `mirror-kind` names; null: none that this version knows. */
export function kindOf({ headers }: Pick<LogRecord, 'headers'>): EventKind | null {
  return kindOfHeader.get(headers['mirror-kind']) ?? null;
}

/** The bots that can read the entity, as `toRecord` wrote them. */
export function accessibleByOf({ headers }: Pick<LogRecord, 'headers'>): string[] {
  return (headers['mirror-accessible-by'] ?? '').split(',').filter((bot) => bot !== '');
}
