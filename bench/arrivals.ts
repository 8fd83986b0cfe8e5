import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import { Timestamp, type Db } from 'mongodb';
import { z } from 'zod';

const patienceMs = 120_000;

/** An event that was sent, epoch ms, after the change in Notion that it announces. */
interface SentEvent {
  readonly eventId: string;
  /** Of the database or row. */
  readonly id: string;
  readonly sentAt: number;
}

export interface Arrivals extends AsyncDisposable {
  /**
   * When MongoDB first reported a live record that is as Notion was after each event was sent. One record may answer several events. Epoch ms, by the event's
   * id. Rejects when a record does not come within two minutes.
   */
  of(events: readonly SentEvent[]): Promise<ReadonlyMap<string, number>>;
}

/** Where the records are, and the field that holds an event's `id`. */
const kinds = {
  databases: { collection: 'database_records', idField: 'databaseId' },
  rows: { collection: 'row_records', idField: 'pageId' },
} as const;
export type Arriving = keyof typeof kinds;

const changeSchema = z.object({
  fullDocument: z.looseObject({ asOf: z.date(), removed: z.never().optional() }),
});

interface SeenRecord {
  readonly seenAt: number;
  readonly asOf: number;
}

/** A change stream: what a product that reads the mirror would see, majority committed. */
export async function watchArrivals(db: Db, of: Arriving): Promise<Arrivals> {
  const { collection, idField } = kinds[of];
  const seen = new Map<string, SeenRecord[]>();
  const { operationTime } = z.object({ operationTime: z.instanceof(Timestamp) }).parse(await db.command({ ping: 1 }));
  const pipeline = [{ $project: { [`fullDocument.${idField}`]: 1, 'fullDocument.asOf': 1, 'fullDocument.removed.reason': 1 } }];
  const stream = db.collection(collection).watch(pipeline, { startAtOperationTime: operationTime });
  stream.on('change', (change) => {
    const { success, data } = changeSchema.safeParse(change);
    if (!success) return;
    const { [idField]: id, asOf } = data.fullDocument;
    const record = { seenAt: Date.now(), asOf: asOf.getTime() };
    const before = seen.get(String(id));
    if (before === undefined) seen.set(String(id), [record]);
    else before.push(record);
  });
  return {
    async of(events) {
      const arrivedAt = new Map<string, number>();
      let left = events;
      const haveArrived = async () => {
        left = left.filter(({ eventId, id, sentAt }) => {
          const record = seen.get(id)?.find(({ asOf }) => asOf >= sentAt);
          if (record !== undefined) arrivedAt.set(eventId, record.seenAt);
          return record === undefined;
        });
        return left.length === 0;
      };
      await waitUntil(`documents of ${events.length} events in the mirror`, haveArrived, { timeoutMs: patienceMs });
      return arrivedAt;
    },
    [Symbol.asyncDispose]: () => stream.close(),
  };
}
