import type { Db } from 'mongodb';
import { z } from 'zod';
import type { EntityStorage } from '../entity-storage.ts';
import { orUnavailable } from '../errors.ts';
import { pageReads } from '../page-reads.ts';
import { openRecords, readFields } from './record-document.ts';

const tenant = z.object({ workspaceId: z.string() });

/** The tenants that have a record with that id, live or as a tombstone, sorted; at most `limit`. One read. Rejects with a `StoreUnavailableError`. */
export async function tenantsWithRecord(
  db: Db,
  storage: Pick<EntityStorage<unknown, object>, 'collection' | 'kind'>,
  id: string,
  limit: number,
): Promise<string[]> {
  return orUnavailable('records could not be read', async () => {
    const found = await openRecords(db, storage)
      .find({ [storage.kind.idField]: id }, { ...pageReads, projection: { workspaceId: 1 }, limit })
      .toArray();
    return found.map((document) => readFields(tenant, document).workspaceId).toSorted();
  });
}
