import { setTimeout as delay } from 'node:timers/promises';
import { refOf } from '@notion-mirror/domain/entity';
import type { EntityState } from '@notion-mirror/domain/entity-state';
import { MongoServerError, type ChangeStreamDocument, type Db, type Timestamp } from 'mongodb';
import type { EntityStorage } from '../entity-storage.ts';
import { orUnavailable } from '../errors.ts';
import type { ChangePosition } from '../state-log-progress.ts';
import { openRecords, type RecordDocument } from './record-document.ts';
import { restoredFromOf, stateOf } from './record-state.ts';

/** The result of a change. `unreadable`: a record that this program does not write in this form. `restored`: it came from the state log. */
export type RecordChange<Content> =
  | { readonly kind: 'state'; readonly state: EntityState<Content>; readonly at: Date }
  | { readonly kind: 'restored' }
  | { readonly kind: 'unreadable'; readonly id: string; readonly problem: string };

/** MongoDB no longer has the changes after the position, so some may be missed. */
export class PositionLostError extends Error {
  override readonly name = 'PositionLostError';
}

export interface RecordChanges<Content> {
  /**
   * Every change of the kind's records after a position, in the order they were applied. Null: no change for about half a second. Ends when
   * `signal` aborts. Throws a `PositionLostError`, also when the collection or the database is dropped, which is no change of a record.
   */
  follow(
    from: ChangePosition,
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly change: RecordChange<Content> | null; readonly position: ChangePosition }>;
  /** A position, and every record in its state at or after that position, with or without those restored from the state log. */
  snapshot(
    of: 'all' | 'not restored',
  ): Promise<{ readonly position: ChangePosition; readonly records: AsyncIterable<RecordChange<Content>> }>;
}

/** ChangeStreamHistoryLost, ChangeStreamFatalError, InvalidResumeToken, CappedPositionLost, SnapshotTooOld. */
const lostCodes: ReadonlySet<unknown> = new Set([286, 280, 260, 136, 239]);
/** Also the longest that stopping may wait for the response to the last request. */
const idleMs = 500;
/**
 * After a response with fewer than `fewChanges`, changes arrive one by one: those of the next `lingerMs` are read in one request. A request per
 * change would cost MongoDB and the worker a good part of the cost of the write. While a backlog is waiting, responses are larger, however slow they are.
 */
const fewChanges = 100;
const lingerMs = 1_000;

/** `pause`: resolves after `ms`, or as soon as `signal` aborts. */
export function openRecordChanges<Content>(
  db: Db,
  storage: EntityStorage<Content, object>,
  { pause = sleep }: { readonly pause?: typeof sleep } = {},
): RecordChanges<Content> {
  const records = openRecords(db, storage);

  return {
    async *follow(from, signal) {
      const start = from.kind === 'after' ? { resumeAfter: from.token } : { startAtOperationTime: from.time };
      const stream = records.watch([], { ...start, fullDocument: 'updateLookup', maxAwaitTimeMS: idleMs, batchSize: 500 });
      let inAnswer = 0;
      try {
        while (!signal.aborted) {
          const event = await stream.tryNext();
          if (event === null) {
            inAnswer = 0;
            yield { change: null, position: { kind: 'after', token: stream.resumeToken as object } };
            continue;
          }
          if (['drop', 'rename', 'dropDatabase', 'invalidate'].includes(event.operationType)) {
            throw new PositionLostError(`${storage.collection} no longer exists (${event.operationType})`);
          }
          yield { change: changeOf(event), position: { kind: 'after', token: event._id as object } };
          inAnswer += 1;
          if (stream.bufferedCount() > 0) continue;
          if (inAnswer < fewChanges) await pause(lingerMs, signal);
          inAnswer = 0;
        }
      } catch (error) {
        if (error instanceof MongoServerError && (lostCodes.has(error.code) || error.hasErrorLabel('NonResumableChangeStreamError'))) {
          throw new PositionLostError(error.message, { cause: error });
        }
        throw error;
      } finally {
        await stream.close().catch(() => {});
      }
    },

    async snapshot(of) {
      // Writes before this time are read below; later ones are followed.
      const time = await orUnavailable("MongoDB's operation time could not be read", () =>
        db.client.withSession({ causalConsistency: true }, async (session) => {
          await db.command({ ping: 1 }, { session });
          return session.operationTime;
        }),
      );
      if (time === undefined) throw new Error('MongoDB reports no operation time: it is not a replica set');
      return { position: { kind: 'from', time }, records: all(time, of) };
    },
  };

  async function* all(time: Timestamp, of: 'all' | 'not restored'): AsyncGenerator<RecordChange<Content>> {
    const session = db.client.startSession({ causalConsistency: true });
    try {
      session.advanceOperationTime(time);
      const at = new Date();
      const filter = of === 'all' ? {} : { restoredFrom: { $exists: false } };
      for await (const { trace: _, ...document } of records.find(filter, { session, batchSize: 500 }))
        // What is appended now belongs to no trace of then.
        yield readable(document, () => stateChange(document, at));
    } finally {
      await session.endSession();
    }
  }

  function changeOf(event: ChangeStreamDocument<RecordDocument>): RecordChange<Content> | null {
    const at = timeOf(event);
    if (event.operationType === 'delete') {
      const ref = refOf(event.documentKey._id);
      return ref && { kind: 'state', state: { kind: 'erased', ...ref, at }, at };
    }
    if (event.operationType !== 'insert' && event.operationType !== 'replace' && event.operationType !== 'update') return null;
    const document = event.fullDocument;
    // No document: it was deleted meanwhile, and that change follows.
    if (!document) return null;
    if (restoredFromOf(document) !== null) return { kind: 'restored' };
    return readable(document, () => stateChange(document, at));
  }

  function stateChange(document: RecordDocument, at: Date): RecordChange<Content> {
    return { kind: 'state', state: stateOf(storage, document), at };
  }
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}

function readable<Content>(document: RecordDocument, read: () => RecordChange<Content>): RecordChange<Content> {
  try {
    return read();
  } catch (error) {
    return { kind: 'unreadable', id: document._id, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** When the change was applied, by the server's clock. MongoDB before 6 has no `wallTime`. */
function timeOf(event: ChangeStreamDocument<RecordDocument>): Date {
  const { wallTime, clusterTime } = event as { readonly wallTime?: Date; readonly clusterTime?: Timestamp };
  return wallTime ?? (clusterTime === undefined ? new Date() : new Date(clusterTime.getHighBits() * 1000));
}
