import type { Json, JsonObject, Parent } from '@notion-mirror/domain/database-content';
import type { DateRange, RowContent, RowFile, RowProperty, RowValue } from '@notion-mirror/domain/entities/row';
import { canonicalNotionId } from '@notion-mirror/domain/notion-id';
import type { ScannedRow } from '@notion-mirror/domain/row-scan';
import { z } from 'zod';
import { instantOf } from './date-instant.ts';
import { elementsAsWritten } from './json-object.ts';
import {
  flag,
  flatParent,
  isInTrash,
  json,
  jsonObject,
  notParsed,
  own,
  parent,
  parseList,
  plainText,
  propertyIn,
  propertyKeys,
  text,
  time,
  type Parsed,
} from './notion-object.ts';

/** A page of Notion, a row or not. */
export interface ParsedPage {
  readonly pageId: string;
  readonly parent: Parent;
  /** Null: the page is not a row of a data source. */
  readonly dataSourceId: string | null;
  /** Null: the parent names no database. */
  readonly databaseId: string | null;
  readonly inTrash: boolean;
  readonly content: Omit<RowContent, 'databaseId' | 'dataSourceId'>;
}

export type PageReading =
  | Parsed<ParsedPage>
  /** `object` is Notion's own, such as `data_source`: a query of a wiki returns those, too. */
  | { readonly kind: 'not_a_page'; readonly object: string };

const notionId = z.string().transform((id, context) => {
  const canonical = canonicalNotionId(id);
  if (canonical === null) context.addIssue({ code: 'custom', message: 'not an id' });
  return canonical ?? z.NEVER;
});
const idOfPage = z.string().transform((id) => canonicalNotionId(id) ?? id);
const identified = z.object({ id: z.string() });

const pageObject = z.object({
  object: z.literal('page'),
  id: notionId,
  parent,
  icon: json,
  cover: json,
  url: text,
  public_url: text,
  is_archived: flag,
  is_locked: flag,
  in_trash: flag,
  archived: flag,
  created_time: text,
  last_edited_time: text,
  created_by: identified.nullish(),
  last_edited_by: identified.nullish(),
  properties: jsonObject,
});

const dataSourceParent = z.object({ data_source_id: notionId, database_id: notionId.nullish() });

/**
 * GET /v1/pages/{id}, or one result of a query. `textOf` returns the same object as received, which has the order of the properties; it is
 * called only when JSON.parse may have lost that order.
 */
export function parsePage(body: JsonObject, textOf: () => string): PageReading {
  const object = own(body, 'object');
  if (typeof object === 'string' && object !== 'page') return { kind: 'not_a_page', object };
  const result = pageObject.safeParse(body);
  if (!result.success) return notParsed(body, 'properties', result.error);
  const found = result.data;
  const holder = parseHolder(found.parent);
  if (holder.kind !== 'parsed') return holder;
  const properties = parseProperties(found.properties, textOf);
  if (properties.kind !== 'parsed') return properties;
  const title = properties.value.find(({ property }) => property.type === 'title')?.property.value;
  return {
    kind: 'parsed',
    value: {
      pageId: found.id,
      parent: flatParent(found.parent),
      ...holder.value,
      inTrash: isInTrash(found),
      content: {
        title: typeof title === 'string' ? title : '',
        url: found.url ?? null,
        publicUrl: found.public_url ?? null,
        icon: found.icon ?? null,
        cover: found.cover ?? null,
        isArchived: found.is_archived ?? false,
        isLocked: found.is_locked ?? false,
        createdTime: time(found.created_time),
        lastEditedTime: time(found.last_edited_time),
        createdBy: found.created_by?.id ?? null,
        lastEditedBy: found.last_edited_by?.id ?? null,
        properties: properties.value.map(({ property }) => property),
        related: [...new Set(properties.value.flatMap(({ related }) => related))],
        raw: body,
      },
    },
  };
}

/** Malformed if the page is not a row, or its parent does not name the database. */
export function rowContent({ content, dataSourceId, databaseId }: ParsedPage): Parsed<RowContent> {
  if (dataSourceId === null || databaseId === null) return { kind: 'malformed', problem: 'parent: names no data source or no database' };
  return { kind: 'parsed', value: { databaseId, dataSourceId, ...content } };
}

/** A part of the items of a property. */
export interface PropertyPart {
  readonly items: readonly Json[];
  /** Null: there are no more. */
  readonly nextCursor: string | null;
}

/** GET /v1/pages/{id}/properties/{id}, for a property whose type Notion lists item by item. */
export function parsePropertyPart(body: JsonObject, type: string): Parsed<PropertyPart> {
  const list = parseList(body);
  if (list.kind !== 'parsed') return list;
  const { results, nextCursor } = list.value;
  const other = results.findIndex((item) => own(item, 'type') !== type);
  if (other !== -1) return { kind: 'malformed', problem: `an item (number ${other + 1}) is not of type ${type}` };
  return { kind: 'parsed', value: { items: results.map((item) => own(item, type)), nextCursor } };
}

/** The row with all items of a property that was cut off: in its value, in `related` and, for the title, in `title`. */
export function withAllItems(content: RowContent, { id, name, type }: RowProperty, items: readonly Json[]): Parsed<RowContent> {
  const reading = readerOf(propertyReaders, type).safeParse(items);
  if (!reading.success) return { kind: 'malformed', problem: `items of type ${type}: ${z.prettifyError(reading.error)}` };
  const { related = [], complete: _, ...fields } = reading.data;
  return {
    kind: 'parsed',
    value: {
      ...content,
      title: type === 'title' && typeof fields.value === 'string' ? fields.value : content.title,
      properties: content.properties.map((property) => (property.id === id ? { id, name, type, ...fields } : property)),
      related: [...new Set([...content.related, ...related])],
    },
  };
}

export interface QueriedPage {
  /** Without rows whose parent is another data source, and without what is not a page. */
  readonly rows: readonly FoundRow[];
  /** Null: Notion says that there are no more. */
  readonly nextCursor: string | null;
  /** The result ends at Notion's cap. */
  readonly isIncomplete: boolean;
}

export interface FoundRow extends ScannedRow {
  readonly content: RowContent;
  /** Notion cut a value off, so the content must not replace a complete one: a single read gets the rest. */
  readonly isCut: boolean;
}

const requestStatus = z.object({ request_status: z.object({ type: z.string() }).nullish() });

/** POST /v1/data_sources/{id}/query. `bodyText` is the same body as received. */
export function parseQuery(body: JsonObject, bodyText: string, dataSourceId: string): Parsed<QueriedPage> {
  const list = parseList(body);
  if (list.kind !== 'parsed') return list;
  const status = requestStatus.safeParse(body);
  if (!status.success) return { kind: 'malformed', problem: z.prettifyError(status.error) };
  const { results, nextCursor } = list.value;
  let texts: readonly string[] | null = null;
  const rows: FoundRow[] = [];
  for (const [index, result] of results.entries()) {
    const reading = parsePage(result, () => (texts ??= elementsAsWritten(bodyText, 'results'))[index] ?? '');
    if (reading.kind === 'not_a_page') continue;
    const row = reading.kind === 'parsed' ? foundRow(reading.value, dataSourceId) : reading;
    if (row?.kind === 'malformed') return { kind: 'malformed', problem: `a row (number ${index + 1}): ${row.problem}` };
    if (row?.kind === 'partial') return row;
    if (row !== null) rows.push(row.value);
  }
  const isIncomplete = (status.data.request_status?.type ?? 'complete') !== 'complete';
  return { kind: 'parsed', value: { rows, nextCursor, isIncomplete } };
}

/** Null: the page is no row of the data source. */
function foundRow(page: ParsedPage, dataSourceId: string): Parsed<FoundRow> | null {
  if (page.dataSourceId !== dataSourceId) return null;
  const row = rowContent(page);
  if (row.kind !== 'parsed') return row;
  const { createdTime, isArchived, properties } = row.value;
  const unique = properties.find(({ type }) => type === 'unique_id');
  if (createdTime === null) return { kind: 'malformed', problem: 'created_time: not a time' };
  return {
    kind: 'parsed',
    value: {
      id: page.pageId,
      createdTime: createdTime.getTime(),
      isArchived,
      isInTrash: page.inTrash,
      content: row.value,
      ...(unique === undefined ? {} : { number: { property: unique.id, value: unique.number ?? null } }),
      isCut: properties.some(({ complete }) => complete === false),
    },
  };
}

/** A parent of type `data_source_id` without such an id is malformed: read as any other parent, it would remove a row. */
function parseHolder(value: JsonObject): Parsed<Pick<ParsedPage, 'dataSourceId' | 'databaseId'>> {
  if (value['type'] !== 'data_source_id') {
    const databaseId = own(value, 'database_id');
    return {
      kind: 'parsed',
      value: { dataSourceId: null, databaseId: typeof databaseId === 'string' ? canonicalNotionId(databaseId) : null },
    };
  }
  const result = dataSourceParent.safeParse(value);
  if (!result.success) return { kind: 'malformed', problem: `parent: ${z.prettifyError(result.error)}` };
  const { data_source_id: dataSourceId, database_id: databaseId } = result.data;
  return { kind: 'parsed', value: { dataSourceId, databaseId: databaseId ?? null } };
}

interface ParsedProperty {
  readonly property: RowProperty;
  readonly related: readonly string[];
}

function parseProperties(properties: JsonObject, textOf: () => string): Parsed<ParsedProperty[]> {
  const parsed: ParsedProperty[] = [];
  for (const name of propertyKeys(properties, textOf)) {
    const holder = propertyIn(properties[name]);
    const position = parsed.length + 1;
    if (holder === null) return { kind: 'malformed', problem: `a property (number ${position}) has no id or no type` };
    const { id, type } = holder;
    const reading = readerOf(propertyReaders, type).safeParse(own(holder, type));
    if (!reading.success) {
      return { kind: 'malformed', problem: `a property (number ${position}, of type ${type}): ${z.prettifyError(reading.error)}` };
    }
    const { related = [], ...fields } = reading.data;
    const isCut = type === 'relation' && own(holder, 'has_more') === true;
    parsed.push({ property: { id, name, type, ...fields, ...(isCut ? { complete: false } : {}) }, related });
  }
  return { kind: 'parsed', value: parsed };
}

/** The inner value of a property as parsed: the value with its additional fields, and the ids of the pages that relations in it name. */
type Reading = Omit<RowProperty, 'id' | 'name' | 'type'> & { readonly related?: readonly string[] };
type Reader = z.ZodType<Reading>;
/** By Notion's type. */
type Readers = Readonly<Record<string, Reader>>;

const literal = json.transform((value): Reading => ({ value: value ?? null }));
const nothing = json.transform((): Reading => ({ value: null }));

/** Any other type keeps its inner value, literally. */
function readerOf(readers: Readers, type: string): Reader {
  return (Object.hasOwn(readers, type) ? readers[type] : undefined) ?? literal;
}

/** `{type, [type]: value}`. */
function tagged(readers: Readers): z.ZodType<{ readonly type: string; readonly reading: Reading }> {
  return jsonObject.transform((holder, context) => {
    const type = own(holder, 'type');
    if (typeof type !== 'string') {
      context.addIssue({ code: 'custom', message: 'no type' });
      return z.NEVER;
    }
    const result = readerOf(readers, type).safeParse(own(holder, type));
    if (result.success) return { type, reading: result.data };
    for (const { message, path } of result.error.issues) context.addIssue({ code: 'custom', message, path: [type, ...path] });
    return z.NEVER;
  });
}

/** Notion returns at most this many people of a property and this many mentions in a text, and does not say when there are more. */
const silentLimit = 25;

function cutIf(isCut: boolean): { readonly complete?: false } {
  return isCut ? { complete: false } : {};
}

const richText = z
  .array(z.object({ type: text, plain_text: z.string() }))
  .nullable()
  .transform((parts): Reading => {
    const mentions = (parts ?? []).filter(({ type }) => type === 'mention');
    return { value: plainText(parts), ...cutIf(mentions.length >= silentLimit) };
  });

const textValue = z
  .string()
  .nullable()
  .transform((value): Reading => ({ value }));

const numberValue = z
  .number()
  .nullable()
  .transform((value): Reading => ({ value }));

const booleanValue = z
  .boolean()
  .nullable()
  .transform((value): Reading => ({ value }));

const timeValue = z
  .string()
  .nullable()
  .transform((value): Reading => ({ value: time(value) }));

const option = z.object({ id: z.string(), name: z.string() });

const optionValue = option.nullable().transform((chosen): Reading => ({ value: chosen?.name ?? null, optionId: chosen?.id ?? null }));

const optionsValue = z
  .array(option)
  .nullable()
  .transform((chosen): Reading => ({ value: chosen?.map(({ name }) => name) ?? null, optionIds: chosen?.map(({ id }) => id) ?? [] }));

const date = z.object({ start: z.string(), end: text, time_zone: text }).nullable();

const dateValue = date.transform((found): Reading => ({ value: rangeOf(found), ...instantsOf(found) }));

function rangeOf(found: z.infer<typeof date>): (DateRange & JsonObject) | null {
  return found === null ? null : { start: found.start, end: found.end ?? null, timeZone: found.time_zone ?? null };
}

function instantsOf(found: z.infer<typeof date>): Pick<Reading, 'startAt' | 'endAt'> {
  const zone = found?.time_zone ?? null;
  const instant = (value: string | null) => (value === null ? null : instantOf(value, zone));
  return { startAt: instant(found?.start ?? null), endAt: instant(found?.end ?? null) };
}

/** The inner object is kept literally, even when its date is odd. */
const verification = jsonObject.nullable().transform((value): Reading => {
  const found = date.safeParse(value === null ? null : own(value, 'date'));
  return { value, ...instantsOf(found.success ? found.data : null) };
});

const people = z
  .array(identified)
  .nullable()
  .transform((found): Reading => ({ value: found?.map(({ id }) => id) ?? null, ...cutIf((found?.length ?? 0) >= silentLimit) }));

const user = identified.nullable().transform((found): Reading => ({ value: found?.id ?? null }));

const relation = z
  .array(z.object({ id: idOfPage }))
  .nullable()
  .transform((found): Reading => {
    const ids = found?.map(({ id }) => id) ?? null;
    return { value: ids, related: ids ?? [] };
  });

const fileLocation = z.object({ url: text.catch(null), expiry_time: text.catch(null) }).catch({ url: null, expiry_time: null });

const file = jsonObject.transform((found, context): RowFile & JsonObject => {
  const { name, type } = { name: own(found, 'name'), type: own(found, 'type') };
  if (typeof type !== 'string') {
    context.addIssue({ code: 'custom', message: 'no type' });
    return z.NEVER;
  }
  const { url, expiry_time: expiry } = fileLocation.parse(own(found, type));
  const isSigned = typeof expiry === 'string';
  return { name: typeof name === 'string' ? name : '', kind: type, url: (isSigned ? url?.split('?', 1)[0] : url) ?? null };
});

const files = z
  .array(file)
  .nullable()
  .transform((value): Reading => ({ value }));

const uniqueId = z
  .object({ prefix: text, number: z.number().nullish() })
  .nullable()
  .transform((found): Reading => {
    const number = found?.number ?? null;
    const prefix = found?.prefix ?? '';
    return { value: number === null ? null : prefix === '' ? String(number) : `${prefix}-${number}`, number };
  });

const resultReaders: Readers = { string: textValue, number: numberValue, boolean: booleanValue, date: dateValue };

/** Null instead of a result reads as unsupported: Notion's documentation once promised null for such types. */
function computed(readers: Readers): Reader {
  return tagged({ ...readers, unsupported: nothing, incomplete: nothing })
    .nullable()
    .transform((found): Reading => {
      const { type, reading } = found ?? { type: 'unsupported', reading: { value: null } };
      return { ...reading, resultType: type, computed: true };
    });
}

/** The elements of a rollup's array. Rollups do not nest. */
const elementReaders: Readers = {
  title: richText,
  rich_text: richText,
  url: textValue,
  email: textValue,
  phone_number: textValue,
  number: numberValue,
  checkbox: booleanValue,
  select: optionValue,
  status: optionValue,
  multi_select: optionsValue,
  date: dateValue,
  people,
  created_by: user,
  last_edited_by: user,
  files,
  relation,
  created_time: timeValue,
  last_edited_time: timeValue,
  unique_id: uniqueId,
  formula: computed(resultReaders),
  verification,
  button: nothing,
};

const array = z
  .array(tagged(elementReaders))
  .nullable()
  .transform((elements): Reading => {
    const values = elements?.map(({ reading }) => reading.value) ?? null;
    return { value: values === null ? null : bareValues(values), related: elements?.flatMap(({ reading }) => reading.related ?? []) ?? [] };
  });

const propertyReaders: Readers = { ...elementReaders, rollup: computed({ ...resultReaders, array }) };

/** The elements of one rollup share a type, so a time stands among times only. If one ever does not, it becomes text. */
function bareValues(values: readonly RowValue[]): RowValue {
  if (values.every((value) => value === null || value instanceof Date)) return values;
  return values.map((value) => (value instanceof Date ? value.toISOString() : (value as Json)));
}
