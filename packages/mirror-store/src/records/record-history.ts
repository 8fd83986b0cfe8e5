import { setTimeout as delay } from 'node:timers/promises';
import type { Json } from '@notion-mirror/domain/database-content';
import { keyOf, type EntityRef } from '@notion-mirror/domain/entity';
import { BSON, MongoError, type Db, type Document } from 'mongodb';
import { openNamed } from '../collections.ts';
import type { EntityHistory, EntityStorage } from '../entity-storage.ts';
import { mayBeContent, unavailable } from '../errors.ts';
import type { WriteResult } from './bulk-results.ts';
import type { openRecords, RecordDocument, StoredRecord } from './record-document.ts';
import { createRecordReads } from './record-reads.ts';
import { checkedSize, storable, UnstorableError } from './storable.ts';
import type { createStoreMeter } from './store-meter.ts';

/** A document of a kind's history: `docs/data-model.md` describes those of `schema_changes`. */
export interface HistoryDocument extends Document {
  /** Names the part, and the state of the record that was replaced. */
  readonly _id: string;
}

/** The conditional replacement of a live record. */
interface Replacement {
  readonly filter: Document;
  /** Without `_id`. */
  readonly replacement: Document;
}

export interface RecordHistory {
  /**
   * The documents to write together with the record `next`; none when nothing has changed since `expected`, or when that is no live record. Null: the
   * record has been written meanwhile. Reads the record only if its digest is another, or unknown. Rejects with a `StoreUnavailableError`.
   */
  changesSince(ref: EntityRef, expected: StoredRecord | null, next: RecordDocument): Promise<readonly HistoryDocument[] | null>;
  /**
   * Writes both in one transaction, so that there is never one without the other. Null: MongoDB does not take a document. Rejects with a
   * `StoreUnavailableError`; all of it may have been written then, or nothing.
   */
  writeTogether(write: Replacement, changes: readonly HistoryDocument[]): Promise<WriteResult | null>;
}

/** Another transaction with the same record, or the rename of its collection, is in the way for milliseconds. Callers have better places to wait longer. */
const attempts = 5;
const firstPauseMs = 10;

export function createRecordHistory<Content>(
  db: Db,
  { history, kind }: { readonly history: EntityHistory<Content> } & Pick<EntityStorage<Content, object>, 'kind'>,
  { records, meter }: { readonly records: ReturnType<typeof openRecords>; readonly meter: ReturnType<typeof createStoreMeter> },
): RecordHistory {
  const collection = openNamed<HistoryDocument>(db, history.collection);
  const readOne = createRecordReads<RecordDocument | undefined>({
    records,
    meter,
    projection: { rev: 1, removed: 1, ...history.projection },
    maxOps: 100,
    of: (document) => document,
  });

  return {
    async changesSince(ref, expected, next) {
      if (expected?.live !== true || next['historyDigest'] === undefined) return [];
      if (expected.historyDigest === next['historyDigest']) return [];
      const before = await readOne({ key: keyOf(ref), span: null });
      if (before?.['rev'] !== expected.rev || before['removed'] !== undefined) return null;
      const changed = history.changesBetween(before, asStored(next, Object.keys(history.projection)));
      return changed.map(({ part: [field, part], changes }) => {
        const { workspaceId, id } = ref;
        const { rev, asOf, connectionId, lastEvent: event, syncedAt: at } = next;
        const replaced = { rev: expected.rev, asOf: new Date(expected.asOf), connectionId: expected.connectionId };
        // A state has one successor. If a rebuild brings the state back, its next successor replaces this document.
        const _id = `${workspaceId}:${part}:${expected.rev}:${expected.asOf}`;
        const head = { _id, workspaceId, [kind.idField]: id, [field]: part, at, asOf, rev, connectionId, event, replaced };
        return withChanges(head, changes);
      });
    },
    writeTogether: (write, changes) => meter.batch('write', 1, () => writeBoth(write, changes)),
  };

  async function writeBoth({ filter, replacement }: Replacement, changes: readonly HistoryDocument[]): Promise<WriteResult | null> {
    const models = changes.map(({ _id, ...rest }) => ({ replaceOne: { filter: { _id }, replacement: rest, upsert: true } }));
    const session = db.client.startSession();
    try {
      for (let attempt = 1; ; attempt += 1) {
        try {
          session.startTransaction({ writeConcern: { w: 'majority', wtimeoutMS: 10_000 } });
          // The record comes last, so that other writers of it wait as little as possible: a dead worker's transaction ends after a minute.
          await collection.bulkWrite(models, { session });
          const { matchedCount } = await records.replaceOne(filter, replacement, { session });
          if (matchedCount === 0) return { kind: 'conflict' };
          await session.commitTransaction();
          return { kind: 'written' };
        } catch (error) {
          if (mayBeContent(error)) return null;
          const isTransient = error instanceof MongoError && error.hasErrorLabel('TransientTransactionError');
          if (!isTransient || attempt === attempts) throw unavailable('a record could not be written with its history', error);
        } finally {
          if (session.inTransaction()) await session.abortTransaction().catch(() => {});
        }
        await delay(firstPauseMs * 2 ** attempt * Math.random());
      }
    } finally {
      await session.endSession();
    }
  }
}

/** These fields as MongoDB would return them. */
function asStored(document: Document, fields: readonly string[]): Document {
  const some = Object.fromEntries(fields.map((field) => [field, document[field]]));
  return BSON.deserialize(BSON.serialize(some, { ignoreUndefined: false }));
}

/** Two documents that MongoDB takes can differ by more than it takes: the history must not stop the write. */
function withChanges(head: HistoryDocument, changes: Json): HistoryDocument {
  try {
    const document = { ...head, changes: storable(changes) };
    checkedSize(document);
    return document;
  } catch (error) {
    if (!(error instanceof UnstorableError)) throw error;
    return { ...head, changes: [], isTooLarge: true };
  }
}
