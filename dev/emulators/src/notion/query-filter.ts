import { z } from 'zod';
import type { Json, JsonObject } from '../json.ts';
import { textAt } from '../json.ts';
import { validationError } from './errors.ts';
import type { DataSourceNode, PageNode, RichText } from './model.ts';
import { optionsOf } from './property-options.ts';
import type { Property } from './properties.ts';
import { plainTextOf } from './rich-text.ts';

type Test = (row: PageNode) => boolean;
type Timestamp = 'created_time' | 'last_edited_time';

const filters = z.array(z.record(z.string(), z.json())).max(100);
const time = z.string().refine((text) => !Number.isNaN(Date.parse(text)), 'should be a date');
const timeCondition = z.strictObject({
  equals: time.optional(),
  after: time.optional(),
  before: time.optional(),
  on_or_after: time.optional(),
  on_or_before: time.optional(),
});
const textCondition = z.strictObject({
  equals: z.string().optional(),
  contains: z.string().optional(),
  starts_with: z.string().optional(),
});
const numberCondition = z.strictObject({
  equals: z.number().optional(),
  does_not_equal: z.number().optional(),
  greater_than: z.number().optional(),
  less_than: z.number().optional(),
  greater_than_or_equal_to: z.number().optional(),
  less_than_or_equal_to: z.number().optional(),
});
const flagCondition = z.strictObject({ equals: z.boolean().optional(), does_not_equal: z.boolean().optional() });
const optionCondition = z.strictObject({ equals: z.string().optional(), does_not_equal: z.string().optional() });

/**
 * The test of a query's filter: `and`, `or`, timestamps, and properties of the types title, rich_text, number, unique_id, checkbox, select and
 * status. Times are compared to the millisecond. Anything else throws an explanatory `validation_error`.
 */
export function queryTest(filter: JsonObject, source: DataSourceNode): Test {
  if ('and' in filter || 'or' in filter) {
    const parts = filters.safeParse(filter['and'] ?? filter['or']);
    if (!parts.success) throw validationError('body failed validation: body.filter should be a filter.');
    const tests = parts.data.map((part) => queryTest(part, source));
    return 'and' in filter ? (row) => tests.every((test) => test(row)) : (row) => tests.some((test) => test(row));
  }
  const timestamp = filter['timestamp'];
  if (timestamp === 'created_time' || timestamp === 'last_edited_time') return timeTest(timestamp, filter[timestamp] ?? null);
  const property = propertyOf(source, textAt(filter, 'property'));
  const testOf = propertyTests[property.type];
  if (testOf === undefined) throw validationError(`A filter by ${property.type} is not emulated.`);
  return testOf(property, filter[property.type] ?? null);
}

const propertyTests: Partial<Record<Property['type'], (property: Property, condition: Json) => Test>> = {
  created_time: (_, condition) => timeTest('created_time', condition),
  last_edited_time: (_, condition) => timeTest('last_edited_time', condition),
  title: textTest,
  rich_text: textTest,
  number: numberTest,
  unique_id: numberTest,
  checkbox: (property, condition) => {
    const { equals, does_not_equal } = parsed(flagCondition, condition);
    return holds(
      (row) => stored(row, property) === true,
      [equals, (flag, wanted) => flag === wanted],
      [does_not_equal, (flag, wanted) => flag !== wanted],
    );
  },
  select: optionTest,
  status: optionTest,
};

function textTest(property: Property, condition: Json): Test {
  const { equals, contains, starts_with } = parsed(textCondition, condition);
  return holds(
    (row) => textOf(row, property),
    [equals, (text, wanted) => text === wanted],
    [contains, (text, wanted) => text.includes(wanted)],
    [starts_with, (text, wanted) => text.startsWith(wanted)],
  );
}

function numberTest(property: Property, given: Json): Test {
  const condition = parsed(numberCondition, given);
  return holds(
    (row) => numberOf(row, property),
    [condition.equals, (number, wanted) => number === wanted],
    [condition.does_not_equal, (number, wanted) => number !== wanted],
    [condition.greater_than, (number, wanted) => number !== null && number > wanted],
    [condition.less_than, (number, wanted) => number !== null && number < wanted],
    [condition.greater_than_or_equal_to, (number, wanted) => number !== null && number >= wanted],
    [condition.less_than_or_equal_to, (number, wanted) => number !== null && number <= wanted],
  );
}

function optionTest(property: Property, condition: Json): Test {
  const { equals, does_not_equal } = parsed(optionCondition, condition);
  return holds(
    (row) => optionsOf(property).find(({ id }) => id === stored(row, property))?.name ?? null,
    [equals, (name, wanted) => name === wanted],
    [does_not_equal, (name, wanted) => name !== wanted],
  );
}

/** What rows are sorted by: a timestamp, to the millisecond, or a title, text, number or unique_id. */
export function sortValue(
  source: DataSourceNode,
  timestamp: Timestamp | null,
  propertyName: string | null,
): (row: PageNode) => number | string {
  const property = timestamp === null ? propertyOf(source, propertyName ?? '') : null;
  const type = timestamp ?? property?.type;
  if (type === 'created_time') return (row) => row.createdTime;
  if (type === 'last_edited_time') return (row) => row.lastEditedTime;
  if (property?.type === 'title' || property?.type === 'rich_text') return (row) => textOf(row, property);
  if (property?.type === 'number' || property?.type === 'unique_id') return (row) => numberOf(row, property) ?? Infinity;
  throw validationError(`A sort by ${type} is not emulated.`);
}

function timeTest(timestamp: Timestamp, given: Json): Test {
  const { equals, after, before, on_or_after, on_or_before } = parsed(timeCondition, given);
  return holds(
    (row) => (timestamp === 'created_time' ? row.createdTime : row.lastEditedTime),
    [equals, (at, wanted) => at === Date.parse(wanted)],
    [after, (at, wanted) => at > Date.parse(wanted)],
    [before, (at, wanted) => at < Date.parse(wanted)],
    [on_or_after, (at, wanted) => at >= Date.parse(wanted)],
    [on_or_before, (at, wanted) => at <= Date.parse(wanted)],
  );
}

/** True for a row whose value passes each condition that is given. */
function holds<Value, Wanted>(
  valueOf: (row: PageNode) => Value,
  ...conditions: readonly (readonly [wanted: Wanted | undefined, test: (value: Value, wanted: Wanted) => boolean])[]
): Test {
  return (row) => conditions.every(([wanted, test]) => wanted === undefined || test(valueOf(row), wanted));
}

function parsed<Schema extends z.ZodType>(schema: Schema, given: Json): z.output<Schema> {
  const result = schema.safeParse(given);
  if (!result.success)
    throw validationError(`body failed validation: body.filter: ${result.error.issues[0]?.message ?? 'is not a condition'}.`);
  return result.data;
}

function propertyOf(source: DataSourceNode, wanted: string): Property {
  const found = source.properties.find(({ id, name }) => name === wanted || id === wanted || decodeURIComponent(id) === wanted);
  if (found === undefined) throw validationError(`Could not find property with name or id: ${wanted}`);
  return found;
}

function stored(row: PageNode, { id, type }: Property): Json {
  const cell = row.values.get(id);
  return cell?.type === type ? cell.value : null;
}

function textOf(row: PageNode, property: Property): string {
  return plainTextOf(property.type === 'title' ? row.title : ((stored(row, property) ?? []) as RichText));
}

function numberOf(row: PageNode, property: Property): number | null {
  return property.type === 'unique_id' ? row.number : (stored(row, property) as number | null);
}
