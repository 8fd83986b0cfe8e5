import type { Crumb, Json, Paged, Time } from './common.ts';

/** Whether the mirror has all rows of a data source, as `mirror rows status --json` says it. */
export interface Contents {
  readonly workspaceId: string;
  readonly databaseId: string;
  readonly dataSourceId: string;
  readonly state: 'complete' | 'scanning' | 'incomplete' | 'off';
  /** Why it is incomplete. */
  readonly reason: string | null;
  /** At the last complete scan. */
  readonly rows: { readonly live: number; readonly archived: number } | null;
  readonly completeAsOf: Time | null;
  readonly truncated: readonly { readonly partition: 'live' | 'archived'; readonly minute: Time; readonly atLeast: number }[];
  readonly scan: {
    readonly startedAt: Time;
    readonly depth: string;
    readonly reasons: readonly string[];
    readonly isClaimed: boolean;
    readonly rows: number;
    readonly failed: readonly { readonly pageId: string; readonly because: string }[];
  } | null;
  readonly wanted: { readonly reasons: readonly string[]; readonly depth: string; readonly dueAt: Time } | null;
  readonly last: {
    readonly startedAt: Time;
    readonly endedAt: Time;
    readonly depth: string;
    readonly calls: number;
    readonly returned: number;
    readonly written: number;
    readonly readSingly: number;
  } | null;
  readonly failures: number;
  readonly failure: string | null;
  readonly dueAt: Time | null;
  readonly nextFullAt: Time | null;
}

/**
 * `GET /api/tenants/:tenant/databases/:database/rows?source&where&cursor`, in order of created time, 100 on a page; 403 `content_hidden`. `source`: a data
 * source of the database (default: its first readable one); `where`: may be repeated, a condition as in `mirror rows list --where`.
 */
export interface RowsAnswer extends Paged {
  readonly dataSourceId: string;
  /** In Notion's order. */
  readonly columns: readonly Column[];
  readonly rows: readonly RowLine[];
  readonly contents: Contents | null;
}

export interface Column {
  readonly id: string;
  readonly name: string;
  readonly type: string;
}

export interface RowLine {
  readonly pageId: string;
  readonly title: string;
  readonly url: string | null;
  readonly isArchived: boolean;
  readonly createdTime: Time | null;
  readonly lastEditedTime: Time | null;
  /** One for each column, in their order; null: the row has no such property. */
  readonly cells: readonly (Cell | null)[];
}

export interface Cell {
  /** The whole value for a person. */
  readonly text: string;
  /** As in `docs/data-model.md`: names of options, ids of people and pages, `{start, end, timeZone}`, `{name, kind, url}`, … Dates as texts. */
  readonly value: Json;
  /** Of a formula or rollup. */
  readonly resultType: string | null;
  /** Of a relation, in order. `title`: null when the mirror does not show the page. */
  readonly links: readonly { readonly pageId: string; readonly title: string | null }[];
  /** Notion cut the value off. */
  readonly isCut: boolean;
}

/** `GET /api/tenants/:tenant/rows/:page`; 403 `content_hidden`. */
export interface RowAnswer {
  readonly workspaceId: string;
  readonly pageId: string;
  /** Null for a tombstone. */
  readonly databaseId: string | null;
  readonly dataSourceId: string | null;
  readonly rev: number;
  readonly asOf: Time;
  readonly removed: { readonly at: Time; readonly reason: string; readonly eventId: string | null } | null;
  /** Null for a tombstone, or when the schema of its data source is unknown. */
  readonly row: { readonly columns: readonly Column[]; readonly line: RowLine } | null;
  /** From the outermost known one inwards, the row's database last; the row itself is not among them. Empty for a tombstone. */
  readonly parents: readonly Crumb[];
  /** Live databases directly in the row's page, the first 100 by title. */
  readonly children: readonly Crumb[];
  readonly raw: Json;
  readonly document: Json;
}
