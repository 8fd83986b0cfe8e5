import type { JsonObject } from '../json.ts';
import { canSee } from './access.ts';
import { renderFile } from './files.ts';
import { dashlessId } from './ids.ts';
import type { Actor, Bot, DatabaseNode, DataSourceNode, NodeParent, PageNode, Person } from './model.ts';
import { renderProperty } from './property-answer.ts';
import { plainTextOf } from './rich-text.ts';
import type { RowValues, RowView } from './row-values.ts';
import { createRowValues } from './row-values.ts';
import type { RowVersions } from './row-versions.ts';
import type { World } from './world.ts';

/** How the API formats times: to the millisecond in UTC, truncated to the minute, or with an offset instead of Z. */
export type TimestampStyle = 'millisecond' | 'minute' | 'offset';

/** Renders nodes as API responses for one viewer. */
export interface Renderer {
  database(viewer: Actor, node: DatabaseNode, version: string): JsonObject;
  /** The single object of versions before 2025-09-03, for a database with only this source. */
  legacyDatabase(viewer: Actor, node: DatabaseNode, source: DataSourceNode): JsonObject;
  dataSource(viewer: Actor, node: DataSourceNode, version: string): JsonObject;
  /** Times are floored to the minute. Of a row only the properties with these ids or names, by default all. */
  page(
    viewer: Actor,
    node: PageNode,
    version: string,
    shown?: { properties?: readonly string[]; stateOf?: RowView['stateOf'] },
  ): JsonObject;
  /** The values of rows' properties. */
  readonly rows: RowValues;
  user(actor: Person | Bot): JsonObject;
  /** The sources a container lists, in order. */
  listed(node: DatabaseNode): DataSourceNode[];
}

export function createRenderer(
  world: World,
  {
    timestamps,
    listTrashedDataSources,
    relatedBudget,
    versions,
  }: {
    timestamps: TimestampStyle;
    listTrashedDataSources: boolean;
    relatedBudget: () => number;
    versions: Pick<RowVersions, 'answered'>;
  },
): Renderer {
  const time = (at: number) => timestamp(at, timestamps);
  const minute = (at: number) => time(at - (at % 60_000));
  const rows = createRowValues({ world, time: minute, relatedBudget });
  const file = (node: { workspaceId: string }, stored: Parameters<typeof renderFile>[0]) =>
    renderFile(stored, { workspaceId: node.workspaceId, now: world.now(), random: world.answers });

  const listed = (node: DatabaseNode) =>
    node.dataSourceIds.flatMap((id) => {
      const source = world.dataSource(id);
      return source === undefined || (source.trashed && !listTrashedDataSources) ? [] : [source];
    });

  const trash = (node: DatabaseNode | DataSourceNode | PageNode, version: string): JsonObject => {
    const in_trash = world.inTrash(node);
    return version >= '2026-03-11' ? { in_trash } : { in_trash, archived: in_trash };
  };

  const properties = (viewer: Actor, node: DataSourceNode): JsonObject =>
    Object.fromEntries(
      node.properties.flatMap((property) => {
        const rendered = renderProperty(world, node, property, (target) => canSee(world, viewer, target));
        return rendered === null ? [] : [[property.name, rendered]];
      }),
    );

  return {
    listed,
    database: (viewer, node, version) => {
      if (!canRead(viewer)) return { object: 'database', id: node.id };
      return {
        object: 'database',
        id: node.id,
        title: node.title,
        description: node.description,
        parent: parentResponse(node.parent),
        is_inline: node.isInline,
        ...trash(node, version),
        is_locked: node.isLocked,
        created_time: time(node.createdTime),
        last_edited_time: time(node.lastEditedTime),
        data_sources: listed(node).map((source) => ({ id: source.id, name: plainTextOf(source.title) })),
        icon: file(node, node.icon),
        cover: file(node, node.cover),
        url: urlOf(node.id),
        public_url: null,
      };
    },
    legacyDatabase: (viewer, node, source) => ({
      object: 'database',
      id: node.id,
      cover: file(node, node.cover),
      icon: file(node, node.icon),
      created_time: time(node.createdTime),
      created_by: partialUser(node.createdBy),
      last_edited_by: partialUser(node.lastEditedBy),
      last_edited_time: time(node.lastEditedTime),
      title: node.title,
      description: node.description,
      is_inline: node.isInline,
      properties: properties(viewer, source),
      parent: parentResponse(node.parent),
      url: urlOf(node.id),
      public_url: null,
      ...trash(node, '2022-06-28'),
    }),
    dataSource: (viewer, node, version) => {
      if (!canRead(viewer)) return { object: 'data_source', id: node.id, properties: {} };
      const container = world.database(node.parent.id);
      return {
        object: 'data_source',
        id: node.id,
        cover: file(node, node.cover),
        icon: file(node, node.icon),
        created_time: time(node.createdTime),
        created_by: partialUser(node.createdBy),
        last_edited_by: partialUser(node.lastEditedBy),
        last_edited_time: time(node.lastEditedTime),
        title: node.title,
        description: node.description,
        is_inline: container?.isInline ?? false,
        properties: properties(viewer, node),
        parent: parentResponse(node.parent),
        database_parent: parentResponse(container?.parent ?? { type: 'workspace' }),
        url: urlOf(node.parent.id),
        public_url: null,
        ...trash(node, version),
      };
    },
    rows,
    page: (viewer, node, version, { properties: wanted, stateOf = (page: PageNode) => page } = {}) => {
      if (!canRead(viewer)) return { object: 'page', id: node.id };
      const view = { viewer, stateOf };
      const isWanted = ({ id, name }: { id: string; name: string }) =>
        wanted?.some((each) => each === id || each === decodeURIComponent(id) || each === name) ?? true;
      const source = node.parent.type === 'data_source' ? world.dataSource(node.parent.id) : undefined;
      const answer = {
        object: 'page',
        id: node.id,
        created_time: minute(node.createdTime),
        last_edited_time: minute(node.lastEditedTime),
        created_by: partialUser(node.createdBy),
        last_edited_by: partialUser(node.lastEditedBy),
        cover: file(node, node.cover),
        icon: file(node, node.icon),
        parent: source === undefined ? parentResponse(node.parent) : { ...parentResponse(node.parent), database_id: source.parent.id },
        ...trash(node, version),
        is_archived: node.isArchived,
        is_locked: node.isLocked,
        properties:
          source === undefined
            ? { title: { id: 'title', type: 'title', title: rows.title(view, node) } }
            : Object.fromEntries(
                source.properties.filter(isWanted).map((property) => [property.name, rows.inPage(view, node, source, property)]),
              ),
        url: urlOf(node.id),
        public_url: null,
      };
      versions.answered(node, answer);
      return answer;
    },
    user: (actor) => userResponse(world, actor),
  };
}

function canRead(viewer: Actor): boolean {
  return viewer.kind === 'person' || viewer.capabilities.read;
}

function timestamp(at: number, style: TimestampStyle): string {
  const inUtc = new Date(at).toISOString();
  switch (style) {
    case 'millisecond':
      return inUtc;
    case 'minute':
      return `${inUtc.slice(0, 16)}:00.000Z`;
    case 'offset':
      return `${new Date(at - 7 * 3_600_000).toISOString().slice(0, -1)}-07:00`;
  }
}

function parentResponse(parent: NodeParent): JsonObject {
  if (parent.type === 'workspace' || parent.type === 'teamspace') return { type: 'workspace', workspace: true };
  return { type: `${parent.type}_id`, [`${parent.type}_id`]: parent.id };
}

function urlOf(id: string): string {
  return `https://www.notion.so/${dashlessId(id)}`;
}

function partialUser(id: string): JsonObject {
  return { object: 'user', id };
}

function userResponse(world: World, actor: Person | Bot): JsonObject {
  if (actor.kind === 'person') return personResponse(actor);
  const integration = world.integrations.get(actor.integrationId);
  const owner = world.persons.get(actor.ownerId);
  const isPublic = integration?.type === 'public' && owner !== undefined;
  return {
    object: 'user',
    id: actor.id,
    name: integration?.name ?? null,
    avatar_url: null,
    type: 'bot',
    bot: {
      owner: isPublic ? { type: 'user', user: personResponse(owner) } : { type: 'workspace', workspace: true },
      workspace_id: actor.workspaceId,
      workspace_name: world.workspaces.get(actor.workspaceId)?.name ?? null,
      workspace_limits: { max_file_upload_size_in_bytes: 5_242_880 },
    },
  };
}

function personResponse({ id, name, email }: Person): JsonObject {
  return { object: 'user', id, name, avatar_url: null, type: 'person', person: { email } };
}
