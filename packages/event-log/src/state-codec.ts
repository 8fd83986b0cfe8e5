import type { DataSourceContent, Json, JsonObject, Parent } from '@notion-mirror/domain/database-content';
import type { LiveState } from '@notion-mirror/domain/database-state';
import { databaseStateContract } from '@notion-mirror/schemas/contract';
import { createAvroCodec, poison, type AvroCodec, type Undecoded } from './avro-codec.ts';
import type { SchemaRegistrySettings } from './schema-registry.ts';

export type StateDecodeResult = { readonly kind: 'state'; readonly state: LiveState } | Undecoded;

/** Values of the state log. */
export interface StateCodec extends Pick<AvroCodec, 'schemaId'> {
  encode(state: LiveState): Buffer;
  /** Any version of the schema that the registry knows. Never rejects. */
  decode(value: Buffer): Promise<StateDecodeResult>;
}

/** As `createAvroCodec`. */
export async function createStateCodec(options: { schemaRegistry: SchemaRegistrySettings; subject: string }): Promise<StateCodec> {
  const codec = await createAvroCodec({ ...options, contract: databaseStateContract(), what: 'database state' });
  return {
    schemaId: codec.schemaId,
    encode: (state) => codec.encode(toAvro(state)),
    async decode(value) {
      const decoded = await codec.decode(value);
      if (decoded.kind !== 'value') return decoded;
      try {
        // Avro has checked every field against the schema.
        return { kind: 'state', state: fromAvro(decoded.value as AvroState) };
      } catch (error) {
        return poison('invalid_state', error instanceof Error ? error.message : String(error));
      }
    },
  };
}

/** `schemas/database-state`: times in milliseconds, JSON as text. */
interface AvroState {
  readonly workspaceId: string;
  readonly databaseId: string;
  readonly rev: number;
  readonly asOf: number;
  readonly syncedAt: number;
  readonly connectionId: string | null;
  readonly lastEvent: { readonly id: string; readonly type: string; readonly occurredAt: number };
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

function toAvro({ workspaceId, databaseId, rev, asOf, syncedAt, connectionId, lastEvent, content }: LiveState): AvroState {
  const { icon, cover, createdTime, lastEditedTime, dataSources, raw, ...plain } = content;
  return {
    ...plain,
    workspaceId,
    databaseId,
    rev,
    asOf: asOf.getTime(),
    syncedAt: syncedAt.getTime(),
    connectionId,
    lastEvent: { ...lastEvent, occurredAt: lastEvent.occurredAt.getTime() },
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

function fromAvro(value: AvroState): LiveState {
  const { workspaceId, databaseId, rev, connectionId, lastEvent, parent } = value;
  return {
    kind: 'live',
    workspaceId,
    databaseId,
    rev,
    asOf: new Date(value.asOf),
    syncedAt: new Date(value.syncedAt),
    connectionId,
    lastEvent: { id: lastEvent.id, type: lastEvent.type, occurredAt: new Date(lastEvent.occurredAt) },
    content: {
      title: value.title,
      description: value.description,
      url: value.url,
      publicUrl: value.publicUrl,
      icon: jsonOrNull(value.icon),
      cover: jsonOrNull(value.cover),
      parent: { type: parent.type, id: parent.id },
      isInline: value.isInline,
      isLocked: value.isLocked,
      createdTime: dateOf(value.createdTime),
      lastEditedTime: dateOf(value.lastEditedTime),
      dataSources: value.dataSources.map(fromAvroSource),
      raw: JSON.parse(value.raw) as { database: JsonObject; dataSources: JsonObject[] },
    },
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

function textOrNull(value: Json): string | null {
  return value === null ? null : JSON.stringify(value);
}

function jsonOrNull(text: string | null): Json {
  return text === null ? null : (JSON.parse(text) as Json);
}

function millisecondsOf(time: Date | null): number | null {
  return time === null ? null : time.getTime();
}

function dateOf(milliseconds: number | null): Date | null {
  return milliseconds === null ? null : new Date(milliseconds);
}
