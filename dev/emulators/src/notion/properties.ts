import { z } from 'zod';
import type { Json, JsonObject } from '../json.ts';
import { isJsonObject } from '../json.ts';
import type { Random } from '../random.ts';
import type { DataSourceNode } from './model.ts';
import type { World } from './world.ts';

interface PropertyBase {
  /** Percent-encoded, unique in its data source; `title` for the title. */
  readonly id: string;
  name: string;
  description: string | null;
}
export interface PlainProperty extends PropertyBase {
  readonly type: PlainType;
  readonly config: JsonObject;
}
export interface RelationProperty extends PropertyBase {
  readonly type: 'relation';
  readonly dataSourceId: string;
  /** The other end of a two-way relation. */
  readonly syncedPropertyId: string | null;
}
export interface RollupProperty extends PropertyBase {
  readonly type: 'rollup';
  readonly function: string;
  readonly relationPropertyId: string;
  readonly rollupPropertyId: string;
}
export type Property = PlainProperty | RelationProperty | RollupProperty;

const emptyTypes = [
  'title',
  'rich_text',
  'url',
  'people',
  'files',
  'email',
  'phone_number',
  'date',
  'checkbox',
  'created_by',
  'created_time',
  'last_edited_by',
  'last_edited_time',
  'button',
  'location',
  'verification',
  'last_visited_time',
  'place',
] as const;
const plainTypes = [...emptyTypes, 'number', 'formula', 'select', 'multi_select', 'status', 'unique_id'] as const;
export type PlainType = (typeof plainTypes)[number];

const color = z.enum(['default', 'gray', 'brown', 'orange', 'yellow', 'green', 'blue', 'purple', 'pink', 'red']);
const optionRequest = z
  .looseObject({
    id: z.string().optional(),
    name: z.string().max(100).optional(),
    color: color.optional(),
    description: z.string().nullish(),
  })
  .refine(({ id, name }) => id !== undefined || name !== undefined, 'should have an id or a name');
const optionsRequest = z.looseObject({ options: z.array(optionRequest).max(100).optional() });
type OptionRequest = z.output<typeof optionRequest>;

const relationRequest = z.looseObject({
  data_source_id: z.string(),
  type: z.enum(['single_property', 'dual_property']).optional(),
  single_property: z.looseObject({}).optional(),
  dual_property: z.looseObject({ synced_property_name: z.string().optional(), synced_property_id: z.string().optional() }).optional(),
});
const rollupRequest = z.looseObject({
  function: z.string(),
  relation_property_name: z.string().optional(),
  relation_property_id: z.string().optional(),
  rollup_property_name: z.string().optional(),
  rollup_property_id: z.string().optional(),
});
export type RelationRequest = z.output<typeof relationRequest>;
export type RollupRequest = z.output<typeof rollupRequest>;

const common = { name: z.string().min(1).max(2000).optional(), description: z.string().max(280).nullish() };

/** A property of a request: its type with that type's configuration, or only a new name or description. */
const propertyRequest = z.looseObject({ ...common, type: z.string().optional() }).transform((request, context): PropertyRequest => {
  const { name, description } = request;
  const type = request.type ?? [...plainTypes, 'relation', 'rollup'].find((known) => known in request);
  const base = { ...(name === undefined ? {} : { name }), ...(description === undefined ? {} : { description }) };
  const parsed = type === undefined ? { kind: 'same_type' as const } : typedRequest(type, request[type]);
  if (parsed instanceof z.ZodError) {
    context.addIssue({
      code: 'custom',
      message: parsed.issues[0]?.message ?? 'should be a property',
      path: [String(type)],
      input: request,
    });
    return z.NEVER;
  }
  return { ...base, ...parsed };
});

export type PropertyRequest = { readonly name?: string; readonly description?: string | null } & (
  | { readonly kind: 'same_type' }
  | { readonly kind: 'plain'; readonly type: PlainType; readonly config: JsonObject; readonly options: readonly OptionRequest[] | null }
  | { readonly kind: 'relation'; readonly relation: RelationRequest }
  | { readonly kind: 'rollup'; readonly rollup: RollupRequest }
);

function typedRequest(type: string, config: unknown) {
  if (type === 'relation') {
    const relation = relationRequest.safeParse(config);
    return relation.success ? { kind: 'relation' as const, relation: relation.data } : relation.error;
  }
  if (type === 'rollup') {
    const rollup = rollupRequest.safeParse(config);
    return rollup.success ? { kind: 'rollup' as const, rollup: rollup.data } : rollup.error;
  }
  const plainType = z.enum(plainTypes).safeParse(type);
  if (!plainType.success) return plainType.error;
  const parsed = plainConfig(plainType.data).safeParse(config ?? {});
  if (!parsed.success) return parsed.error;
  return { kind: 'plain' as const, type: plainType.data, ...parsed.data };
}

/** Types with a configuration beside the options of the select kinds. */
const scalarConfigs: Partial<Record<PlainType, z.ZodType<JsonObject>>> = {
  number: z.object({ format: z.string().default('number') }),
  formula: z.object({ expression: z.string().default('') }),
  unique_id: z.object({ prefix: z.string().nullable().default(null) }),
};

type PlainConfig = z.ZodType<{ config: JsonObject; options: readonly OptionRequest[] | null }>;
function plainConfig(type: PlainType): PlainConfig {
  if (type === 'select' || type === 'multi_select' || type === 'status') {
    return optionsRequest.transform(({ options }) => ({ config: {}, options: options ?? null }));
  }
  return (scalarConfigs[type] ?? z.object({})).transform((config) => ({ config, options: null }));
}

/**
 * Parses `properties` of a request; null takes a property away. Not a zod object or record, which would lose it: a property may be
 * called `__proto__`, Notion takes any text.
 */
export const propertiesRequest = z.custom<JsonObject>(isJsonObject, 'should be an object').transform((input, context) => {
  const requests: (readonly [key: string, request: PropertyRequest | null])[] = [];
  for (const [key, value] of Object.entries(input)) {
    if (value === null) {
      requests.push([key, null]);
      continue;
    }
    const parsed = propertyRequest.safeParse(value);
    if (parsed.success) requests.push([key, parsed.data]);
    else
      for (const issue of parsed.error.issues)
        context.addIssue({ code: 'custom', message: issue.message, path: [key, ...issue.path], input: value });
  }
  return requests;
});

/** The configuration to keep for a plain type: options get ids and colours, those of `before` keep theirs. */
export function storedConfig(request: PropertyRequest & { kind: 'plain' }, before: Property | null, ids: Random): JsonObject {
  const { type, options, config } = request;
  if (type === 'status') return statusConfig(options, before, ids);
  return type === 'select' || type === 'multi_select' ? { options: storedOptions(options ?? [], optionsOf(before), ids) } : config;
}

function storedOptions(requested: readonly OptionRequest[], before: readonly JsonObject[], ids: Random): JsonObject[] {
  return requested.map(({ id, name, color: wanted, description }) => {
    const known = before.find((option) => option['id'] === id || option['name'] === name);
    return {
      id: known?.['id'] ?? id ?? ids.uuid(),
      name: name ?? known?.['name'] ?? '',
      color: wanted ?? known?.['color'] ?? 'default',
      description: description === undefined ? (known?.['description'] ?? null) : description,
    };
  });
}

const firstStatuses: readonly OptionRequest[] = [
  { name: 'Not started', color: 'default' },
  { name: 'In progress', color: 'blue' },
  { name: 'Done', color: 'green' },
];

function statusConfig(requested: readonly OptionRequest[] | null, before: Property | null, ids: Random): JsonObject {
  const known = optionsOf(before);
  const options = storedOptions(requested ?? (known.length === 0 ? firstStatuses : known), known, ids);
  const ofGroup = (group: number) => options.flatMap(({ id = null }, index) => (Math.min(index, 2) === group ? [id] : []));
  const groups = ['To-do', 'In progress', 'Complete'].map((name, index) => ({
    id: ids.uuid(),
    name,
    color: ['gray', 'blue', 'green'][index] ?? 'default',
    option_ids: ofGroup(index),
  }));
  return { options, groups };
}

function optionsOf(property: Property | null): readonly JsonObject[] {
  if (property === null || property.type === 'relation' || property.type === 'rollup') return [];
  const options = property.config['options'];
  return Array.isArray(options) ? (options as readonly JsonObject[]) : [];
}

/** A property id as Notion makes them: four characters, percent-encoded. */
export function newPropertyId(taken: readonly Property[], ids: Random): string {
  const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz:;<=>?@[]^`{|}~';
  for (;;) {
    const id = encodeURIComponent(Array.from({ length: 4 }, () => characters.charAt(ids.integer(characters.length))).join(''));
    if (!taken.some((property) => property.id === id)) return id;
  }
}

/** A property as the API answers it, or null when it is a relation to something the viewer does not see. */
export function renderProperty(
  world: World,
  dataSource: DataSourceNode,
  property: Property,
  canSee: (target: DataSourceNode) => boolean,
): JsonObject | null {
  const { id, name, description, type } = property;
  const config = propertyConfig(world, dataSource, property, canSee);
  return config === null ? null : { id, name, description, type, [type]: config };
}

function propertyConfig(world: World, dataSource: DataSourceNode, property: Property, canSee: (target: DataSourceNode) => boolean): Json {
  if (property.type === 'relation') return relationConfig(world, property, canSee);
  return property.type === 'rollup' ? rollupConfig(world, dataSource, property) : property.config;
}

function relationConfig(
  world: World,
  { dataSourceId, syncedPropertyId }: RelationProperty,
  canSee: (target: DataSourceNode) => boolean,
): Json {
  const target = world.dataSource(dataSourceId);
  if (target === undefined || !canSee(target)) return null;
  const ids = { database_id: target.parent.id, data_source_id: target.id };
  if (syncedPropertyId === null) return { ...ids, type: 'single_property', single_property: {} };
  const otherEnd = { synced_property_name: nameOf(target, syncedPropertyId), synced_property_id: syncedPropertyId };
  return { ...ids, type: 'dual_property', dual_property: otherEnd };
}

function rollupConfig(world: World, dataSource: DataSourceNode, property: RollupProperty): Json {
  const relation = dataSource.properties.find(({ id }) => id === property.relationPropertyId);
  const target = relation?.type === 'relation' ? world.dataSource(relation.dataSourceId) : undefined;
  return {
    function: property.function,
    relation_property_name: relation?.name ?? '',
    relation_property_id: property.relationPropertyId,
    rollup_property_name: target === undefined ? '' : nameOf(target, property.rollupPropertyId),
    rollup_property_id: property.rollupPropertyId,
  };
}

function nameOf(dataSource: DataSourceNode, propertyId: string): string {
  return dataSource.properties.find((property) => property.id === propertyId)?.name ?? '';
}
