import { z } from 'zod';
import type { Json, JsonObject } from '../json.ts';
import { isJsonObject } from '../json.ts';
import { validationError } from './errors.ts';
import type { PageNode } from './model.ts';
import type { Property } from './properties.ts';
import type { ApiCall, ApiParts } from './request.ts';

export const propertyItemsRequest = z.object({
  start_cursor: z.string().optional(),
  page_size: z.coerce.number().int().min(1).max(100).default(100),
});

const listed: readonly Property['type'][] = ['title', 'rich_text', 'people', 'relation', 'rollup'];
/** Rollup functions that only a page object shows. */
const unsupportedHere = ['show_unique', 'unique', 'median', 'count_per_group', 'percent_per_group'];

/**
 * GET /v1/pages/{id}/properties/{property_id}: the whole value of one property of a row. Text, people, relations and rollups are lists with one element
 * per item, others one `property_item`. A rollup's value stands on the last page only; until then it is `incomplete`.
 */
export function propertyItems(
  { world, render }: ApiParts,
  { actor, property: wanted }: ApiCall,
  page: PageNode,
  { start_cursor: cursor, page_size: size }: z.output<typeof propertyItemsRequest>,
): JsonObject {
  const source = page.parent.type === 'data_source' ? world.dataSource(page.parent.id) : undefined;
  const view = { viewer: actor, stateOf: (each: PageNode) => each };
  const property = source?.properties.find(({ id }) => decodeURIComponent(id) === wanted);
  if (source === undefined || property === undefined) throw validationError(`${wanted} is not a property that exists.`);
  const { id, type } = property;
  const whole = render.rows.whole(view, page, source, property);
  if (!listed.includes(type)) return { object: 'property_item', id, ...whole };
  if (property.type !== 'rollup') return { object: 'list', ...pageOf({ id, type }, itemsOf(type, whole[type] ?? null), { cursor, size }) };

  const relation = source.properties.find((each) => each.id === property.relationPropertyId);
  const related = relation?.type === 'relation' ? render.rows.related(view, page, relation) : [];
  const value = isJsonObject(whole['rollup']) ? whole['rollup'] : {};
  const items = Array.isArray(value['array'])
    ? (value['array'] as readonly JsonObject[])
    : related.map((each) => ({ type: 'relation', relation: { id: each.id } }));
  const answer = pageOf({ id, type }, items, { cursor, size });
  return {
    object: 'list',
    ...answer,
    property_item: { ...answer.property_item, rollup: rollupHere(property.function, value, answer.has_more) },
  };
}

function rollupHere(name: string, value: JsonObject, hasMore: boolean): JsonObject {
  if (unsupportedHere.includes(name)) return { type: 'unsupported', unsupported: {}, function: name };
  if (hasMore) return { type: 'incomplete', incomplete: {}, function: name };
  return value['type'] === 'array' ? { ...value, array: [] } : value;
}

function itemsOf(type: Property['type'], value: Json): JsonObject[] {
  return (Array.isArray(value) ? (value as readonly JsonObject[]) : []).map((item) => ({ type, [type]: item }));
}

/** The cursor is the position of the page's first item. The items carry the property's id encoded, `property_item` decoded, as Notion's do. */
function pageOf(
  { id, type }: Pick<Property, 'id' | 'type'>,
  items: readonly JsonObject[],
  { cursor, size }: { cursor: string | undefined; size: number },
) {
  const start = cursor === undefined ? 0 : Number(Buffer.from(cursor, 'base64url').toString());
  if (!Number.isInteger(start) || start < 0) throw validationError(`The start_cursor provided is invalid: ${cursor}`);
  const end = start + size;
  const has_more = end < items.length;
  return {
    results: items.slice(start, end).map((item) => ({ object: 'property_item', id, ...item })),
    next_cursor: has_more ? Buffer.from(String(end)).toString('base64url') : null,
    has_more,
    type: 'property_item',
    property_item: { id: decodeURIComponent(id), next_url: null, type, [type]: {} },
  };
}
