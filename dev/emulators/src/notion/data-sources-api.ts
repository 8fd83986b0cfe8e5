import { z } from 'zod';
import { iconRequest } from './files.ts';
import type { PageNode } from './model.ts';
import { propertiesRequest } from './property-request.ts';
import { listPage } from './list-page.ts';
import type { QueryParts } from './query.ts';
import { queryRequest, runQuery } from './query.ts';
import type { ApiParts, ApiRoute } from './request.ts';
import { bodyId, parseBody, requireCapability, visibleDatabase, visibleDataSource } from './request.ts';
import { plainTextOf, richTextRequest } from './rich-text.ts';

const parent = z.strictObject({ type: z.literal('database_id').optional(), database_id: z.string() });

const createRequest = z.strictObject({
  parent,
  properties: propertiesRequest,
  title: richTextRequest.optional(),
  icon: iconRequest.nullish(),
});

const updateRequest = z.strictObject({
  parent: parent.optional(),
  title: richTextRequest.optional(),
  icon: iconRequest.nullish(),
  properties: propertiesRequest.optional(),
  in_trash: z.boolean().optional(),
  archived: z.boolean().optional(),
});

const templatesRequest = z.object({ start_cursor: z.string().optional(), page_size: z.coerce.number().int().min(1).max(100).optional() });

/** Retrieve, create, update and query a data source, and list its templates. */
export function dataSourceRoutes(parts: ApiParts & { readonly queries: QueryParts }): ApiRoute[] {
  const { actions, render, world } = parts;
  const since = '2025-09-03';
  return [
    {
      method: 'GET',
      path: '/v1/data_sources/:id',
      idName: 'data_source_id',
      since,
      run: (call) => render.dataSource(call.actor, visibleDataSource(parts, call, call.id), call.version),
    },
    {
      method: 'POST',
      path: '/v1/data_sources',
      since,
      run: (call) => {
        requireCapability(call.actor, 'insert');
        const { title = [], icon = null, properties, ...input } = parseBody(createRequest, call.body);
        const database = visibleDatabase(parts, call, bodyId(input.parent.database_id, 'parent.database_id'));
        return render.dataSource(call.actor, actions.createDataSource(call.actor, { database, title, icon, properties }), call.version);
      },
    },
    {
      method: 'PATCH',
      path: '/v1/data_sources/:id',
      idName: 'data_source_id',
      since,
      run: (call) => {
        requireCapability(call.actor, 'update');
        const node = visibleDataSource(parts, call, call.id);
        const { title, icon, properties, ...input } = parseBody(updateRequest, call.body);
        const trashed = input.in_trash ?? input.archived;
        // Checked before anything changes.
        const within = input.parent && visibleDatabase(parts, call, bodyId(input.parent.database_id, 'parent.database_id'));
        if (trashed === false) actions.setTrashed(call.actor, node, false);
        if (title !== undefined || icon !== undefined || properties !== undefined) {
          actions.editDataSource(call.actor, node, { title, icon, properties });
        }
        if (within !== undefined) actions.move(call.actor, node, { type: 'database', id: within.id });
        if (trashed === true) actions.setTrashed(call.actor, node, true);
        return render.dataSource(call.actor, node, call.version);
      },
    },
    {
      method: 'POST',
      path: '/v1/data_sources/:id/query',
      idName: 'data_source_id',
      since,
      run: (call) => {
        const node = visibleDataSource(parts, call, call.id);
        return runQuery(parts, call, node, parseBody(queryRequest, call.body));
      },
    },
    {
      method: 'GET',
      path: '/v1/data_sources/:id/templates',
      idName: 'data_source_id',
      since,
      run: (call) => {
        const templates: PageNode[] = [];
        for (const node of world.children(visibleDataSource(parts, call, call.id))) {
          if (node.kind === 'page' && node.isTemplate && !node.trashed) templates.push(node);
        }
        const paging = parseBody(templatesRequest, Object.fromEntries(call.query));
        const {
          results = [],
          has_more = false,
          next_cursor = null,
        } = listPage(templates, paging, ({ id, title }) => ({
          id,
          name: plainTextOf(title),
          is_default: false,
        }));
        return { templates: results, has_more, next_cursor };
      },
    },
  ];
}
