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

/** One live row as returned by GET /v1/pages/{id}. */
export interface TrueRow {
  readonly dataSourceId: string;
  readonly page: JsonObject;
}

/**
 * Every row that this viewer gets from GET /v1/pages/{id} with `in_trash: false`, archived or not, in a data source that it sees: in the
 * response form of Notion-Version 2026-03-11, without `request_id`. Without templates.
 */
export function rowTruthOf(world: World, render: Renderer, viewer: Actor): TrueRow[] {
  const rows: TrueRow[] = [];
  for (const node of world.nodes()) {
    if (node.kind !== 'page' || node.parent.type !== 'data_source' || node.isTemplate) continue;
    const source = world.dataSource(node.parent.id);
    if (source === undefined || !canSee(world, viewer, source) || !canSee(world, viewer, node) || world.inTrash(node)) continue;
    rows.push({ dataSourceId: source.id, page: render.page(viewer, node, '2026-03-11') });
  }
  return rows;
}
