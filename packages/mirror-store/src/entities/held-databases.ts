import { contentDifferences, type Fields } from '@notion-mirror/domain/content-differences';
import type { JsonObject } from '@notion-mirror/domain/database-content';
import { BSON, type Db } from 'mongodb';
import { z } from 'zod';
import { keyOf } from '@notion-mirror/domain/entity';
import { orUnavailable } from '../errors.ts';
import { openRecords } from '../records/record-document.ts';
import { storable } from '../records/storable.ts';
import { databaseStorage } from './database.ts';
import { ofTenant } from '../records/of-tenant.ts';

/** Summary of a live database of the mirror. */
export interface HeldDatabase {
  readonly databaseId: string;
  /** The connection of the last fetch. */
  readonly connectionId: string | null;
  /** Its data sources that Notion's search should show: readable, and not in the trash. */
  readonly searchable: readonly string[];
}

/** The Notion responses that a document was made from. */
export interface HeldAnswers {
  readonly database: Fields;
  readonly dataSources: ReadonlyMap<string, Fields>;
}

/** Reads the mirror's databases for a comparison with Notion. Read-only. All reject with a `StoreUnavailableError` when MongoDB is unavailable. */
export interface HeldDatabases {
  /** All live databases of the tenant. */
  list(workspaceId: string): Promise<HeldDatabase[]>;
  /** The live ones among the given databases. */
  answers(workspaceId: string, databaseIds: readonly string[]): Promise<ReadonlyMap<string, HeldAnswers>>;
}

const outline = z.object({
  databaseId: z.string(),
  connectionId: z.string().nullish(),
  dataSources: z.array(z.object({ id: z.string(), accessible: z.boolean().optional(), inTrash: z.boolean().optional() })).catch([]),
});

const rawAnswers = z.object({
  databaseId: z.string(),
  raw: z.object({ database: z.record(z.string(), z.unknown()), dataSources: z.array(z.looseObject({ id: z.string() })) }),
});

export function openHeldDatabases(db: Db): HeldDatabases {
  const records = openRecords(db, databaseStorage);
  return {
    list: (workspaceId) =>
      orUnavailable('records could not be read', async () => {
        const projection = {
          databaseId: 1,
          connectionId: 1,
          'dataSources.id': 1,
          'dataSources.accessible': 1,
          'dataSources.inTrash': 1,
        };
        const found = await records
          .find({ ...ofTenant(workspaceId), removed: { $exists: false } }, { projection })
          .sort({ databaseId: 1 })
          .toArray();
        return found.flatMap((document): HeldDatabase[] => {
          const read = outline.safeParse(document);
          if (!read.success) return [];
          const { databaseId, connectionId, dataSources } = read.data;
          const shown = dataSources.filter(({ accessible, inTrash }) => accessible !== false && inTrash !== true);
          return [{ databaseId, connectionId: connectionId ?? null, searchable: shown.map(({ id }) => id) }];
        });
      }),
    answers: (workspaceId, databaseIds) =>
      orUnavailable('records could not be read', async () => {
        const _id = { $in: databaseIds.map((id) => keyOf({ workspaceId, id })) };
        const found = await records.find({ _id, removed: { $exists: false } }, { projection: { databaseId: 1, raw: 1 } }).toArray();
        return new Map(
          found.flatMap((document): [string, HeldAnswers][] => {
            const read = rawAnswers.safeParse(document);
            if (!read.success) return [];
            const { database, dataSources } = read.data.raw;
            return [[read.data.databaseId, { database, dataSources: new Map(dataSources.map((source) => [source.id, source])) }]];
          }),
        );
      }),
  };
}

/** Whether a response stored in MongoDB and a new one from Notion would give the same document. */
export function isSameAnswer(held: Fields, answer: JsonObject): boolean {
  const stored: unknown = BSON.deserialize(BSON.serialize({ answer: storable(answer) }, { ignoreUndefined: false }))['answer'];
  return contentDifferences({ raw: { database: held } }, { raw: { database: stored } }).length === 0;
}
