import type { DatabaseState, ErasedState, RemovedState } from '@notion-mirror/domain/database-state';
import { z } from 'zod';
import { describeIssues, poison, type Undecoded } from './avro-codec.ts';
import type { LogRecord } from './log-record.ts';
import type { StateCodec } from './state-codec.ts';

/** A record of the state log. A null value: the database is gone. */
export interface StateRecord {
  readonly key: string;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The record of a state: key = `workspaceId:databaseId`. `mirror-rev` lets a reader pass over what it has. A null value carries in
 * `mirror-removed` what is known of the removal, as JSON: a rebuild needs it.
 */
export function toStateRecord(state: DatabaseState, codec: Pick<StateCodec, 'encode'>): StateRecord {
  const key = `${state.workspaceId}:${state.databaseId}`;
  switch (state.kind) {
    case 'live':
      return { key, value: codec.encode(state), headers: { 'content-type': 'application/avro', 'mirror-rev': String(state.rev) } };
    case 'removed': {
      const { rev, asOf, source, connectionId, removed } = state;
      return {
        key,
        value: null,
        headers: { 'mirror-rev': String(rev), 'mirror-removed': JSON.stringify({ rev, asOf, source, connectionId, ...removed }) },
      };
    }
    case 'erased':
      return { key, value: null, headers: { 'mirror-removed': JSON.stringify({ at: state.at }) } };
  }
}

/** `foreign`: a null without our header, from somebody else's hand: nothing is known of it. */
export type StateReading = { readonly kind: 'state'; readonly state: DatabaseState } | { readonly kind: 'foreign' } | Undecoded;

/** Never rejects. */
export async function readStateRecord(
  { key, value, headers }: Pick<LogRecord, 'key' | 'value' | 'headers'>,
  codec: Pick<StateCodec, 'decode'>,
): Promise<StateReading> {
  if (value !== null) return codec.decode(value);
  const text = headers['mirror-removed'];
  if (text === undefined) return { kind: 'foreign' };
  const parsed = removal.safeParse(jsonIn(text));
  const ids = idsOf(key);
  if (ids === null) return poison('invalid_key', 'the key is not workspaceId:databaseId');
  return parsed.success
    ? { kind: 'state', state: { ...ids, ...parsed.data } }
    : poison('invalid_state', describeIssues(parsed.error, 'mirror-removed'));
}

/** A tenant's id may hold colons, a database's cannot. */
export function idsOf(key: Buffer | null): { readonly workspaceId: string; readonly databaseId: string } | null {
  const text = key?.toString() ?? '';
  const colon = text.lastIndexOf(':');
  return colon < 1 ? null : { workspaceId: text.slice(0, colon), databaseId: text.slice(colon + 1) };
}

const time = z.iso.datetime().transform((text) => new Date(text));

const removal = z.union([
  z
    .object({
      rev: z.number().int(),
      asOf: time,
      source: z.enum(['fetch', 'delete']),
      connectionId: z.string().nullable(),
      at: time,
      reason: z.enum(['deleted', 'trashed', 'inaccessible']),
      eventId: z.string().nullable(),
    })
    .transform(({ at, reason, eventId, ...rest }): Omit<RemovedState, 'workspaceId' | 'databaseId'> => ({
      kind: 'removed',
      ...rest,
      removed: { at, reason, eventId },
    })),
  z.strictObject({ at: time }).transform(({ at }): Omit<ErasedState, 'workspaceId' | 'databaseId'> => ({ kind: 'erased', at })),
]);

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
