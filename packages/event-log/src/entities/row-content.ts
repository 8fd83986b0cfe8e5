import type { JsonObject } from '@notion-mirror/domain/database-content';
import type { RowContent, RowProperty, RowValue } from '@notion-mirror/domain/entities/row';
import { dateOf, jsonOrNull, millisecondsOf, textOrNull } from './avro-fields.ts';

/** The fields of `schemas/row-state` that say what Notion shows. */
export interface AvroRowContent {
  readonly databaseId: string;
  readonly dataSourceId: string;
  readonly title: string;
  readonly url: string | null;
  readonly publicUrl: string | null;
  readonly icon: string | null;
  readonly cover: string | null;
  readonly isArchived: boolean;
  readonly isLocked: boolean;
  readonly createdTime: number | null;
  readonly lastEditedTime: number | null;
  readonly createdBy: string | null;
  readonly lastEditedBy: string | null;
  readonly properties: readonly AvroProperty[];
  readonly related: readonly string[];
  readonly raw: string;
}

/** An additional field that can be null lies in a record of its own: null is then not the same as absent. */
interface AvroProperty {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly value: string;
  readonly isTime: boolean;
  readonly option: { readonly id: string | null } | null;
  readonly optionIds: readonly string[] | null;
  readonly instants: { readonly startAt: number | null; readonly endAt: number | null } | null;
  readonly uniqueId: { readonly number: number | null } | null;
  readonly resultType: string | null;
  readonly complete: boolean;
}

export function rowToAvro({ icon, cover, createdTime, lastEditedTime, properties, raw, ...plain }: RowContent): AvroRowContent {
  return {
    ...plain,
    icon: textOrNull(icon),
    cover: textOrNull(cover),
    createdTime: millisecondsOf(createdTime),
    lastEditedTime: millisecondsOf(lastEditedTime),
    properties: properties.map(toAvroProperty),
    raw: JSON.stringify(raw),
  };
}

function toAvroProperty(property: RowProperty): AvroProperty {
  const { id, name, type, value, optionId, optionIds = null, startAt, endAt, number, resultType = null, complete = true } = property;
  return {
    id,
    name,
    type,
    value: JSON.stringify(value),
    isTime: Array.isArray(value) ? value.some((item) => item instanceof Date) : value instanceof Date,
    option: optionId === undefined ? null : { id: optionId },
    optionIds,
    instants: startAt === undefined ? null : { startAt: millisecondsOf(startAt), endAt: millisecondsOf(endAt ?? null) },
    uniqueId: number === undefined ? null : { number },
    resultType,
    complete,
  };
}

/** Throws when a text is no JSON. */
export function rowFromAvro(content: AvroRowContent): RowContent {
  const { databaseId, dataSourceId, title, url, publicUrl, isArchived, isLocked, createdBy, lastEditedBy, related } = content;
  return {
    databaseId,
    dataSourceId,
    title,
    url,
    publicUrl,
    icon: jsonOrNull(content.icon),
    cover: jsonOrNull(content.cover),
    isArchived,
    isLocked,
    createdTime: dateOf(content.createdTime),
    lastEditedTime: dateOf(content.lastEditedTime),
    createdBy,
    lastEditedBy,
    properties: content.properties.map(fromAvroProperty),
    related: [...related],
    raw: JSON.parse(content.raw) as JsonObject,
  };
}

function fromAvroProperty(property: AvroProperty): RowProperty {
  const { id, name, type, option, optionIds, instants, uniqueId, resultType } = property;
  return {
    id,
    name,
    type,
    value: valueOf(property),
    ...(option === null ? {} : { optionId: option.id }),
    ...(optionIds === null ? {} : { optionIds: [...optionIds] }),
    ...(instants === null ? {} : { startAt: dateOf(instants.startAt), endAt: dateOf(instants.endAt) }),
    ...(uniqueId === null ? {} : { number: uniqueId.number }),
    ...(resultType === null ? {} : { resultType, computed: true }),
    ...(property.complete ? {} : { complete: false }),
  };
}

function valueOf({ value, isTime }: AvroProperty): RowValue {
  if (!isTime) return JSON.parse(value) as RowValue;
  const times = JSON.parse(value) as string | readonly (string | null)[];
  return typeof times === 'string' ? new Date(times) : times.map((time) => (time === null ? null : new Date(time)));
}
