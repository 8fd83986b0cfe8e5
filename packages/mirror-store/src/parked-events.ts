import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { MongoServerError, type Db } from 'mongodb';
import { openCollection } from './collections.ts';
import type { ConnectionStore } from './connection-store.ts';
import { duplicateKey, orUnavailable, unavailable } from './errors.ts';
import { eventIn, storedEvent, type StoredEvent } from './stored-event.ts';
import { pageReads } from './page-reads.ts';

/** `accessibleBy`: the bots that can read the entity. `event.trace`: of its handling until it was parked. */
export interface Parked {
  readonly event: DatabaseEvent;
  readonly accessibleBy: readonly string[];
  readonly parkedAt: Date;
}

/**
 * Sync events of tenants without an active connection: kept until one is active, then appended to the log again. Of several for one
 * database or row only the last received stays, since one fetch covers all. All reject with a `StoreUnavailableError` when MongoDB is unavailable.
 */
export interface ParkedEvents {
  /** `accessibleBy`: the bots that can read the entity, from its record's header. */
  park(event: DatabaseEvent, accessibleBy: readonly string[]): Promise<void>;
  /**
   * Appends the tenant's parked events again, in the order they were received, and removes exactly those that `publish` resolved for.
   * Resolves to their number; rejects with the first failure of `publish`.
   */
  release(workspaceId: string, publish: (parked: Parked) => Promise<void>): Promise<number>;
  /** Tenants with parked events. */
  workspaces(): Promise<string[]>;
  count(workspaceId?: string): Promise<number>;
  /** Parked events with this event, database, data source or page id. */
  about(id: string): Promise<Pick<Parked, 'event' | 'parkedAt'>[]>;
  /** Deletes the tenant's parked events. */
  discard(workspaceId: string): Promise<void>;
}

/** When a tenant's last connection is gone, deletes the events that waited for one. */
export async function discardWithLastConnection(
  store: Pick<ConnectionStore, 'list'>,
  parked: Pick<ParkedEvents, 'discard'>,
  workspaceId: string,
): Promise<void> {
  const connections = await store.list(workspaceId);
  if (connections.every(({ status }) => status === 'deleted')) await parked.discard(workspaceId);
}

interface ParkedDocument {
  readonly _id: string;
  readonly workspaceId: string;
  readonly receivedAt: Date;
  readonly event: StoredEvent;
  readonly accessibleBy: readonly string[];
  readonly parkedAt: Date;
}

export function createParkedEvents(db: Db): ParkedEvents {
  const parked = openCollection<ParkedDocument>(db, 'parkedEvents');

  return {
    async park(event, accessibleBy) {
      const { workspaceId, databaseId, dataSourceId, pageId, receivedAt } = event;
      // A row's page can be named with different parents, or none.
      const about = pageId === null ? `${databaseId ?? ''}:${dataSourceId ?? ''}` : `page:${pageId}`;
      const _id = `${workspaceId}:${about}`;
      const document = {
        workspaceId,
        receivedAt,
        event: storedEvent(event),
        accessibleBy: [...accessibleBy],
        parkedAt: new Date(),
      };
      const filter = { _id, receivedAt: { $lte: receivedAt } };
      // Duplicate key: either a later one is already parked and stays, or an earlier one was inserted concurrently and the second attempt replaces it.
      for (const lastTry of [false, true]) {
        try {
          await parked.replaceOne(filter, document, { upsert: true });
          return;
        } catch (error) {
          if (!(error instanceof MongoServerError && error.code === duplicateKey)) throw unavailable('an event could not be parked', error);
          if (lastTry) return;
        }
      }
    },

    async release(workspaceId, publish) {
      let released = 0;
      for (;;) {
        const batch = await orUnavailable('parked events could not be read', () =>
          parked.find({ workspaceId }).sort({ receivedAt: 1, _id: 1 }).limit(200).toArray(),
        );
        if (batch.length === 0) return released;
        const results = await Promise.allSettled(
          batch.map(({ event, accessibleBy, parkedAt }) => publish({ event: eventIn(event), accessibleBy, parkedAt })),
        );
        const published = batch.filter((_document, index) => results[index]?.status === 'fulfilled');
        if (published.length > 0) {
          // One parked again meanwhile stays.
          const same = published.map(({ _id, receivedAt, parkedAt }) => ({ deleteOne: { filter: { _id, receivedAt, parkedAt } } }));
          await orUnavailable('parked events could not be removed', () => parked.bulkWrite(same, { ordered: false }));
        }
        released += published.length;
        const failure = results.find((result) => result.status === 'rejected');
        if (failure !== undefined) throw failure.reason;
      }
    },

    workspaces: () => orUnavailable('parked events could not be read', async () => (await parked.distinct('workspaceId')).toSorted()),
    count: (workspaceId) =>
      orUnavailable('parked events could not be counted', () =>
        workspaceId === undefined ? parked.estimatedDocumentCount(pageReads) : parked.countDocuments({ workspaceId }, pageReads),
      ),
    about: (id) =>
      orUnavailable('parked events could not be read', async () => {
        const names = ['event.eventId', 'event.databaseId', 'event.dataSourceId', 'event.pageId'].map((field) => ({ [field]: id }));
        const found = await parked.find({ $or: names }, pageReads).limit(50).toArray();
        return found.map(({ event, parkedAt }) => ({ event: eventIn(event), parkedAt }));
      }),
    async discard(workspaceId) {
      await orUnavailable('parked events could not be removed', () => parked.deleteMany({ workspaceId }));
    },
  };
}
