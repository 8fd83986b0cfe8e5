import type { Fields } from '@notion-mirror/domain/content-differences';
import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import { BSON, type Db, type Document } from 'mongodb';
import { openCollection } from './collections.ts';
import { orUnavailable } from './errors.ts';
import { bookkeepingFields, checkedSize, contentFields, recordId, toStoredRecord, type RecordDocument } from './record-document.ts';

export interface MirroredDocument {
  /** As the view shows it, without the mirror's own bookkeeping. Null for a tombstone. */
  readonly fields: Fields | null;
  /** Another text after every write of the mirror's own. */
  readonly version: string;
  /** The connection that saw it last. */
  readonly connectionId: string | null;
  /** What of the bookkeeping is not as this program writes it, so that no worker can read the record; null when nothing is. */
  readonly problem: string | null;
}

/** What readers see, for comparing it with Notion. Reads only. All reject with a `StoreUnavailableError` when MongoDB is away. */
export interface MirroredDocuments {
  /** Null when there is no record at all. */
  read(workspaceId: string, databaseId: string): Promise<MirroredDocument | null>;
  /** The `version` of each that there is. */
  versions(workspaceId: string, databaseIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

const versionFields = { rev: 1, 'removed.at': 1 } as const;
const idsAtOnce = 500;

export function openMirroredDocuments(db: Db): MirroredDocuments {
  const records = openCollection<RecordDocument>(db, 'databaseRecords');
  return {
    read: (workspaceId, databaseId) =>
      orUnavailable('a document could not be read', async () => {
        const document = await records.findOne({ _id: recordId(workspaceId, databaseId) });
        return document === null ? null : mirrored(document);
      }),
    versions: (workspaceId, databaseIds) =>
      orUnavailable('records could not be read', async () => {
        const found = new Map<string, string>();
        for (let from = 0; from < databaseIds.length; from += idsAtOnce) {
          const ids = new Map(
            databaseIds.slice(from, from + idsAtOnce).map((databaseId) => [recordId(workspaceId, databaseId), databaseId]),
          );
          const some = records.find({ _id: { $in: [...ids.keys()] } }, { projection: versionFields });
          for await (const document of some) {
            const databaseId = ids.get(document._id);
            if (databaseId !== undefined) found.set(databaseId, versionOf(document));
          }
        }
        return found;
      }),
  };
}

/** What a worker would store of `content`, as MongoDB would give it back. Throws an `UnstorableError`. */
export function fieldsOf(workspaceId: string, databaseId: string, content: DatabaseContent): Fields {
  const document = { workspaceId, databaseId, ...contentFields(content) };
  checkedSize(document);
  return BSON.deserialize(BSON.serialize(document, { ignoreUndefined: false }));
}

const bookkeeping: ReadonlySet<string> = new Set(bookkeepingFields);

function mirrored(document: RecordDocument): MirroredDocument {
  const { connectionId } = document;
  return {
    fields: 'removed' in document ? null : Object.fromEntries(Object.entries(document).filter(([field]) => !bookkeeping.has(field))),
    version: versionOf(document),
    connectionId: typeof connectionId === 'string' ? connectionId : null,
    problem: problemOf(document),
  };
}

function problemOf(document: RecordDocument): string | null {
  try {
    toStoredRecord(document);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The successor of an expired tombstone starts again at rev 1. */
function versionOf({ rev, removed }: Document): string {
  return JSON.stringify([rev, removed?.at]);
}
