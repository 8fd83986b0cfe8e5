import { z } from 'zod';
import type { JsonObject } from '../json.ts';
import { canSee } from './access.ts';
import { pagination } from './list-page.ts';
import type { DataSourceNode, PageNode } from './model.ts';
import type { QueryCursors } from './query-cursors.ts';
import { queryTest, sortValue } from './query-filter.ts';
import type { ApiCall, ApiParts } from './request.ts';
import { shownProperties } from './request.ts';
import type { RowHistory } from './row-history.ts';
import type { RowSettings } from './row-settings.ts';

const direction = z.enum(['ascending', 'descending']);
const sort = z.union([
  z.strictObject({ timestamp: z.enum(['created_time', 'last_edited_time']), direction }),
  z.strictObject({ property: z.string(), direction }),
]);
// The SDK's types offer these two; the live API refuses them.
const notPresent = z.undefined('should be not present');

export const queryRequest = z.strictObject({
  ...pagination,
  filter: z.record(z.string(), z.json()).optional(),
  sorts: z.array(sort).max(100).optional(),
  is_archived: z.boolean().optional(),
  result_type: z.enum(['page', 'data_source']).optional(),
  in_trash: notPresent.optional(),
  archived: notPresent.optional(),
});
type QueryRequest = z.output<typeof queryRequest>;

export interface QueryParts {
  readonly history: RowHistory;
  readonly cursors: QueryCursors;
  readonly settings: () => RowSettings;
}

/**
 * Queries one partition of a data source, the archived rows or the others, without trashed rows and templates. The first page fixes the rows of
 * the result and their order; each page shows their state of `lagMs` ago and leaves out those that have left the partition meanwhile. A result
 * that is cut off at `resultLimit` carries `request_status` on every page, and no other does.
 */
export function runQuery(
  parts: ApiParts & { readonly queries: QueryParts },
  call: ApiCall,
  source: DataSourceNode,
  request: QueryRequest,
): JsonObject {
  const { world, render, queries } = parts;
  const { actor, version } = call;
  const { lagMs, shortPageProbability, resultLimit } = queries.settings();
  const archived = request.is_archived ?? false;
  const stateOf = (row: PageNode) => queries.history.stateAt(row, world.now() - world.answers.between(...lagMs));
  const shown = (row: PageNode): PageNode | null => {
    const state = stateOf(row);
    if (state === null || state.parent.type !== 'data_source' || state.parent.id !== source.id) return null;
    return !state.trashed && state.isArchived === archived && !state.isTemplate && canSee(world, actor, state) ? state : null;
  };

  const question = JSON.stringify([source.id, actor.id, request.filter, request.sorts, archived, request.result_type]);
  const cursor = request.start_cursor ?? null;
  const { rows, isCut, start } =
    cursor === null ? { ...found(parts, source, request, shown, resultLimit), start: 0 } : queries.cursors.open(cursor, question);
  const pageSize = request.page_size ?? 100;
  const end = start + (world.answers.chance(shortPageProbability) ? world.answers.integer(pageSize + 1) : pageSize);
  const view = { ...shownProperties(call), stateOf };
  const hasMore = end < rows.length;
  return {
    object: 'list',
    results: rows.slice(start, end).flatMap((row) => {
      const state = shown(row);
      return state === null ? [] : [render.page(actor, state, version, view)];
    }),
    next_cursor: hasMore ? queries.cursors.issue({ question, rows, isCut, start: end }) : null,
    has_more: hasMore,
    type: 'page_or_data_source',
    page_or_data_source: {},
    ...(isCut ? { request_status: { type: 'incomplete', incomplete_reason: 'query_result_limit_reached' } } : {}),
  };
}

function found(
  { world, queries: { history } }: ApiParts & { readonly queries: QueryParts },
  source: DataSourceNode,
  { filter, sorts = [], result_type: resultType }: QueryRequest,
  shown: (row: PageNode) => PageNode | null,
  limit: number,
): { readonly rows: readonly PageNode[]; readonly isCut: boolean } {
  if (resultType === 'data_source') return { rows: [], isCut: false };
  const passes = filter === undefined ? () => true : queryTest(filter, source);
  const candidates = new Set<PageNode>();
  for (const node of world.children(source)) if (node.kind === 'page') candidates.add(node);
  for (const node of history.recent()) candidates.add(node);
  const rows: { readonly row: PageNode; readonly state: PageNode }[] = [];
  for (const row of candidates) {
    const state = shown(row);
    if (state !== null && passes(state)) rows.push({ row, state });
  }
  for (const each of sorts.toReversed()) {
    const sign = each.direction === 'ascending' ? 1 : -1;
    const valueOf = sortValue(source, 'timestamp' in each ? each.timestamp : null, 'property' in each ? each.property : null);
    rows.sort((a, b) => sign * compare(valueOf(a.state), valueOf(b.state)));
  }
  return { rows: rows.slice(0, limit).map(({ row }) => row), isCut: rows.length > limit };
}

function compare(a: number | string, b: number | string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
