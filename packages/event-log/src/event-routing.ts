import type { DatabaseEvent, EventKind } from '@notion-mirror/domain/database-event';
import type { EventCodec } from './event-codec.ts';
import type { Routing } from './lanes/work.ts';
import { shared, type LogRecord } from './log-record.ts';

/**
 * Which records concern a worker, and which database each is about. The header `mirror-kind` decides whether a record is decoded at all.
 * A record without a readable kind that cannot be decoded either is dead-lettered by one group only, the one that reads `sync`.
 */
export function createEventRouting(codec: EventCodec, mine: EventKind): (record: LogRecord) => Promise<Routing<DatabaseEvent>> {
  return async function routeEvent(record) {
    const kind = record.headers['mirror-kind'];
    const known = kind === 'sync' || kind === 'delete';
    if (known && kind !== mine) return { kind: 'pass' };
    if (record.value === null) {
      return known || mine === 'sync'
        ? { kind: 'dead', failure: { class: 'poison', code: 'empty_record', message: 'the record has no value' } }
        : { kind: 'pass' };
    }
    const decoded = await codec.decode(record.value);
    switch (decoded.kind) {
      case 'unavailable':
        return { kind: 'retry', failure: { class: 'dependency', code: 'schema_registry_unavailable', message: decoded.error.message } };
      case 'poison':
        if (!known && mine !== 'sync') return { kind: 'pass' };
        return { kind: 'dead', failure: { class: 'poison', code: decoded.code, message: decoded.message } };
      case 'event': {
        const { event } = decoded;
        if (known && event.kind !== kind) {
          return {
            kind: 'dead',
            failure: { class: 'poison', code: 'kind_mismatch', message: `header says ${kind}, record says ${event.kind}` },
          };
        }
        if (event.kind !== mine) return { kind: 'pass' };
        return { kind: 'work', task: event.databaseId ?? `data-source:${event.dataSourceId}`, item: sharing(event, record) };
      }
    }
  };
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
