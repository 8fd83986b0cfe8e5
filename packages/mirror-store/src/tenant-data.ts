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
 * How a tenant's documents are found, of every collection there is; null: none of its documents is a tenant's. Settled dead letters name
 * places on a topic, a notice names a connection and no tenant; what a worker says of itself is replaced every two seconds.
 */
const whereabouts: Readonly<Record<CollectionKey, ((workspaceId: string) => Filter<AnyDocument>) | null>> = {
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

/** Documents by the name of their collection. */
export type TenantCounts = Readonly<Record<string, number>>;

/** Everything of one tenant, for erasing it. All reject with a `StoreUnavailableError` when MongoDB is away. */
export interface TenantData {
  count(workspaceId: string): Promise<TenantCounts>;
  /**
   * The tenant's connections are deleted, tokens gone; nothing of it waits any more; the content of its documents is gone, and their revisions
   * are raised, so that no fetch in flight is written over them.
   */
  silence(workspaceId: string, reason: string): Promise<void>;
  /** Erases all but its connections. Resolves to what was there. */
  erase(workspaceId: string): Promise<TenantCounts>;
  /** The last step: whoever comes later finds no such tenant. */
  eraseConnections(workspaceId: string): Promise<TenantCounts>;
}

export function openTenantData(db: Db): TenantData {
  const keys = (Object.keys(whereabouts) as CollectionKey[]).toSorted();

  async function erase(workspaceId: string, some: readonly CollectionKey[]): Promise<TenantCounts> {
    return orUnavailable('documents could not be erased', async () => {
      const erased: Record<string, number> = {};
      for (const key of some) {
        const filter = whereabouts[key]?.(workspaceId);
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
          const filter = whereabouts[key]?.(workspaceId);
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
