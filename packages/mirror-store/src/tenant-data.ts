import type { Db, Filter } from 'mongodb';
import { collectionNames, openCollection, openNamed } from './collections.ts';
import type { ConnectionDocument } from './connection-document.ts';
import { createConnectionStore } from './connection-store.ts';
import { orUnavailable } from './errors.ts';
import { outlast } from './outlast.ts';
import { createParkedEvents } from './parked-events.ts';
import type { EntityStorage } from './entity-storage.ts';
import { openRecords } from './records/record-document.ts';
import { ofTenant } from './records/of-tenant.ts';

const eraseMs = 20_000;

interface AnyDocument {
  readonly _id: string;
  readonly [field: string]: unknown;
}

type CollectionKey = keyof typeof collectionNames;

/**
 * The filter for a tenant's documents in every collection except those of records; null: the collection has no documents of tenants. Settled dead letters name places
 * on a topic, a notice names a connection but no tenant, a worker's status is replaced every two seconds, and operators' actions lose the tenant's name only
 * (`OperatorActions.forget`).
 */
const tenantFilters: Readonly<Record<CollectionKey, ((workspaceId: string) => Filter<AnyDocument>) | null>> = {
  connections: (workspaceId) => ({ workspaceId }),
  connectionNotices: null,
  dataSourceContents: (workspaceId) => ({ workspaceId }),
  eventOutcomes: (workspaceId) => ({ workspaceId }),
  handshakes: null,
  minutes: null,
  operatorActions: null,
  parkedEvents: (workspaceId) => ({ workspaceId }),
  plannedReads: (workspaceId) => ({ workspaceId }),
  replays: (workspaceId) => ({ workspaceId }),
  rowsOff: (workspaceId) => ({ workspaceId }),
  schemaChanges: (workspaceId) => ({ workspaceId }),
  settledDeadLetters: null,
  spooledEvents: (workspaceId) => ({ key: workspaceId }),
  stateLog: null,
  sweeps: (workspaceId) => ({ _id: workspaceId }),
  switches: null,
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

export function openTenantData(db: Db, storages: readonly EntityStorage<unknown, object>[]): TenantData {
  const { connections, spooledEvents } = collectionNames;

  /** Of every collection, in order of their names in MongoDB. */
  function filtersOf(workspaceId: string): [string, Filter<AnyDocument>][] {
    const others = (Object.keys(tenantFilters) as CollectionKey[]).flatMap((key): [string, Filter<AnyDocument>][] => {
      const filter = tenantFilters[key]?.(workspaceId);
      return filter === undefined ? [] : [[collectionNames[key], filter]];
    });
    const records = storages.flatMap(({ collection, shadowCollection }) => [collection, shadowCollection]);
    return [...others, ...records.map((name): [string, Filter<AnyDocument>] => [name, ofTenant(workspaceId)])].toSorted(([a], [b]) =>
      a < b ? -1 : 1,
    );
  }

  async function erase(workspaceId: string, isMeant: (name: string) => boolean): Promise<TenantCounts> {
    return orUnavailable('documents could not be erased', async () => {
      const erased: Record<string, number> = {};
      for (const [name, filter] of filtersOf(workspaceId).filter(([one]) => isMeant(one))) {
        const documents = openNamed<AnyDocument>(db, name);
        erased[name] = (await outlast(eraseMs, (limit) => documents.deleteMany(filter, limit))).deletedCount;
      }
      return erased;
    });
  }

  return {
    count: (workspaceId) =>
      orUnavailable('documents could not be counted', async () => {
        const counts: Record<string, number> = {};
        for (const [name, filter] of filtersOf(workspaceId)) {
          counts[name] = await openNamed<AnyDocument>(db, name).countDocuments(filter);
        }
        return counts;
      }),

    async silence(workspaceId, reason) {
      const store = createConnectionStore(db);
      const ids = await orUnavailable('connections could not be read', () =>
        openCollection<ConnectionDocument>(db, 'connections').distinct('_id', { workspaceId }),
      );
      for (const connectionId of ids) await store.remove(connectionId, reason);
      await createParkedEvents(db).discard(workspaceId);
      await erase(workspaceId, (name) => name === spooledEvents);
      for (const storage of storages) {
        const tombstone = {
          ...Object.fromEntries(['_id', 'workspaceId', storage.kind.idField, 'asOf'].map((field) => [field, `$${field}`])),
          rev: { $add: ['$rev', 1] },
          source: 'delete',
          removed: { at: '$$NOW', reason: 'inaccessible', eventId: null },
        };
        await orUnavailable('records could not be erased', () =>
          outlast(eraseMs, (limit) => openRecords(db, storage).updateMany(ofTenant(workspaceId), [{ $replaceWith: tombstone }], limit)),
        );
      }
    },

    erase: (workspaceId) => erase(workspaceId, (name) => name !== connections),
    eraseConnections: (workspaceId) => erase(workspaceId, (name) => name === connections),
  };
}
