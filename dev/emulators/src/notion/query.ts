import { z } from 'zod';
import type { JsonObject } from '../json.ts';
import { validationError } from './errors.ts';
import { listPage, pagination } from './list-page.ts';
import type { DataSourceNode, PageNode } from './model.ts';
import { plainTextOf } from './rich-text.ts';
import type { ApiCall, ApiParts } from './request.ts';

const sort = z.union([
  z.strictObject({ timestamp: z.enum(['created_time', 'last_edited_time']), direction: z.enum(['ascending', 'descending']) }),
  z.strictObject({ property: z.string(), direction: z.enum(['ascending', 'descending']) }),
]);

export const queryRequest = z.strictObject({
  ...pagination,
  filter: z.record(z.string(), z.json()).optional(),
  sorts: z.array(sort).optional(),
  in_trash: z.boolean().optional(),
  archived: z.boolean().optional(),
  result_type: z.enum(['page', 'data_source']).optional(),
});

type Timestamp = 'created_time' | 'last_edited_time';
type Test = (row: PageNode) => boolean;

const condition = z.object({
  after: z.string().optional(),
  before: z.string().optional(),
  on_or_after: z.string().optional(),
  on_or_before: z.string().optional(),
  equals: z.union([z.string(), z.boolean(), z.number()]).optional(),
  contains: z.string().optional(),
});

/**
 * Queries the rows of a data source, filtered by timestamps, title text, `and` and `or`, sorted by a timestamp or the title. Anything else
 * answers an explanatory 400. Beyond `limit` rows the result ends with `request_status: incomplete`, as Notion's does at 10,000.
 */
export function runQuery(
  { world, render }: ApiParts,
  { actor, version }: ApiCall,
  source: DataSourceNode,
  request: z.output<typeof queryRequest>,
  limit: number,
): JsonObject {
  const wantsTrash = request.in_trash ?? request.archived ?? false;
  const passes = request.filter === undefined ? () => true : filterTest(request.filter);
  const rows: PageNode[] = [];
  for (const node of world.children(source)) if (node.kind === 'page' && node.trashed === wantsTrash && passes(node)) rows.push(node);
  for (const each of (request.sorts ?? []).toReversed()) {
    const sign = each.direction === 'ascending' ? 1 : -1;
    rows.sort((a, b) => sign * compare(sortValue(a, each, source), sortValue(b, each, source)));
  }
  const kept = rows.slice(0, limit);
  const page = listPage(kept, request, (row) => render.page(actor, row, version));
  const isCut = rows.length > limit && page['has_more'] === false;
  return {
    ...page,
    request_status: isCut ? { type: 'incomplete', incomplete_reason: 'query_result_limit_reached' } : { type: 'complete' },
  };
}

function filterTest(filter: JsonObject): Test {
  if ('and' in filter || 'or' in filter) {
    const parts = z.array(z.record(z.string(), z.json())).safeParse(filter['and'] ?? filter['or']);
    if (!parts.success) throw validationError('body failed validation: body.filter should be a filter.');
    const tests = parts.data.map(filterTest);
    return 'and' in filter ? (row) => tests.every((test) => test(row)) : (row) => tests.some((test) => test(row));
  }
  const timestamp = filter['timestamp'];
  if (timestamp === 'created_time' || timestamp === 'last_edited_time') return timeTest(timestamp, condition.parse(filter[timestamp]));
  const text = condition.safeParse(filter['title']);
  if (text.success) return (row) => textMatches(plainTextOf(row.title), text.data);
  throw validationError('This filter is not emulated: use timestamps, the title, and, or.');
}

function timeTest(timestamp: Timestamp, { after, before, on_or_after, on_or_before, equals }: z.output<typeof condition>): Test {
  return (row) => {
    const at = timeOf(row, timestamp);
    if (after !== undefined && !(at > Date.parse(after))) return false;
    if (before !== undefined && !(at < Date.parse(before))) return false;
    if (on_or_after !== undefined && !(at >= Date.parse(on_or_after))) return false;
    if (on_or_before !== undefined && !(at <= Date.parse(on_or_before))) return false;
    return equals === undefined || at === Date.parse(String(equals));
  };
}

function textMatches(text: string, { equals, contains }: z.output<typeof condition>): boolean {
  return (equals === undefined || text === equals) && (contains === undefined || text.includes(contains));
}

function timeOf(row: PageNode, timestamp: Timestamp): number {
  return timestamp === 'created_time' ? row.createdTime : row.lastEditedTime;
}

function sortValue(row: PageNode, by: z.output<typeof sort>, source: DataSourceNode): number | string {
  if ('timestamp' in by) return timeOf(row, by.timestamp);
  const property = source.properties.find(({ id, name }) => name === by.property || id === by.property);
  if (property?.type !== 'title') throw validationError('This sort is not emulated: use a timestamp or the title.');
  return plainTextOf(row.title);
}

function compare(a: number | string, b: number | string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
