import { keyOf, refOf, type EntityRef } from '@notion-mirror/domain/entity';
import type { EntityState, ErasedState, RemovedState } from '@notion-mirror/domain/entity-state';
import { removalReasons } from '@notion-mirror/domain/write-rule';
import { z } from 'zod';
import { describeIssues, poison, type Undecoded } from './avro-codec.ts';
import type { LogRecord } from './log-record.ts';
import type { StateCodec } from './state-codec.ts';

/** A record of a state log. A null value: the entity is gone. */
export interface StateRecord {
  readonly key: string;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The record of a state, keyed by its entity. `mirror-rev` lets a reader pass over what it has, `traceparent` names a sampled trace of the write. A null value carries in `mirror-removed` what
 * is known of the removal, as JSON: a rebuild needs it.
 */
export function toStateRecord<Content>(state: EntityState<Content>, codec: Pick<StateCodec<Content>, 'encode'>): StateRecord {
  const key = keyOf(state);
  switch (state.kind) {
    case 'live':
      return {
        key,
        value: codec.encode(state),
        headers: { 'content-type': 'application/avro', 'mirror-rev': String(state.rev), ...traceHeader(state) },
      };
    case 'removed': {
      const { rev, asOf, source, connectionId, removed, kept } = state;
      return {
        key,
        value: null,
        headers: {
          'mirror-rev': String(rev),
          'mirror-removed': JSON.stringify({ rev, asOf, source, connectionId, ...removed, kept }),
          ...traceHeader(state),
        },
      };
    }
    case 'erased':
      return { key, value: null, headers: { 'mirror-removed': JSON.stringify({ at: state.at }) } };
  }
}

function traceHeader({ trace }: { readonly trace?: string }): { readonly traceparent?: string } {
  return trace === undefined ? {} : { traceparent: trace };
}

/** `foreign`: a null without our header, which no process of ours wrote: nothing is known of it. */
export type StateReading<Content> =
  | { readonly kind: 'state'; readonly state: EntityState<Content> }
  | { readonly kind: 'foreign' }
  | Undecoded;

/** Never rejects. */
export async function readStateRecord<Content>(
  { key, value, headers }: Pick<LogRecord, 'key' | 'value' | 'headers'>,
  codec: Pick<StateCodec<Content>, 'decode'>,
): Promise<StateReading<Content>> {
  if (value !== null) return codec.decode(value);
  const text = headers['mirror-removed'];
  if (text === undefined) return { kind: 'foreign' };
  const parsed = removal.safeParse(jsonIn(text));
  const ref = refOf(key?.toString() ?? '');
  if (ref === null) return poison('invalid_key', 'the key is not workspaceId:id');
  return parsed.success
    ? { kind: 'state', state: { ...ref, ...parsed.data } }
    : poison('invalid_state', describeIssues(parsed.error, 'mirror-removed'));
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
      reason: z.enum(removalReasons),
      eventId: z.string().nullable(),
      // Without it a rebuild is as good, only less informed.
      kept: z.object({ dataSourceId: z.string(), createdTime: time.nullable() }).optional().catch(undefined),
    })
    .transform(({ at, reason, eventId, kept, ...rest }): Omit<RemovedState, keyof EntityRef> => ({
      kind: 'removed',
      ...rest,
      removed: { at, reason, eventId },
      ...(kept === undefined ? {} : { kept }),
    })),
  z.strictObject({ at: time }).transform(({ at }): Omit<ErasedState, keyof EntityRef> => ({ kind: 'erased', at })),
]);

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
