import { createHash } from 'node:crypto';
import { keyOf } from '@notion-mirror/domain/entity';
import type { Registry } from '@notion-mirror/service-kit/metrics';
import type { Db } from 'mongodb';
import { z } from 'zod';
import type { FollowedSource } from '../data-source-contents.ts';
import { openRecords, readFields } from '../records/record-document.ts';
import { createRecordReads } from '../records/record-reads.ts';
import { createStoreMeter } from '../records/store-meter.ts';
import { databaseStorage } from './database.ts';

/**
 * The data sources of a database, as its record has them now, without those in the trash; none for a tombstone or without a record. Simultaneous
 * reads are batched. Rejects with a `StoreUnavailableError` when MongoDB is unavailable.
 */
export type FollowedSources = (workspaceId: string, databaseId: string) => Promise<readonly FollowedSource[]>;

export function createFollowedSources(deps: { readonly db: Db; readonly metrics: Registry }): FollowedSources {
  const readOne = createRecordReads<readonly FollowedSource[]>({
    records: openRecords(deps.db, databaseStorage),
    meter: createStoreMeter(deps.metrics),
    projection: { dataSources: { id: 1, inTrash: 1, properties: { id: 1, name: 1, type: 1, config: 1 } } },
    maxOps: 100,
    of: (document) => (document === undefined ? [] : readFields(listed, document).dataSources.flatMap(followed)),
  });
  return (workspaceId, databaseId) => readOne({ key: keyOf({ workspaceId, id: databaseId }), span: null });
}

const property = z.object({ id: z.string(), name: z.string(), type: z.string(), config: z.unknown() });

const listed = z.object({
  dataSources: z.array(z.object({ id: z.string(), inTrash: z.boolean().optional(), properties: z.array(property).optional() })).default([]),
});

type ListedSource = z.output<typeof listed>['dataSources'][number];

function followed({ id, inTrash, properties }: ListedSource): FollowedSource[] {
  if (inTrash === true) return [];
  return [{ dataSourceId: id, schema: properties === undefined ? null : digestOf(properties) }];
}

/** The same for the same properties in any order. Options keep their order: it is their own. */
function digestOf(properties: readonly z.output<typeof property>[]): string {
  const inOrder = properties.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(({ id, name, type, config }) => [id, name, type, config]);
  return createHash('sha256').update(JSON.stringify(inOrder, withSortedKeys)).digest('base64url');
}

function withSortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
