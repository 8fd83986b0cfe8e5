import type { Json } from '@notion-mirror/domain/database-content';
import type { RowContent, RowProperty, RowValue } from '@notion-mirror/domain/entities/row';
import type { Document } from 'mongodb';
import { z } from 'zod';
import { readFields } from '../records/record-document.ts';
import { storable } from '../records/storable.ts';
import { json, jsonObject, textOrNull, timeOrNull } from './stored-fields.ts';

/** The fields of a live row that say what Notion shows. Throws an `UnstorableError`. */
export function rowFields(content: RowContent): Document {
  const { icon, cover, properties, related, raw, ...plain } = content;
  return {
    ...plain,
    icon: storable(icon),
    cover: storable(cover),
    properties: properties.map(({ value, ...rest }) => ({ ...rest, value: storableValue(value) })),
    related,
    raw: storable(raw),
  };
}

/** Throws when a field is not as `rowFields` makes it. */
export function rowOf(document: Document): RowContent {
  const { properties } = document;
  if (isArrayOf(properties, isProperty)) return { ...readFields(contentWithoutProperties, document), properties };
  return readFields(content, document);
}

function storableValue(value: RowValue): unknown {
  // Times are the only values that are no JSON, and are stored as they are.
  return storable(value as Json);
}

const property: z.ZodType<RowProperty> = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  value: z.custom<RowValue>((value) => value !== undefined),
  optionId: textOrNull.exactOptional(),
  optionIds: z.array(z.string()).exactOptional(),
  startAt: timeOrNull.exactOptional(),
  endAt: timeOrNull.exactOptional(),
  number: z.number().nullable().exactOptional(),
  resultType: z.string().exactOptional(),
  computed: z.literal(true).exactOptional(),
  complete: z.literal(false).exactOptional(),
});

/** The fields that readers of a table need, alongside the title. */
export const shownFields = {
  url: textOrNull,
  isArchived: z.boolean(),
  isLocked: z.boolean(),
  createdTime: timeOrNull,
  lastEditedTime: timeOrNull,
  createdBy: textOrNull,
  lastEditedBy: textOrNull,
  properties: z.array(property),
};

const contentFields = {
  ...shownFields,
  databaseId: z.string(),
  dataSourceId: z.string(),
  title: z.string(),
  publicUrl: textOrNull,
  icon: json,
  cover: json,
  related: z.array(z.string()),
  raw: jsonObject,
};
const content: z.ZodType<RowContent> = z.object(contentFields);
const { properties: _, ...otherFields } = contentFields;
const contentWithoutProperties: z.ZodType<Omit<RowContent, 'properties'>> = z.object(otherFields);

/**
 * Whether `property` above takes the value and changes nothing in it; false also of some others.
 *
 * perf: the state log reads each row back, and zod took 17 µs of CPU for one with 15 properties. With this it takes 2. Remove when zod is as fast.
 */
function isProperty(value: unknown): value is RowProperty {
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Readonly<Record<string, unknown>>;
  let required = 0;
  for (const name of Object.keys(fields)) {
    const field = fields[name];
    switch (name) {
      case 'id':
      case 'name':
      case 'type':
        if (typeof field !== 'string') return false;
        required += 1;
        break;
      case 'value':
        if (field === undefined) return false;
        required += 1;
        break;
      case 'optionId':
        if (field !== null && typeof field !== 'string') return false;
        break;
      case 'optionIds':
        if (!isArrayOf(field, isText)) return false;
        break;
      case 'startAt':
      case 'endAt':
        if (field !== null && !isTime(field)) return false;
        break;
      case 'number':
        if (field !== null && !Number.isFinite(field)) return false;
        break;
      case 'resultType':
        if (typeof field !== 'string') return false;
        break;
      case 'computed':
        if (field !== true) return false;
        break;
      case 'complete':
        if (field !== false) return false;
        break;
      default:
        return false;
    }
  }
  return required === 4;
}

const isText = (value: unknown) => typeof value === 'string';
const isTime = (value: unknown) => value instanceof Date && !Number.isNaN(value.getTime());

function isArrayOf<T>(value: unknown, isItem: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every(isItem);
}
