import type { Registry } from '@notion-mirror/service-kit/metrics';
import type { Db } from 'mongodb';
import { createBatcher } from '../batcher.ts';
import { orUnavailable } from '../errors.ts';
import { pageReads } from '../page-reads.ts';
import { openRecords } from '../records/record-document.ts';
import { createStoreMeter, settled } from '../records/store-meter.ts';
import { databaseStorage } from './database.ts';
import { ofTenant } from '../records/of-tenant.ts';

interface ListedSource {
  readonly workspaceId: string;
  readonly dataSourceId: string;
}

interface ListingDocument {
  readonly workspaceId: string;
  readonly databaseId: string;
  readonly dataSources: readonly { readonly id: string; readonly inTrash?: boolean }[];
}

/**
 * Ids of the tenant's live databases that list the data source, sorted. Simultaneous lookups are batched. Rejects with a
 * `StoreUnavailableError` when MongoDB is unavailable.
 */
export type DatabasesListing = (workspaceId: string, dataSourceId: string) => Promise<string[]>;

/** `trashed`: whether a database counts that lists the data source as one in the trash. */
export function createDatabasesListing(deps: {
  readonly db: Db;
  readonly metrics: Registry;
  readonly trashed?: 'counts' | 'does not count';
}): DatabasesListing {
  const { trashed = 'counts' } = deps;
  const records = openRecords(deps.db, databaseStorage);
  const meter = createStoreMeter(deps.metrics);
  const listOne = createBatcher<ListedSource, string[]>({
    maxOps: 200,
    maxInFlight: 4,
    run: (asked) => meter.batch('list', asked.length, () => listAll(asked)),
  });

  async function listAll(asked: readonly ListedSource[]): Promise<PromiseSettledResult<string[]>[]> {
    const sourcesOf = new Map<string, string[]>();
    for (const { workspaceId, dataSourceId } of asked) sourcesOf.set(workspaceId, [...(sourcesOf.get(workspaceId) ?? []), dataSourceId]);
    const $or = [...sourcesOf].map(([workspaceId, ids]) => ({ ...ofTenant(workspaceId), 'dataSources.id': { $in: ids } }));
    const projection = { _id: 0, workspaceId: 1, databaseId: 1, 'dataSources.id': 1, 'dataSources.inTrash': 1 } as const;
    const found = await orUnavailable('records could not be read', () => records.find<ListingDocument>({ $or }, { projection }).toArray());
    const listings = new Map<string, string[]>();
    for (const { workspaceId, databaseId, dataSources } of found) {
      for (const { id, inTrash } of dataSources) {
        if (inTrash === true && trashed === 'does not count') continue;
        const key = sourceKey({ workspaceId, dataSourceId: id });
        listings.set(key, [...(listings.get(key) ?? []), databaseId]);
      }
    }
    return asked.map((source) => settled(() => (listings.get(sourceKey(source)) ?? []).toSorted()));
  }

  return (workspaceId, dataSourceId) => listOne({ workspaceId, dataSourceId });
}

/** The live databases that list the data source; without `workspaceId` those of any tenant, at most `limit`. One read. Rejects with a `StoreUnavailableError`. */
export async function databasesListing(
  db: Db,
  dataSourceId: string,
  workspaceId: string | null,
  limit: number,
): Promise<readonly { readonly workspaceId: string; readonly id: string }[]> {
  return orUnavailable('records could not be read', async () => {
    const filter = { ...(workspaceId === null ? {} : ofTenant(workspaceId)), 'dataSources.id': dataSourceId, removed: { $exists: false } };
    const projection = { _id: 0, workspaceId: 1, databaseId: 1 } as const;
    const found = await openRecords(db, databaseStorage)
      .find<Pick<ListingDocument, 'workspaceId' | 'databaseId'>>(filter, { ...pageReads, projection, limit })
      .toArray();
    return found.map(({ workspaceId: tenant, databaseId: id }) => ({ workspaceId: tenant, id }));
  });
}

function sourceKey({ workspaceId, dataSourceId }: ListedSource): string {
  return JSON.stringify([workspaceId, dataSourceId]);
}
