import type { Json, JsonObject } from '../json.ts';
import { isJsonObject, textAt } from '../json.ts';
import { canSee } from './access.ts';
import { renderFile } from './files.ts';
import { evaluateFormula } from './formula.ts';
import type { Actor, DataSourceNode, PageNode, RichText } from './model.ts';
import { optionsOf } from './property-options.ts';
import type { PlainProperty, Property, RelationProperty, RollupProperty } from './properties.ts';
import { plainTextOf } from './rich-text.ts';
import type { World } from './world.ts';

/** The number of related pages, people, and mentions in a text, after which a page object ends a value. */
export const shownInPage = 25;
/** Formulas and rollups over each other. Beyond it Notion gives up, and says so. */
const deepestComputation = 5;

/** The viewer of an answer, and the state of each page that it shows: null for a page that is not there. */
export interface RowView {
  readonly viewer: Actor;
  readonly stateOf: (page: PageNode) => PageNode | null;
}

/** The values of a row's properties. Relations, mentions, options and computed values are looked up for each answer. */
export interface RowValues {
  /** `{id, type, [type]: value}` as in a page object: cut off after 25 related pages, people and mentions. */
  inPage(view: RowView, page: PageNode, source: DataSourceNode, property: Property): JsonObject;
  /** `{type, [type]: value}`, whole. */
  whole(view: RowView, page: PageNode, source: DataSourceNode, property: Property): JsonObject;
  /** The pages that a relation of this row names, without those that the viewer does not see and those in the trash. */
  related(view: RowView, page: PageNode, relation: RelationProperty): PageNode[];
  /** The title of a page outside a data source, as in a page object. */
  title(view: RowView, page: PageNode): RichText;
}

export function createRowValues({
  world,
  time,
  relatedBudget,
}: {
  world: World;
  time: (at: number) => string;
  /** The number of related pages over which a rollup is `unsupported`. */
  relatedBudget: () => number;
}): RowValues {
  const related: RowValues['related'] = ({ viewer, stateOf }, page, { id, dataSourceId }) => {
    const pages = cellValue(page, id, 'relation');
    if (!Array.isArray(pages)) return [];
    return (pages as readonly string[]).flatMap((pageId) => {
      const known = world.page(pageId);
      const state = known === undefined ? null : stateOf(known);
      if (state === null || state.parent.type !== 'data_source' || state.parent.id !== dataSourceId) return [];
      return world.inTrash(state) || !canSee(world, viewer, state) ? [] : [state];
    });
  };

  const richText = ({ stateOf }: RowView, items: RichText): RichText =>
    items.map((item) => (isJsonObject(item['mention']) ? { ...item, ...mention(world, item['mention'], stateOf) } : item));

  const plain = (view: RowView, page: PageNode, property: PlainProperty): Json => {
    const kept = cellValue(page, property.id, property.type);
    const optionWith = (wanted: Json) => {
      const option = optionsOf(property).find(({ id }) => id === wanted);
      return option === undefined ? [] : [{ id: option.id, name: option.name, color: option.color }];
    };
    switch (property.type) {
      case 'title':
        return richText(view, page.title);
      case 'rich_text':
        return richText(view, (kept ?? []) as RichText);
      case 'select':
      case 'status':
        return optionWith(kept)[0] ?? null;
      case 'multi_select':
        return ((kept ?? []) as readonly Json[]).flatMap(optionWith);
      case 'people':
        return kept ?? [];
      case 'files':
        return ((kept ?? []) as readonly JsonObject[]).map((file) => fileAnswer(world, page, file));
      case 'checkbox':
        return kept ?? false;
      case 'created_time':
        return time(page.createdTime);
      case 'last_edited_time':
        return time(page.lastEditedTime);
      case 'created_by':
        return { object: 'user', id: page.createdBy };
      case 'last_edited_by':
        return { object: 'user', id: page.lastEditedBy };
      case 'unique_id':
        return { prefix: property.config['prefix'] ?? null, number: page.number };
      case 'verification':
        return isJsonObject(kept) ? verification(kept, world.now()) : kept;
      case 'button':
        return {};
      case 'number':
      case 'url':
      case 'email':
      case 'phone_number':
      case 'date':
      case 'place':
      case 'location':
      case 'last_visited_time':
      case 'formula':
        return kept;
    }
  };

  const rollup = (view: RowView, page: PageNode, source: DataSourceNode, property: RollupProperty, depth: number): JsonObject => {
    const { function: name } = property;
    const relation = source.properties.find(({ id }) => id === property.relationPropertyId);
    const target = relation?.type === 'relation' ? world.dataSource(relation.dataSourceId) : undefined;
    const rolledUp = target?.properties.find(({ id }) => id === property.rollupPropertyId);
    if (relation?.type !== 'relation' || target === undefined || rolledUp === undefined)
      return { type: 'number', number: null, function: name };
    const pages = related(view, page, relation);
    if (pages.length > relatedBudget()) return { type: 'unsupported', unsupported: {}, function: name };
    const values = pages.map((each) => value(view, each, target, rolledUp, depth + 1));
    if (values.some(isUnsupported)) return { type: 'unsupported', unsupported: {}, function: name };
    return { ...rolledUpValue(name, values), function: name };
  };

  /** `{type, [type]: value}`. */
  const value = (view: RowView, page: PageNode, source: DataSourceNode, property: Property, depth = 0): JsonObject => {
    const { type } = property;
    if (type === 'relation') return { type, relation: related(view, page, property).map(({ id }) => ({ id })), has_more: false };
    if (type !== 'rollup' && type !== 'formula') return { type, [type]: plain(view, page, property) };
    if (depth > deepestComputation) return { type, [type]: { type: 'unsupported', unsupported: {} } };
    if (type === 'rollup') return { type, rollup: rollup(view, page, source, property, depth) };
    const valueOf = (name: string) => {
      const operand = source.properties.find((each) => each.name === name);
      return operand === undefined ? null : value(view, page, source, operand, depth + 1);
    };
    return { type, formula: evaluateFormula(textAt(property.config, 'expression'), { now: world.now(), valueOf }) };
  };

  return {
    related,
    whole: (view, page, source, property) => value(view, page, source, property),
    inPage: (view, page, source, property) => ({ id: property.id, ...shown(value(view, page, source, property)) }),
    title: (view, page) => untilMention(richText(view, page.title)),
  };
}

/** What is stored in a cell; null for an empty one, and for one that was filled while the property had another type. */
function cellValue(page: PageNode, propertyId: string, type: Property['type']): Json {
  const cell = page.values.get(propertyId);
  return cell?.type === type ? cell.value : null;
}

/** Cuts a value off as in a page object. Only a relation says so. */
function shown(property: JsonObject): JsonObject {
  const { relation, people } = property;
  if (Array.isArray(relation) && relation.length > shownInPage)
    return { ...property, relation: relation.slice(0, shownInPage), has_more: true };
  if (Array.isArray(people)) return { ...property, people: people.slice(0, shownInPage) };
  for (const type of ['title', 'rich_text'] as const) {
    if (Array.isArray(property[type])) return { ...property, [type]: untilMention(property[type] as RichText) };
  }
  return property;
}

/** The text up to its last mention that a page object shows. */
function untilMention(items: RichText): RichText {
  let mentions = 0;
  const last = items.findIndex((item) => {
    if (isJsonObject(item['mention']) && ('user' in item['mention'] || 'page' in item['mention'])) mentions += 1;
    return mentions === shownInPage;
  });
  return last === -1 ? items : items.slice(0, last + 1);
}

function mention(world: World, given: JsonObject, stateOf: RowView['stateOf']): JsonObject {
  const { page, user } = given;
  if (isJsonObject(page)) {
    const known = world.page(textAt(page, 'id'));
    const state = known === undefined ? null : stateOf(known);
    const title = state === null ? '' : plainTextOf(state.title);
    return { mention: { type: 'page', page: { id: page['id'] ?? '' } }, plain_text: title === '' ? 'Untitled' : title };
  }
  if (!isJsonObject(user)) return {};
  const person = world.persons.get(textAt(user, 'id'));
  return { mention: { type: 'user', user: { object: 'user', id: user['id'] ?? '' } }, plain_text: `@${person?.name ?? 'User'}` };
}

function fileAnswer(world: World, { workspaceId }: PageNode, { name = '', url = '', fileId }: JsonObject): JsonObject {
  if (typeof fileId !== 'string') return { name, type: 'external', external: { url } };
  return { name, ...renderFile({ type: 'stored_file', fileId }, { workspaceId, now: world.now(), random: world.answers }) };
}

/** A verification lapses when its end has passed, without an event. */
function verification(kept: JsonObject, now: number): JsonObject {
  const end = isJsonObject(kept['date']) ? kept['date']['end'] : null;
  return kept['state'] === 'verified' && typeof end === 'string' && Date.parse(end) < now ? { ...kept, state: 'expired' } : kept;
}

function isUnsupported(property: JsonObject): boolean {
  const computed = property[textAt(property, 'type')] ?? null;
  return isJsonObject(computed) && computed['type'] === 'unsupported';
}

/** A rollup's value without its function. Functions other than these few give an empty number. */
function rolledUpValue(name: string, values: readonly JsonObject[]): JsonObject {
  const numbers = values.map(numberIn).filter((number) => number !== null);
  switch (name) {
    case 'show_original':
    case 'show_unique':
      return { type: 'array', array: name === 'show_original' ? values : distinct(values) };
    case 'count':
      return { type: 'number', number: values.length };
    case 'sum':
      return { type: 'number', number: numbers.reduce((sum, number) => sum + number, 0) };
    case 'min':
    case 'max':
      return { type: 'number', number: numbers.length === 0 ? null : Math[name](...numbers) };
    default:
      return { type: 'number', number: null };
  }
}

function distinct(values: readonly JsonObject[]): JsonObject[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}

function numberIn(property: JsonObject): number | null {
  const value = property[textAt(property, 'type')] ?? null;
  const number = isJsonObject(value) ? value['number'] : value;
  return typeof number === 'number' ? number : null;
}
