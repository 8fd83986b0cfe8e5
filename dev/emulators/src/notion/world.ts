import type { Random } from '../random.ts';
import type { Actor, Bot, DatabaseNode, DataSourceNode, Integration, Node, NodeParent, PageNode, Person, Workspace } from './model.ts';

/** The state of this Notion: users, objects and their hierarchy. Checks no permissions and sends no events. */
export interface World {
  readonly workspaces: Map<string, Workspace>;
  readonly persons: Map<string, Person>;
  readonly integrations: Map<string, Integration>;
  readonly bots: Map<string, Bot>;
  /** Random streams: one for ids, one for values drawn for each response. */
  readonly ids: Random;
  readonly answers: Random;
  now(): number;
  node(id: string): Node | undefined;
  page(id: string): PageNode | undefined;
  database(id: string): DatabaseNode | undefined;
  dataSource(id: string): DataSourceNode | undefined;
  nodes(): Iterable<Node>;
  add(node: Node): void;
  move(node: Node, parent: NodeParent): void;
  remove(node: Node): void;
  /** The node itself, then its ancestors, outwards. */
  lineage(node: Node): Iterable<Node>;
  /** Everything under the node, excluding itself. */
  descendants(node: Node): Iterable<Node>;
  children(node: Node): Iterable<Node>;
  /** Trashed itself, or under a trashed node. */
  inTrash(node: Node): boolean;
  actorOf(token: string): Actor | undefined;
  clear(): void;
}

export function createWorld({ random, now }: { random: Random; now: () => number }): World {
  const nodes = new Map<string, Node>();
  const childIds = new Map<string, Set<string>>();
  const maps = {
    workspaces: new Map<string, Workspace>(),
    persons: new Map<string, Person>(),
    integrations: new Map<string, Integration>(),
    bots: new Map<string, Bot>(),
  };

  const link = (node: Node) => {
    if (node.parent.type === 'workspace') return;
    const siblings = childIds.get(node.parent.id) ?? new Set();
    childIds.set(node.parent.id, siblings.add(node.id));
  };
  const unlink = (node: Node) => {
    if (node.parent.type !== 'workspace') childIds.get(node.parent.id)?.delete(node.id);
  };

  const world: World = {
    ...maps,
    ids: random.fork('ids'),
    answers: random.fork('answers'),
    now,
    node: (id) => nodes.get(id),
    page: (id) => kindOrUndefined(nodes.get(id), 'page'),
    database: (id) => kindOrUndefined(nodes.get(id), 'database'),
    dataSource: (id) => kindOrUndefined(nodes.get(id), 'data_source'),
    nodes: () => nodes.values(),
    add: (node) => {
      nodes.set(node.id, node);
      link(node);
    },
    move: (node, parent) => {
      unlink(node);
      if (node.kind === 'data_source') {
        if (parent.type !== 'database') throw new Error('A data source lies in a database.');
        node.parent = { type: 'database', id: parent.id };
      } else node.parent = parent;
      link(node);
    },
    remove: (node) => {
      unlink(node);
      nodes.delete(node.id);
      childIds.delete(node.id);
    },
    *lineage(node) {
      for (let current: Node | undefined = node; current !== undefined;) {
        yield current;
        current = current.parent.type === 'workspace' ? undefined : nodes.get(current.parent.id);
      }
    },
    *children(node) {
      for (const id of childIds.get(node.id) ?? []) {
        const child = nodes.get(id);
        if (child !== undefined) yield child;
      }
    },
    *descendants(node) {
      for (const child of world.children(node)) {
        yield child;
        yield* world.descendants(child);
      }
    },
    inTrash: (node) => {
      for (const each of world.lineage(node)) if (each.trashed) return true;
      return false;
    },
    actorOf: (token) => {
      for (const actor of [...maps.bots.values(), ...maps.persons.values()]) if (actor.token === token) return actor;
      return undefined;
    },
    clear: () => {
      nodes.clear();
      childIds.clear();
      for (const map of Object.values(maps)) map.clear();
    },
  };
  return world;
}

function kindOrUndefined<Kind extends Node['kind']>(node: Node | undefined, kind: Kind): Extract<Node, { kind: Kind }> | undefined {
  return node !== undefined && isKind(node, kind) ? node : undefined;
}

function isKind<Kind extends Node['kind']>(node: Node, kind: Kind): node is Extract<Node, { kind: Kind }> {
  return node.kind === kind;
}
