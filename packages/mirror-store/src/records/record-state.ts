import { refOf } from '@notion-mirror/domain/entity';
import type { EntityState, StatePlace } from '@notion-mirror/domain/entity-state';
import { readTraceparent } from '@notion-mirror/service-kit/tracing/trace-context';
import { z } from 'zod';
import type { EntityStorage } from '../entity-storage.ts';
import { bookkeepingOf, liveDocument, readFields, tombstoneDocument, type RecordDocument } from './record-document.ts';

/** The record of `state`. `place`: its place on the state log, kept in the record until a worker next writes it. Throws an `UnstorableError`. */
export function restoredDocument<Content>(
  storage: EntityStorage<Content, object>,
  state: Exclude<EntityState<Content>, { kind: 'erased' }>,
  rev: number,
  place: StatePlace,
): RecordDocument {
  const { partition, offset } = place;
  const document = state.kind === 'removed' ? tombstoneDocument(storage, state, rev) : liveDocument(storage, state, rev, state.syncedAt);
  return { ...document, restoredFrom: { partition, offset } };
}

const restoredFields = z.object({ restoredFrom: z.object({ partition: z.number(), offset: z.number() }).optional() });

/** The record's place on the state log; null: a worker wrote the record. */
export function restoredFromOf(document: RecordDocument): StatePlace | null {
  return restoredFields.safeParse(document).data?.restoredFrom ?? null;
}

const liveFields = z.object({
  lastEvent: z.object({ id: z.string(), type: z.string(), occurredAt: z.date() }).nullable(),
  syncedAt: z.date(),
  seenBy: z.enum(['page', 'query']).exactOptional(),
  isListed: z.literal(false).exactOptional(),
});

/** The state in a record. Throws when this program did not write the document in this form. */
export function stateOf<Content, Outline extends object>(
  storage: Pick<EntityStorage<Content, Outline>, 'contentOf' | 'outlineOf' | 'tombstoneFields'>,
  document: RecordDocument,
): Exclude<EntityState<Content>, { kind: 'erased' }> {
  const ref = refOf(document._id);
  if (ref === null) throw new Error(`the record ${document._id} has an id that is not an entity's key`);
  const { rev, asOf, source, connectionId, removed } = bookkeepingOf(document);
  const trace = readTraceparent(document['trace']);
  const common = { ...ref, rev, asOf: new Date(asOf), connectionId, ...(trace === undefined ? {} : { trace }) };
  if (removed !== null) {
    const kept = storage.tombstoneFields?.(storage.outlineOf(document)) ?? null;
    return { kind: 'removed', ...common, source, removed, ...(kept === null ? {} : { kept }) };
  }
  return { kind: 'live', ...common, ...readFields(liveFields, document), content: storage.contentOf(document) };
}
