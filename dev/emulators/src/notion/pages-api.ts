import { z } from 'zod';
import { validationError } from './errors.ts';
import { coverRequest, iconRequest } from './files.ts';
import type { DataSourceNode, NodeParent, PageNode } from './model.ts';
import type { QueryParts } from './query.ts';
import type { ApiCall, ApiParts, ApiRoute } from './request.ts';
import {
  bodyId,
  parseBody,
  requestedParent,
  requireCapability,
  shownProperties,
  visibleDatabase,
  visibleDataSource,
  visiblePage,
} from './request.ts';
import { propertyItems, propertyItemsRequest } from './property-items.ts';
import { readCells } from './row-cells.ts';

const parent = z.strictObject({
  type: z.enum(['page_id', 'database_id', 'data_source_id', 'workspace']).optional(),
  page_id: z.string().optional(),
  database_id: z.string().optional(),
  data_source_id: z.string().optional(),
  workspace: z.literal(true).optional(),
});

const createRequest = z.strictObject({
  parent: parent.default({ workspace: true }),
  properties: z.record(z.string(), z.unknown()).optional(),
  icon: iconRequest.nullish(),
  cover: coverRequest.nullish(),
  template: z
    .union([
      z.strictObject({ type: z.enum(['none', 'default']) }),
      z.strictObject({ type: z.literal('template_id'), template_id: z.string() }),
    ])
    .optional(),
  // Accepted and ignored: the emulator stores no page content.
  children: z.array(z.unknown()).optional(),
});

const updateRequest = z.strictObject({
  properties: z.record(z.string(), z.unknown()).optional(),
  icon: iconRequest.nullish(),
  cover: coverRequest.nullish(),
  is_locked: z.boolean().optional(),
  in_trash: z.boolean().optional(),
  archived: z.boolean().optional(),
  is_archived: z.boolean().optional(),
});

const moveRequest = z.strictObject({ parent });

/** Retrieve, create, update, trash and move a page; a page in a data source is a row. */
export function pageRoutes(parts: ApiParts & { readonly queries: Pick<QueryParts, 'history' | 'settings'> }): ApiRoute[] {
  const { actions, render, world, queries } = parts;
  return [
    {
      method: 'GET',
      path: '/v1/pages/:id',
      idName: 'page_id',
      run: (call) => {
        const page = visiblePage(parts, call, call.id);
        const { lagMs, staleReadProbability } = queries.settings();
        const isStale = world.answers.chance(staleReadProbability);
        const stateOf = (row: PageNode) => queries.history.stateAt(row, world.now() - world.answers.between(...lagMs));
        const shown = isStale ? { ...shownProperties(call), stateOf } : shownProperties(call);
        return render.page(call.actor, (isStale ? stateOf(page) : null) ?? page, call.version, shown);
      },
    },
    {
      method: 'GET',
      path: '/v1/pages/:id/properties/:property',
      idName: 'page_id',
      run: (call) => {
        const node = visiblePage(parts, call, call.id);
        return propertyItems(parts, call, node, parseBody(propertyItemsRequest, Object.fromEntries(call.query)));
      },
    },
    {
      method: 'POST',
      path: '/v1/pages',
      run: (call) => {
        requireCapability(call.actor, 'insert');
        const { icon = null, cover = null, ...input } = parseBody(createRequest, call.body);
        const within = pageParent(parts, call, input.parent);
        const source = within.type === 'data_source' ? world.dataSource(within.id) : undefined;
        const cells = readCells(actions, call.actor, source, input.properties ?? {});
        const template = input.template !== undefined && 'template_id' in input.template ? input.template.template_id : null;
        const base = template === null ? null : visiblePage(parts, call, bodyId(template, 'template.template_id'));
        const title = cells.title ?? base?.title ?? [];
        const values = new Map([...(base?.values ?? []), ...cells.values]);
        return render.page(call.actor, actions.createPage(call.actor, { parent: within, title, values, icon, cover }), call.version);
      },
    },
    {
      method: 'PATCH',
      path: '/v1/pages/:id',
      idName: 'page_id',
      run: (call) => {
        requireCapability(call.actor, 'update');
        const node = visiblePage(parts, call, call.id);
        const { icon, cover, is_locked: isLocked, ...input } = parseBody(updateRequest, call.body);
        const trashed = input.in_trash ?? input.archived;
        if (trashed === false) actions.setTrashed(call.actor, node, false);
        const { title, values } =
          input.properties === undefined ? {} : readCells(actions, call.actor, sourceOf(parts, node), input.properties);
        if ([title, values, icon, cover, isLocked].some((value) => value !== undefined)) {
          actions.editPage(call.actor, node, { title, values, icon, cover, isLocked });
        }
        if (input.is_archived !== undefined) actions.setArchived(node, input.is_archived);
        if (trashed === true) actions.setTrashed(call.actor, node, true);
        return render.page(call.actor, node, call.version);
      },
    },
    {
      method: 'POST',
      path: '/v1/pages/:id/move',
      idName: 'page_id',
      run: (call) => {
        requireCapability(call.actor, 'update');
        const node = visiblePage(parts, call, call.id);
        actions.move(call.actor, node, pageParent(parts, call, parseBody(moveRequest, call.body).parent));
        return render.page(call.actor, node, call.version);
      },
    },
  ];
}

function pageParent(parts: ApiParts, call: ApiCall, given: z.output<typeof parent>): NodeParent {
  if (given.data_source_id !== undefined) {
    return { type: 'data_source', id: visibleDataSource(parts, call, bodyId(given.data_source_id, 'parent.data_source_id')).id };
  }
  if (given.database_id === undefined) return requestedParent(parts, call, given);
  const [source, ...others] = parts.render.listed(visibleDatabase(parts, call, bodyId(given.database_id, 'parent.database_id')));
  if (source === undefined || others.length > 0)
    throw validationError('A row of a database with several data sources needs parent.data_source_id.');
  return { type: 'data_source', id: source.id };
}

function sourceOf({ world }: ApiParts, node: PageNode): DataSourceNode | undefined {
  return node.parent.type === 'data_source' ? world.dataSource(node.parent.id) : undefined;
}
