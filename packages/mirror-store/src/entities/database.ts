import type { AccessibleDataSource, DatabaseContent, DataSourceContent } from '@notion-mirror/domain/database-content';
import { databaseKind } from '@notion-mirror/domain/entities/database';
import type { Document } from 'mongodb';
import { z } from 'zod';
import type { EntityStorage } from '../entity-storage.ts';
import { readFields } from '../records/record-document.ts';
import { storable } from '../records/storable.ts';
import { databaseHistory } from './schema-changes.ts';
import { json, jsonObject, textOrNull, timeOrNull } from './stored-fields.ts';

export interface DatabaseOutline {
  /** Data sources listed by the document, including inaccessible ones. Empty for a tombstone. */
  readonly dataSourceIds: readonly string[];
}

export const databaseStorage: EntityStorage<DatabaseContent, DatabaseOutline> = {
  kind: databaseKind,
  collection: 'database_records',
  shadowCollection: 'shadow_records',
  view: 'databases',
  indexes: [
    { name: 'by_workspace', key: { workspaceId: 1, databaseId: 1 } },
    { name: 'by_data_source', key: { workspaceId: 1, 'dataSources.id': 1 } },
    { name: 'by_parent', key: { workspaceId: 1, 'parent.id': 1 } },
    // Operators list a tenant's databases by title, and look for one whose tenant they do not know.
    { name: 'by_title', key: { workspaceId: 1, title: 1, databaseId: 1 } },
    { name: 'by_id', key: { databaseId: 1 } },
    { name: 'by_source', key: { 'dataSources.id': 1 } },
  ],
  contentFields,
  contentOf: (document) => readFields(content, document),
  outlineProjection: { 'dataSources.id': 1 },
  outlineOf: (document) => ({ dataSourceIds: readFields(outline, document).dataSources.map(({ id }) => id) }),
  outlineOfContent: ({ dataSources }) => ({ dataSourceIds: dataSources.map(({ id }) => id) }),
  history: databaseHistory,
};

const outline = z.object({ dataSources: z.array(z.object({ id: z.string() })).default([]) });

function contentFields(content: DatabaseContent): Document {
  return {
    title: content.title,
    description: content.description,
    url: content.url,
    publicUrl: content.publicUrl,
    icon: storable(content.icon),
    cover: storable(content.cover),
    parent: { type: content.parent.type, id: content.parent.id },
    isInline: content.isInline,
    isLocked: content.isLocked,
    createdTime: content.createdTime,
    lastEditedTime: content.lastEditedTime,
    dataSources: content.dataSources.map(dataSourceDocument),
    raw: { database: storable(content.raw.database), dataSources: content.raw.dataSources.map((source) => storable(source)) },
  };
}

function dataSourceDocument(source: DataSourceContent): Document {
  if (!isAccessible(source)) {
    const { id, name, accessible, reason } = source;
    return { id, name, accessible, ...(reason === undefined ? {} : { reason }) };
  }
  return {
    id: source.id,
    name: source.name,
    title: source.title,
    description: source.description,
    icon: storable(source.icon),
    cover: storable(source.cover),
    url: source.url,
    properties: source.properties.map(({ id, name, type, description, config }) => ({
      id,
      name,
      type,
      description,
      config: storable(config),
    })),
    parent: { type: source.parent.type, id: source.parent.id },
    createdTime: source.createdTime,
    lastEditedTime: source.lastEditedTime,
    inTrash: source.inTrash,
  };
}

function isAccessible(source: DataSourceContent): source is AccessibleDataSource {
  return !('accessible' in source);
}

const parent = z.object({ type: z.string(), id: textOrNull });

const accessibleSource: z.ZodType<AccessibleDataSource> = z.object({
  id: z.string(),
  name: z.string(),
  title: z.string(),
  description: z.string(),
  icon: json,
  cover: json,
  url: textOrNull,
  parent,
  createdTime: timeOrNull,
  lastEditedTime: timeOrNull,
  inTrash: z.boolean(),
  properties: z.array(z.object({ id: z.string(), name: z.string(), type: z.string(), description: textOrNull, config: json })),
});

// What nearly all are comes first: zod describes each mismatch at length.
const dataSource: z.ZodType<DataSourceContent> = z.union([
  accessibleSource,
  z.object({ id: z.string(), name: z.string(), accessible: z.literal(false), reason: z.string().exactOptional() }),
]);

const fields = {
  title: z.string(),
  description: z.string(),
  url: textOrNull,
  publicUrl: textOrNull,
  icon: json,
  cover: json,
  parent,
  isInline: z.boolean(),
  isLocked: z.boolean(),
  createdTime: timeOrNull,
  lastEditedTime: timeOrNull,
  dataSources: z.array(dataSource),
};

/** The content of a live document that was read without `raw`. */
export const databaseFields: z.ZodType<Omit<DatabaseContent, 'raw'>> = z.object(fields);

const content: z.ZodType<DatabaseContent> = z.object({
  ...fields,
  raw: z.object({ database: jsonObject, dataSources: z.array(jsonObject) }),
});
