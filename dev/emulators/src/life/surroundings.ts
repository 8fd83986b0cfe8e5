import type { NotionControl, TreeNode } from '../notion/control.ts';
import type { Customer } from '../pair.ts';

/** Everything under the shared page, by kind, as a user sees it. `live`: not in the trash. */
export interface Surroundings {
  /** Starting with the shared page itself. */
  readonly livePages: readonly TreeNode[];
  readonly liveDatabases: readonly TreeNode[];
  readonly liveSources: readonly TreeNode[];
  readonly liveRows: readonly TreeNode[];
  /** Live pages with nothing in them, other than rows and the shared page. */
  readonly emptyPages: readonly TreeNode[];
  /** Trashed, with live ancestors, so it can be restored. */
  readonly restorable: readonly TreeNode[];
  /** Live databases under the private page. */
  readonly hiddenDatabases: readonly TreeNode[];
  isUnder(node: TreeNode, ancestor: TreeNode): boolean;
  parent(node: TreeNode): TreeNode | undefined;
}

export function lookAround(notion: Pick<NotionControl, 'tree'>, customer: Customer): Surroundings {
  const nodes = new Map(notion.tree({ workspaceId: customer.workspaceId }).map((node) => [node.id, node]));
  const parent = (node: TreeNode) => (node.parent.type === 'workspace' ? undefined : nodes.get(node.parent.id));
  const isUnderId = (node: TreeNode, id: string): boolean => {
    for (let at: TreeNode | undefined = node; at !== undefined; at = parent(at)) if (at.id === id) return true;
    return false;
  };
  const shared = [...nodes.values()].filter((node) => isUnderId(node, customer.sharedPageId) && !node.isLinked);
  const live = shared.filter((node) => !node.inTrash);
  const filled = new Set([...nodes.values()].map((node) => (node.parent.type === 'workspace' ? '' : node.parent.id)));
  return {
    livePages: live.filter((node) => node.kind === 'page' && !isRow(node)),
    liveDatabases: live.filter((node) => node.kind === 'database'),
    liveSources: live.filter((node) => node.kind === 'data_source'),
    liveRows: live.filter(isRow),
    emptyPages: live.filter((node) => node.kind === 'page' && !isRow(node) && !filled.has(node.id) && node.id !== customer.sharedPageId),
    restorable: shared.filter((node) => node.trashed && parent(node)?.inTrash === false),
    hiddenDatabases: [...nodes.values()].filter(
      (node) => node.kind === 'database' && !node.inTrash && isUnderId(node, customer.privatePageId),
    ),
    isUnder: (node, ancestor) => isUnderId(node, ancestor.id),
    parent,
  };
}

function isRow(node: TreeNode): boolean {
  return node.kind === 'page' && node.parent.type === 'data_source';
}
