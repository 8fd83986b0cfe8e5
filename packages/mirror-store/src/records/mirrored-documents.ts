import type { Fields } from '@notion-mirror/domain/content-differences';
import { keyOf, type EntityRef } from '@notion-mirror/domain/entity';
import { BSON, type Db, type Document } from 'mongodb';
import type { EntityStorage } from '../entity-storage.ts';
import { orUnavailable } from '../errors.ts';
import { bookkeepingFields, openRecords, toStoredRecord, type RecordDocument } from './record-document.ts';
import { checkedSize } from './storable.ts';

export interface MirroredDocument {
  /** The fields shown by the view, without the mirror's own bookkeeping. Null if it does not show it: for a tombstone, or a row that is not listed. */
  readonly fields: Fields | null;
  /** Changes with every write by the mirror. */
  readonly version: string;
  /** The connection of the last fetch; null: unknown. */
  readonly connectionId: string | null;
  /** Why no worker can read the record: bookkeeping that this program does not write in this form; null when it is readable. */
  readonly problem: string | null;
}

/** Reads documents as readers see them, for a comparison with Notion. Read-only. All reject with a `StoreUnavailableError` when MongoDB is unavailable. */
export interface MirroredDocuments {
  /** Null when there is neither a document nor a tombstone. */
  read(ref: EntityRef): Promise<MirroredDocument | null>;
  /** The `version` of each existing record, by id. */
  versions(workspaceId: string, ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

const versionFields = { rev: 1, 'removed.at': 1 } as const;
const idsAtOnce = 500;

export function openMirroredDocuments(db: Db, storage: EntityStorage<unknown, object>): MirroredDocuments {
  const records = openRecords(db, storage);
  return {
    read: (ref) =>
      orUnavailable('a document could not be read', async () => {
        const document = await records.findOne({ _id: keyOf(ref) });
        return document === null ? null : mirrored(storage, document);
      }),
    versions: (workspaceId, wanted) =>
      orUnavailable('records could not be read', async () => {
        const found = new Map<string, string>();
        for (let from = 0; from < wanted.length; from += idsAtOnce) {
          const ids = new Map(wanted.slice(from, from + idsAtOnce).map((id) => [keyOf({ workspaceId, id }), id]));
          const some = records.find({ _id: { $in: [...ids.keys()] } }, { projection: versionFields });
          for await (const document of some) {
            const id = ids.get(document._id);
            if (id !== undefined) found.set(id, versionOf(document));
          }
        }
        return found;
      }),
  };
}

/** The fields that a worker would store for `content`, as MongoDB would return them. Throws an `UnstorableError`. */
export function fieldsOf<Content>(storage: EntityStorage<Content, object>, { workspaceId, id }: EntityRef, content: Content): Fields {
  const document = { workspaceId, [storage.kind.idField]: id, ...storage.contentFields(content) };
  checkedSize(document);
  return BSON.deserialize(BSON.serialize(document, { ignoreUndefined: false }));
}

const bookkeeping: ReadonlySet<string> = new Set(bookkeepingFields);

function mirrored(storage: EntityStorage<unknown, object>, document: RecordDocument): MirroredDocument {
  const { connectionId, isListed } = document;
  return {
    fields:
      'removed' in document || isListed === false
        ? null
        : Object.fromEntries(Object.entries(document).filter(([field]) => !bookkeeping.has(field))),
    version: versionOf(document),
    connectionId: typeof connectionId === 'string' ? connectionId : null,
    problem: problemOf(storage, document),
  };
}

function problemOf(storage: EntityStorage<unknown, object>, document: RecordDocument): string | null {
  try {
    toStoredRecord(storage, document);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Includes a tombstone's time, because the successor of an expired tombstone starts again at rev 1. */
function versionOf({ rev, removed }: Document): string {
  return JSON.stringify([rev, removed?.at]);
}
