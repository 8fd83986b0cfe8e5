import { MongoServerError, type Db, type Document, type Timestamp } from 'mongodb';
import { openCollection } from './collections.ts';
import { duplicateKey, orUnavailable, unavailable } from './errors.ts';

/** Where the following of changes goes on: after a change, or at a time of MongoDB's. */
export type ChangePosition = { readonly kind: 'after'; readonly token: Document } | { readonly kind: 'from'; readonly time: Timestamp };

/**
 * Who appends to the state log, and how far it is. One document for each log: whoever holds the lease writes the position, so one that has lost
 * it cannot set it back. All reject with a `StoreUnavailableError` when MongoDB is away.
 */
export interface StateLogProgress {
  /** Takes the lease, or holds on to it. False: somebody else has it. */
  hold(leaseMs: number): Promise<boolean>;
  /** `position`: null when it is not known how far it is. `appended`: records, ever. */
  read(): Promise<{ readonly position: ChangePosition | null; readonly appended: number }>;
  /** After `appended` more records. False: somebody else has the lease. */
  advance(position: ChangePosition | null, appended: number): Promise<boolean>;
  /** Gives the lease back. */
  release(): Promise<void>;
}

interface ProgressDocument {
  /** The topic. */
  readonly _id: string;
  readonly holder: string;
  readonly heldUntil: Date;
  readonly token?: Document;
  readonly time?: Timestamp;
  readonly appended?: number;
  /** When every record was appended last. */
  readonly snapshotTime?: Timestamp;
}

/** `holder`: who asks, e.g. a UUID. A lease only spares work: who may append is for the writer's fence to say. */
export function createStateLogProgress(db: Db, topic: string, holder: string): StateLogProgress {
  const progress = openCollection<ProgressDocument>(db, 'stateLog');
  const own = { _id: topic, holder };

  return {
    async hold(leaseMs) {
      try {
        const free = { _id: topic, $or: [{ holder }, { heldUntil: { $lt: new Date() } }] };
        await progress.updateOne(free, { $set: { holder, heldUntil: new Date(Date.now() + leaseMs) } }, { upsert: true });
        return true;
      } catch (error) {
        // The document is there, and not free.
        if (error instanceof MongoServerError && error.code === duplicateKey) return false;
        throw unavailable('the lease of the state log could not be taken', error);
      }
    },
    read: () =>
      orUnavailable('the position of the state log could not be read', async () => {
        const found = await progress.findOne(own);
        return { position: found === null ? null : positionIn(found), appended: found?.appended ?? 0 };
      }),
    advance: (position, appended) =>
      orUnavailable('the position of the state log could not be written', async () => {
        const change =
          position === null
            ? { $unset: { token: 1 as const, time: 1 as const } }
            : position.kind === 'after'
              ? { $set: { token: position.token }, $unset: { time: 1 as const } }
              : { $set: { time: position.time, snapshotTime: position.time }, $unset: { token: 1 as const } };
        return (await progress.updateOne(own, { ...change, $inc: { appended } })).matchedCount === 1;
      }),
    release: () =>
      orUnavailable('the lease of the state log could not be given back', async () => {
        await progress.updateOne(own, { $set: { heldUntil: new Date(0) } });
      }),
  };
}

/** When whoever appends to the state log of that topic looked at every record last, in MongoDB's time; null: never. Rejects with a `StoreUnavailableError`. */
export function lastSnapshotOf(db: Db, topic: string): Promise<Timestamp | null> {
  return orUnavailable('the position of the state log could not be read', async () => {
    const found = await openCollection<ProgressDocument>(db, 'stateLog').findOne({ _id: topic });
    return found?.snapshotTime ?? null;
  });
}

function positionIn({ token, time }: ProgressDocument): ChangePosition | null {
  if (token !== undefined) return { kind: 'after', token };
  return time === undefined ? null : { kind: 'from', time };
}
