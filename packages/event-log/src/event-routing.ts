import { actionOf, isRowKind, type DatabaseEvent, type EventAction } from '@notion-mirror/domain/database-event';
import { readTraceparent } from '@notion-mirror/service-kit/tracing/trace-context';
import type { EventCodec } from './event-codec.ts';
import { kindOf } from './event-record.ts';
import type { Rank, Routing } from './lanes/work.ts';
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
        return { kind: 'work', ...turnOf(event), item: sharing(event, record) };
      }
    }
  };
}

/** The tasks about a tenant's databases. */
export const databasesGroup = 'databases';

const rowsGroup = 'rows:';

/** The data source whose rows the tasks of a group are about; null: it is another group. */
export function dataSourceOfGroup(group: string): string | null {
  return group.startsWith(rowsGroup) ? group.slice(rowsGroup.length) : null;
}

/**
 * The task, rank and group of an event. Events with the same task are about the same thing, and are handled together. Databases come before rows,
 * which are many. The rows of a data source are a group: one query can answer many of them. A data source whose rows come and go has a task for that, since
 * such events are many and may wait.
 */
function turnOf({ kind, type, databaseId, dataSourceId, pageId }: DatabaseEvent): { task: string; rank: Rank; group: string | null } {
  if (pageId !== null) {
    return { task: `page:${pageId}`, rank: 1, group: dataSourceId === null ? null : shared(`${rowsGroup}${dataSourceId}`) };
  }
  if (isRowKind(kind)) return { task: `rows-of:${dataSourceId ?? databaseId}`, rank: 1, group: null };
  if (type === 'data_source.content_updated') return { task: `content-of:${dataSourceId ?? databaseId}`, rank: 0, group: databasesGroup };
  return { task: databaseId ?? `data-source:${dataSourceId}`, rank: 0, group: databasesGroup };
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
    trace: readTraceparent(headers['traceparent']),
  };
}
