import type { DataSourceContent, DatabaseContent, Json, JsonObject, Parent } from '@notion-mirror/domain/database-content';
import { databaseKind } from '@notion-mirror/domain/entities/database';
import { databaseStateContract } from '@notion-mirror/schemas/contract';
import type { StateContract } from '../state-contract.ts';
import { dateOf, jsonOrNull, millisecondsOf, textOrNull } from './avro-fields.ts';

/** `schemas/database-state`: times in milliseconds, JSON as text. */
export const databaseStates: StateContract<DatabaseContent> = {
  kind: databaseKind,
  topic: 'notion.database-states',
  writerId: 'notion-mirror.state-log',
  schema: databaseStateContract,
  toAvro,
  fromAvro: (value) => fromAvro(value as AvroContent),
};

interface AvroContent {
  readonly title: string;
  readonly description: string;
  readonly url: string | null;
  readonly publicUrl: string | null;
  readonly icon: string | null;
  readonly cover: string | null;
  readonly parent: Parent;
  readonly isInline: boolean;
  readonly isLocked: boolean;
  readonly createdTime: number | null;
  readonly lastEditedTime: number | null;
  readonly dataSources: readonly AvroDataSource[];
  readonly raw: string;
}

interface AvroDataSource {
  readonly id: string;
  readonly name: string;
  readonly content: {
    readonly title: string;
    readonly description: string;
    readonly icon: string | null;
    readonly cover: string | null;
    readonly url: string | null;
    readonly parent: Parent;
    readonly createdTime: number | null;
    readonly lastEditedTime: number | null;
    readonly inTrash: boolean;
    readonly properties: readonly {
      readonly id: string;
      readonly name: string;
      readonly type: string;
      readonly description: string | null;
      readonly config: string;
    }[];
  } | null;
  /** Since v2. */
  readonly reason: string | null;
}

function toAvro({ icon, cover, createdTime, lastEditedTime, dataSources, raw, ...plain }: DatabaseContent): AvroContent {
  return {
    ...plain,
    icon: textOrNull(icon),
    cover: textOrNull(cover),
    createdTime: millisecondsOf(createdTime),
    lastEditedTime: millisecondsOf(lastEditedTime),
    dataSources: dataSources.map(toAvroSource),
    raw: JSON.stringify(raw),
  };
}

function toAvroSource(source: DataSourceContent): AvroDataSource {
  if ('accessible' in source) return { id: source.id, name: source.name, content: null, reason: source.reason ?? null };
  const { id, name, icon, cover, createdTime, lastEditedTime, properties, ...plain } = source;
  return {
    id,
    name,
    content: {
      ...plain,
      icon: textOrNull(icon),
      cover: textOrNull(cover),
      createdTime: millisecondsOf(createdTime),
      lastEditedTime: millisecondsOf(lastEditedTime),
      properties: properties.map((property) => ({ ...property, config: JSON.stringify(property.config) })),
    },
    reason: null,
  };
}

function fromAvro(value: AvroContent): DatabaseContent {
  const { title, description, url, publicUrl, parent, isInline, isLocked } = value;
  return {
    title,
    description,
    url,
    publicUrl,
    icon: jsonOrNull(value.icon),
    cover: jsonOrNull(value.cover),
    parent: { type: parent.type, id: parent.id },
    isInline,
    isLocked,
    createdTime: dateOf(value.createdTime),
    lastEditedTime: dateOf(value.lastEditedTime),
    dataSources: value.dataSources.map(fromAvroSource),
    raw: JSON.parse(value.raw) as { database: JsonObject; dataSources: JsonObject[] },
  };
}

function fromAvroSource({ id, name, content, reason }: AvroDataSource): DataSourceContent {
  if (content === null) return { id, name, accessible: false, ...(reason === null ? {} : { reason }) };
  const { title, description, url, parent, inTrash } = content;
  return {
    id,
    name,
    title,
    description,
    icon: jsonOrNull(content.icon),
    cover: jsonOrNull(content.cover),
    url,
    parent: { type: parent.type, id: parent.id },
    createdTime: dateOf(content.createdTime),
    lastEditedTime: dateOf(content.lastEditedTime),
    inTrash,
    properties: content.properties.map((property) => ({
      id: property.id,
      name: property.name,
      type: property.type,
      description: property.description,
      config: JSON.parse(property.config) as Json,
    })),
  };
}
