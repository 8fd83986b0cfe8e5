import { z } from 'zod';
import type { JsonObject } from '../json.ts';
import { validationError } from './errors.ts';
import { coverRequest, iconRequest } from './files.ts';
import type { DataSourceNode, NodeParent, PageNode, RichText } from './model.ts';
import type { ApiCall, ApiParts, ApiRoute } from './request.ts';
import { bodyId, parseBody, requestedParent, requireCapability, visibleDatabase, visibleDataSource, visiblePage } from './request.ts';
import { richTextRequest } from './rich-text.ts';

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
});

const moveRequest = z.strictObject({ parent });

/** Retrieve, create, update, trash and move a page; a page in a data source is a row. */
export function pageRoutes(parts: ApiParts): ApiRoute[] {
  const { actions, render, world } = parts;
  return [
    {
      method: 'GET',
      path: '/v1/pages/:id',
      idName: 'page_id',
      run: (call) => render.page(call.actor, visiblePage(parts, call, call.id), call.version),
    },
    {
      method: 'POST',
      path: '/v1/pages',
      run: (call) => {
        requireCapability(call.actor, 'insert');
        const { icon = null, cover = null, ...input } = parseBody(createRequest, call.body);
        const within = pageParent(parts, call, input.parent);
        const source = within.type === 'data_source' ? world.dataSource(within.id) : undefined;
        const { title = [], values } = cells(source, input.properties ?? {});
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
        const { title, values } = input.properties === undefined ? {} : cells(sourceOf(parts, node), input.properties);
        if ([title, values, icon, cover, isLocked].some((value) => value !== undefined)) {
          actions.editPage(call.actor, node, { title, values, icon, cover, isLocked });
        }
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

/** The cells of a request, given by property name or id, in response form. Values are stored unchanged. */
function cells(
  source: DataSourceNode | undefined,
  given: Readonly<Record<string, unknown>>,
): { title?: RichText; values: Map<string, JsonObject> } {
  const values = new Map<string, JsonObject>();
  let title: RichText | undefined;
  for (const [key, value] of Object.entries(given)) {
    const property = source?.properties.find(({ id, name }) => id === key || name === key);
    const isTitle = source === undefined ? key === 'title' : property?.type === 'title';
    if (isTitle) title = parseBody(titleValue, value);
    else if (property === undefined) throw validationError(`${key} is not a property that exists.`);
    else values.set(property.id, { id: property.id, type: property.type, [property.type]: cellValue(property.type, value) });
  }
  return { ...(title === undefined ? {} : { title }), values };
}

const titleValue = z.union([richTextRequest, z.looseObject({ title: richTextRequest }).transform((value) => value.title)]);

function cellValue(type: string, given: unknown) {
  const value = parseBody(z.looseObject({ [type]: z.json() }), given)[type];
  return type === 'rich_text' ? parseBody(richTextRequest, value) : z.json().parse(value);
}
