import { ObjectId, type Db } from 'mongodb';
import { createBatcher } from './batcher.ts';
import { openCollection } from './collections.ts';
import { orUnavailable } from './errors.ts';
import { pageReads } from './page-reads.ts';

/** A record for the log, with everything needed to append it. */
export interface SpoolableRecord {
  readonly topic: string;
  readonly key: Buffer | string | null;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string | Buffer>>;
}

export interface SpooledRecord extends SpoolableRecord {
  readonly id: string;
  readonly spooledAt: Date;
}

/**
 * Records that wait for the log to recover, durable in MongoDB (w: majority). All reject with a `StoreUnavailableError`; a record whose
 * `store` rejected may still have been stored.
 */
export interface Spool {
  store(record: SpoolableRecord): Promise<void>;
  /** At most `n`, oldest first. */
  oldest(n: number): Promise<SpooledRecord[]>;
  remove(ids: readonly string[]): Promise<void>;
  count(): Promise<number>;
}

interface SpoolDocument {
  readonly _id: ObjectId;
  readonly spooledAt: Date;
  readonly topic: string;
  readonly key: Buffer | string | null;
  readonly value: Buffer;
  readonly headers: readonly { readonly name: string; readonly value: string | Buffer }[];
}

export function createSpool(db: Db): Spool {
  const spooled = openCollection<SpoolDocument>(db, 'spooledEvents');

  const insert = createBatcher<SpoolDocument, void>({
    maxOps: 500,
    maxSize: 8 * 1024 * 1024,
    sizeOf: ({ value }) => value.length,
    maxInFlight: 4,
    run: async (documents) => {
      await orUnavailable('events could not be spooled', () => spooled.insertMany([...documents], { ordered: false }));
      return documents.map(() => ({ status: 'fulfilled', value: undefined }));
    },
  });

  return {
    store: ({ topic, key, value, headers }) =>
      insert({
        _id: new ObjectId(),
        spooledAt: new Date(),
        topic,
        key,
        value,
        headers: Object.entries(headers).map(([name, header]) => ({ name, value: header })),
      }),
    oldest: (n) =>
      orUnavailable('the spool could not be read', async () => {
        const found = await spooled.find().sort({ _id: 1 }).limit(n).toArray();
        return found.map(({ _id, spooledAt, topic, key, value, headers }) => ({
          id: _id.toHexString(),
          spooledAt,
          topic,
          key,
          value,
          headers: Object.fromEntries(headers.map((header) => [header.name, header.value])),
        }));
      }),
    remove: async (ids) => {
      await orUnavailable('spooled events could not be removed', () =>
        spooled.deleteMany({ _id: { $in: ids.map((id) => ObjectId.createFromHexString(id)) } }),
      );
    },
    count: () => orUnavailable('the spool could not be counted', () => spooled.estimatedDocumentCount(pageReads)),
  };
}
