import type { Time } from './common.ts';

/**
 * "Equal to Notion?" of one database: `POST /api/tenants/:tenant/databases/:database/check` with `{}`. One at a time for each tenant, and none in the 5 s after
 * it (429 with `retry-after`); 30 calls a minute to Notion: 202 is not used, the answer can take some seconds.
 */
export interface CheckAnswer {
  readonly at: Time;
  readonly ms: number;
  /** Calls to Notion. */
  readonly notionCalls: number;
  /** `unknown`: it could not be compared, see `problems`. */
  readonly verdict: 'equal' | 'different' | 'unknown';
  readonly text: string;
  readonly differences: readonly Difference[];
  readonly problems: readonly string[];
  readonly rows: readonly CheckedRows[];
}

/** `missing`: Notion shows it and the mirror does not; `extra`: the reverse; `stale`: `fields` differ; `damaged`: the record cannot be read. */
export interface Difference {
  readonly kind: 'missing' | 'extra' | 'stale' | 'damaged';
  readonly databaseId: string | null;
  /** Of a row. */
  readonly pageId: string | null;
  readonly because: string | null;
  readonly problem: string | null;
  /** Values as JSON, cut off; null: the field is absent. Empty with hidden content. */
  readonly fields: readonly { readonly path: string; readonly mirror: string | null; readonly notion: string | null }[];
  readonly moreFields: number;
}

/** The rows of one data source. */
export interface CheckedRows {
  readonly dataSourceId: string;
  /** In the mirror now. */
  readonly live: number;
  readonly archived: number;
  /** How many of them were compared; null: none, see `why`. */
  readonly compared: number | null;
  readonly why: string | null;
}
