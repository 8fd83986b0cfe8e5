import type { Json, JsonObject } from '../json.ts';
import { isJsonObject } from '../json.ts';
import { canSee } from './access.ts';
import type { Actor, PageNode } from './model.ts';
import type { Property } from './properties.ts';
import type { Renderer } from './render.ts';
import { shownInPage } from './row-values.ts';
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
  /**
   * By property id, the whole values of properties that the page object may show in part: relations, people and texts with 25 related pages, people or
   * mentions or more. They are what GET /v1/pages/{id}/properties/{id} lists.
   */
  readonly whole: Readonly<Record<string, readonly Json[]>>;
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
    const view = { viewer, stateOf: (page: PageNode) => page };
    const whole = source.properties.flatMap((property) => {
      if (!partlyShown.includes(property.type)) return [];
      const items = render.rows.whole(view, node, source, property)[property.type];
      return Array.isArray(items) && countOf(property.type, items) >= shownInPage ? [[property.id, items as readonly Json[]] as const] : [];
    });
    rows.push({ dataSourceId: source.id, page: render.page(viewer, node, '2026-03-11'), whole: Object.fromEntries(whole) });
  }
  return rows;
}

const partlyShown: readonly Property['type'][] = ['title', 'rich_text', 'relation', 'people'];

/** How many items count against the limit: of a text, its mentions. */
function countOf(type: Property['type'], items: readonly Json[]): number {
  if (type === 'relation' || type === 'people') return items.length;
  return items.filter((item) => isJsonObject(item) && item['type'] === 'mention').length;
}
