import { setTimeout as delay } from 'node:timers/promises';
import { refOf } from '@notion-mirror/domain/entity';
import type { EntityState } from '@notion-mirror/domain/entity-state';
import { MongoServerError, type ChangeStreamDocument, type Db, type Timestamp } from 'mongodb';
import type { EntityStorage } from '../entity-storage.ts';
import { orUnavailable } from '../errors.ts';
import type { ChangePosition } from '../state-log-progress.ts';
import { openRecords, type RecordDocument } from './record-document.ts';
import { restoredFromOf, stateOf } from './record-state.ts';

/** What a change left behind. `unreadable`: not as this program writes it. `restored`: it came from the state log. */
export type RecordChange<Content> =
  | { readonly kind: 'state'; readonly state: EntityState<Content>; readonly at: Date }
  | { readonly kind: 'restored' }
  | { readonly kind: 'unreadable'; readonly id: string; readonly problem: string };

/** No change since then can be missed: the changes from that position on are not to be had any more. */
export class PositionLostError extends Error {
  override readonly name = 'PositionLostError';
}

export interface RecordChanges<Content> {
  /**
   * Every change of the kind's records after a position, in the order in which they were applied. Null: no change for about half a second. Ends
   * when `signal` aborts. Throws a `PositionLostError`: also when the collection or the database is dropped, which is no change of a record.
   */
  follow(
    from: ChangePosition,
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly change: RecordChange<Content> | null; readonly position: ChangePosition }>;
  /** A position; and every record as it is then or later, with or without those that were restored from the log. */
  snapshot(
    of: 'all' | 'not restored',
  ): Promise<{ readonly position: ChangePosition; readonly records: AsyncIterable<RecordChange<Content>> }>;
}

/** ChangeStreamHistoryLost, ChangeStreamFatalError, InvalidResumeToken, CappedPositionLost, SnapshotTooOld. */
const lostCodes: ReadonlySet<unknown> = new Set([286, 280, 260, 136, 239]);
/** Also how long a stop may wait for the answer to the last question. */
const idleMs = 500;
/**
 * When MongoDB's answer held fewer than `fewChanges`, changes come one by one: what follows within `lingerMs` is asked for in one question. One for each
 * would cost MongoDB and the worker a good part of what the write costs. While more are waiting an answer holds more, however slow it is.
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
            throw new PositionLostError(`${storage.collection} is gone (${event.operationType})`);
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
      // What was written before this time is read below; what was written after it is followed.
      const time = await orUnavailable('the time of MongoDB could not be read', () =>
        db.client.withSession({ causalConsistency: true }, async (session) => {
          await db.command({ ping: 1 }, { session });
          return session.operationTime;
        }),
      );
      if (time === undefined) throw new Error('MongoDB tells no operation time: it is no replica set');
      return { position: { kind: 'from', time }, records: all(time, of) };
    },
  };

  async function* all(time: Timestamp, of: 'all' | 'not restored'): AsyncGenerator<RecordChange<Content>> {
    const session = db.client.startSession({ causalConsistency: true });
    try {
      session.advanceOperationTime(time);
      const at = new Date();
      const filter = of === 'all' ? {} : { restoredFrom: { $exists: false } };
      for await (const document of records.find(filter, { session, batchSize: 500 }))
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
    // Without one: it was deleted meanwhile, and that change follows.
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

/** When it was applied, by the server's clock. `wallTime` is there since MongoDB 6. */
function timeOf(event: ChangeStreamDocument<RecordDocument>): Date {
  const { wallTime, clusterTime } = event as { readonly wallTime?: Date; readonly clusterTime?: Timestamp };
  return wallTime ?? (clusterTime === undefined ? new Date() : new Date(clusterTime.getHighBits() * 1000));
}
