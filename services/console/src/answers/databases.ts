import type { Crumb, Json, Paged, Time } from './common.ts';
import type { Contents } from './rows.ts';

export interface DatabaseLine {
  readonly workspaceId: string;
  readonly databaseId: string;
  /** Null: a tombstone has none, or it is hidden. */
  readonly title: string | null;
  readonly dataSources: readonly { readonly dataSourceId: string; readonly name: string | null }[];
  readonly rev: number;
  /** When the fetch began that the record is from. */
  readonly asOf: Time;
  readonly lastEditedTime: Time | null;
  /** `until`: when the tombstone is deleted. */
  readonly removed: { readonly at: Time; readonly reason: string; readonly eventId: string | null; readonly until: Time } | null;
}

/**
 * `GET /api/tenants/:tenant/databases?q&removed&cursor`: live ones by title, 100 on a page; `removed=1`: tombstones by id. `q`: a part of the title
 * (not with hidden content), or an id or Notion URL.
 */
export interface DatabasesAnswer extends Paged {
  readonly databases: readonly DatabaseLine[];
}

/** `GET /api/tenants/:tenant/databases/:database`; 404 when there is no record, not even a tombstone. */
export interface DatabaseAnswer {
  readonly database: DatabaseLine;
  /** Null for a tombstone. */
  readonly content: DatabaseContent | null;
  readonly source: 'fetch' | 'delete';
  /** The connection of the last fetch. */
  readonly connectionId: string | null;
  /** When it was last written. */
  readonly syncedAt: Time | null;
  /** Which event it was written for; null: none, or a tombstone. */
  readonly lastEvent: { readonly id: string; readonly type: string; readonly occurredAt: Time } | null;
  /** From the outermost known one inwards; the database itself is not among them. Empty: at the top, or the mirror has none of its parents. */
  readonly parents: readonly Crumb[];
  /** Live databases directly below it, the first 100 by title. */
  readonly children: readonly Crumb[];
  readonly use: UseIt;
}

export interface DatabaseContent {
  /** Null: hidden. The same for every other text of the customer. */
  readonly description: string | null;
  readonly url: string | null;
  readonly publicUrl: string | null;
  /** Notion's object: `{type: 'emoji', emoji}`, `{type: 'external', external: {url}}`, … */
  readonly icon: Json;
  readonly isInline: boolean;
  readonly isLocked: boolean;
  readonly createdTime: Time | null;
  readonly lastEditedTime: Time | null;
  readonly parent: { readonly type: string; readonly id: string | null };
  readonly sources: readonly DataSource[];
}

export interface DataSource {
  readonly dataSourceId: string;
  readonly name: string | null;
  /** Null: the connection can read it. Otherwise Notion's code for the refusal, or `not_shared`. */
  readonly refused: string | null;
  readonly inTrash: boolean;
  readonly url: string | null;
  /** In Notion's order; null: not readable, or hidden. */
  readonly properties: readonly Property[] | null;
  /** Null: its rows are not followed. */
  readonly contents: Contents | null;
}

export interface Property {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly description: string | null;
  /** Of a select, multi-select or status; empty for others. */
  readonly options: readonly { readonly id: string | null; readonly name: string; readonly color: string | null }[];
  /** Of a relation. `databaseId`, `title`: where the mirror has that data source; null: it does not (dangling). */
  readonly relation: { readonly dataSourceId: string; readonly databaseId: string | null; readonly title: string | null } | null;
  /** Notion's inner object of the type. */
  readonly config: Json;
}

/** Lines to copy. */
export interface UseIt {
  readonly mongosh: string;
  readonly mongoshRows: string | null;
  readonly mirror: string;
}

/** `GET /api/tenants/:tenant/databases/:database/raw`; 403 `content_hidden`. Can be up to 16 MB. */
export interface RawAnswer {
  /** Notion's objects as received; null for a tombstone. */
  readonly raw: Json;
  /** The whole document in MongoDB without `raw`. Dates as texts. */
  readonly document: Json;
}

/** `GET /api/tenants/:tenant/databases/:database/history`, latest first, at most 100; 403 `content_hidden`. */
export interface HistoryAnswer {
  readonly changes: readonly SchemaChanges[];
  readonly hasMore: boolean;
  readonly keptDays: number;
}

/** The changes of one data source's properties that one write brought. */
export interface SchemaChanges {
  readonly dataSourceId: string;
  readonly at: Time;
  readonly asOf: Time;
  readonly rev: number;
  readonly event: { readonly id: string; readonly type: string; readonly occurredAt: Time } | null;
  /** Too many to be stored: `changes` is empty. */
  readonly isTooLarge: boolean;
  readonly changes: readonly SchemaChangeLine[];
}

export interface SchemaChangeLine {
  /** `added`, `removed`, `renamed`, `retyped`, `described`, `configured`, `options_reordered`, `option_added`, `option_removed`, `option_renamed`, … */
  readonly kind: string;
  readonly propertyId: string;
  readonly property: string;
  /** Without the property's name: `renamed from "Cost"`. */
  readonly text: string;
  readonly old: Json;
  readonly new: Json;
}
