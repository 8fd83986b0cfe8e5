import { canSee, setAccess } from './access.ts';
import type { Announcer, AnnounceSettings } from './announcer.ts';
import { validationError } from './errors.ts';
import type { StoredCover, StoredIcon } from './files.ts';
import type { Actor, Cell, DatabaseNode, DataSourceNode, Node, NodeParent, PageNode, RichText } from './model.ts';
import type { PropertyRequest } from './property-request.ts';
import { changeSchema, forgetDataSource, relationsTo } from './schema-changes.ts';
import type { World } from './world.ts';
import type { RowHistory } from './row-history.ts';

type PropertyRequests = readonly (readonly [key: string, request: PropertyRequest | null])[];

export interface NewDatabase {
  readonly parent: NodeParent;
  readonly title?: RichText;
  readonly description?: RichText;
  readonly isInline?: boolean;
  readonly icon?: StoredIcon | null;
  readonly cover?: StoredCover | null;
  readonly properties?: PropertyRequests;
  readonly linked?: DatabaseNode['linked'];
}

export interface DatabaseEdit {
  readonly title?: RichText | undefined;
  readonly description?: RichText | undefined;
  readonly isInline?: boolean | undefined;
  readonly isLocked?: boolean | undefined;
  readonly icon?: StoredIcon | null | undefined;
  readonly cover?: StoredCover | null | undefined;
}

export interface DataSourceEdit {
  readonly title?: RichText | undefined;
  readonly icon?: StoredIcon | null | undefined;
  readonly properties?: PropertyRequests | undefined;
}

export interface NewPage {
  readonly parent: NodeParent;
  readonly title?: RichText;
  readonly values?: ReadonlyMap<string, Cell>;
  readonly icon?: StoredIcon | null;
  readonly cover?: StoredCover | null;
  readonly isTemplate?: boolean;
  /** Milliseconds since the epoch. Default: now. */
  readonly createdTime?: number;
  /** False: no event at all. Default true. */
  readonly announce?: boolean;
}

export interface PageEdit {
  readonly title?: RichText | undefined;
  readonly values?: ReadonlyMap<string, Cell> | undefined;
  readonly icon?: StoredIcon | null | undefined;
  readonly cover?: StoredCover | null | undefined;
  readonly isLocked?: boolean | undefined;
}

/** The actions possible in Notion. Each changes the world and sends the events that Notion would. The caller checks permissions. */
export interface Actions {
  createPage(actor: Actor, input: NewPage): PageNode;
  editPage(actor: Actor, node: PageNode, edit: PageEdit): void;
  createDatabase(actor: Actor, input: NewDatabase): DatabaseNode;
  editDatabase(actor: Actor, node: DatabaseNode, edit: DatabaseEdit): void;
  createDataSource(
    actor: Actor,
    input: { database: DatabaseNode; title: RichText; icon?: StoredIcon | null; properties: PropertyRequests },
  ): DataSourceNode;
  editDataSource(actor: Actor, node: DataSourceNode, edit: DataSourceEdit): void;
  setTrashed(actor: Actor, node: Node, trashed: boolean): void;
  /** Neither an edit nor announced. */
  setArchived(page: PageNode, archived: boolean): void;
  move(actor: Actor, node: Node, parent: NodeParent): void;
  /** Permanently deletes the node and everything under it, trashing it first if it is live. */
  removeForever(actor: Actor, node: Node): void;
}

export function createActions({
  world,
  history,
  announcer,
  settings,
}: {
  world: World;
  history: RowHistory;
  announcer: Announcer;
  settings: () => AnnounceSettings;
}): Actions {
  const born = (actor: Actor, now = world.now()) => {
    return {
      id: world.ids.uuid(),
      workspaceId: actor.workspaceId,
      trashed: false,
      createdTime: now,
      lastEditedTime: now,
      createdBy: actor.id,
      lastEditedBy: actor.id,
    };
  };
  const touch = (actor: Actor, node: Node) => {
    node.lastEditedTime = world.now();
    node.lastEditedBy = actor.id;
  };
  const nextNumber = (parent: NodeParent) => {
    const source = parent.type === 'data_source' ? world.dataSource(parent.id) : undefined;
    if (source === undefined) return null;
    source.lastRowNumber += 1;
    return source.lastRowNumber;
  };
  const setValues = (row: PageNode, values: ReadonlyMap<string, Cell>) => {
    for (const [id, cell] of values) {
      relinkOtherEnd(world, history, row, id, cell);
      row.values.set(id, cell);
    }
  };
  const add = (actor: Actor, node: Node) => {
    world.add(node);
    // A bot can see objects it creates at the top of the workspace.
    if (actor.kind === 'bot' && !canSee(world, actor, node)) setAccess(world, actor, node, true);
  };
  const assertEditable = (node: Node) => {
    if (world.inTrash(node)) throw validationError("Can't edit block that is archived. You must unarchive the block before editing.");
  };
  const assertRoomIn = (node: Node | null, parent: NodeParent) => {
    if (parent.type === 'workspace') return;
    const target = world.node(parent.id);
    if (target === undefined || target.kind !== parent.type) throw validationError(`There is no ${parent.type} with ID: ${parent.id}.`);
    assertEditable(target);
    for (const above of world.lineage(target)) if (above === node) throw validationError('An object cannot be moved into itself.');
  };
  const rowsChanged = (actor: Actor, row: PageNode, parent: NodeParent) => {
    const source = parent.type === 'data_source' ? world.dataSource(parent.id) : undefined;
    if (source === undefined) return;
    touch(actor, source);
    announcer.dataSource('content_updated', source, actor, { updatedBlocks: [{ id: row.id, type: 'page' }] });
  };
  const childAdded = (actor: Actor, child: PageNode | DatabaseNode) => {
    const page = child.parent.type === 'page' ? world.page(child.parent.id) : undefined;
    if (page !== undefined) announcer.page('content_updated', page, actor, { updatedBlocks: [{ id: child.id, type: child.kind }] });
  };

  /** Before the node, and with it everything under it, is trashed or restored. */
  const rememberPages = (node: Node) => {
    for (const each of [node, ...world.descendants(node)]) if (each.kind === 'page') history.remember(each);
  };

  /** Runs a change and announces the nodes that it trashed or restored. */
  const announcingTrash = (actor: Actor, root: Node, change: () => void) => {
    const wereTrashed = new Map([root, ...world.descendants(root)].map((node) => [node, world.inTrash(node)]));
    change();
    for (const [node, wasTrashed] of wereTrashed) {
      const isTrashed = world.inTrash(node);
      if (
        wasTrashed === isTrashed ||
        (node !== root && !settings().descendants && !(node.kind === 'data_source' && node.parent.id === root.id))
      )
        continue;
      announceTrash(actor, root, node, isTrashed);
    }
  };
  const announceTrash = (actor: Actor, root: Node, node: Node, isTrashed: boolean) => {
    const event = isTrashed ? 'deleted' : 'undeleted';
    if (node.kind === 'database') announcer.database(event, node, actor);
    if (node.kind === 'data_source' && (node === root || settings().sourcesOfContainer)) announcer.dataSource(event, node, actor);
    if (node.kind === 'page' && node === root) {
      announcer.page(event, node, actor);
      rowsChanged(actor, node, node.parent);
    }
  };

  const createDataSource: Actions['createDataSource'] = (actor, { database, title, icon = null, properties }) => {
    const source: DataSourceNode = {
      ...born(actor),
      kind: 'data_source',
      parent: { type: 'database', id: database.id },
      title,
      description: [],
      icon,
      cover: null,
      properties: [titleProperty(properties)],
      lastRowNumber: 0,
    };
    const others = properties.filter(([, request]) => request?.kind !== 'plain' || request.type !== 'title');
    add(actor, source);
    database.dataSourceIds.push(source.id);
    let effects;
    try {
      effects = changeSchema(world, source, others, viewOf(world, actor));
    } catch (error) {
      database.dataSourceIds.pop();
      world.remove(source);
      throw error;
    }
    // The new source's own properties belong to its creation.
    effects.delete(source);
    announcer.schemas(effects, source, actor);
    return source;
  };

  return {
    createPage: (actor, input) => {
      const { parent, title = [], values = new Map(), icon = null, cover = null, isTemplate = false, announce = true } = input;
      assertRoomIn(null, parent);
      const page: PageNode = {
        ...born(actor, input.createdTime),
        kind: 'page',
        parent,
        title,
        values: new Map(),
        number: isTemplate ? null : nextNumber(parent),
        icon,
        cover,
        isArchived: false,
        isTemplate,
        isLocked: false,
        version: 0,
      };
      add(actor, page);
      setValues(page, values);
      if (!announce) return page;
      announcer.page('created', page, actor);
      rowsChanged(actor, page, parent);
      childAdded(actor, page);
      return page;
    },
    editPage: (actor, page, { title, values, icon, cover, isLocked = page.isLocked }) => {
      assertEditable(page);
      const propertyIds = [...(title === undefined ? [] : ['title']), ...(values?.keys() ?? [])];
      // Not an edit, since nothing announces it.
      if (propertyIds.length === 0 && icon === undefined && cover === undefined && isLocked === page.isLocked) return;
      history.remember(page);
      touch(actor, page);
      if (title !== undefined) page.title = title;
      if (values !== undefined) setValues(page, values);
      if (icon !== undefined) page.icon = icon;
      if (cover !== undefined) page.cover = cover;
      if (propertyIds.length > 0) announcer.pageEdited(page, actor, propertyIds);
      if (icon !== undefined || cover !== undefined) announcer.page('content_updated', page, actor, { updatedBlocks: [] });
      if (isLocked !== page.isLocked) {
        page.isLocked = isLocked;
        announcer.page(isLocked ? 'locked' : 'unlocked', page, actor);
      }
    },
    createDatabase: (
      actor,
      { parent, title = [], description = [], isInline = false, icon = null, cover = null, properties, linked = null },
    ) => {
      assertRoomIn(null, parent);
      const database: DatabaseNode = {
        ...born(actor),
        kind: 'database',
        parent,
        title,
        description,
        isInline,
        isLocked: false,
        icon,
        cover,
        dataSourceIds: [],
        linked,
      };
      add(actor, database);
      try {
        if (linked === null) createDataSource(actor, { database, title, properties: properties ?? [] });
      } catch (error) {
        world.remove(database);
        throw error;
      }
      announcer.database('created', database, actor);
      for (const child of world.children(database)) {
        if (child.kind === 'data_source' && settings().sourcesOfContainer) announcer.dataSource('created', child, actor);
      }
      childAdded(actor, database);
      return database;
    },
    editDatabase: (actor, database, edit) => {
      assertEditable(database);
      touch(actor, database);
      Object.assign(database, withoutUndefined(edit));
      announcer.containerEdited(database, actor);
    },
    createDataSource: (actor, input) => {
      assertEditable(input.database);
      const source = createDataSource(actor, input);
      announcer.dataSource('created', source, actor);
      return source;
    },
    editDataSource: (actor, source, { title, icon, properties }) => {
      assertEditable(source);
      const effects = changeSchema(world, source, properties ?? [], viewOf(world, actor));
      for (const changed of effects.keys()) touch(actor, changed);
      touch(actor, source);
      if (title !== undefined) source.title = title;
      if (icon !== undefined) source.icon = icon;
      if (!effects.has(source)) effects.set(source, []);
      announcer.schemas(effects, source, actor);
    },
    setTrashed: (actor, node, trashed) => {
      // Not an edit: trashing and restoring within one window announces nothing, so nothing else may have changed.
      if (node.trashed === trashed) return;
      rememberPages(node);
      announcingTrash(actor, node, () => {
        node.trashed = trashed;
      });
    },
    setArchived: (page, archived) => {
      assertEditable(page);
      history.remember(page);
      page.isArchived = archived;
    },
    move: (actor, node, parent) => {
      if (node.kind === 'teamspace') throw validationError('A teamspace cannot be moved.');
      assertEditable(node);
      assertRoomIn(node, parent);
      const before = node.parent;
      if (node.kind === 'page') {
        history.remember(node);
        node.number = nextNumber(parent);
      }
      announcingTrash(actor, node, () => {
        relist(world, node, parent);
        world.move(node, parent);
      });
      touch(actor, node);
      if (node.kind === 'block') return;
      if (node.kind === 'database') return announcer.database('moved', node, actor);
      if (node.kind === 'data_source') {
        announcer.dataSource('moved', node, actor);
        // Relations to the source name its database.
        return announcer.schemas(relationsTo(world, node), node, actor);
      }
      announcer.page('moved', node, actor);
      rowsChanged(actor, node, before);
      rowsChanged(actor, node, parent);
    },
    removeForever: (actor, node) => {
      if (!world.inTrash(node)) {
        rememberPages(node);
        announcingTrash(actor, node, () => {
          node.trashed = true;
        });
      }
      const gone = [node, ...world.descendants(node)];
      for (const each of gone) {
        if (each.kind !== 'data_source') continue;
        const effects = forgetDataSource(world, each);
        for (const other of gone) if (other.kind === 'data_source') effects.delete(other);
        announcer.schemas(effects, each, actor);
      }
      for (const each of gone.toReversed()) {
        if (each.kind === 'page') history.remember(each);
        relist(world, each, null);
        world.remove(each);
      }
    },
  };
}

/** Before a cell of a two-way relation changes: adds the row to the pages that it will name, and takes it from those that it no longer does. */
function relinkOtherEnd(world: World, history: RowHistory, row: PageNode, propertyId: string, cell: Cell): void {
  const source = row.parent.type === 'data_source' ? world.dataSource(row.parent.id) : undefined;
  const relation = source?.properties.find(({ id }) => id === propertyId);
  if (relation?.type !== 'relation' || relation.syncedPropertyId === null) return;
  const before = pageIdsIn(row.values.get(propertyId));
  const after = pageIdsIn(cell);
  for (const id of new Set([...before, ...after])) {
    const other = world.page(id);
    if (other === undefined || before.has(id) === after.has(id)) continue;
    const pages = pageIdsIn(other.values.get(relation.syncedPropertyId));
    if (after.has(id)) pages.add(row.id);
    else pages.delete(row.id);
    history.remember(other);
    other.values.set(relation.syncedPropertyId, { type: 'relation', value: [...pages] });
  }
}

function pageIdsIn(cell: Cell | undefined): Set<string> {
  return new Set(cell?.type === 'relation' && Array.isArray(cell.value) ? (cell.value as readonly string[]) : []);
}

/** Updates the containers' lists after a data source moves. */
function relist(world: World, node: Node, parent: NodeParent | null): void {
  if (node.kind !== 'data_source') return;
  const from = world.database(node.parent.id);
  if (from !== undefined) from.dataSourceIds = from.dataSourceIds.filter((id) => id !== node.id);
  if (parent?.type === 'database') world.database(parent.id)?.dataSourceIds.push(node.id);
}

function titleProperty(requests: PropertyRequests) {
  if (requests.length === 0) return { id: 'title', name: 'Name', description: null, type: 'title' as const, config: {} };
  const title = requests.find(([, request]) => request?.kind === 'plain' && request.type === 'title');
  if (title === undefined) throw validationError('Title is not provided');
  return { id: 'title', name: title[1]?.name ?? title[0], description: title[1]?.description ?? null, type: 'title' as const, config: {} };
}

function viewOf(world: World, actor: Actor) {
  const integrationName = actor.kind === 'bot' ? (world.integrations.get(actor.integrationId)?.name ?? null) : null;
  return { canSee: (target: DataSourceNode) => canSee(world, actor, target), integrationName };
}

function withoutUndefined(edit: DatabaseEdit): Partial<DatabaseNode> {
  return Object.fromEntries(Object.entries(edit).filter(([, value]) => value !== undefined));
}
