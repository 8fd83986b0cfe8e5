import type { JsonObject } from '../json.ts';
import type { Random } from '../random.ts';

interface PropertyBase {
  /** Percent-encoded, unique within its data source; `title` for the title. */
  readonly id: string;
  name: string;
  description: string | null;
}
export interface PlainProperty extends PropertyBase {
  readonly type: PlainType;
  readonly config: JsonObject;
}
export interface RelationProperty extends PropertyBase {
  readonly type: 'relation';
  readonly dataSourceId: string;
  /** The other end of a two-way relation. */
  readonly syncedPropertyId: string | null;
}
export interface RollupProperty extends PropertyBase {
  readonly type: 'rollup';
  readonly function: string;
  readonly relationPropertyId: string;
  readonly rollupPropertyId: string;
}
export type Property = PlainProperty | RelationProperty | RollupProperty;

const emptyTypes = [
  'title',
  'rich_text',
  'url',
  'people',
  'files',
  'email',
  'phone_number',
  'date',
  'checkbox',
  'created_by',
  'created_time',
  'last_edited_by',
  'last_edited_time',
  'button',
  'location',
  'verification',
  'last_visited_time',
  'place',
] as const;
export const plainTypes = [...emptyTypes, 'number', 'formula', 'select', 'multi_select', 'status', 'unique_id'] as const;
export type PlainType = (typeof plainTypes)[number];

/** A property id like Notion's: four characters, percent-encoded. */
export function newPropertyId(taken: readonly Property[], ids: Random): string {
  const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz:;<=>?@[]^`{|}~';
  for (;;) {
    const id = encodeURIComponent(Array.from({ length: 4 }, () => characters.charAt(ids.integer(characters.length))).join(''));
    if (!taken.some((property) => property.id === id)) return id;
  }
}
