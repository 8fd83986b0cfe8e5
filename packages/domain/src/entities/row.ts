import type { Json, JsonObject } from '../database-content.ts';
import { isRowKind } from '../database-event.ts';
import type { EntityKind } from '../entity.ts';

/** A page whose parent is a data source. */
export const rowKind: EntityKind = {
  name: 'row',
  idField: 'pageId',
  isAbout: ({ kind }) => isRowKind(kind),
  idOf: ({ pageId }) => pageId,
  targetOf: (id) => ({ databaseId: null, dataSourceId: null, pageId: id }),
};

/** The mirrored content of one row: a page whose parent is a data source. The page's id is the entity's. */
export interface RowContent {
  readonly databaseId: string;
  readonly dataSourceId: string;
  /** Plain text of the title property. */
  readonly title: string;
  readonly url: string | null;
  readonly publicUrl: string | null;
  readonly icon: Json;
  readonly cover: Json;
  /** Archived is not trash: an archived row is still a row. */
  readonly isArchived: boolean;
  readonly isLocked: boolean;
  /** Notion rounds both down to the minute. */
  readonly createdTime: Date | null;
  readonly lastEditedTime: Date | null;
  /** User ids. */
  readonly createdBy: string | null;
  readonly lastEditedBy: string | null;
  /** In the order of the page object. An array, since names are free user text. */
  readonly properties: readonly RowProperty[];
  /** The id of every page that a relation names, also in a rollup's array, once each. */
  readonly related: readonly string[];
  /** Notion's page object as received. */
  readonly raw: JsonObject;
}

/**
 * A property's value:
 * - text for `title` and `rich_text` (never null), `url`, `email`, `phone_number`, `unique_id`, the option's name for `select` and `status`,
 *   a user's id for `created_by` and `last_edited_by`
 * - numbers and booleans for `number` and `checkbox`, a date for `created_time` and `last_edited_time`
 * - arrays of texts for `multi_select` (names), `people` (ids of users and groups) and `relation` (ids of pages); of `RowFile` for `files`
 * - a `DateRange` for `date`; Notion's inner object for `verification`, `place` and every type unknown to this version; null for `button`
 * - the result of a `formula` or `rollup` in one of these shapes; an array holds such values without their additional fields
 *
 * Null: the property is empty, or Notion returns no value.
 */
export type RowValue = Json | Date | readonly (Date | null)[];

/** Notion's texts, untouched: `2026-01-31`, `2026-01-31T09:00:00.000+01:00`, or without an offset when `timeZone` is an IANA name. */
export interface DateRange {
  readonly start: string;
  readonly end: string | null;
  readonly timeZone: string | null;
}

export interface RowFile {
  readonly name: string;
  /** Notion's own: `file` is kept by Notion, `external` elsewhere. */
  readonly kind: string;
  /** Without the signature that Notion renews with every response. */
  readonly url: string | null;
}

/** The additional fields are absent where a type has none. */
export interface RowProperty {
  /** As received, percent-encoded or not: decode both once to compare two ids. */
  readonly id: string;
  readonly name: string;
  /** Notion's own, such as `select`. */
  readonly type: string;
  readonly value: RowValue;
  /** `select`, `status`. */
  readonly optionId?: string | null;
  /** `multi_select`, in the order of the names. */
  readonly optionIds?: readonly string[];
  /**
   * `date`, `verification` and computed dates: the true instants. A day without a time is its UTC midnight. Null where there is no date, and
   * where a text names no instant: a day that no calendar has, an unknown time zone, a time without offset or zone.
   */
  readonly startAt?: Date | null;
  readonly endAt?: Date | null;
  /** `unique_id`, without its prefix. */
  readonly number?: number | null;
  /** `formula`, `rollup`: Notion's type of the result. `unsupported` and `incomplete` have the value null. */
  readonly resultType?: string;
  readonly computed?: true;
  /** Notion cut the value off and the rest has not been fetched. */
  readonly complete?: false;
}
