import type { AccessibleDataSource, DatabaseContent, DataSourceContent, Json, JsonObject } from '@notion-mirror/domain/database-content';
import type { DatabaseState, StatePlace } from '@notion-mirror/domain/database-state';
import { z } from 'zod';
import { liveDocument, tombstoneDocument, toStoredRecord, type RecordDocument } from './record-document.ts';

/** What `state` says, as a record. `place`: where on the state log it lies, kept in the record until a worker writes it again. Throws an `UnstorableError`. */
export function restoredDocument(state: Exclude<DatabaseState, { kind: 'erased' }>, rev: number, place: StatePlace): RecordDocument {
  const { partition, offset } = place;
  const document = state.kind === 'removed' ? tombstoneDocument(state, rev) : liveDocument(state, rev, state.syncedAt);
  return { ...document, restoredFrom: { partition, offset } };
}

const restoredFields = z.object({ restoredFrom: z.object({ partition: z.number(), offset: z.number() }).optional() });

/** Null: a worker wrote it. */
export function restoredFromOf(document: RecordDocument): StatePlace | null {
  return restoredFields.safeParse(document).data?.restoredFrom ?? null;
}

const time = z.date();
const timeOrNull = z.date().nullable();
const textOrNull = z.string().nullable();
/** JSON that was stored comes back as JSON. */
const json = z.custom<Json>((value) => value !== undefined);
const jsonObject = z.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value));
const parent = z.object({ type: z.string(), id: textOrNull });

const accessibleSource: z.ZodType<AccessibleDataSource> = z.object({
  id: z.string(),
  name: z.string(),
  title: z.string(),
  description: z.string(),
  icon: json,
  cover: json,
  url: textOrNull,
  parent,
  createdTime: timeOrNull,
  lastEditedTime: timeOrNull,
  inTrash: z.boolean(),
  properties: z.array(z.object({ id: z.string(), name: z.string(), type: z.string(), description: textOrNull, config: json })),
});

const dataSource: z.ZodType<DataSourceContent> = z.union([
  z.object({ id: z.string(), name: z.string(), accessible: z.literal(false), reason: z.string().exactOptional() }),
  accessibleSource,
]);

const content: z.ZodType<DatabaseContent> = z.object({
  title: z.string(),
  description: z.string(),
  url: textOrNull,
  publicUrl: textOrNull,
  icon: json,
  cover: json,
  parent,
  isInline: z.boolean(),
  isLocked: z.boolean(),
  createdTime: timeOrNull,
  lastEditedTime: timeOrNull,
  dataSources: z.array(dataSource),
  raw: z.object({ database: jsonObject, dataSources: z.array(jsonObject) }),
});

const identity = z.object({ workspaceId: z.string(), databaseId: z.string() });
const liveFields = z.object({
  lastEvent: z.object({ id: z.string(), type: z.string(), occurredAt: time }),
  syncedAt: time,
});

/** What a record says. Throws when the document is none of ours. */
export function stateOf(document: RecordDocument): Exclude<DatabaseState, { kind: 'erased' }> {
  const { rev, asOf, source, connectionId, removed } = toStoredRecord(document);
  const common = { ...parsed(identity, document), rev, asOf: new Date(asOf), connectionId };
  if (removed !== null) return { kind: 'removed', ...common, source, removed };
  return { kind: 'live', ...common, ...parsed(liveFields, document), content: parsed(content, document) };
}

/** `workspaceId:databaseId`: a tenant's id may hold colons, a database's cannot. */
export function idsOfRecord(id: string): { readonly workspaceId: string; readonly databaseId: string } {
  const colon = id.lastIndexOf(':');
  return { workspaceId: id.slice(0, colon), databaseId: id.slice(colon + 1) };
}

function parsed<T>(schema: z.ZodType<T>, document: RecordDocument): T {
  const found = schema.safeParse(document);
  if (!found.success) throw new Error(`the record ${document._id} is not as this program writes it:\n${z.prettifyError(found.error)}`);
  return found.data;
}
