import { keyOf } from '@notion-mirror/domain/entity';
import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import type { Db, Filter } from 'mongodb';
import { z } from 'zod';
import { orUnavailable } from '../errors.ts';
import { pageReads } from '../page-reads.ts';
import { bookkeepingOf, openRecords, readFields, type RecordDocument, type Removal } from '../records/record-document.ts';
import { databaseFields, databaseStorage } from './database.ts';
import { containing } from './row-filter.ts';
import { rowStorage } from './row.ts';

/** A database, or the tombstone of one, as a line of a list. */
export interface ListedDatabase {
  readonly workspaceId: string;
  readonly databaseId: string;
  /** Null for a tombstone. */
  readonly title: string | null;
  readonly dataSources: readonly { readonly id: string; readonly name: string }[];
  readonly rev: number;
  readonly asOf: Date;
  readonly lastEditedTime: Date | null;
  readonly removed: Removal | null;
}

/** The whole record but for `raw`. */
export interface DatabaseRecord extends ListedDatabase {
  readonly source: 'fetch' | 'delete';
  readonly connectionId: string | null;
  readonly syncedAt: Date | null;
  readonly lastEvent: { readonly id: string; readonly type: string; readonly occurredAt: Date } | null;
  /** Null for a tombstone. */
  readonly content: Omit<DatabaseContent, 'raw'> | null;
}

/** Of live records: a part of the title, in any case. `removed`: tombstones instead, which have no title. */
export interface DatabaseQuery {
  readonly workspaceId: string;
  readonly title?: string | undefined;
  readonly removed: boolean;
}

/** What is above or below a database. A row has the database that it is in. */
export interface Relative {
  readonly kind: 'database' | 'row';
  readonly id: string;
  readonly title: string;
  readonly databaseId: string | null;
}

/** Databases for people. All reject with a `StoreUnavailableError`, also when MongoDB takes longer than two seconds. */
export interface DatabasePages {
  /** Live ones by title, tombstones by id; those after `after`. */
  page(
    query: DatabaseQuery,
    after: { readonly title: string | null; readonly databaseId: string } | null,
    limit: number,
  ): Promise<ListedDatabase[]>;
  /** Null: there is neither a document nor a tombstone. */
  read(workspaceId: string, databaseId: string): Promise<DatabaseRecord | null>;
  /** The document as MongoDB has it. `kind`: its collection. */
  raw(kind: 'database' | 'row', workspaceId: string, id: string): Promise<RecordDocument | null>;
  /** The databases of any tenant that have the id, also as tombstones. At most 20. */
  byId(id: string): Promise<ListedDatabase[]>;
  /** The live databases of any tenant that have this data source. At most 20. */
  bySource(dataSourceId: string): Promise<ListedDatabase[]>;
  /** The tenant's live databases that have one of these data sources. */
  bySources(workspaceId: string, dataSourceIds: readonly string[]): Promise<ListedDatabase[]>;
  /** The live rows of any tenant with that id. At most 20. */
  rows(pageId: string): Promise<{ readonly workspaceId: string; readonly databaseId: string; readonly title: string }[]>;
  /** What the mirror knows above a parent, from the outermost inwards; at most ten levels. */
  above(workspaceId: string, parent: DatabaseContent['parent']): Promise<Relative[]>;
  /** The live databases whose parent that is, by title. */
  below(workspaceId: string, parentId: string, limit: number): Promise<Relative[]>;
  /** The titles of live records, by `workspaceId:id`. */
  titles(
    kind: 'database' | 'row',
    refs: readonly { readonly workspaceId: string; readonly id: string }[],
  ): Promise<ReadonlyMap<string, string>>;
}

const unreadable = 'records could not be read';
const mostLevels = 10;
const mostFound = 20;
const isLive = { removed: { $exists: false } };

const listed = z.object({
  workspaceId: z.string(),
  databaseId: z.string(),
  title: z.string().optional(),
  dataSources: z.array(z.object({ id: z.string(), name: z.string() })).default([]),
  rev: z.number(),
  asOf: z.date(),
  lastEditedTime: z.date().nullable().default(null),
});
const lineFields = {
  workspaceId: 1,
  databaseId: 1,
  title: 1,
  'dataSources.id': 1,
  'dataSources.name': 1,
  rev: 1,
  asOf: 1,
  source: 1,
  lastEditedTime: 1,
  removed: 1,
} as const;

const lastEvent = z.object({
  lastEvent: z.object({ id: z.string(), type: z.string(), occurredAt: z.date() }).nullish(),
  syncedAt: z.date().nullish(),
});
const titledRow = z.object({ workspaceId: z.string(), databaseId: z.string(), title: z.string() });

export function openDatabasePages(db: Db): DatabasePages {
  const databases = openRecords(db, databaseStorage);
  const rows = openRecords(db, rowStorage);
  const collections = { database: databases, row: rows };

  async function lines(filter: Filter<RecordDocument>, sort: Readonly<Record<string, 1>>, limit: number): Promise<ListedDatabase[]> {
    const found = await databases.find(filter, { ...pageReads, projection: lineFields, sort, limit }).toArray();
    return found.map(line);
  }

  return {
    page: ({ workspaceId, title, removed }, after, limit) =>
      orUnavailable(unreadable, () => {
        // In the index by title a tombstone has none.
        if (removed) {
          const rest = after === null ? {} : { databaseId: { $gt: after.databaseId } };
          return lines({ workspaceId, title: null, ...rest }, { databaseId: 1 }, limit);
        }
        const matching = title === undefined ? {} : { $and: [{ title: containing(title) }] };
        const ranges =
          after === null
            ? [{ title: { $gte: '' } }]
            : [{ title: after.title, databaseId: { $gt: after.databaseId } }, { title: { $gt: after.title ?? '' } }];
        // Each range is one of the index by title: nothing that was on a page is read again, however many have the same title.
        const $or = ranges.map((range) => ({ workspaceId, ...range, ...matching }));
        return lines({ $or }, { title: 1, databaseId: 1 }, limit);
      }),

    read: (workspaceId, databaseId) =>
      orUnavailable(unreadable, async () => {
        const document = await databases.findOne({ _id: keyOf({ workspaceId, id: databaseId }) }, { ...pageReads, projection: { raw: 0 } });
        return document && recordOf(document);
      }),

    raw: (kind, workspaceId, id) =>
      orUnavailable(unreadable, () => collections[kind].findOne({ _id: keyOf({ workspaceId, id }) }, pageReads)),

    byId: (id) => orUnavailable(unreadable, () => lines({ databaseId: id }, {}, mostFound).then(byTenant)),

    bySource: (dataSourceId) =>
      orUnavailable(unreadable, () => lines({ 'dataSources.id': dataSourceId, ...isLive }, {}, mostFound).then(byTenant)),

    bySources: (workspaceId, dataSourceIds) =>
      orUnavailable(unreadable, () => {
        const sources = { 'dataSources.id': { $in: [...dataSourceIds] } };
        return lines({ workspaceId, ...sources, ...isLive }, { databaseId: 1 }, 500);
      }),

    rows: (pageId) =>
      orUnavailable(unreadable, async () => {
        const projection = { workspaceId: 1, databaseId: 1, title: 1 } as const;
        const found = await rows
          .find({ pageId, ...isLive }, { ...pageReads, projection, sort: { workspaceId: 1 }, limit: mostFound })
          .toArray();
        return found.map((document) => readFields(titledRow, document));
      }),

    above: (workspaceId, first) =>
      orUnavailable(unreadable, async () => {
        const found: Relative[] = [];
        const projection = { workspaceId: 1, databaseId: 1, title: 1, parent: 1 } as const;
        for (let { id } = first; id !== null && found.length < mostLevels && !found.some((one) => one.id === id);) {
          const _id = keyOf({ workspaceId, id });
          const [row, database] = await Promise.all(
            [rows, databases].map((collection) => collection.findOne({ _id, ...isLive }, { ...pageReads, projection })),
          );
          if (row !== null && row !== undefined) {
            const { databaseId, title } = readFields(titledRow, row);
            found.push({ kind: 'row', id, title, databaseId });
            id = databaseId;
            continue;
          }
          if (database === null || database === undefined) break;
          const { title, parent } = readFields(titledDatabase, database);
          found.push({ kind: 'database', id, title, databaseId: null });
          id = parent.id;
        }
        return found.toReversed();
      }),

    below: (workspaceId, parentId, limit) =>
      orUnavailable(unreadable, async () => {
        const found = await lines({ workspaceId, 'parent.id': parentId, ...isLive }, { title: 1 }, limit);
        return found.map(({ databaseId, title }) => ({ kind: 'database', id: databaseId, title: title ?? '', databaseId: null }));
      }),

    titles: (kind, refs) =>
      orUnavailable(unreadable, async () => {
        if (refs.length === 0) return new Map();
        const _id = { $in: [...new Set(refs.map(keyOf))] };
        const found = await collections[kind].find({ _id, ...isLive }, { ...pageReads, projection: { title: 1 } }).toArray();
        return new Map(found.flatMap((document) => (typeof document['title'] === 'string' ? [[document._id, document['title']]] : [])));
      }),
  };
}

const titledDatabase = z.object({ title: z.string(), parent: z.object({ id: z.string().nullable() }) });

/** What an index of ids alone finds is in no order. */
function byTenant(found: readonly ListedDatabase[]): ListedDatabase[] {
  return found.toSorted((a, b) => (a.workspaceId < b.workspaceId ? -1 : 1));
}

function line(document: RecordDocument): ListedDatabase {
  const { title = null, ...rest } = readFields(listed, document);
  return { ...rest, title, removed: bookkeepingOf(document).removed };
}

function recordOf(document: RecordDocument): DatabaseRecord {
  const { source, connectionId, removed } = bookkeepingOf(document);
  const { lastEvent: event = null, syncedAt = null } = readFields(lastEvent, document);
  return {
    ...line(document),
    source,
    connectionId,
    syncedAt,
    lastEvent: event,
    content: removed === null ? readFields(databaseFields, document) : null,
  };
}
