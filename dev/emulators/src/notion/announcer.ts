import { z } from 'zod';
import type { Random } from '../random.ts';
import { botsSeeing } from './access.ts';
import type { Actor, Bot, DatabaseNode, DataSourceNode, Node, NodeParent, PageNode } from './model.ts';
import type { SchemaEffects, UpdatedProperty } from './schema-changes.ts';
import type { World } from './world.ts';

/**
 * Behaviour that Notion's documentation leaves open, as settings. A receiver must handle every choice.
 * - `containerEdits`: a changed title, description, icon, cover, lock of a database is announced as `database.content_updated`, as
 *   `data_source.schema_updated` of its first source, or as either at random. Only `database` is reliable: a source may be permanently
 *   deleted before its event arrives.
 * - `sourcesOfContainer`: creating, trashing and restoring a database announces its data sources too.
 * - `descendants`: trashing and restoring a page announces the databases under it.
 * - `dataSourceParent`: `data.parent` of a data source event is the database, the database's parent, or either at random, sometimes
 *   with the database's id under the type `page` (as in Notion's own samples).
 * - `titleEdits`: a row's changed title is announced as `page.properties_updated`, as `page.content_updated` as in three places of Notion's
 *   documentation, or as either at random.
 * - `dependents`: a change that alters the API's response for another data source (a relation, a rollup) announces that one too.
 */
export const announceSchema = z.strictObject({
  containerEdits: z.enum(['database', 'data_source', 'mixed']).default('database'),
  sourcesOfContainer: z.boolean().default(true),
  descendants: z.boolean().default(true),
  dataSourceParent: z.enum(['database', 'above', 'mixed']).default('mixed'),
  titleEdits: z.enum(['properties', 'content', 'mixed']).default('properties'),
  dependents: z.boolean().default(true),
});
export type AnnounceSettings = z.output<typeof announceSchema>;

/** `parent` of an event's data, as sent. */
interface EventParent {
  readonly id: string;
  readonly type: 'space' | 'block' | 'page' | 'database' | 'team';
  readonly data_source_id?: string;
}

export interface EventData {
  readonly updatedBlocks?: readonly { readonly id: string; readonly type: 'page' | 'database' | 'block' }[];
  /** Of a schema event. */
  readonly updatedProperties?: readonly UpdatedProperty[];
  /** Of `page.properties_updated`: property ids. */
  readonly updatedPropertyIds?: readonly string[];
}

/** A change that Notion may announce. The subscriptions decide who receives it. */
export interface Occurrence extends EventData {
  readonly type: string;
  readonly entity: { readonly id: string; readonly type: 'page' | 'database' | 'data_source' | 'block' };
  /** The container of a data source, for subscriptions of an API version without data sources. */
  readonly databaseId: string | null;
  readonly workspaceId: string;
  readonly at: number;
  readonly authors: readonly { readonly id: string; readonly type: 'person' | 'bot' }[];
  readonly parent: EventParent;
  /** Bots that saw the entity when it happened, by integration. */
  readonly seenBy: ReadonlyMap<string, readonly Bot[]>;
}

type Lifecycle = 'created' | 'deleted' | 'undeleted' | 'moved' | 'content_updated';

export interface Announcer {
  page(event: Lifecycle | 'properties_updated' | 'locked' | 'unlocked', node: PageNode, actor: Actor, data?: EventData): void;
  database(event: Lifecycle, node: DatabaseNode, actor: Actor): void;
  dataSource(event: Lifecycle | 'schema_updated', node: DataSourceNode, actor: Actor, data?: EventData): void;
  /** Cells of a row changed, by property id; or the title of any page. */
  pageEdited(node: PageNode, actor: Actor, propertyIds: readonly string[]): void;
  /** The container's own fields changed. */
  containerEdited(node: DatabaseNode, actor: Actor): void;
  /** Schemas changed: that of `cause` by the actor, others as a consequence. */
  schemas(effects: SchemaEffects, cause: DataSourceNode, actor: Actor): void;
}

export function createAnnouncer({
  world,
  settings,
  random,
  publish,
}: {
  world: World;
  settings: () => AnnounceSettings;
  random: Random;
  publish: (occurrence: Occurrence) => void;
}): Announcer {
  const occur = (
    type: string,
    node: Node,
    entityType: Occurrence['entity']['type'],
    parent: EventParent,
    actor: Actor,
    databaseId: string | null,
    data: EventData,
  ) => {
    const seenBy = new Map([...world.integrations.keys()].map((id) => [id, botsSeeing(world, id, node)] as const));
    publish({
      type,
      entity: { id: node.id, type: entityType },
      databaseId,
      workspaceId: node.workspaceId,
      at: world.now(),
      authors: [{ id: actor.id, type: actor.kind }],
      parent,
      seenBy,
      ...data,
    });
  };

  const announcer: Announcer = {
    page: (event, node, actor, data = {}) => occur(`page.${event}`, node, 'page', eventParent(world, node), actor, null, data),
    database: (event, node, actor) => {
      const data = event === 'content_updated' ? { updatedBlocks: [] } : {};
      occur(`database.${event}`, node, node.linked === null ? 'database' : 'block', eventParent(world, node), actor, node.id, data);
    },
    dataSource: (event, node, actor, data = {}) => {
      // Notion's sample of `moved` names the new database plainly.
      const style = event === 'moved' ? 'database' : settings().dataSourceParent;
      const parent = dataSourceParent(
        world,
        node,
        style === 'mixed' ? random.pick(['database', 'above', 'mistyped']) : style,
        event !== 'moved',
      );
      occur(`data_source.${event}`, node, 'data_source', parent, actor, node.parent.id, data);
    },
    pageEdited: (node, actor, propertyIds) => {
      const wanted = settings().titleEdits;
      const isContent =
        propertyIds.includes('title') && (wanted === 'mixed' ? random.pick(['properties', 'content']) : wanted) === 'content';
      const properties = isContent ? propertyIds.filter((id) => id !== 'title') : propertyIds;
      if (isContent) announcer.page('content_updated', node, actor, { updatedBlocks: [] });
      if (properties.length > 0) announcer.page('properties_updated', node, actor, { updatedPropertyIds: properties });
    },
    containerEdited: (node, actor) => {
      const wanted = settings().containerEdits;
      const first = node.dataSourceIds.map((id) => world.dataSource(id)).find((source) => source?.trashed === false);
      const through = wanted === 'mixed' ? random.pick(['database', 'data_source']) : wanted;
      if (first === undefined || node.linked !== null || through === 'database') announcer.database('content_updated', node, actor);
      else announcer.dataSource('schema_updated', first, actor, { updatedProperties: [] });
    },
    schemas: (effects, cause, actor) => {
      for (const [node, updatedProperties] of effects) {
        if (node === cause || settings().dependents) announcer.dataSource('schema_updated', node, actor, { updatedProperties });
      }
    },
  };
  return announcer;
}

function eventParent(world: World, node: Exclude<Node, DataSourceNode>): EventParent {
  return parentOf(world, node.workspaceId, node.parent);
}

function parentOf(world: World, workspaceId: string, parent: NodeParent): EventParent {
  if (parent.type === 'workspace') return { id: workspaceId, type: 'space' };
  if (parent.type === 'teamspace') return { id: parent.id, type: 'team' };
  if (parent.type === 'data_source')
    return { id: world.dataSource(parent.id)?.parent.id ?? parent.id, type: 'database', data_source_id: parent.id };
  if (parent.type !== 'database') return { id: parent.id, type: parent.type };
  // A database directly inside a wiki.
  const source = world.database(parent.id)?.dataSourceIds[0];
  return { id: parent.id, type: 'database', ...(source === undefined ? {} : { data_source_id: source }) };
}

function dataSourceParent(world: World, node: DataSourceNode, style: 'database' | 'above' | 'mistyped', withOwnId: boolean): EventParent {
  const container = world.database(node.parent.id);
  if (style === 'above' && container !== undefined) return parentOf(world, node.workspaceId, container.parent);
  const type = style === 'mistyped' ? 'page' : 'database';
  return { id: node.parent.id, type, ...(withOwnId && type === 'database' ? { data_source_id: node.id } : {}) };
}
