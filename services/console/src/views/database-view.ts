import type { AccessibleDataSource, DataSourceContent, Json, PropertyContent } from '@notion-mirror/domain/database-content';
import type { SourceContents } from '@notion-mirror/mirror-store/contents-reports';
import type { DatabaseRecord, ListedDatabase } from '@notion-mirror/mirror-store/entities/database-pages';
import type { DatabaseContent, DatabaseLine, DataSource, Property, UseIt } from '../answers/databases.ts';
import { contentsView } from './contents.ts';

export interface DatabaseViewSettings {
  /** Whether customers' texts are shown. */
  readonly content: boolean;
  readonly tombstoneTtlMs: number;
  readonly redact: (text: string) => string;
}

export function databaseLine(database: ListedDatabase, { content, tombstoneTtlMs }: DatabaseViewSettings): DatabaseLine {
  const { workspaceId, databaseId, title, dataSources, rev, asOf, lastEditedTime, removed } = database;
  return {
    workspaceId,
    databaseId,
    title: content ? title : null,
    dataSources: dataSources.map(({ id, name }) => ({ dataSourceId: id, name: content ? name : null })),
    rev,
    asOf: asOf.toISOString(),
    lastEditedTime: lastEditedTime?.toISOString() ?? null,
    removed: removed && {
      at: removed.at.toISOString(),
      reason: removed.reason,
      eventId: removed.eventId,
      until: new Date(removed.at.getTime() + tombstoneTtlMs).toISOString(),
    },
  };
}

/** `related`: live databases of the tenant that have the data sources of its relations. */
export function contentView(
  record: NonNullable<DatabaseRecord['content']>,
  contents: readonly SourceContents[],
  related: readonly ListedDatabase[],
  { content, redact }: DatabaseViewSettings,
): DatabaseContent {
  const ofContent = <T>(value: T): T | null => (content ? value : null);
  return {
    description: ofContent(record.description),
    url: ofContent(record.url),
    publicUrl: ofContent(record.publicUrl),
    icon: ofContent(record.icon),
    isInline: record.isInline,
    isLocked: record.isLocked,
    createdTime: record.createdTime?.toISOString() ?? null,
    lastEditedTime: record.lastEditedTime?.toISOString() ?? null,
    parent: record.parent,
    sources: record.dataSources.map((source): DataSource => {
      const known = contents.find(({ dataSourceId }) => dataSourceId === source.id);
      const shared = { dataSourceId: source.id, name: ofContent(source.name), contents: known ? contentsView(known, redact) : null };
      if (!isAccessible(source)) return { ...shared, refused: source.reason ?? 'not_shared', inTrash: false, url: null, properties: null };
      const properties = content ? source.properties.map((property) => propertyView(property, related)) : null;
      return { ...shared, refused: null, inTrash: source.inTrash, url: ofContent(source.url), properties };
    }),
  };
}

/** The ids of the data sources that the properties of these relate to. */
export function relatedSources(sources: readonly DataSourceContent[]): string[] {
  const ids = sources.filter(isAccessible).flatMap(({ properties }) => properties.flatMap((property) => relationOf(property) ?? []));
  return [...new Set(ids)];
}

function isAccessible(source: DataSourceContent): source is AccessibleDataSource {
  return !('accessible' in source);
}

function propertyView(property: PropertyContent, related: readonly ListedDatabase[]): Property {
  const { id, name, type, description, config } = property;
  const dataSourceId = relationOf(property);
  const holder = related.find(({ dataSources }) => dataSources.some((source) => source.id === dataSourceId));
  const relation = dataSourceId === null ? null : { dataSourceId, databaseId: holder?.databaseId ?? null, title: holder?.title ?? null };
  return { id, name, type, description, options: optionsOf(config), relation, config };
}

function relationOf({ type, config }: PropertyContent): string | null {
  const id = type === 'relation' && isObject(config) ? config['data_source_id'] : null;
  return typeof id === 'string' ? id : null;
}

function optionsOf(config: Json): Property['options'] {
  const options = isObject(config) ? config['options'] : null;
  if (!Array.isArray(options)) return [];
  return (options as readonly Json[]).filter(isObject).map((option) => ({
    id: textOf(option['id']),
    name: textOf(option['name']) ?? '',
    color: textOf(option['color']),
  }));
}

function textOf(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Lines that an operator can paste, with the ids of this database. */
export function useIt({ workspaceId, databaseId, dataSources }: ListedDatabase): UseIt {
  const tenant = JSON.stringify(workspaceId);
  const [first] = dataSources;
  const shell = /^[\w.@-]+$/.test(workspaceId) ? workspaceId : `'${workspaceId.replaceAll("'", String.raw`'\''`)}'`;
  return {
    mongosh: `db.databases.findOne({ workspaceId: ${tenant}, databaseId: ${JSON.stringify(databaseId)} })`,
    mongoshRows:
      first === undefined
        ? null
        : `db.rows.find({ workspaceId: ${tenant}, dataSourceId: ${JSON.stringify(first.id)} }).sort({ createdTime: 1 })`,
    mirror: `mirror explain ${databaseId} --workspace-id ${shell}`,
  };
}
