import type { Connection } from '@notion-mirror/domain/connection';
import { MongoServerError, type Db } from 'mongodb';
import { openCollection } from './collections.ts';
import { duplicateKey, orUnavailable, unavailable } from './errors.ts';

/**
 * Which connections were synced in full since they became active, and who is doing it now. An activation is told apart by the connection's
 * `updatedAt`: nothing but a change of its status, token or tenant writes that. All reject with a `StoreUnavailableError` when MongoDB is away.
 */
export interface FullSyncLedger {
  /** Those of `active` whose full sync was never finished. */
  due(active: readonly Connection[]): Promise<Connection[]>;
  /** Takes the full sync of this activation for `leaseMs`. False: it is finished, or somebody has it. */
  claim(connection: Connection, leaseMs: number): Promise<boolean>;
  complete(connection: Connection, appended: number): Promise<void>;
  /** It failed: nobody takes it for `waitMs`. */
  putOff(connection: Connection, waitMs: number): Promise<void>;
}

interface FullSyncDocument {
  /** connectionId */
  readonly _id: string;
  readonly activation: Date;
  readonly claimedUntil: Date;
  readonly completedAt: Date | null;
  readonly appended: number | null;
}

export function createFullSyncLedger(db: Db): FullSyncLedger {
  const fullSyncs = openCollection<FullSyncDocument>(db, 'fullSyncs');

  return {
    due: (active) =>
      orUnavailable('full syncs could not be read', async () => {
        const done = await fullSyncs.find({ completedAt: { $ne: null } }, { projection: { activation: 1 } }).toArray();
        const finished = new Map(done.map(({ _id, activation }) => [_id, activation.getTime()]));
        return active.filter(({ connectionId, updatedAt }) => finished.get(connectionId) !== updatedAt.getTime());
      }),

    async claim(connection, leaseMs) {
      const { _id, activation } = of(connection);
      const free = {
        _id,
        $or: [{ activation: { $lt: activation } }, { activation, completedAt: null, claimedUntil: { $lte: new Date() } }],
      };
      const claimed = { activation, claimedUntil: later(leaseMs), completedAt: null, appended: null };
      try {
        await fullSyncs.replaceOne(free, claimed, { upsert: true });
        return true;
      } catch (error) {
        // The document is there and not free.
        if (error instanceof MongoServerError && error.code === duplicateKey) return false;
        throw unavailable('a full sync could not be claimed', error);
      }
    },

    complete: (connection, appended) =>
      orUnavailable('a full sync could not be recorded', async () => {
        await fullSyncs.updateOne(of(connection), { $set: { completedAt: new Date(), appended } });
      }),

    putOff: (connection, waitMs) =>
      orUnavailable('a full sync could not be put off', async () => {
        await fullSyncs.updateOne({ ...of(connection), completedAt: null }, { $set: { claimedUntil: later(waitMs) } });
      }),
  };
}

function of({ connectionId, updatedAt }: Connection): Pick<FullSyncDocument, '_id' | 'activation'> {
  return { _id: connectionId, activation: updatedAt };
}

function later(ms: number): Date {
  return new Date(Date.now() + ms);
}
