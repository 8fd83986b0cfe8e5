import { nextRev, type RecordState, type RemovalReason } from '@notion-mirror/domain/write-rule';
import { Counter, Histogram, type Registry } from '@notion-mirror/service-kit/metrics';
import { LRUCache } from 'lru-cache';
import { MongoServerError, type AnyBulkWriteOperation, type Db } from 'mongodb';
import { createBatcher } from './batcher.ts';
import { allWritten, rejectedDocument, resultsOfFailure, type WriteResult } from './bulk-results.ts';
import { openCollection } from './collections.ts';
import { mayBeContent, orUnavailable, StoreUnavailableError, unavailable } from './errors.ts';
import {
  checkedSize,
  liveDocument,
  recordId,
  stateProjection,
  tombstoneDocument,
  toStoredRecord,
  UnstorableError,
  type LiveInput,
  type RecordDocument,
  type StoredRecord,
} from './record-document.ts';

export type { WriteResult } from './bulk-results.ts';
export type { StoredRecord } from './record-document.ts';

/** Which record, and how it was when it was read: null when there was none. */
interface Key {
  readonly workspaceId: string;
  readonly databaseId: string;
  readonly expected: StoredRecord | null;
}

/**
 * The records of the write rule (`docs/guarantees.md`). Every write is conditional on the record being as it was read. Reads and writes of
 * many databases go out together; each gets its own answer. All reject with a `StoreUnavailableError` when MongoDB is away; a write may
 * then have happened or not, and reading again tells.
 */
export interface RecordStore {
  read(workspaceId: string, databaseId: string): Promise<StoredRecord | null>;
  /**
   * The live record as this store wrote it within the last minutes; null: it is not known. Somebody else may have written since, or MongoDB may have lost
   * it: a write with it as `expected` tells.
   */
  recall(workspaceId: string, databaseId: string): StoredRecord | null;
  writeLive(write: Key & LiveInput): Promise<WriteResult>;
  /** Erases all content. */
  writeTombstone(
    write: Key & { readonly asOf: Date; readonly source: RecordState['source']; readonly reason: RemovalReason; readonly eventId: string },
  ): Promise<WriteResult>;
  /** Raises the revision of a tombstone, and lets it live its whole time again: a fetch in flight must find it. */
  touch(write: Key): Promise<WriteResult>;
  /** Ids of the tenant's live databases that list the data source. */
  databasesListing(workspaceId: string, dataSourceId: string): Promise<string[]>;
  /** Ids of all live databases of the tenant. */
  databaseIdsOf(workspaceId: string): Promise<string[]>;
  /** Turns every live document that this connection saw last into a tombstone (`inaccessible`). Resolves to how many. */
  eraseSeenBy(workspaceId: string, connectionId: string): Promise<number>;
}

/** Some megabytes at most; and much less than a tombstone lives, so that no other record has come to the same rev meanwhile. */
const rememberedRecords = 5_000;
const rememberedMs = 600_000;

interface Write {
  readonly model: AnyBulkWriteOperation<RecordDocument>;
  readonly bytes: number;
}

export function createRecordStore(deps: { readonly db: Db; readonly metrics: Registry; readonly now?: () => Date }): RecordStore {
  const { db, now = () => new Date() } = deps;
  const records = openCollection<RecordDocument>(db, 'databaseRecords');
  const meter = createMeter(deps.metrics);
  const remembered = new LRUCache<string, StoredRecord>({ max: rememberedRecords, ttl: rememberedMs });

  const readOne = createBatcher<string, StoredRecord | null>({
    maxOps: 500,
    maxInFlight: 4,
    run: (ids) =>
      meter.batch('read', ids.length, async () => {
        const found = await orUnavailable('records could not be read', () =>
          records.find({ _id: { $in: [...new Set(ids)] } }, { projection: stateProjection }).toArray(),
        );
        const byId = new Map(found.map((document) => [document._id, document]));
        return ids.map((id) => {
          const document = byId.get(id);
          return settled(() => (document === undefined ? null : toStoredRecord(document)));
        });
      }),
  });

  const writeOne = createBatcher<Write, WriteResult>({
    maxOps: 500,
    maxSize: 8 * 1024 * 1024,
    sizeOf: ({ bytes }) => bytes,
    maxInFlight: 4,
    run: (writes) => meter.batch('write', writes.length, () => writeAll(writes)),
  });

  async function writeAll(writes: readonly Write[]): Promise<PromiseSettledResult<WriteResult>[]> {
    try {
      await records.bulkWrite(
        writes.map(({ model }) => model),
        { ordered: false },
      );
      return allWritten(writes.length);
    } catch (error) {
      const results = resultsOfFailure(error, writes.length);
      if (results !== null) return results;
      if (!mayBeContent(error)) throw unavailable('records could not be written', error);
      if (writes.length === 1) return [rejectedDocument(error instanceof MongoServerError ? `code ${error.code}` : error.name)];
      // One document made the whole command fail: halve until it stands alone.
      const half = Math.ceil(writes.length / 2);
      const halves = await Promise.allSettled([writeAll(writes.slice(0, half)), writeAll(writes.slice(half))]);
      const sizes = [half, writes.length - half];
      return halves.flatMap((part, index) =>
        part.status === 'fulfilled' ? part.value : Array.from({ length: sizes[index] ?? 0 }, () => part),
      );
    }
  }

  async function replace({ expected }: Key, makeDocument: (rev: number) => RecordDocument): Promise<WriteResult> {
    try {
      const replacement = makeDocument(nextRev(expected));
      const bytes = checkedSize(replacement);
      // No record has rev 0: without a match the upsert inserts, and what stands in its way is the conflict. The successor of an expired
      // tombstone starts again at rev 1, so a tombstone's time is part of the condition.
      const filter = { _id: replacement._id, rev: expected?.rev ?? 0, ...(expected?.removed ? { 'removed.at': expected.removed.at } : {}) };
      const { _id, ...rest } = replacement;
      remembered.delete(_id);
      return await writeOne({ model: { replaceOne: { filter, replacement: rest, upsert: true } }, bytes });
    } catch (error) {
      if (!(error instanceof UnstorableError)) throw error;
      return { kind: 'rejected', message: error.message };
    }
  }

  const listOne = createBatcher<ListedSource, string[]>({
    maxOps: 200,
    maxInFlight: 4,
    run: (asked) => meter.batch('list', asked.length, () => listAll(asked)),
  });

  async function listAll(asked: readonly ListedSource[]): Promise<PromiseSettledResult<string[]>[]> {
    const sourcesOf = new Map<string, string[]>();
    for (const { workspaceId, dataSourceId } of asked) sourcesOf.set(workspaceId, [...(sourcesOf.get(workspaceId) ?? []), dataSourceId]);
    const $or = [...sourcesOf].map(([workspaceId, ids]) => ({ workspaceId, 'dataSources.id': { $in: ids } }));
    const projection = { _id: 0, workspaceId: 1, databaseId: 1, 'dataSources.id': 1 } as const;
    const found = await orUnavailable('records could not be read', () => records.find<ListingDocument>({ $or }, { projection }).toArray());
    const listings = new Map<string, string[]>();
    for (const { workspaceId, databaseId, dataSources } of found) {
      for (const { id } of dataSources) {
        const key = sourceKey({ workspaceId, dataSourceId: id });
        listings.set(key, [...(listings.get(key) ?? []), databaseId]);
      }
    }
    return asked.map((source) => settled(() => (listings.get(sourceKey(source)) ?? []).toSorted()));
  }

  return {
    read: (workspaceId, databaseId) =>
      meter.operation(
        'read',
        () => readOne(recordId(workspaceId, databaseId)),
        (record) => (record === null ? 'none' : 'found'),
      ),
    recall: (workspaceId, databaseId) => remembered.get(recordId(workspaceId, databaseId)) ?? null,
    writeLive: (write) =>
      meter.operation(
        'write_live',
        async () => {
          const result = await replace(write, (rev) => liveDocument(write, rev, now()));
          if (result.kind === 'written') remembered.set(recordId(write.workspaceId, write.databaseId), writtenLive(write));
          return result;
        },
        kindOf,
      ),
    writeTombstone: (write) =>
      meter.operation(
        'write_tombstone',
        () =>
          replace(write, (rev) =>
            tombstoneDocument(
              {
                ...write,
                connectionId: write.expected?.connectionId ?? null,
                removed: { at: now(), reason: write.reason, eventId: write.eventId },
              },
              rev,
            ),
          ),
        kindOf,
      ),
    touch: (write) =>
      meter.operation(
        'touch',
        () => {
          const { expected } = write;
          if (expected === null || expected.removed === null) throw new Error('only a tombstone can be touched');
          const { asOf, source, connectionId, removed } = expected;
          return replace(write, (rev) =>
            tombstoneDocument({ ...write, asOf: new Date(asOf), source, connectionId, removed: { ...removed, at: now() } }, rev),
          );
        },
        kindOf,
      ),
    databasesListing: (workspaceId, dataSourceId) => listOne({ workspaceId, dataSourceId }),
    databaseIdsOf: (workspaceId) =>
      orUnavailable('records could not be read', async () => {
        const found = await records.find({ workspaceId, removed: { $exists: false } }, { projection: { databaseId: 1 } }).toArray();
        return found.map((document) => String(document['databaseId'])).toSorted();
      }),
    eraseSeenBy: (workspaceId, connectionId) =>
      orUnavailable('records could not be erased', async () => {
        const tombstone = {
          ...Object.fromEntries(['_id', 'workspaceId', 'databaseId', 'connectionId', 'asOf'].map((field) => [field, `$${field}`])),
          rev: { $add: ['$rev', 1] },
          // So that no sync event is ever skipped because of it, should the connection come back.
          source: 'delete',
          removed: { at: now(), reason: 'inaccessible', eventId: null },
        };
        const result = await records.updateMany({ workspaceId, connectionId, removed: { $exists: false } }, [{ $replaceWith: tombstone }]);
        return result.modifiedCount;
      }),
  };
}

/** As `toStoredRecord` reads what `liveDocument` makes. */
function writtenLive({ expected, content, connectionId, asOf }: Key & LiveInput): StoredRecord {
  const dataSourceIds = content.dataSources.map(({ id }) => id);
  return { rev: nextRev(expected), asOf: asOf.getTime(), source: 'fetch', live: true, dataSourceIds, connectionId, removed: null };
}

interface ListedSource {
  readonly workspaceId: string;
  readonly dataSourceId: string;
}

interface ListingDocument {
  readonly workspaceId: string;
  readonly databaseId: string;
  readonly dataSources: readonly { readonly id: string }[];
}

function sourceKey({ workspaceId, dataSourceId }: ListedSource): string {
  return JSON.stringify([workspaceId, dataSourceId]);
}

const kindOf = ({ kind }: WriteResult) => kind;
function settled<T>(make: () => T): PromiseSettledResult<T> {
  try {
    return { status: 'fulfilled', value: make() };
  } catch (error) {
    return { status: 'rejected', reason: error };
  }
}

function createMeter(registry: Registry) {
  const operations = new Counter({
    name: 'notion_mirror_store_operations_total',
    help: 'Reads and conditional writes of database records, by what became of them.',
    labelNames: ['operation', 'outcome'],
    registers: [registry],
  });
  const batchSize = new Histogram({
    name: 'notion_mirror_store_batch_size',
    help: 'Records that were read or written together, and data sources whose databases were looked up together (list).',
    labelNames: ['kind'],
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
    registers: [registry],
  });
  const batchSeconds = new Histogram({
    name: 'notion_mirror_store_batch_seconds',
    help: 'Time of one batch of reads or writes at MongoDB.',
    labelNames: ['kind'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  return {
    async operation<T>(operation: string, run: () => Promise<T>, outcomeOf: (result: T) => string): Promise<T> {
      try {
        const result = await run();
        operations.inc({ operation, outcome: outcomeOf(result) });
        return result;
      } catch (error) {
        operations.inc({ operation, outcome: error instanceof StoreUnavailableError ? 'unavailable' : 'failed' });
        throw error;
      }
    },
    async batch<T>(kind: 'read' | 'write' | 'list', size: number, run: () => Promise<T>): Promise<T> {
      batchSize.observe({ kind }, size);
      const stop = batchSeconds.startTimer({ kind });
      try {
        return await run();
      } finally {
        stop();
      }
    },
  };
}
