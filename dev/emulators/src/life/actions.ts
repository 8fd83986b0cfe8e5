import { z } from 'zod';
import type { NotionControl, TreeNode } from '../notion/control.ts';
import type { Customer } from '../pair.ts';
import type { Random } from '../random.ts';
import { madeUpCover, madeUpIcon, madeUpName, madeUpProperties, madeUpPropertyName, madeUpPropertyType, richText } from './made-up.ts';
import type { Surroundings } from './surroundings.ts';
import type { User } from './user.ts';

/** The situation in which a user acts. */
export interface Situation {
  readonly customer: Customer;
  readonly user: User;
  readonly random: Random;
  readonly around: Surroundings;
  readonly notion: NotionControl;
  /** Whether changes are allowed that Notion sends no webhook for. */
  readonly withUnannounced: boolean;
}

/** An action a user may take. */
export interface LifeActionKind {
  /** How often it is chosen, relative to the other possible actions. */
  readonly weight: number;
  /** False: Notion sends no webhook for it, so only a sweep of all databases can find it. */
  readonly isAnnounced: boolean;
  /** The id of the action's target and a function that performs it. Null: not possible now. */
  readonly prepare: (situation: Situation) => { readonly target: string; readonly run: () => Promise<unknown> } | null;
}

const most = { pages: 12, databases: 20, sources: 40, rows: 40 };

export const lifeActions = {
  createPage: action(4, ({ around, random, user }) => {
    const parent = random.pickAny(around.livePages);
    if (parent === undefined || around.livePages.length >= most.pages) return null;
    const properties = { title: richText(madeUpName(random), random) };
    return { target: parent.id, run: () => user.call('POST', '/v1/pages', { parent: { page_id: parent.id }, properties }) };
  }),
  movePage: action(2, ({ around, random, user }) => {
    const page = random.pickAny(around.livePages.slice(1));
    if (page === undefined) return null;
    const to = random.pickAny(around.livePages.filter((each) => !around.isUnder(each, page)));
    return to && { target: page.id, run: () => user.call('POST', `/v1/pages/${page.id}/move`, { parent: { page_id: to.id } }) };
  }),
  trashPage: action(1, ({ around, random, user }) => trash(random.pickAny(around.livePages.slice(1)), 'pages', user)),

  createDatabase: action(8, ({ around, random, user }) => {
    const parent = random.pickAny(around.livePages);
    if (parent === undefined || around.liveDatabases.length >= most.databases) return null;
    const body = {
      parent: { type: 'page_id', page_id: parent.id },
      title: richText(madeUpName(random), random),
      is_inline: random.chance(0.3),
      icon: madeUpIcon(random),
      initial_data_source: { properties: madeUpProperties(random) },
    };
    return { target: parent.id, run: () => user.call('POST', '/v1/databases', body) };
  }),
  editDatabase: action(14, ({ around, random, user }) => {
    const database = random.pickAny(around.liveDatabases);
    const edit = random.pick<Record<string, unknown>>([
      { title: richText(madeUpName(random), random) },
      { description: richText(madeUpName(random), random) },
      { icon: madeUpIcon(random) },
      { cover: madeUpCover(random) },
      { is_locked: random.chance(0.5) },
      { is_inline: random.chance(0.5) },
    ]);
    return database && { target: database.id, run: () => user.call('PATCH', `/v1/databases/${database.id}`, edit) };
  }),
  moveDatabase: action(5, ({ around, random, user }) =>
    moveDatabase(random.pickAny(around.liveDatabases), random.pickAny(around.livePages), user),
  ),
  trashDatabase: action(5, ({ around, random, user }) => trash(random.pickAny(around.liveDatabases), 'databases', user)),
  linkDatabase: action(1, ({ around, random, notion, customer }) => {
    const parent = random.pickAny(around.livePages);
    if (parent === undefined) return null;
    const input = { workspaceId: customer.workspaceId, title: 'A view', parent: { type: 'page' as const, id: parent.id } };
    return { target: parent.id, run: () => Promise.resolve(notion.createLinkedDatabase(input)) };
  }),

  addProperty: action(10, (situation) =>
    editSchema(situation, (properties, random) => {
      if (properties.length > 15) return null;
      return {
        [madeUpPropertyName(
          random,
          properties.map(({ name }) => name),
        )]: madeUpPropertyType(random),
      };
    }),
  ),
  renameProperty: action(8, (situation) =>
    editSchema(situation, (properties, random) => {
      const property = random.pickAny(properties);
      return property === undefined
        ? null
        : {
            [property.id]: {
              name: madeUpPropertyName(
                random,
                properties.map(({ name }) => name),
              ),
            },
          };
    }),
  ),
  changeProperty: action(6, (situation) =>
    editSchema(situation, (properties, random) => {
      const property = random.pickAny(properties.filter(({ type }) => type !== 'title'));
      return property === undefined
        ? null
        : { [property.id]: random.chance(0.3) ? { description: madeUpName(random) } : madeUpPropertyType(random) };
    }),
  ),
  removeProperty: action(4, (situation) =>
    editSchema(situation, (properties, random) => {
      const property = random.pickAny(properties.filter(({ type }) => type !== 'title'));
      return property === undefined ? null : { [property.id]: null };
    }),
  ),
  addRelation: action(3, (situation) => {
    const other = situation.random.pickAny(situation.around.liveSources);
    return editSchema(situation, (properties, random) => {
      if (other === undefined || properties.length > 15) return null;
      const kind = random.chance(0.5) ? { dual_property: {} } : { single_property: {} };
      return {
        [madeUpPropertyName(
          random,
          properties.map(({ name }) => name),
        )]: { relation: { data_source_id: other.id, ...kind } },
      };
    });
  }),

  addDataSource: action(5, ({ around, random, user }) => {
    const database = random.pickAny(around.liveDatabases);
    if (database === undefined || around.liveSources.length >= most.sources) return null;
    const body = {
      parent: { database_id: database.id },
      title: richText(madeUpName(random), random),
      properties: madeUpProperties(random),
    };
    return { target: database.id, run: () => user.call('POST', '/v1/data_sources', body) };
  }),
  editDataSource: action(5, ({ around, random, user }) => {
    const source = random.pickAny(around.liveSources);
    const edit = random.pick([{ title: richText(madeUpName(random), random) }, { icon: madeUpIcon(random) }]);
    return source && { target: source.id, run: () => user.call('PATCH', `/v1/data_sources/${source.id}`, edit) };
  }),
  moveDataSource: action(4, ({ around, random, user }) => {
    const source = random.pickAny(around.liveSources);
    const to = random.pickAny(around.liveDatabases);
    if (source === undefined || to === undefined || source.parent.type === 'workspace' || source.parent.id === to.id) return null;
    return { target: source.id, run: () => user.call('PATCH', `/v1/data_sources/${source.id}`, { parent: { database_id: to.id } }) };
  }),
  trashDataSource: action(3, ({ around, random, user }) => trash(random.pickAny(around.liveSources), 'data_sources', user)),

  createRow: action(4, ({ around, random, user }) => {
    const source = random.pickAny(around.liveSources);
    if (source === undefined || around.liveRows.length >= most.rows) return null;
    return {
      target: source.id,
      run: () =>
        user.call('POST', '/v1/pages', { parent: { data_source_id: source.id }, properties: { title: richText('A row', random) } }),
    };
  }),
  editRow: action(3, ({ around, random, user }) => {
    const row = random.pickAny(around.liveRows);
    const properties = { title: richText(madeUpName(random), random) };
    return row && { target: row.id, run: () => user.call('PATCH', `/v1/pages/${row.id}`, { properties }) };
  }),
  trashRow: action(2, ({ around, random, user }) => trash(random.pickAny(around.liveRows), 'pages', user)),

  restore: action(7, ({ around, random, user }) => {
    const node = random.pickAny(around.restorable);
    const path =
      node &&
      `/v1/${{ page: 'pages', database: 'databases', data_source: 'data_sources', block: '', teamspace: '' }[node.kind]}/${node.id}`;
    return node && path !== undefined ? { target: node.id, run: () => user.call('PATCH', path, { in_trash: false }) } : null;
  }),
  deletePermanently: action(2, ({ around, random, notion, withUnannounced }) => {
    const node = random.pickAny(around.restorable);
    // The list of its database changes without a webhook.
    if (node?.isListed === true && !withUnannounced) return null;
    return node && { target: node.id, run: () => Promise.resolve(notion.deletePermanently({ id: node.id })) };
  }),

  // Out of the shared page: the integration loses the database without a webhook.
  hideDatabase: unannounced(2, ({ around, random, user, customer }) => {
    const database = random.pickAny(around.liveDatabases);
    return database && { target: database.id, run: () => moveTo(user, database.id, customer.privatePageId) };
  }),
  showDatabase: unannounced(2, ({ around, random, user, customer }) => {
    const database = random.pickAny(around.hiddenDatabases);
    return database && { target: database.id, run: () => moveTo(user, database.id, customer.sharedPageId) };
  }),
  unshareDatabase: unannounced(1, ({ around, random, notion, customer }) => {
    const database = random.pickAny(around.liveDatabases);
    const connection = random.pickAny(customer.connections);
    if (database === undefined || connection === undefined) return null;
    return { target: database.id, run: () => Promise.resolve(notion.unshare({ botId: connection.botId, id: database.id })) };
  }),
  shareDatabase: unannounced(2, ({ around, random, notion, customer }) => {
    const database = random.pickAny(around.liveDatabases);
    const connection = random.pickAny(customer.connections);
    if (database === undefined || connection === undefined) return null;
    return { target: database.id, run: () => Promise.resolve(notion.share({ botId: connection.botId, id: database.id })) };
  }),
} satisfies Record<string, LifeActionKind>;

export type LifeActionName = keyof typeof lifeActions;

type Prepared = { readonly target: string; readonly run: () => Promise<unknown> } | null | undefined;

function action(weight: number, prepare: (situation: Situation) => Prepared): LifeActionKind {
  return { weight, isAnnounced: true, prepare: (situation) => prepare(situation) ?? null };
}

function unannounced(weight: number, prepare: (situation: Situation) => Prepared): LifeActionKind {
  return { ...action(weight, prepare), isAnnounced: false };
}

function trash(node: TreeNode | undefined, kind: 'pages' | 'databases' | 'data_sources', user: User): Prepared {
  return node && { target: node.id, run: () => user.call('PATCH', `/v1/${kind}/${node.id}`, { in_trash: true }) };
}

function moveDatabase(database: TreeNode | undefined, to: TreeNode | undefined, user: User): Prepared {
  return database && to && { target: database.id, run: () => moveTo(user, database.id, to.id) };
}

function moveTo(user: User, databaseId: string, pageId: string): Promise<unknown> {
  return user.call('PATCH', `/v1/databases/${databaseId}`, { parent: { type: 'page_id', page_id: pageId } });
}

const propertiesSchema = z.array(z.object({ id: z.string(), name: z.string(), type: z.string() }));
type SeenProperty = z.output<typeof propertiesSchema>[number];

/** Reads a data source's schema, then changes it, unless there is nothing to change. */
function editSchema(
  { around, random, user }: Situation,
  change: (properties: SeenProperty[], random: Random) => Record<string, unknown> | null,
): Prepared {
  const source = random.pickAny(around.liveSources);
  if (source === undefined) return null;
  const path = `/v1/data_sources/${source.id}`;
  return {
    target: source.id,
    run: async () => {
      const properties = change(propertiesSchema.parse(Object.values((await user.call('GET', path))['properties'] ?? {})), random);
      if (properties !== null) await user.call('PATCH', path, { properties });
    },
  };
}
