import type { Db, Filter } from 'mongodb';
import { collectionNames, openCollection } from './collections.ts';
import type { ConnectionDocument } from './connection-document.ts';
import { createConnectionStore } from './connection-store.ts';
import { orUnavailable } from './errors.ts';
import { createParkedEvents } from './parked-events.ts';
import type { RecordDocument } from './record-document.ts';

interface AnyDocument {
  readonly _id: string;
  readonly [field: string]: unknown;
}

type CollectionKey = keyof typeof collectionNames;

/**
 * The filter for a tenant's documents in every collection; null: the collection has no documents of tenants. Settled dead letters name places
 * on a topic, a notice names a connection but no tenant, and a worker's status is replaced every two seconds.
 */
const tenantFilters: Readonly<Record<CollectionKey, ((workspaceId: string) => Filter<AnyDocument>) | null>> = {
  connections: (workspaceId) => ({ workspaceId }),
  connectionNotices: null,
  databaseRecords: (workspaceId) => ({ workspaceId }),
  eventOutcomes: (workspaceId) => ({ workspaceId }),
  handshakes: null,
  parkedEvents: (workspaceId) => ({ workspaceId }),
  replays: (workspaceId) => ({ workspaceId }),
  settledDeadLetters: null,
  shadowRecords: (workspaceId) => ({ workspaceId }),
  spooledEvents: (workspaceId) => ({ key: workspaceId }),
  stateLog: null,
  sweeps: (workspaceId) => ({ _id: workspaceId }),
  tenantSigns: (workspaceId) => ({ _id: workspaceId }),
  workerStatus: null,
};

/** Numbers of documents by collection name. */
export type TenantCounts = Readonly<Record<string, number>>;

/** All data of one tenant, for erasing it. All reject with a `StoreUnavailableError` when MongoDB is unavailable. */
export interface TenantData {
  count(workspaceId: string): Promise<TenantCounts>;
  /**
   * Marks the tenant's connections deleted, erases their tokens, discards waiting events, and erases the content of its documents, raising their
   * revisions so that no fetch in flight overwrites them.
   */
  silence(workspaceId: string, reason: string): Promise<void>;
  /** Erases everything but its connections. Resolves to the number of erased documents. */
  erase(workspaceId: string): Promise<TenantCounts>;
  /** The last step, after which the tenant is unknown. */
  eraseConnections(workspaceId: string): Promise<TenantCounts>;
}

export function openTenantData(db: Db): TenantData {
  const keys = (Object.keys(tenantFilters) as CollectionKey[]).toSorted();

  async function erase(workspaceId: string, some: readonly CollectionKey[]): Promise<TenantCounts> {
    return orUnavailable('documents could not be erased', async () => {
      const erased: Record<string, number> = {};
      for (const key of some) {
        const filter = tenantFilters[key]?.(workspaceId);
        if (filter === undefined) continue;
        const { deletedCount } = await openCollection<AnyDocument>(db, key).deleteMany(filter);
        erased[collectionNames[key]] = deletedCount;
      }
      return erased;
    });
  }

  return {
    count: (workspaceId) =>
      orUnavailable('documents could not be counted', async () => {
        const counts: Record<string, number> = {};
        for (const key of keys) {
          const filter = tenantFilters[key]?.(workspaceId);
          if (filter !== undefined) counts[collectionNames[key]] = await openCollection<AnyDocument>(db, key).countDocuments(filter);
        }
        return counts;
      }),

    async silence(workspaceId, reason) {
      const store = createConnectionStore(db);
      const connections = openCollection<ConnectionDocument>(db, 'connections');
      const ids = await orUnavailable('connections could not be read', () => connections.distinct('_id', { workspaceId }));
      for (const connectionId of ids) await store.remove(connectionId, reason);
      await createParkedEvents(db).discard(workspaceId);
      await erase(workspaceId, ['spooledEvents']);
      const tombstone = {
        ...Object.fromEntries(['_id', 'workspaceId', 'databaseId', 'asOf'].map((field) => [field, `$${field}`])),
        rev: { $add: ['$rev', 1] },
        source: 'delete',
        removed: { at: '$$NOW', reason: 'inaccessible', eventId: null },
      };
      await orUnavailable('records could not be erased', () =>
        openCollection<RecordDocument>(db, 'databaseRecords').updateMany({ workspaceId }, [{ $replaceWith: tombstone }]),
      );
    },

    erase: (workspaceId) =>
      erase(
        workspaceId,
        keys.filter((key) => key !== 'connections'),
      ),
    eraseConnections: (workspaceId) => erase(workspaceId, ['connections']),
  };
}
