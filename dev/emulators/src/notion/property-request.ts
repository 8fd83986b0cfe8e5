import { z } from 'zod';
import type { JsonObject } from '../json.ts';
import { isJsonObject } from '../json.ts';
import type { PlainType } from './properties.ts';
import { plainTypes } from './properties.ts';

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
export type OptionRequest = z.output<typeof optionRequest>;

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

/** A property in a request: a type with its configuration, or only a new name or description. */
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

/** Types with a configuration other than the options of the select types. */
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
 * Parses `properties` of a request; null removes a property. Not a zod object or record, which would lose a property named `__proto__`:
 * Notion accepts any text.
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
