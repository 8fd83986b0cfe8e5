import { MongoServerError, type Db, type Document, type Timestamp } from 'mongodb';
import { openCollection } from './collections.ts';
import { duplicateKey, orUnavailable, unavailable } from './errors.ts';

/** Where to resume following changes: after a change, or at a time of MongoDB's clock. */
export type ChangePosition = { readonly kind: 'after'; readonly token: Document } | { readonly kind: 'from'; readonly time: Timestamp };

/**
 * The lease and the position of the state log's writer, one document per log. Only the holder of the lease writes the position, so a process
 * that has lost it cannot move it back. All reject with a `StoreUnavailableError` when MongoDB is unavailable.
 */
export interface StateLogProgress {
  /** Takes or extends the lease. False: another process holds it. */
  hold(leaseMs: number): Promise<boolean>;
  /** `position`: null when unknown. `appended`: the number of records ever appended. */
  read(): Promise<{ readonly position: ChangePosition | null; readonly appended: number }>;
  /** Stores the position after `appended` more records. False: another process holds the lease. */
  advance(position: ChangePosition | null, appended: number): Promise<boolean>;
  /** Releases the lease. */
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
  /** Time of the last full snapshot of all records. */
  readonly snapshotTime?: Timestamp;
}

/** `holder`: identifies the process, e.g. a UUID. The lease only saves work; the right to append is enforced by the writer's fence. */
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
        // The document exists and is not free.
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
      orUnavailable('the lease of the state log could not be released', async () => {
        await progress.updateOne(own, { $set: { heldUntil: new Date(0) } });
      }),
  };
}

/** The time of the last full snapshot to that topic, by MongoDB's clock; null: never. Rejects with a `StoreUnavailableError`. */
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
