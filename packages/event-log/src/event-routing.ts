import { actionOf, isRowKind, type DatabaseEvent, type EventAction } from '@notion-mirror/domain/database-event';
import type { EventCodec } from './event-codec.ts';
import { kindOf } from './event-record.ts';
import type { Routing } from './lanes/work.ts';
import { shared, type LogRecord } from './log-record.ts';

/**
 * Which records concern a worker, and what each is about. The header `mirror-kind` decides whether a record is decoded at all.
 * A record without a readable kind that cannot be decoded either is dead-lettered by one group only, the one that syncs.
 */
export function createEventRouting(codec: EventCodec, mine: EventAction): (record: LogRecord) => Promise<Routing<DatabaseEvent>> {
  return async function routeEvent(record) {
    const kind = kindOf(record);
    if (kind !== null && actionOf(kind) !== mine) return { kind: 'pass' };
    const isMine = kind !== null || mine === 'sync';
    if (record.value === null) {
      return isMine
        ? { kind: 'dead', failure: { class: 'poison', code: 'empty_record', message: 'the record has no value' } }
        : { kind: 'pass' };
    }
    const decoded = await codec.decode(record.value);
    switch (decoded.kind) {
      case 'unavailable':
        return { kind: 'retry', failure: { class: 'dependency', code: 'schema_registry_unavailable', message: decoded.error.message } };
      case 'poison':
        if (!isMine) return { kind: 'pass' };
        return { kind: 'dead', failure: { class: 'poison', code: decoded.code, message: decoded.message } };
      case 'event': {
        const { event } = decoded;
        if (kind !== null && event.kind !== kind) {
          return {
            kind: 'dead',
            failure: { class: 'poison', code: 'kind_mismatch', message: `header says ${kind}, record says ${event.kind}` },
          };
        }
        if (actionOf(event.kind) !== mine) return { kind: 'pass' };
        return { kind: 'work', task: taskOf(event), item: sharing(event, record) };
      }
    }
  };
}

/** Events with the same task are about the same thing, and are handled together. */
function taskOf({ kind, databaseId, dataSourceId, pageId }: DatabaseEvent): string {
  if (pageId !== null) return `page:${pageId}`;
  if (isRowKind(kind)) return `rows-of:${dataSourceId ?? databaseId}`;
  return databaseId ?? `data-source:${dataSourceId}`;
}

/** The event with the same strings as its record and other events, kept once: tens of thousands may wait. */
function sharing(event: DatabaseEvent, { headers }: LogRecord): DatabaseEvent {
  const id = headers['ce_id'];
  return {
    ...event,
    eventId: id === event.eventId ? id : event.eventId,
    type: shared(event.type),
    workspaceId: shared(event.workspaceId),
    connectionId: shared(event.connectionId),
    providerConfigKey: shared(event.providerConfigKey),
    notionWorkspaceId: shared(event.notionWorkspaceId),
  };
}
