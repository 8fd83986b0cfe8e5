import { z } from 'zod';
import { canSee, visibleSince } from './access.ts';
import { listPage, pagination } from './list-page.ts';
import type { Actor, DataSourceNode, PageNode } from './model.ts';
import type { ApiParts, ApiRoute } from './request.ts';
import { parseBody } from './request.ts';
import { plainTextOf } from './rich-text.ts';

const searchRequest = z.strictObject({
  ...pagination,
  query: z.string().optional(),
  sort: z
    .union([
      z.strictObject({ timestamp: z.literal('last_edited_time'), direction: z.enum(['ascending', 'descending']) }),
      z.strictObject({ property: z.literal('relevance') }),
    ])
    .optional(),
  filter: z
    .union([
      z.strictObject({ property: z.literal('object'), value: z.enum(['page', 'data_source']), in_trash: z.boolean().optional() }),
      z.strictObject({ in_trash: z.boolean() }),
    ])
    .optional(),
});

/**
 * Search by title over the pages and data sources that the caller sees. Objects created, or shared with a bot, less than `indexLagMs` ago
 * are not found yet: Notion's index lags too.
 */
export function searchRoutes({ world, render }: ApiParts, { indexLagMs }: { indexLagMs: number }): ApiRoute[] {
  const isIndexed = (actor: Actor, node: PageNode | DataSourceNode) => {
    const seen = actor.kind === 'bot' ? (visibleSince(world, actor, node) ?? Infinity) : 0;
    return Math.max(node.createdTime, seen) + indexLagMs <= world.now();
  };
  return [
    {
      method: 'POST',
      path: '/v1/search',
      since: '2025-09-03',
      run: ({ actor, version, body }) => {
        const { query = '', filter, sort, ...paging } = parseBody(searchRequest, body);
        const wanted = filter !== undefined && 'value' in filter ? filter.value : null;
        const inTrash = filter?.in_trash ?? false;
        const found: (PageNode | DataSourceNode)[] = [];
        for (const node of world.nodes()) {
          if (node.kind !== 'page' && node.kind !== 'data_source') continue;
          if (wanted !== null && node.kind !== wanted) continue;
          if (!canSee(world, actor, node) || world.inTrash(node) !== inTrash || !isIndexed(actor, node)) continue;
          if (plainTextOf(node.title).toLowerCase().includes(query.toLowerCase())) found.push(node);
        }
        const sign = sort !== undefined && 'direction' in sort && sort.direction === 'ascending' ? 1 : -1;
        found.sort((a, b) => sign * (a.lastEditedTime - b.lastEditedTime) || (a.id < b.id ? -1 : 1));
        const answer = listPage(found, paging, (node) =>
          node.kind === 'page' ? render.page(actor, node, version) : render.dataSource(actor, node, version),
        );
        return { ...answer, request_status: { type: 'complete' } };
      },
    },
  ];
}
