import { z } from 'zod';
import type { TreeNode } from '../notion/control.ts';
import type { Random } from '../random.ts';
import { createRandom } from '../random.ts';
import type { Situation } from './actions.ts';
import { lifeActions } from './actions.ts';
import type { CellContext, SeenProperty } from './made-up-cells.ts';
import { madeUpCell, optionsIn, relatedSource, seenProperty } from './made-up-cells.ts';
import { madeUpCover, madeUpIcon, madeUpPropertyName, madeUpPropertyType } from './made-up.ts';

/** The situation of a user who works on the rows of a data source. */
export interface RowSituation extends Situation {
  /** None are added when there are this many live rows. */
  readonly mostRows: number;
}

/** An action on rows. Whether Notion announces it does not matter: values that follow other rows or the schema never are. */
export interface RowActionKind {
  readonly weight: number;
  readonly prepare: (situation: RowSituation) => { readonly target: string; readonly run: () => Promise<unknown> } | null;
}

/** Fewer, so that a schema stays readable. */
const mostProperties = 24;
const mostPages = 20;
/** Imported rows are older than the import, and some are of one minute. */
const importedSince = Date.parse('2026-01-31T08:00:00Z');
const importedMinutes = 30;

export const rowActions = {
  insertRow: action(9, (situation) => {
    const source = situation.random.pickAny(situation.around.liveSources);
    if (source === undefined || room(situation) < 1) return null;
    return {
      target: source.id,
      run: async () => {
        const properties = madeUpCells(await schemaOf(situation, source.id), await contextOf(situation));
        await situation.user.call('POST', '/v1/pages', { parent: { data_source_id: source.id }, properties });
      },
    };
  }),
  importRows: action(2, (situation) => {
    const { random, around, notion } = situation;
    const source = random.pickAny(around.liveSources);
    const count = Math.min(3 + random.integer(40), room(situation));
    if (source === undefined || count < 3) return null;
    return {
      target: source.id,
      run: async () => {
        const schema = await schemaOf(situation, source.id);
        const context = await contextOf(situation);
        const rows = Array.from({ length: count }, () => ({ properties: madeUpCells(schema, context), createdTime: someTime(random) }));
        notion.createRows({ dataSourceId: source.id, rows });
      },
    };
  }),
  fillRow: action(22, (situation) => {
    const row = situation.random.pickAny(situation.around.liveRows);
    return onRow(row, async (source) => {
      const properties = madeUpCells(await schemaOf(situation, source), await contextOf(situation));
      await situation.user.call('PATCH', `/v1/pages/${row?.id}`, { properties });
    });
  }),
  fillManyRows: action(3, (situation) => {
    const { random, around, notion } = situation;
    const source = random.pickAny(around.liveSources);
    const rows = around.liveRows.filter((row) => sourceOf(row) === source?.id);
    if (source === undefined || rows.length < 2) return null;
    return {
      target: source.id,
      run: async () => {
        const property = random.pickAny(await schemaOf(situation, source.id));
        const properties = madeUpCells(property === undefined ? [] : [property], await contextOf(situation));
        notion.editRows({ ids: rows.map(({ id }) => id), properties });
      },
    };
  }),
  decorateRow: action(4, ({ around, random, user }) => {
    const row = random.pickAny(around.liveRows);
    const edit = random.pick<Record<string, unknown>>([
      { icon: madeUpIcon(random) },
      { cover: madeUpCover(random) },
      { is_locked: random.chance(0.5) },
    ]);
    return onRow(row, () => user.call('PATCH', `/v1/pages/${row?.id}`, edit));
  }),
  moveRow: action(5, ({ around, random, user }) => {
    const row = random.pickAny(around.liveRows);
    const to = random.pickAny(around.liveSources.filter(({ id }) => id !== sourceOf(row)));
    return to === undefined ? null : onRow(row, () => moveTo(user, row?.id, { data_source_id: to.id }));
  }),
  moveRowOut: action(2, ({ around, random, user }) => {
    const row = random.pickAny(around.liveRows);
    const to = random.pickAny(around.livePages);
    if (to === undefined || around.livePages.length >= mostPages) return null;
    return onRow(row, () => moveTo(user, row?.id, { page_id: to.id }));
  }),
  moveRowIn: action(3, (situation) => {
    const { around, random, user } = situation;
    const page = random.pickAny(around.emptyPages);
    const to = random.pickAny(around.liveSources);
    return page && to && room(situation) > 0 ? { target: page.id, run: () => moveTo(user, page.id, { data_source_id: to.id }) } : null;
  }),
  archiveRow: action(4, ({ around, random, notion }) => {
    const row = random.pickAny(around.liveRows);
    const archived = random.chance(0.6);
    return onRow(row, () => Promise.resolve(notion.archiveRows({ ids: [row?.id ?? ''], archived })));
  }),
  trashRow: { ...lifeActions.trashRow, weight: 5 },
  restoreRow: action(4, ({ around, random, user }) => {
    const row = random.pickAny(around.restorable.filter(isRow));
    return onRow(row, () => user.call('PATCH', `/v1/pages/${row?.id}`, { in_trash: false }));
  }),
  /** In and out of the trash, faster than a mirror follows. */
  flickRow: action(3, ({ around, random, user }) => {
    const row = random.pickAny(around.liveRows);
    const times = 2 + random.integer(2);
    return onRow(row, async () => {
      for (let time = 0; time < times; time += 1) await user.call('PATCH', `/v1/pages/${row?.id}`, { in_trash: time % 2 === 0 });
    });
  }),
  deleteRow: action(2, ({ around, random, notion }) => {
    const row = random.pickAny([...around.liveRows, ...around.restorable.filter(isRow)]);
    return onRow(row, () => Promise.resolve(notion.deletePermanently({ id: row?.id ?? '' })));
  }),

  addColumn: action(5, (situation) => {
    const source = situation.random.pickAny(situation.around.liveSources);
    if (source === undefined) return null;
    return {
      target: source.id,
      run: async () => {
        const schema = await schemaOf(situation, source.id);
        if (schema.length >= mostProperties) return;
        const name = madeUpPropertyName(
          situation.random,
          schema.map((property) => property.name),
        );
        const config = (await computedColumn(situation, schema)) ?? plainColumn(situation.random);
        await situation.user.call('PATCH', `/v1/data_sources/${source.id}`, { properties: { [name]: config } });
      },
    };
  }),
  addRelation: { ...lifeActions.addRelation, weight: 4 },
  renameProperty: { ...lifeActions.renameProperty, weight: 2 },
  renameOption: action(2, (situation) => {
    const { random, around, notion } = situation;
    const source = random.pickAny(around.liveSources);
    if (source === undefined) return null;
    return {
      target: source.id,
      run: async () => {
        const property = random.pickAny((await schemaOf(situation, source.id)).filter((each) => optionsIn(each).length > 0));
        const option = property && random.pickAny(optionsIn(property));
        if (option === undefined) return;
        const to = `${option.name.slice(0, 60)} ${random.integer(100)}`;
        notion.renameOption({ dataSourceId: source.id, property: property?.id ?? '', from: option.name, to });
      },
    };
  }),
} satisfies Record<string, RowActionKind>;

export type RowActionName = keyof typeof rowActions;

type Prepared = { readonly target: string; readonly run: () => Promise<unknown> } | null;

function action(weight: number, prepare: (situation: RowSituation) => Prepared): RowActionKind {
  return { weight, prepare };
}

function onRow(row: TreeNode | undefined, run: (source: string) => Promise<unknown>): Prepared {
  const source = sourceOf(row);
  return row === undefined || source === null ? null : { target: row.id, run: () => run(source) };
}

function isRow(node: TreeNode): boolean {
  return node.kind === 'page' && sourceOf(node) !== null;
}

/** The data source that a row is in; null for anything else. */
function sourceOf(node: TreeNode | undefined): string | null {
  return node?.parent.type === 'data_source' ? node.parent.id : null;
}

function room({ around, mostRows }: RowSituation): number {
  return mostRows - around.liveRows.length;
}

function moveTo(user: Situation['user'], pageId: string | undefined, parent: Record<string, string>): Promise<unknown> {
  return user.call('POST', `/v1/pages/${pageId}/move`, { parent });
}

async function schemaOf({ user }: Pick<Situation, 'user'>, sourceId: string): Promise<SeenProperty[]> {
  const answer = await user.call('GET', `/v1/data_sources/${sourceId}`);
  return z.array(seenProperty).parse(Object.values(answer['properties'] ?? {}));
}

async function contextOf({ around, customer, random, user }: RowSituation): Promise<CellContext> {
  const strangers = createRandom(`people of ${customer.workspaceId}`);
  const me = await user.call('GET', '/v1/users/me');
  return {
    random,
    people: [me.id ?? '', ...Array.from({ length: 40 }, () => strangers.uuid())],
    pages: around.liveRows.map(({ id }) => id),
    rowsOf: (source) => around.liveRows.flatMap((row) => (sourceOf(row) === source ? [row.id] : [])),
  };
}

function someTime(random: Random): string {
  return new Date(importedSince + random.integer(importedMinutes) * 60_000).toISOString();
}

/** Some of the cells of a row, by property id. */
function madeUpCells(schema: readonly SeenProperty[], context: CellContext): Record<string, unknown> {
  const { random } = context;
  const chance = random.pick([0.3, 0.95]);
  const cells = schema.flatMap((property) => {
    const cell = random.chance(chance) ? madeUpCell(property, context) : null;
    return cell === null ? [] : [[property.id, cell] as const];
  });
  return Object.fromEntries(cells);
}

function plainColumn(random: Random): Record<string, unknown> {
  return random.chance(0.4) ? random.pick<Record<string, unknown>>(rareColumns) : madeUpPropertyType(random);
}

const rareColumns = [{ place: {} }, { verification: {} }, { button: {} }] as const;

/** A formula over a column, or a rollup over a relation; null when a plain column is wanted or there is nothing to compute from. */
async function computedColumn(situation: RowSituation, schema: readonly SeenProperty[]): Promise<Record<string, unknown> | null> {
  const { random } = situation;
  if (random.chance(0.35)) return formula(random, schema);
  const relation = random.pickAny(schema.filter((property) => relatedSource(property) !== null));
  const target = relation && relatedSource(relation);
  if (relation === undefined || typeof target !== 'string' || random.chance(0.3)) return null;
  // Rollups over each other would cost as many lookups as there are ways through their relations.
  const rolledUp = random.pickAny((await schemaOf(situation, target)).filter(({ type }) => type !== 'rollup'));
  if (rolledUp === undefined) return null;
  const isNumber = rolledUp.type === 'number' || rolledUp.type === 'formula';
  const name = isNumber ? random.pick(['sum', 'min', 'max', 'show_unique']) : random.pick(['count', 'show_original', 'show_unique']);
  return { rollup: { function: name, relation_property_id: relation.id, rollup_property_id: rolledUp.id } };
}

function formula(random: Random, schema: readonly SeenProperty[]): Record<string, unknown> | null {
  const operands = schema.filter(({ type, name }) => operandTypes.includes(type) && !name.includes('"'));
  const operand = random.pickAny(operands);
  if (operand === undefined) return null;
  const operation = operand.type === 'number' || operand.type === 'rollup' ? ` ${random.pick(['*', '+', '/'])} ${random.integer(9)}` : '';
  return { formula: { expression: `prop("${operand.name}")${operation}` } };
}

const operandTypes = ['title', 'number', 'rollup', 'checkbox', 'date', 'select', 'status', 'url'];
