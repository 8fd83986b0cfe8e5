import type { DatabaseEvent } from './database-event.ts';

/** Why a row is read again although nothing announced a change of it. */
export interface Dependency {
  /** How many rows lie between it and the row that was edited, itself included: from 1. */
  readonly hop: number;
  /** The second read, one lag after the first: Notion computes values, and shows them, with a delay. */
  readonly isSecond: boolean;
}

/** A change that has come this far goes no further: relations may run in circles. */
export const lastHop = 5;

/** Null: the event is of another kind. */
export function dependencyOf({ type }: Pick<DatabaseEvent, 'type'>): Dependency | null {
  const [, hop, second] = /^mirror\.dependency\.(\d+)(\.second)?$/.exec(type) ?? [];
  return hop === undefined ? null : { hop: Number(hop), isSecond: second !== undefined };
}

/**
 * The event for a row that depends on another one. `cause`: the event of the change; however many rows lie in between, the id names the first
 * cause, and a repetition gives the same id. `at`: now.
 */
export function dependencyEventOf(
  cause: DatabaseEvent,
  row: { readonly pageId: string; readonly dataSourceId: string | null },
  { hop, isSecond }: Dependency,
  at: Date,
): DatabaseEvent {
  const kind = `dependency.${hop}${isSecond ? '.second' : ''}`;
  const [firstCause] = cause.eventId.split(':dependency.');
  return {
    ...cause,
    eventId: `${firstCause}:${kind}:${row.pageId}`,
    kind: 'row_sync',
    type: `mirror.${kind}`,
    databaseId: null,
    ...row,
    occurredAt: at,
    receivedAt: at,
    origin: 'dependency',
  };
}
