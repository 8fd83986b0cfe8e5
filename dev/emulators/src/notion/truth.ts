import type { JsonObject } from '../json.ts';
import { canSee } from './access.ts';
import type { Actor } from './model.ts';
import type { Renderer } from './render.ts';
import { plainTextOf } from './rich-text.ts';
import type { World } from './world.ts';

/** One live database as returned by the API, and each source it lists; `answer` is null where the API answers 404. */
export interface TrueDatabase {
  readonly database: JsonObject;
  readonly dataSources: readonly { readonly id: string; readonly name: string; readonly answer: JsonObject | null }[];
}

/**
 * Every database that this viewer gets from GET /v1/databases/{id} with `in_trash: false`, in the response form of Notion-Version 2026-03-11,
 * without `request_id`. File URLs are signed again, as in every response.
 */
export function truthOf(world: World, render: Renderer, viewer: Actor): TrueDatabase[] {
  const version = '2026-03-11';
  const databases: TrueDatabase[] = [];
  for (const node of world.nodes()) {
    if (node.kind !== 'database' || node.linked !== null || !canSee(world, viewer, node) || world.inTrash(node)) continue;
    databases.push({
      database: render.database(viewer, node, version),
      dataSources: render.listed(node).map((source) => ({
        id: source.id,
        name: plainTextOf(source.title),
        answer: canSee(world, viewer, source) ? render.dataSource(viewer, source, version) : null,
      })),
    });
  }
  return databases;
}
