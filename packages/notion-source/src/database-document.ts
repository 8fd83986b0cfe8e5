import type {
  AccessibleDataSource,
  DatabaseContent,
  DataSourceContent,
  Json,
  JsonObject,
  PropertyContent,
} from '@notion-mirror/domain/database-content';
import { z } from 'zod';
import { isJsonObject } from './json-object.ts';
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
  richText,
  text,
  time,
  type Parsed,
} from './notion-object.ts';

/**
 * Notion's objects as the mirror keeps them. Parsing is strict about the fields that a document needs and open about everything else:
 * unknown fields stay in `raw`, unknown types of parents, properties and icons pass through.
 */
export interface ParsedDatabase {
  readonly raw: JsonObject;
  readonly inTrash: boolean;
  readonly listed: readonly ListedDataSource[];
  readonly content: Omit<DatabaseContent, 'dataSources' | 'raw'>;
}

export interface ListedDataSource {
  readonly id: string;
  readonly name: string;
}

export interface ParsedDataSource {
  readonly raw: JsonObject;
  /** Without the name, which comes from the container. */
  readonly content: Omit<AccessibleDataSource, 'name'>;
}

const common = {
  id: z.string(),
  title: richText,
  description: richText,
  parent,
  icon: json,
  cover: json,
  url: text,
  created_time: text,
  last_edited_time: text,
  in_trash: flag,
  archived: flag,
};

const databaseObject = z.object({
  ...common,
  object: z.literal('database'),
  is_inline: flag,
  is_locked: flag,
  public_url: text,
  data_sources: z.array(z.object({ id: z.string(), name: text })),
});

const dataSourceObject = z.object({ ...common, object: z.literal('data_source'), properties: jsonObject });

/** GET /v1/databases/{id}: the container. */
export function parseDatabase(body: JsonObject): Parsed<ParsedDatabase> {
  const result = databaseObject.safeParse(body);
  if (!result.success) return notParsed(body, 'data_sources', result.error);
  const found = result.data;
  return {
    kind: 'parsed',
    value: {
      raw: body,
      inTrash: isInTrash(found),
      listed: found.data_sources.map(({ id, name }) => ({ id, name: name ?? '' })),
      content: {
        title: plainText(found.title),
        description: plainText(found.description),
        url: found.url ?? null,
        publicUrl: found.public_url ?? null,
        icon: found.icon ?? null,
        cover: found.cover ?? null,
        parent: flatParent(found.parent),
        isInline: found.is_inline ?? false,
        isLocked: found.is_locked ?? false,
        createdTime: time(found.created_time),
        lastEditedTime: time(found.last_edited_time),
      },
    },
  };
}

/** GET /v1/data_sources/{id}. `bodyText` is the same body as received: it has the order of the properties. */
export function parseDataSource(body: JsonObject, bodyText: string): Parsed<ParsedDataSource> {
  const result = dataSourceObject.safeParse(body);
  if (!result.success) return notParsed(body, 'properties', result.error);
  const found = result.data;
  const properties = parseProperties(found.properties, bodyText);
  if (properties.kind !== 'parsed') return properties;
  return {
    kind: 'parsed',
    value: {
      raw: body,
      content: {
        id: found.id,
        title: plainText(found.title),
        description: plainText(found.description),
        icon: found.icon ?? null,
        cover: found.cover ?? null,
        url: found.url ?? null,
        parent: flatParent(found.parent),
        createdTime: time(found.created_time),
        lastEditedTime: time(found.last_edited_time),
        inTrash: isInTrash(found),
        properties: properties.value,
      },
    },
  };
}

/** A data source that its database lists and the connection cannot read. `reason`: Notion's code; null when it answers 404. */
export interface HiddenDataSource {
  readonly hidden: true;
  readonly reason: string | null;
  /** It may have left the database since the container was read. False: it is there, and forbidden. */
  readonly mayHaveLeft: boolean;
}

export type DataSourceSight = ParsedDataSource | HiddenDataSource;

/** The document: the container, and each data source it lists, in its order. A source missing in `sources` is inaccessible, as with a 404. */
export function databaseContent(database: ParsedDatabase, sources: ReadonlyMap<string, DataSourceSight>): DatabaseContent {
  const dataSources = database.listed.map(({ id, name }): DataSourceContent => {
    const source = sources.get(id);
    if (source !== undefined && !('hidden' in source)) return { ...source.content, id, name };
    const reason = source?.reason ?? null;
    return { id, name, accessible: false, ...(reason === null ? {} : { reason }) };
  });
  const rawSources = database.listed.flatMap(({ id }) => {
    const source = sources.get(id);
    return source === undefined || 'hidden' in source ? [] : [source.raw];
  });
  return { ...database.content, dataSources, raw: { database: database.raw, dataSources: rawSources } };
}

/** The database that holds a data source, or null when its parent names none. */
export function databaseHolding(source: ParsedDataSource): string | null {
  return holderOf(source.raw['parent']);
}

export interface FoundDataSource {
  readonly dataSourceId: string;
  /** Null when Notion returns only the data source's id. */
  readonly databaseId: string | null;
  readonly lastEditedTime: Date | null;
  /** As GET /v1/data_sources/{id} would return it, if the search is up to date. */
  readonly raw: JsonObject;
}

export interface SearchPage {
  readonly found: readonly FoundDataSource[];
  readonly nextCursor: string | null;
}

const searchHit = z.object({ object: z.literal('data_source'), id: z.string(), last_edited_time: text });

/** POST /v1/search. Objects other than data sources are left out. */
export function parseSearchPage(body: JsonObject): Parsed<SearchPage> {
  const list = parseList(body);
  if (list.kind !== 'parsed') return list;
  const { results, nextCursor } = list.value;
  const found = results.flatMap((entry): FoundDataSource[] => {
    const hit = searchHit.safeParse(entry);
    if (!hit.success) return [];
    const { id, last_edited_time: lastEditedTime } = hit.data;
    return [{ dataSourceId: id, databaseId: holderOf(entry['parent']), lastEditedTime: time(lastEditedTime), raw: entry }];
  });
  return { kind: 'parsed', value: { found, nextCursor } };
}

function parseProperties(properties: JsonObject, bodyText: string): Parsed<PropertyContent[]> {
  const contents: PropertyContent[] = [];
  for (const key of propertyKeys(properties, () => bodyText)) {
    const property = propertyIn(properties[key]);
    const name = property?.['name'] ?? key;
    if (property === null || typeof name !== 'string') {
      return { kind: 'malformed', problem: `a property (number ${contents.length + 1}) has no id or no type` };
    }
    const { id, type, description } = property;
    contents.push({ id, name, type, description: typeof description === 'string' ? description : null, config: own(property, type) });
  }
  return { kind: 'parsed', value: contents };
}

function holderOf(value: Json | undefined): string | null {
  if (!isJsonObject(value)) return null;
  const id = value['database_id'];
  return typeof id === 'string' ? id : null;
}
