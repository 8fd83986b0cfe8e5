import { z } from 'zod';
import { validationError } from './errors.ts';
import { coverRequest, iconRequest } from './files.ts';
import type { DatabaseNode } from './model.ts';
import { propertiesRequest } from './property-request.ts';
import type { ApiCall, ApiParts, ApiRoute } from './request.ts';
import { parseBody, requestedParent, requireCapability, visibleDatabase } from './request.ts';
import { richTextRequest } from './rich-text.ts';

const parent = z.union([
  z.strictObject({ type: z.literal('page_id').optional(), page_id: z.string() }),
  z.strictObject({ type: z.literal('workspace').optional(), workspace: z.literal(true) }),
]);

const createRequest = z.strictObject({
  parent,
  title: richTextRequest.optional(),
  description: richTextRequest.optional(),
  is_inline: z.boolean().optional(),
  icon: iconRequest.nullish(),
  cover: coverRequest.nullish(),
  initial_data_source: z.strictObject({ properties: propertiesRequest.optional() }).optional(),
});

const updateRequest = z.strictObject({
  parent: parent.optional(),
  title: richTextRequest.optional(),
  description: richTextRequest.optional(),
  is_inline: z.boolean().optional(),
  is_locked: z.boolean().optional(),
  icon: iconRequest.nullish(),
  cover: coverRequest.nullish(),
  in_trash: z.boolean().optional(),
  archived: z.boolean().optional(),
});

/** Retrieve, create and update a database, the container of data sources. */
export function databaseRoutes(parts: ApiParts): ApiRoute[] {
  const { actions, render } = parts;
  return [
    {
      method: 'GET',
      path: '/v1/databases/:id',
      idName: 'database_id',
      run: (call) => {
        const node = visibleDatabase(parts, call, call.id);
        return call.version < '2025-09-03' ? legacy(parts, call, node) : render.database(call.actor, node, call.version);
      },
    },
    {
      method: 'POST',
      path: '/v1/databases',
      since: '2025-09-03',
      run: (call) => {
        requireCapability(call.actor, 'insert');
        const input = parseBody(createRequest, call.body);
        const { title = [], description = [], is_inline: isInline = false, icon = null, cover = null } = input;
        const properties = input.initial_data_source?.properties ?? [];
        const within = requestedParent(parts, call, input.parent);
        const node = actions.createDatabase(call.actor, { parent: within, title, description, isInline, icon, cover, properties });
        return render.database(call.actor, node, call.version);
      },
    },
    {
      method: 'PATCH',
      path: '/v1/databases/:id',
      idName: 'database_id',
      since: '2025-09-03',
      run: (call) => {
        requireCapability(call.actor, 'update');
        const node = visibleDatabase(parts, call, call.id);
        const input = parseBody(updateRequest, call.body);
        const { title, description, icon, cover, is_inline: isInline, is_locked: isLocked, in_trash: trashed = input.archived } = input;
        const edit = { title, description, icon, cover, isInline, isLocked };
        // Checked before anything changes.
        const within = input.parent === undefined ? null : requestedParent(parts, call, input.parent);
        if (trashed === false) actions.setTrashed(call.actor, node, false);
        if (Object.values(edit).some((value) => value !== undefined)) actions.editDatabase(call.actor, node, edit);
        if (within !== null) actions.move(call.actor, node, within);
        if (trashed === true) actions.setTrashed(call.actor, node, true);
        return render.database(call.actor, node, call.version);
      },
    },
  ];
}

function legacy({ render }: ApiParts, { actor }: ApiCall, node: DatabaseNode) {
  const [source, ...others] = render.listed(node);
  if (source === undefined)
    throw validationError(`Database with ID ${node.id} does not contain any data sources accessible by this API bot.`);
  if (others.length > 0) {
    throw validationError('Databases with multiple data sources are not supported in this API version.', {
      error_type: 'multiple_data_sources_for_database',
      database_id: node.id,
      child_data_source_ids: [source, ...others].map(({ id }) => id),
      minimum_api_version: '2025-09-03',
    });
  }
  return render.legacyDatabase(actor, node, source);
}
