import { contentDifferences } from './content-differences.ts';
import type { Json, JsonObject, PropertyContent } from './database-content.ts';
import { plainId } from './property-id.ts';

/** `propertyId` as received last. `property`: its name after the change, or the last one of a removed property. */
interface OfProperty {
  readonly propertyId: string;
  readonly property: string;
}

/** The same for an option of a select, multi-select or status. `optionId`: null when it has none; then its name identifies it. */
interface OfOption extends OfProperty {
  readonly optionId: string | null;
  readonly option: string;
}

interface From<Kind extends string, Old, New = Old> {
  readonly kind: Kind;
  readonly old: Old;
  readonly new: New;
}

type Shape = Pick<PropertyContent, 'name' | 'type' | 'description' | 'config'>;
type TypeShape = Pick<PropertyContent, 'type' | 'config'>;
type OptionName = Readonly<Record<'id' | 'name', string | null>>;

/**
 * One change of a data source's schema. A property or option that is renamed, retyped or recoloured keeps its id. The changes of one property are
 * complete: applied to the old property, the order of its options last, they give the new one.
 *
 * - `retyped`: with another type come another config and other options, so these have no changes of their own.
 * - `configured`: the config without its options, whose changes are their own; with them if its options cannot be compared one by one.
 * - `option_configured`: an option without id, name and colour.
 */
export type SchemaChange =
  | (OfProperty & From<'added', null, Shape>)
  | (OfProperty & From<'removed', Shape, null>)
  | (OfProperty & From<'renamed', string>)
  | (OfProperty & From<'retyped', TypeShape>)
  | (OfProperty & From<'described', string | null>)
  | (OfProperty & From<'configured', Json>)
  | (OfProperty & From<'options_reordered', readonly OptionName[]>)
  | (OfOption & From<'option_added', null, JsonObject>)
  | (OfOption & From<'option_removed', JsonObject, null>)
  | (OfOption & From<'option_renamed', string>)
  | (OfOption & From<'option_recoloured', Json>)
  | (OfOption & From<'option_configured', JsonObject>);

/**
 * The changes from one schema to the next, by property: removed ones first, then the others in their new order. Empty exactly when the two are
 * equal, whatever the order of their properties and whether ids are percent-encoded. Both as MongoDB stores them.
 */
export function schemaChanges(before: readonly PropertyContent[], after: readonly PropertyContent[]): SchemaChange[] {
  const [old, now] = [byId(before), byId(after)];
  const removed = [...old].filter(([id]) => !now.has(id)).map(([, property]) => removal(property));
  const others = [...now].flatMap(([id, property]) => {
    const was = old.get(id);
    return was === undefined ? [addition(property)] : propertyChanges(was, property);
  });
  return [...removed, ...others];
}

function byId(properties: readonly PropertyContent[]): Map<string, PropertyContent> {
  return new Map(properties.map((property) => [plainId(property.id), property]));
}

function removal({ id, ...shape }: PropertyContent): SchemaChange {
  return { kind: 'removed', propertyId: id, property: shape.name, old: shapeOf(shape), new: null };
}

function addition({ id, ...shape }: PropertyContent): SchemaChange {
  return { kind: 'added', propertyId: id, property: shape.name, old: null, new: shapeOf(shape) };
}

function shapeOf({ name, type, description, config }: Shape): Shape {
  return { name, type, description, config };
}

function propertyChanges(was: PropertyContent, is: PropertyContent): SchemaChange[] {
  const of = { propertyId: is.id, property: is.name };
  const changes: SchemaChange[] = [];
  if (was.name !== is.name) changes.push({ kind: 'renamed', ...of, old: was.name, new: is.name });
  if (was.description !== is.description) changes.push({ kind: 'described', ...of, old: was.description, new: is.description });
  if (was.type !== is.type) {
    const [old, now] = [was, is].map(({ type, config }) => ({ type, config })) as [TypeShape, TypeShape];
    return [...changes, { kind: 'retyped', ...of, old, new: now }];
  }
  return [...changes, ...configChanges(of, was.config, is.config)];
}

function configChanges(of: OfProperty, was: Json, is: Json): SchemaChange[] {
  const [old, now] = [splitConfig(was), splitConfig(is)];
  if (old === null || now === null) return isSame(was, is) ? [] : [{ kind: 'configured', ...of, old: was, new: is }];
  const rest: SchemaChange[] = isSame(old.rest, now.rest) ? [] : [{ kind: 'configured', ...of, old: old.rest, new: now.rest }];
  return [...rest, ...optionsChanges(of, old.options, now.options)];
}

type Options = ReadonlyMap<string, JsonObject>;

/** The options by id, or by name where they have none. Null: there are none, or they cannot be distinguished. */
function splitConfig(config: Json): { readonly rest: JsonObject; readonly options: Options } | null {
  if (!isObject(config)) return null;
  const { options: list, ...rest } = config;
  if (!Array.isArray(list)) return null;
  const options = new Map<string, JsonObject>();
  for (const option of list as readonly Json[]) {
    const key = isObject(option) ? keyOfOption(option) : null;
    if (key === null || options.has(key)) return null;
    options.set(key, option as JsonObject);
  }
  return { rest, options };
}

function keyOfOption({ id, name }: JsonObject): string | null {
  if (typeof id === 'string') return `id:${plainId(id)}`;
  return typeof name === 'string' ? `name:${name}` : null;
}

function optionsChanges(of: OfProperty, old: Options, now: Options): SchemaChange[] {
  const removed = [...old].flatMap(([key, option]): SchemaChange[] =>
    now.has(key) ? [] : [{ kind: 'option_removed', ...of, ...nameOf(option), old: option, new: null }],
  );
  const others = [...now].flatMap(([key, option]): SchemaChange[] => {
    const was = old.get(key);
    if (was === undefined) return [{ kind: 'option_added', ...of, ...nameOf(option), old: null, new: option }];
    return optionChanges({ ...of, ...nameOf(option) }, was, option);
  });
  const kept = [...old.keys()].filter((key) => now.has(key));
  const order = [...kept, ...[...now.keys()].filter((key) => !old.has(key))];
  const isInOrder = [...now.keys()].every((key, index) => key === order[index]);
  if (isInOrder) return [...removed, ...others];
  const names = (options: Options) => [...options.values()].map((one) => ({ id: textOf(one['id']), name: textOf(one['name']) }));
  return [...removed, ...others, { kind: 'options_reordered', ...of, old: names(old), new: names(now) }];
}

function optionChanges(of: OfOption, was: JsonObject, is: JsonObject): SchemaChange[] {
  const { id: _, name: oldName, color: oldColour = null, ...oldRest } = was;
  const { id: __, name, color: colour = null, ...rest } = is;
  const changes: SchemaChange[] = [];
  if (!isSame(oldName ?? null, name ?? null)) {
    changes.push({ kind: 'option_renamed', ...of, old: textOf(oldName) ?? '', new: textOf(name) ?? '' });
  }
  if (!isSame(oldColour, colour)) changes.push({ kind: 'option_recoloured', ...of, old: oldColour, new: colour });
  if (!isSame(oldRest, rest)) changes.push({ kind: 'option_configured', ...of, old: oldRest, new: rest });
  return changes;
}

function nameOf({ id, name }: JsonObject): Pick<OfOption, 'optionId' | 'option'> {
  return { optionId: textOf(id), option: textOf(name) ?? '' };
}

function textOf(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function isSame(a: Json, b: Json): boolean {
  return contentDifferences({ value: a }, { value: b }).length === 0;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
