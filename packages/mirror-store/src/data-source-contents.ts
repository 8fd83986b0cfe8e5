import { MongoServerError, type Db, type Document } from 'mongodb';
import { openCollection } from './collections.ts';
import { duplicateKey, orUnavailable } from './errors.ts';

export interface DataSourceRef {
  /** Our tenant. */
  readonly workspaceId: string;
  readonly dataSourceId: string;
}

/**
 * Why the rows of a data source are to be scanned.
 * - `first_backfill`: the mirror has just learned of the data source.
 * - `schema_changed`: renaming a property or an option changes every row, and no event announces those.
 * - `came_back`, `moved`: the data source was removed or in another database meanwhile.
 * - `flood`: too many events waited; the scan answers them.
 * - `dependency`: values that Notion computes from other rows may have changed.
 * - `sweep`: the regular comparison with Notion. `operator`: a person.
 */
export type ScanReason = 'first_backfill' | 'schema_changed' | 'came_back' | 'moved' | 'flood' | 'dependency' | 'sweep' | 'operator';

/** `edited`: only rows that were edited since the last scan. */
export type ScanDepth = 'edited' | 'all';

/** A wanted scan. Several wishes become one. */
export interface ScanWish {
  readonly reasons: readonly ScanReason[];
  readonly depth: ScanDepth;
  /** When the newest of the wishes was made (our clock): a scan fulfils it only if its queries count as later. */
  readonly at: Date;
  /** It answers events: every row is written, even if it is equal (`docs/rows.md`). */
  readonly raisesAll: boolean;
  /** When the scan may begin. */
  readonly dueAt: Date;
}

/** A data source of a live database, as its record shows it. `schema`: changes with its properties; null: the connection cannot read it. */
export interface FollowedSource {
  readonly dataSourceId: string;
  readonly schema: string | null;
}

/** The document of a data source; `docs/data-model.md` describes it for readers. */
export interface ContentsDocument extends DataSourceRef {
  /** `workspaceId:dataSourceId`. */
  readonly _id: string;
  readonly databaseId: string;
  /** The last schema that a scan was wanted for. */
  readonly schema: string | null;
  readonly wanted: ScanWish | null;
}

/**
 * What the mirror knows of the rows of each data source, as a whole: whether it has them all, and which scan is wanted. All reject with a
 * `StoreUnavailableError` when MongoDB is unavailable.
 */
export interface DataSourceContents {
  /**
   * Makes the documents of a database agree with its record: wants a scan of each source that is new here or whose schema is another. Resolves to
   * the data sources that the database no longer has: their rows are to be removed, then `forget` them. Safe to run again, so a crash in between is repaired.
   */
  follow(database: { readonly workspaceId: string; readonly databaseId: string }, sources: readonly FollowedSource[]): Promise<string[]>;
  /** Adds to what is wanted. False: the mirror has no such data source, or an operator turned its rows off. */
  want(ref: DataSourceRef, wish: ScanWish): Promise<boolean>;
  /** The database that the data source is in, as the documents say. Null: there is no document of it. */
  holderOf(ref: DataSourceRef): Promise<string | null>;
  /** Deletes the document of a data source that has been removed with its rows. */
  forget(ref: DataSourceRef): Promise<void>;
}

export function openDataSourceContents(db: Db, now: () => Date = () => new Date()): DataSourceContents {
  const contents = openCollection<ContentsDocument>(db, 'dataSourceContents');

  async function add(found: FollowedSource & { readonly workspaceId: string; readonly databaseId: string }): Promise<void> {
    const { workspaceId, databaseId, dataSourceId, schema } = found;
    const _id = idOf(found);
    try {
      await contents.insertOne({ _id, workspaceId, dataSourceId, databaseId, schema, wanted: wishFor('first_backfill', now()) });
    } catch (error) {
      // Another worker has added it meanwhile.
      if (!(error instanceof MongoServerError && error.code === duplicateKey)) throw error;
    }
  }

  async function wantAnd(_id: string, changes: Partial<ContentsDocument>, wish: ScanWish): Promise<boolean> {
    const { modifiedCount } = await contents.updateOne({ _id }, [{ $set: { ...literals(changes), wanted: mergedWith(wish) } }]);
    return modifiedCount === 1;
  }

  return {
    follow: ({ workspaceId, databaseId }, sources) =>
      orUnavailable('the data sources could not be followed', async () => {
        const ids = sources.map(({ dataSourceId }) => idOf({ workspaceId, dataSourceId }));
        const known = await contents.find({ $or: [{ workspaceId, databaseId }, { _id: { $in: ids } }] }).toArray();
        for (const source of sources) {
          const { dataSourceId, schema } = source;
          const document = known.find((one) => one.dataSourceId === dataSourceId);
          if (document === undefined) {
            // Also if this connection cannot read it: another one may show its rows, and those must go with it.
            await add({ ...source, workspaceId, databaseId });
            continue;
          }
          const isMoved = document.databaseId !== databaseId;
          const isChanged = schema !== null && document.schema !== schema;
          if (!isMoved && !isChanged) continue;
          const changes = { ...(isMoved ? { databaseId } : {}), ...(isChanged ? { schema } : {}) };
          await wantAnd(document._id, changes, wishFor(isMoved ? 'moved' : 'schema_changed', now()));
        }
        const listed = new Set(sources.map(({ dataSourceId }) => dataSourceId));
        return known
          .filter((one) => one.databaseId === databaseId && !listed.has(one.dataSourceId))
          .map(({ dataSourceId }) => dataSourceId);
      }),
    want: (ref, wish) => orUnavailable('a scan could not be wanted', () => wantAnd(idOf(ref), {}, wish)),
    holderOf: (ref) =>
      orUnavailable('a data source could not be read', async () => {
        const found = await contents.findOne({ _id: idOf(ref) }, { projection: { databaseId: 1 } });
        return found?.databaseId ?? null;
      }),
    forget: (ref) =>
      orUnavailable('a data source could not be forgotten', async () => {
        await contents.deleteOne({ _id: idOf(ref) });
      }),
  };
}

function idOf({ workspaceId, dataSourceId }: DataSourceRef): string {
  return `${workspaceId}:${dataSourceId}`;
}

function wishFor(reason: ScanReason, at: Date): ScanWish {
  return { reasons: [reason], depth: 'all', at, raisesAll: false, dueAt: at };
}

function literals(values: object): Document {
  return Object.fromEntries(Object.entries(values).map(([field, value]) => [field, { $literal: value as unknown }]));
}

/** The wish in the document, if there is one, together with another. */
function mergedWith({ reasons, depth, at, raisesAll, dueAt }: ScanWish): Document {
  const merged = {
    reasons: { $setUnion: ['$wanted.reasons', reasons] },
    depth: { $cond: [{ $eq: ['$wanted.depth', 'all'] }, 'all', depth] },
    at: { $max: ['$wanted.at', at] },
    raisesAll: { $or: ['$wanted.raisesAll', raisesAll] },
    dueAt: { $min: ['$wanted.dueAt', dueAt] },
  };
  return { $cond: [{ $eq: [{ $ifNull: ['$wanted', null] }, null] }, { $literal: { reasons, depth, at, raisesAll, dueAt } }, merged] };
}
