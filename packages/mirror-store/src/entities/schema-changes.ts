import type { DatabaseContent, Json, PropertyContent } from '@notion-mirror/domain/database-content';
import { plainId } from '@notion-mirror/domain/property-id';
import { schemaChanges } from '@notion-mirror/domain/schema-change';
import type { Document } from 'mongodb';
import { z } from 'zod';
import { collectionNames } from '../collections.ts';
import type { EntityHistory, HistoryEntry } from '../entity-storage.ts';
import { contentDigest } from '../records/content-digest.ts';
import { json, textOrNull } from './stored-fields.ts';

/** The history of the schemas in a database: an entry for each data source whose properties have changed. */
export const databaseHistory: EntityHistory<DatabaseContent> = {
  collection: collectionNames.schemaChanges,
  digestOf: ({ dataSources }) => contentDigest(Object.fromEntries(dataSources.map((source) => [source.id, digested(source)]))),
  projection: { dataSources: { id: 1, properties: { id: 1, name: 1, type: 1, description: 1, config: 1 } } },
  changesBetween(before, after) {
    const old = schemasOf(before);
    return [...schemasOf(after)].flatMap(([dataSourceId, properties]): HistoryEntry[] => {
      const was = old.get(dataSourceId);
      // Not readable then or now, or another database had it: what it was is not known.
      const changes = was === undefined ? [] : schemaChanges(was, properties);
      return changes.length === 0 ? [] : [{ part: ['dataSourceId', dataSourceId], changes: changes as unknown as Json }];
    });
  },
};

function digested(source: DatabaseContent['dataSources'][number]): Document | null {
  if ('accessible' in source) return null;
  return Object.fromEntries(
    source.properties.map(({ id, name, type, description, config }) => [plainId(id), [name, type, description, config]]),
  );
}

const property: z.ZodType<PropertyContent> = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  description: textOrNull,
  config: json,
});

const listed = z.object({ dataSources: z.array(z.object({ id: z.string(), properties: z.array(property).optional() })) });

/** The readable data sources. None of a record that this program did not write in this form: the history must not stop its next write. */
function schemasOf(document: Document): Map<string, readonly PropertyContent[]> {
  const found = listed.safeParse(document).data?.dataSources ?? [];
  return new Map(found.flatMap(({ id, properties }) => (properties === undefined ? [] : [[id, properties] as const])));
}
