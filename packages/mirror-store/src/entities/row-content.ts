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

const content: z.ZodType<RowContent> = z.object({
  ...shownFields,
  databaseId: z.string(),
  dataSourceId: z.string(),
  title: z.string(),
  publicUrl: textOrNull,
  icon: json,
  cover: json,
  related: z.array(z.string()),
  raw: jsonObject,
});
