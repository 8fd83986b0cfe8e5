import { BSON, type Db, type Timestamp } from 'mongodb';
import type { EntityStorage } from '../entity-storage.ts';
import { orUnavailable } from '../errors.ts';
import { outlast } from '../outlast.ts';
import { openRecords, type RecordDocument } from './record-document.ts';

/** A change that readers would see if the shadow replaced the mirror. A record that they do not see, as a tombstone, counts as none. */
export type ShadowDifference =
  | { readonly kind: 'only_in_mirror' | 'only_in_shadow'; readonly id: string }
  | { readonly kind: 'other_content'; readonly id: string; readonly fields: readonly string[] };

/** The shadow of the mirror's records of one kind, which can replace them in one step. All reject with a `StoreUnavailableError` when MongoDB is unavailable. */
export interface Shadow {
  /** The number of its records, including tombstones. */
  count(): Promise<number>;
  empty(): Promise<void>;
  /** Sorted by id; memory use does not grow with their number. */
  differences(): AsyncGenerator<ShadowDifference>;
  /**
   * Replaces the mirror in one step: a reader sees all of the one or all of the other. The previous mirror is dropped, and no shadow is left:
   * `initMongo` creates an empty one. Resolves to the time of the switch, by MongoDB's clock.
   */
  putInPlace(): Promise<Timestamp>;
}

/** For how long at a time writers of the mirror may wait behind the switch. */
const renameMs = 2_000;

/** Fields on the origin of the copy, not content from Notion. */
const bookkeeping: ReadonlySet<string> = new Set([
  'rev',
  'asOf',
  'source',
  'syncedAt',
  'seenBy',
  'lastEvent',
  'connectionId',
  'restoredFrom',
  'historyDigest',
  'trace',
]);

export function openShadow(db: Db, { collection, shadowCollection, viewFilter = {} }: EntityStorage<unknown, object>): Shadow {
  const mirror = openRecords(db, { collection });
  const shadow = openRecords(db, { collection: shadowCollection });

  return {
    count: () => orUnavailable('the shadow could not be counted', () => shadow.countDocuments()),
    empty: () =>
      orUnavailable('the shadow could not be emptied', async () => {
        await shadow.deleteMany({});
      }),

    async *differences() {
      const live = { removed: { $exists: false }, ...viewFilter };
      const order = { sort: { _id: 1 as const }, batchSize: 200 };
      const ofMirror = mirror.find(live, order);
      const ofShadow = shadow.find(live, order);
      try {
        let [mine, other] = [await ofMirror.next(), await ofShadow.next()];
        while (mine !== null || other !== null) {
          if (other === null || (mine !== null && precedes(mine._id, other._id))) {
            yield { kind: 'only_in_mirror', id: mine?._id ?? '' };
            mine = await ofMirror.next();
          } else if (mine === null || precedes(other._id, mine._id)) {
            yield { kind: 'only_in_shadow', id: other._id };
            other = await ofShadow.next();
          } else {
            const fields = fieldsThatDiffer(mine, other);
            if (fields.length > 0) yield { kind: 'other_content', id: mine._id, fields };
            [mine, other] = [await ofMirror.next(), await ofShadow.next()];
          }
        }
      } finally {
        await Promise.all([ofMirror.close(), ofShadow.close()]);
      }
    },

    async putInPlace() {
      const answer = await orUnavailable('the shadow could not be put in place', () =>
        outlast(renameMs, (limit) =>
          db.client.db('admin').command({
            renameCollection: `${db.databaseName}.${shadowCollection}`,
            to: `${db.databaseName}.${collection}`,
            dropTarget: true,
            writeConcern: { w: 'majority' },
            ...limit,
          }),
        ),
      );
      return answer['operationTime'] as Timestamp;
    },
  };
}

/** MongoDB's order of text: by bytes. */
function precedes(one: string, other: string): boolean {
  return Buffer.compare(Buffer.from(one), Buffer.from(other)) < 0;
}

function fieldsThatDiffer(one: RecordDocument, other: RecordDocument): string[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)].filter((name) => !bookkeeping.has(name)));
  return [...names].filter((name) => bytesOf(one[name]) !== bytesOf(other[name])).toSorted();
}

function bytesOf(value: unknown): string {
  return Buffer.from(BSON.serialize({ value })).toString('latin1');
}
