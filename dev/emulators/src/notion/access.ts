import type { Actor, Bot, Node } from './model.ts';
import type { World } from './world.ts';

/** A person sees the whole workspace; a bot sees shared nodes: the latest decision on a node or any of its ancestors counts. */
export function canSee(world: World, actor: Actor, node: Node): boolean {
  if (actor.workspaceId !== node.workspaceId) return false;
  return actor.kind === 'person' || (decision(world, actor, node)?.visible ?? false);
}

/** Since when the bot has seen this node; null when it does not see it. */
export function visibleSince(world: World, bot: Bot, node: Node): number | null {
  const found = decision(world, bot, node);
  return found?.visible === true ? found.at : null;
}

/** Shares the node and everything under it with the bot, or revokes access. */
export function setAccess(world: World, bot: Bot, node: Node, visible: boolean): void {
  for (const below of world.descendants(node)) bot.access.delete(below.id);
  bot.access.set(node.id, { visible, at: world.now() });
}

/** The bots of one integration that see the node. */
export function botsSeeing(world: World, integrationId: string, node: Node): Bot[] {
  return [...world.bots.values()].filter((bot) => bot.integrationId === integrationId && canSee(world, bot, node));
}

function decision(world: World, bot: Bot, node: Node) {
  for (const each of world.lineage(node)) {
    const found = bot.access.get(each.id);
    if (found !== undefined) return found;
  }
  return undefined;
}
