import { keyOf, type EntityRef } from '@notion-mirror/domain/entity';
import type { KeptPlace, Sight } from '@notion-mirror/domain/entity-state';
import { removalReasons, type RecordState, type RemovalReason } from '@notion-mirror/domain/write-rule';
import { isSampled } from '@notion-mirror/service-kit/tracing/trace-context';
import type { Collection, Db, Document } from 'mongodb';
import { z } from 'zod';
import { openNamed } from '../collections.ts';
import type { EntityStorage } from '../entity-storage.ts';

interface Bookkeeping extends RecordState {
  /** The connection of the last fetch; null: unknown. */
  readonly connectionId: string | null;
  /** When it was last written (our clock), ms since the epoch. */
  readonly syncedAt: number;
  /** Null for a live record. */
  readonly removed: Removal | null;
  /** As in `LiveState`. */
  readonly isListed?: false;
  /** `digestOf` of the kind's history. Absent: unknown, as for a tombstone and after a rebuild. */
  readonly historyDigest?: string;
}

/** The part of a record that the write rule and the workers need. */
export type StoredRecord<Outline extends object = object> = Bookkeeping & Outline;

export interface Removal {
  readonly at: Date;
  readonly reason: RemovalReason;
  readonly eventId: string | null;
}

export interface RecordDocument extends Document {
  /** The entity's key: `workspaceId:databaseId`. */
  readonly _id: string;
}

export function openRecords(db: Db, { collection }: Pick<EntityStorage<unknown, object>, 'collection'>): Collection<RecordDocument> {
  return openNamed<RecordDocument>(db, collection);
}

/** The fields that `bookkeepingOf` reads. */
export const stateProjection = {
  rev: 1,
  asOf: 1,
  source: 1,
  removed: 1,
  connectionId: 1,
  syncedAt: 1,
  isListed: 1,
  historyDigest: 1,
} as const;

const stateFields = z.object({
  rev: z.number(),
  asOf: z.date(),
  source: z.enum(['fetch', 'delete']),
  removed: z
    .object({ at: z.date(), reason: z.enum(removalReasons), eventId: z.string().nullable() })
    .optional()
    .transform((removed) => removed ?? null),
  connectionId: z.string().nullish(),
  syncedAt: z.date().optional(),
  isListed: z.literal(false).optional(),
  historyDigest: z.string().optional(),
});

/** Throws when this program did not write the document in this form. */
export function toStoredRecord<Outline extends object>(
  { outlineOf }: Pick<EntityStorage<unknown, Outline>, 'outlineOf'>,
  document: RecordDocument,
): StoredRecord<Outline> {
  return { ...bookkeepingOf(document), ...outlineOf(document) };
}

/** Throws when this program did not write the document in this form. */
export function bookkeepingOf(document: RecordDocument): Bookkeeping {
  const { rev, asOf, source, removed, connectionId, syncedAt, isListed, historyDigest } = readFields(stateFields, document);
  // Every write of a tombstone sets the time of its removal.
  const writtenAt = removed?.at ?? syncedAt ?? asOf;
  const times = { asOf: asOf.getTime(), syncedAt: writtenAt.getTime() };
  const known = { ...(isListed === undefined ? {} : { isListed }), ...(historyDigest === undefined ? {} : { historyDigest }) };
  return { rev, ...times, source, live: removed === null, connectionId: connectionId ?? null, removed, ...known };
}

/** Throws when this program did not write the document in this form. */
export function readFields<T>(schema: z.ZodType<T>, document: Document): T {
  const found = schema.safeParse(document);
  if (found.success) return found.data;
  throw new Error(`the record ${String(document['_id'])} is not as this program writes it:\n${z.prettifyError(found.error)}`);
}

export interface LiveInput<Content> extends EntityRef {
  readonly content: Content;
  readonly connectionId: string | null;
  readonly asOf: Date;
  /** The event that caused this fetch; null for a scan. */
  readonly lastEvent: { readonly id: string; readonly type: string; readonly occurredAt: Date } | null;
  readonly seenBy?: Sight;
  readonly isListed?: false;
  /** The context that this write belongs to. */
  readonly trace?: string | undefined;
}

/** The document as specified in `docs/data-model.md`. */
export function liveDocument<Content>(
  { kind, contentFields }: Pick<EntityStorage<Content, object>, 'kind' | 'contentFields'>,
  input: LiveInput<Content>,
  rev: number,
  syncedAt: Date,
): RecordDocument {
  const { workspaceId, id, content, connectionId, asOf, lastEvent, seenBy, isListed, trace } = input;
  return {
    _id: keyOf(input),
    workspaceId,
    [kind.idField]: id,
    ...contentFields(content),
    rev,
    asOf,
    source: 'fetch',
    connectionId,
    lastEvent: lastEvent && { id: lastEvent.id, type: lastEvent.type, occurredAt: lastEvent.occurredAt },
    syncedAt,
    ...(seenBy === undefined ? {} : { seenBy }),
    ...(isListed === undefined ? {} : { isListed }),
    ...sampled(trace),
  };
}

/** Kept for the state log, which is written by another process. A trace that is not sampled has nothing to show there. */
function sampled(trace: string | undefined): { readonly trace?: string } {
  return trace !== undefined && isSampled(trace) ? { trace } : {};
}

/** The mirror's own fields of a document, as opposed to content from Notion. */
export const bookkeepingFields = [
  '_id',
  'rev',
  'asOf',
  'source',
  'connectionId',
  'lastEvent',
  'seenBy',
  'isListed',
  'syncedAt',
  'removed',
  'restoredFrom',
  'historyDigest',
  'trace',
] as const;

export interface TombstoneInput extends EntityRef {
  readonly connectionId: string | null;
  readonly asOf: Date;
  readonly source: RecordState['source'];
  readonly removed: Removal;
  /** `tombstoneFields` of the storage. */
  readonly kept?: KeptPlace | null;
  readonly trace?: string | undefined;
}

export function tombstoneDocument(
  { kind }: Pick<EntityStorage<unknown, object>, 'kind'>,
  input: TombstoneInput,
  rev: number,
): RecordDocument {
  const { workspaceId, id, connectionId, asOf, source, removed, kept = null, trace } = input;
  return {
    _id: keyOf(input),
    workspaceId,
    [kind.idField]: id,
    ...kept,
    ...(connectionId === null ? {} : { connectionId }),
    rev,
    asOf,
    source,
    removed: { at: removed.at, reason: removed.reason, eventId: removed.eventId },
    ...sampled(trace),
  };
}
