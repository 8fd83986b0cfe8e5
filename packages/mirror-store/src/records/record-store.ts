import { keyOf, type EntityRef } from '@notion-mirror/domain/entity';
import type { KeptPlace } from '@notion-mirror/domain/entity-state';
import { nextRev, type RecordState, type RemovalReason } from '@notion-mirror/domain/write-rule';
import type { Registry } from '@notion-mirror/service-kit/metrics';
import { tracingOff, type Span, type Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import { LRUCache } from 'lru-cache';
import { MongoServerError, type AnyBulkWriteOperation, type Db } from 'mongodb';
import { createBatcher } from '../batcher.ts';
import type { EntityStorage } from '../entity-storage.ts';
import { mayBeContent, orUnavailable, unavailable } from '../errors.ts';
import { allWritten, rejectedDocument, resultsOfFailure, type WriteResult } from './bulk-results.ts';
import {
  liveDocument,
  openRecords,
  stateProjection,
  tombstoneDocument,
  toStoredRecord,
  type LiveInput,
  type RecordDocument,
  type StoredRecord,
} from './record-document.ts';
import { createRecordHistory } from './record-history.ts';
import { createRecordReads } from './record-reads.ts';
import { checkedSize, UnstorableError } from './storable.ts';
import { createStoreMeter } from './store-meter.ts';
import { ofTenant } from './of-tenant.ts';
import { createStoreSpans, noteBatch, type Traced } from './store-spans.ts';

export type { WriteResult } from './bulk-results.ts';
export type { StoredRecord } from './record-document.ts';

/** The record to write, and its state when it was read: null when there was none. */
interface Key<Outline extends object> extends EntityRef, Traced {
  readonly expected: StoredRecord<Outline> | null;
}

/**
 * The records of one kind of entity, under the write rule (`docs/guarantees.md`). Every write is conditional on the record being unchanged since
 * it was read. Reads and writes are batched; each gets its own result. All reject with a `StoreUnavailableError` when MongoDB is unavailable; a
 * write may then have been applied or not, which only another read shows. The history of a kind that has one is written together with its records.
 */
export interface RecordStore<Content, Outline extends object> {
  read(ref: EntityRef & Traced): Promise<StoredRecord<Outline> | null>;
  /**
   * The live record as last written by this store, within the last minutes; null: unknown. Another process may have written it since, or MongoDB
   * may have lost it: a write with it as `expected` is then a conflict.
   */
  recall(ref: EntityRef): StoredRecord<Outline> | null;
  writeLive(write: Key<Outline> & LiveInput<Content>): Promise<WriteResult>;
  /** Erases all content. */
  writeTombstone(
    write: Key<Outline> & {
      readonly asOf: Date;
      readonly source: RecordState['source'];
      readonly reason: RemovalReason;
      readonly eventId: string;
    },
  ): Promise<WriteResult>;
  /** Raises the revision of a tombstone and restarts its time to live: a fetch in flight must still find it. */
  touch(write: Key<Outline>): Promise<WriteResult>;
  /** Hides a live record from readers, or shows it again. Its content stays. */
  setListed(write: Key<Outline> & { readonly isListed: boolean }): Promise<WriteResult>;
  /** Ids of the tenant's live records, sorted. */
  liveIds(workspaceId: string): Promise<string[]>;
}

/** A few megabytes at most, and kept for much less than a tombstone's lifetime, so that no other record can reach the same rev meanwhile. */
const rememberedRecords = 5_000;
const rememberedMs = 600_000;

interface Write {
  readonly model: AnyBulkWriteOperation<RecordDocument>;
  readonly bytes: number;
  readonly span: Span | null;
}

export function createRecordStore<Content, Outline extends object>(
  storage: EntityStorage<Content, Outline>,
  deps: { readonly db: Db; readonly metrics: Registry; readonly tracing?: Tracing; readonly now?: () => Date },
): RecordStore<Content, Outline> {
  const { db, tracing = tracingOff, now = () => new Date() } = deps;
  const { kind } = storage;
  const records = openRecords(db, storage);
  const meter = createStoreMeter(deps.metrics);
  const traced = createStoreSpans({ tracing, db, collection: storage.collection });
  const remembered = new LRUCache<string, StoredRecord<Outline>>({ max: rememberedRecords, ttl: rememberedMs });

  const history = storage.history === undefined ? null : createRecordHistory(db, { history: storage.history, kind }, { records, meter });

  const readOne = createRecordReads<StoredRecord<Outline> | null>({
    records,
    meter,
    projection: { ...stateProjection, ...storage.outlineProjection },
    maxOps: 500,
    of: (document) => (document === undefined ? null : toStoredRecord(storage, document)),
  });

  const writeOne = createBatcher<Write, WriteResult>({
    maxOps: 500,
    maxSize: 8 * 1024 * 1024,
    sizeOf: ({ bytes }) => bytes,
    maxInFlight: 4,
    run: (writes) => meter.batch('write', writes.length, () => writeAll(writes)),
  });

  async function writeAll(writes: readonly Write[]): Promise<PromiseSettledResult<WriteResult>[]> {
    noteBatch(writes);
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
      // One document made the whole command fail: bisect until it is alone.
      const half = Math.ceil(writes.length / 2);
      const halves = await Promise.allSettled([writeAll(writes.slice(0, half)), writeAll(writes.slice(half))]);
      const sizes = [half, writes.length - half];
      return halves.flatMap((part, index) =>
        part.status === 'fulfilled' ? part.value : Array.from({ length: sizes[index] ?? 0 }, () => part),
      );
    }
  }

  function replace(write: Key<Outline>, makeDocument: (rev: number) => RecordDocument): Promise<WriteResult> {
    return traced('bulkWrite', write, (span) => replaceIn(span, write, makeDocument), kindOf);
  }

  async function replaceIn(span: Span | null, write: Key<Outline>, makeDocument: (rev: number) => RecordDocument): Promise<WriteResult> {
    const { expected } = write;
    span?.set({ 'notion_mirror.rev': nextRev(expected) });
    try {
      const replacement = makeDocument(nextRev(expected));
      const bytes = checkedSize(replacement);
      const { _id, ...rest } = replacement;
      remembered.delete(_id);
      // perf: if there is a record after all, an insert fails with a duplicate key, as an upsert would. It takes MongoDB a third of the CPU. Remove when an upsert
      // costs no more.
      if (expected === null) return await writeOne({ model: { insertOne: { document: replacement } }, bytes, span });
      // Without a match the upsert inserts; if the record exists, that is a duplicate key, hence a conflict. The successor of an expired tombstone starts again
      // at rev 1, so a tombstone's time is part of the condition.
      const filter = { _id, rev: expected.rev, ...(expected.removed ? { 'removed.at': expected.removed.at } : {}) };
      const changes = history === null ? [] : await history.changesSince(write, expected, replacement);
      if (changes === null) return { kind: 'conflict' };
      const together =
        history === null || changes.length === 0 ? null : await history.writeTogether({ filter, replacement: rest }, changes);
      return together ?? (await writeOne({ model: { replaceOne: { filter, replacement: rest, upsert: true } }, bytes, span }));
    } catch (error) {
      if (!(error instanceof UnstorableError)) throw error;
      return { kind: 'rejected', message: error.message };
    }
  }

  return {
    read: (ref) => meter.operation('read', () => traced('find', ref, (span) => readOne({ key: keyOf(ref), span }), foundIn), foundIn),
    recall: (ref) => remembered.get(keyOf(ref)) ?? null,
    writeLive: (write) =>
      meter.operation(
        'write_live',
        async () => {
          const at = now();
          let known: Pick<StoredRecord, 'historyDigest'> = {};
          const result = await replace(write, (rev) => {
            const document = liveDocument(storage, write, rev, at);
            known = storage.history === undefined ? {} : { historyDigest: storage.history.digestOf(write.content) };
            return { ...document, ...known };
          });
          if (result.kind === 'written') remembered.set(keyOf(write), { ...writtenLive(write, at), ...known });
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
              storage,
              {
                ...write,
                connectionId: write.expected?.connectionId ?? null,
                kept: keptOf(write),
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
            tombstoneDocument(
              storage,
              { ...write, asOf: new Date(asOf), source, connectionId, kept: keptOf(write), removed: { ...removed, at: now() } },
              rev,
            ),
          );
        },
        kindOf,
      ),
    setListed: ({ expected, isListed, ...ref }) =>
      meter.operation(
        'set_listed',
        () =>
          orUnavailable('a record could not be changed', async (): Promise<WriteResult> => {
            if (expected?.live !== true) throw new Error('only a live record can be listed');
            const _id = keyOf(ref);
            remembered.delete(_id);
            const set = { rev: nextRev(expected), syncedAt: now() };
            const unset = { restoredFrom: '', trace: '' };
            // A restored record becomes a worker's own, so that the state log shows the change.
            const update = isListed ? { $set: set, $unset: { ...unset, isListed: '' } } : { $set: { ...set, isListed }, $unset: unset };
            const { matchedCount } = await records.updateOne({ _id, rev: expected.rev }, update);
            return { kind: matchedCount === 1 ? 'written' : 'conflict' };
          }),
        kindOf,
      ),
    liveIds: (workspaceId) =>
      orUnavailable('records could not be read', async () => {
        const found = await records
          .find({ ...ofTenant(workspaceId), removed: { $exists: false } }, { projection: { [kind.idField]: 1 } })
          .toArray();
        return found.map((document) => String(document[kind.idField])).toSorted();
      }),
  };

  function keptOf({ expected }: Key<Outline>): KeptPlace | null {
    return expected === null ? null : (storage.tombstoneFields?.(expected) ?? null);
  }

  /** Equals `toStoredRecord` of `liveDocument`, which has no digest. */
  function writtenLive(write: Key<Outline> & LiveInput<Content>, at: Date): StoredRecord<Outline> {
    const { expected, content, connectionId, asOf, isListed } = write;
    const times = { asOf: asOf.getTime(), syncedAt: at.getTime() };
    const bookkeeping = { rev: nextRev(expected), ...times, source: 'fetch', live: true, connectionId, removed: null } as const;
    return { ...bookkeeping, ...(isListed === undefined ? {} : { isListed }), ...storage.outlineOfContent(content) };
  }
}

const kindOf = ({ kind }: WriteResult) => kind;
const foundIn = (record: StoredRecord | null) => (record === null ? 'none' : 'found');
