import { ControlError, found } from '../http/control-api.ts';
import type { PendingWork } from '../pending-work.ts';
import { setAccess } from './access.ts';
import type { Actions } from './actions.ts';
import type { Delivery, DeliveryService } from './delivery.ts';
import { parseId } from './ids.ts';
import type { Actor, Bot, Integration, Node, NodeParent, Person, Workspace } from './model.ts';
import type { Renderer } from './render.ts';
import { plainRichText, plainTextOf } from './rich-text.ts';
import type { RowControl } from './row-control.ts';
import { createRowControl } from './row-control.ts';
import type { RowVersions } from './row-versions.ts';
import type { NewSubscription, Subscription, Subscriptions } from './subscriptions.ts';
import type { TrueDatabase } from './truth.ts';
import { truthOf } from './truth.ts';
import type { World } from './world.ts';

export type ParentInput = NodeParent;

/** One node of a workspace, for inspection. */
export interface TreeNode {
  readonly id: string;
  readonly kind: Node['kind'];
  readonly parent: NodeParent;
  /** Trashed itself. */
  readonly trashed: boolean;
  /** Trashed itself, or under a trashed node. */
  readonly inTrash: boolean;
  readonly isLinked: boolean;
  /** Named by its database in the API's answers, perhaps although it is trashed. False for everything but data sources. */
  readonly isListed: boolean;
  readonly title: string;
}

/** Actions of people in Notion outside the REST API, and inspection for tests. Throws a ControlError for an unknown id. */
export interface NotionControl extends RowControl {
  /** A workspace and its owner, whose token performs a user's actions through the REST API. */
  createWorkspace(input?: { name?: string | undefined; ownerName?: string | undefined }): Workspace & { readonly owner: Person };
  createPerson(input: { workspaceId: string; name: string }): Person;
  createIntegration(input?: { name?: string | undefined; type?: Integration['type'] | undefined }): Integration;
  /** Installs an integration: adds a bot with its own token. It sees nothing until something is shared with it. */
  installBot(input: {
    workspaceId: string;
    integrationId: string;
    /** The authorising user. Default: the workspace's owner. */
    ownerId?: string | undefined;
    token?: string | undefined;
    capabilities?: Partial<Record<'read' | 'insert' | 'update', boolean | undefined>> | undefined;
  }): Bot;
  /** Gives the bot a new token; the old one is revoked. */
  renewToken(input: { botId: string; token?: string | undefined }): Bot;
  /** Removes the integration from the workspace: its token is revoked, and Notion sends no event. */
  removeBot(input: { botId: string }): void;
  createTeamspace(input: { workspaceId: string; name?: string | undefined }): { readonly id: string };
  createPage(input: { workspaceId: string; title?: string | undefined; parent?: ParentInput | undefined }): { readonly id: string };
  /** A block that can contain others: a database in it has a `block_id` parent. */
  createBlock(input: { parent: { type: 'page' | 'block'; id: string } }): { readonly id: string };
  /** A database whose rows are pages that can contain others; a database created in it has a `database_id` parent. */
  createWiki(input: { workspaceId: string; title?: string | undefined; parent?: ParentInput | undefined }): {
    readonly id: string;
    readonly dataSourceId: string;
  };
  createDatabase(input: { workspaceId: string; title?: string | undefined; parent: ParentInput }): {
    readonly id: string;
    readonly dataSourceIds: readonly string[];
  };
  /** A view of a database elsewhere: its events have `entity.type: block`, and the API refuses it with this error. */
  createLinkedDatabase(input: {
    workspaceId: string;
    title?: string | undefined;
    parent: ParentInput;
    answers?: 'object_not_found' | 'validation_error' | undefined;
  }): { readonly id: string };
  /** Shares a page, database or data source and everything under it. */
  share(input: { botId: string; id: string }): void;
  /** Unshares an object and everything under it. Notion sends no event. */
  unshare(input: { botId: string; id: string }): void;
  /** Moves an object to a parent that the REST API cannot move it to: a block, a wiki, a teamspace. */
  move(input: { id: string; parent: ParentInput }): void;
  /** Deletes an object permanently, trashing it first if it is live. Notion sends no event for the permanent deletion. */
  deletePermanently(input: { id: string }): void;
  /**
   * Creates a webhook subscription and posts the handshake to its URL. With `verify` (the default) the token is pasted back, as an operator would,
   * regardless of the handshake's response; otherwise the subscription waits for `verifySubscription`.
   */
  subscribe(input: {
    integrationId: string;
    url: string;
    apiVersion?: NewSubscription['apiVersion'] | undefined;
    eventTypes?: readonly string[] | undefined;
    verificationToken?: string | undefined;
    verify?: boolean | undefined;
  }): Promise<Subscription & { readonly handshake: Delivery }>;
  resendVerification(input: { id: string }): Promise<Delivery>;
  /** Pastes the token; throws for a wrong one. */
  verifySubscription(input: { id: string; verificationToken: string }): Subscription;
  pauseSubscription(input: { id: string }): Subscription;
  resumeSubscription(input: { id: string }): Subscription;
  unsubscribe(input: { id: string }): void;
  subscriptions(): readonly Subscription[];
  /** The last 10,000 deliveries, oldest first. */
  deliveries(filter?: {
    state?: Delivery['state'] | undefined;
    entityId?: string | undefined;
    type?: string | undefined;
  }): readonly Delivery[];
  /** Resolves when no webhook waits for its window, its delay, a response or a retry. Rejects after `timeoutMs`, default 30 s. */
  settle(input?: { timeoutMs?: number | undefined }): Promise<void>;
  /** Every live database that this bot sees; without a bot, that the workspace's owner sees. */
  truth(input: { workspaceId: string; botId?: string | undefined }): TrueDatabase[];
  /** Every node of a workspace, in order of creation. */
  tree(input: { workspaceId: string }): TreeNode[];
}

export function createNotionControl({
  world,
  actions,
  render,
  versions,
  subscriptions,
  deliveries,
  pending,
}: {
  world: World;
  actions: Actions;
  render: Renderer;
  versions: RowVersions;
  subscriptions: Subscriptions;
  deliveries: DeliveryService;
  pending: PendingWork;
}): NotionControl {
  const ownerOf = (workspaceId: string): Person => {
    const workspace = found(world.workspaces.get(workspaceId), 'workspace', workspaceId);
    return found(world.persons.get(workspace.ownerId), 'person', workspace.ownerId);
  };
  const nodeOf = (id: string): Node => found(world.node(parseId(id) ?? id), 'page, block, database or data source', id);
  const ownerOfNode = (node: Node): Actor => ownerOf(node.workspaceId);
  const botOf = (id: string): Bot => found(world.bots.get(id), 'bot', id);
  const setStatus = (id: string, status: 'active' | 'paused') => found(subscriptions.setStatus(id, status), 'subscription', id);

  const addPerson = (workspaceId: string, id: string, name: string): Person => {
    const email = `${name.toLowerCase().replaceAll(/[^a-z]+/g, '.')}@example.com`;
    const person: Person = { kind: 'person', id, workspaceId, name, email, token: `user_${world.ids.text(40)}` };
    world.persons.set(id, person);
    return person;
  };

  const control: NotionControl = {
    ...createRowControl({ world, actions, render, versions, ownerOf }),
    createWorkspace: ({ name = 'A workspace', ownerName = 'Owner' } = {}) => {
      const workspace: Workspace = { id: world.ids.uuid(), name, ownerId: world.ids.uuid() };
      world.workspaces.set(workspace.id, workspace);
      return { ...workspace, owner: addPerson(workspace.id, workspace.ownerId, ownerName) };
    },
    createPerson: ({ workspaceId, name }) => addPerson(ownerOf(workspaceId).workspaceId, world.ids.uuid(), name),
    createIntegration: ({ name = 'My Integration', type = 'public' } = {}) => {
      const integration: Integration = { id: world.ids.uuid(), name, type };
      world.integrations.set(integration.id, integration);
      return integration;
    },
    installBot: ({ workspaceId, integrationId, ownerId = ownerOf(workspaceId).id, token = newToken(world), capabilities = {} }) => {
      found(world.integrations.get(integrationId), 'integration', integrationId);
      found(world.persons.get(ownerId), 'person', ownerId);
      const { read = true, insert = true, update = true } = capabilities;
      const id = world.ids.uuid();
      const bot: Bot = {
        kind: 'bot',
        id,
        workspaceId,
        integrationId,
        ownerId,
        token,
        capabilities: { read, insert, update },
        access: new Map(),
      };
      world.bots.set(id, bot);
      return bot;
    },
    renewToken: ({ botId, token = newToken(world) }) => {
      const bot = botOf(botId);
      bot.token = token;
      return bot;
    },
    removeBot: ({ botId }) => {
      world.bots.delete(botOf(botId).id);
    },
    createTeamspace: ({ workspaceId, name = 'A teamspace' }) => {
      const owner = ownerOf(workspaceId);
      const now = world.now();
      const times = { createdTime: now, lastEditedTime: now, createdBy: owner.id, lastEditedBy: owner.id };
      const id = world.ids.uuid();
      world.add({ kind: 'teamspace', id, workspaceId, name, parent: { type: 'workspace' }, trashed: false, ...times });
      return { id };
    },
    createPage: ({ workspaceId, title = '', parent = { type: 'workspace' } }) => {
      const { id } = actions.createPage(ownerOf(workspaceId), { parent, title: plainRichText(title) });
      return { id };
    },
    createBlock: ({ parent }) => {
      const within = nodeOf(parent.id);
      const now = world.now();
      const times = { createdTime: now, lastEditedTime: now, createdBy: within.createdBy, lastEditedBy: within.createdBy };
      const id = world.ids.uuid();
      world.add({
        kind: 'block',
        id,
        workspaceId: within.workspaceId,
        parent: { type: parent.type, id: within.id },
        trashed: false,
        ...times,
      });
      return { id };
    },
    createWiki: ({ workspaceId, title = 'Wiki', parent = { type: 'workspace' } }) => {
      const { id, dataSourceIds } = actions.createDatabase(ownerOf(workspaceId), { parent, title: plainRichText(title) });
      return { id, dataSourceId: dataSourceIds[0] ?? '' };
    },
    createDatabase: ({ workspaceId, title = '', parent }) => {
      const { id, dataSourceIds } = actions.createDatabase(ownerOf(workspaceId), { parent, title: plainRichText(title) });
      return { id, dataSourceIds };
    },
    createLinkedDatabase: ({ workspaceId, title = '', parent, answers = 'object_not_found' }) => {
      const { id } = actions.createDatabase(ownerOf(workspaceId), { parent, title: plainRichText(title), linked: answers });
      return { id };
    },
    share: ({ botId, id }) => setAccess(world, botOf(botId), nodeOf(id), true),
    unshare: ({ botId, id }) => setAccess(world, botOf(botId), nodeOf(id), false),
    move: ({ id, parent }) => {
      const node = nodeOf(id);
      actions.move(ownerOfNode(node), node, parent);
    },
    deletePermanently: ({ id }) => {
      const node = nodeOf(id);
      actions.removeForever(ownerOfNode(node), node);
    },
    subscribe: async ({ integrationId, url, apiVersion = '2025-09-03', eventTypes = null, verificationToken, verify = true }) => {
      found(world.integrations.get(integrationId), 'integration', integrationId);
      const { subscription, handshake } = await subscriptions.add({ integrationId, url, apiVersion, eventTypes, verificationToken });
      return { ...(verify ? setStatus(subscription.id, 'active') : subscription), handshake };
    },
    resendVerification: async ({ id }) => found(await subscriptions.resend(id), 'subscription', id),
    verifySubscription: ({ id, verificationToken }) => {
      const subscription = found(
        subscriptions.list().find((each) => each.id === id),
        'subscription',
        id,
      );
      if (subscription.verificationToken !== verificationToken) throw new ControlError(400, 'This is not the verification token.');
      return setStatus(id, 'active');
    },
    pauseSubscription: ({ id }) => setStatus(id, 'paused'),
    resumeSubscription: ({ id }) => setStatus(id, 'active'),
    unsubscribe: ({ id }) => subscriptions.remove(id),
    subscriptions: () => subscriptions.list(),
    deliveries: ({ state, entityId, type } = {}) =>
      deliveries
        .log()
        .filter(
          (delivery) =>
            (state === undefined || delivery.state === state) &&
            (entityId === undefined || delivery.entityId === entityId) &&
            (type === undefined || delivery.type === type),
        ),
    settle: ({ timeoutMs = 30_000 } = {}) =>
      pending.settle(timeoutMs, () => {
        const open = deliveries.log().filter(({ state }) => state === 'pending');
        return `${pending.count} in flight, among them ${open
          .slice(0, 5)
          .map(({ type, attempts }) => `${type} (${attempts.length} attempts)`)
          .join(', ')}`;
      }),
    truth: ({ workspaceId, botId }) => {
      const owner = ownerOf(workspaceId);
      const bot = botId === undefined ? null : botOf(botId);
      if (bot !== null && bot.workspaceId !== workspaceId)
        throw new ControlError(400, `The bot ${bot.id} is not of the workspace ${workspaceId}.`);
      return truthOf(world, render, bot ?? owner);
    },
    tree: ({ workspaceId }) => {
      ownerOf(workspaceId);
      return [...world.nodes()].filter((node) => node.workspaceId === workspaceId).map((node) => treeNode(world, render, node));
    },
  };
  return control;
}

function newToken(world: World): string {
  return `ntn_${world.ids.text(46)}`;
}

function treeNode(world: World, render: Renderer, node: Node): TreeNode {
  const { id, kind, parent, trashed } = node;
  const database = node.kind === 'data_source' ? world.database(node.parent.id) : undefined;
  return {
    id,
    kind,
    parent,
    trashed,
    inTrash: world.inTrash(node),
    isLinked: node.kind === 'database' && node.linked !== null,
    isListed: database !== undefined && render.listed(database).some((source) => source === node),
    title: 'title' in node ? plainTextOf(node.title) : '',
  };
}
