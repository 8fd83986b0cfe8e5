import { keyOf } from '@notion-mirror/domain/entity';
import { decideRestore, restoredRev, type EntityState, type RestorableRecord, type StatePlace } from '@notion-mirror/domain/entity-state';
import type { AnyBulkWriteOperation, Db } from 'mongodb';
import type { EntityStorage } from '../entity-storage.ts';
import { mayBeContent, orUnavailable, unavailable } from '../errors.ts';
import { resultsOfFailure, type WriteResult } from './bulk-results.ts';
import { bookkeepingOf, openRecords, type RecordDocument } from './record-document.ts';
import { restoredDocument, restoredFromOf } from './record-state.ts';
import { UnstorableError } from './storable.ts';

export interface PlacedState<Content> {
  readonly state: EntityState<Content>;
  readonly place: StatePlace;
}

/** The number of restored states, by result. `superseded`: the same batch had a later state of the entity. */
export interface RestoreCounts {
  readonly written: number;
  readonly erased: number;
  readonly kept: number;
  readonly superseded: number;
  /** MongoDB can never store them. */
  readonly rejected: number;
}

/**
 * Applies the decisions of `decideRestore`, each on condition that the record has not changed since it was read. Batches may run in parallel,
 * except those with a state of kind `erased`: an erased record leaves no trace by which an earlier state could be recognised as outdated. Rejects
 * with a `StoreUnavailableError` when MongoDB is unavailable: some states may be written then, and it is safe to run again.
 */
export function createRecordRestorer<Content>(
  db: Db,
  storage: EntityStorage<Content, object>,
  { toleranceMs, into }: { readonly toleranceMs: number; readonly into: 'mirror' | 'shadow' },
): (values: readonly PlacedState<Content>[]) => Promise<RestoreCounts> {
  const records = openRecords(db, { collection: into === 'mirror' ? storage.collection : storage.shadowCollection });

  async function readAll(ids: readonly string[]): Promise<Map<string, RestorableRecord>> {
    const projection = { rev: 1, asOf: 1, source: 1, removed: 1, syncedAt: 1, restoredFrom: 1 } as const;
    const found = await orUnavailable('records could not be read', () =>
      records.find({ _id: { $in: [...ids] } }, { projection }).toArray(),
    );
    return new Map(found.map((document) => [document._id, restorable(document)]));
  }

  async function writeAll(writes: readonly AnyBulkWriteOperation<RecordDocument>[]): Promise<WriteResult['kind'][]> {
    if (writes.length === 0) return [];
    try {
      await records.bulkWrite([...writes], { ordered: false });
      return writes.map(() => 'written');
    } catch (error) {
      const results = resultsOfFailure(error, writes.length);
      if (results !== null) return results.map((result) => kindOf(result));
      if (!mayBeContent(error)) throw unavailable('records could not be restored', error);
      if (writes.length === 1) return ['rejected'];
      const half = Math.ceil(writes.length / 2);
      return [...(await writeAll(writes.slice(0, half))), ...(await writeAll(writes.slice(half)))];
    }
  }

  return async function restore(values) {
    const lastOfEach = new Map(values.map((value) => [keyOf(value.state), value]));
    const counts = { written: 0, erased: 0, kept: 0, superseded: values.length - lastOfEach.size, rejected: 0 };
    let left = [...lastOfEach];
    // After a conflict (another process has written the record meanwhile) the decision is made again.
    while (left.length > 0) {
      const found = await readAll(left.map(([id]) => id));
      const writes: { readonly entry: (typeof left)[number]; readonly model: AnyBulkWriteOperation<RecordDocument> }[] = [];
      for (const entry of left) {
        const record = found.get(entry[0]) ?? null;
        const model = modelOf(entry[1], record);
        if (model === 'keep' || model === 'rejected') counts[model === 'keep' ? 'kept' : 'rejected'] += 1;
        else writes.push({ entry, model });
      }
      const results = await writeAll(writes.map(({ model }) => model));
      left = [];
      for (const [index, { entry }] of writes.entries()) {
        const result = results[index];
        if (result === 'conflict') left.push(entry);
        else if (result === 'rejected') counts.rejected += 1;
        else counts[entry[1].state.kind === 'erased' ? 'erased' : 'written'] += 1;
      }
    }
    return counts;
  };

  function modelOf(
    { state, place }: PlacedState<Content>,
    record: RestorableRecord | null,
  ): AnyBulkWriteOperation<RecordDocument> | 'keep' | 'rejected' {
    const decision = decideRestore(record, state, place, toleranceMs);
    if (decision === 'keep') return 'keep';
    const _id = keyOf(state);
    // No match: another process has written the record meanwhile. It is fresher, so it stays.
    if (state.kind === 'erased') return { deleteOne: { filter: { _id, rev: record?.rev ?? 0 } } };
    try {
      const document = restoredDocument(storage, state, restoredRev(record, state), place);
      if (record === null) return { insertOne: { document } };
      const { _id: _, ...replacement } = document;
      return { replaceOne: { filter: { _id, rev: record.rev, asOf: record.asOf }, replacement, upsert: true } };
    } catch (error) {
      if (error instanceof UnstorableError) return 'rejected';
      throw error;
    }
  }
}

function restorable(document: RecordDocument): RestorableRecord {
  const { rev, asOf, live } = bookkeepingOf(document);
  const syncedAt: unknown = document['syncedAt'];
  return { rev, live, asOf: new Date(asOf), syncedAt: syncedAt instanceof Date ? syncedAt : null, restoredFrom: restoredFromOf(document) };
}

function kindOf(result: PromiseSettledResult<WriteResult>): WriteResult['kind'] {
  if (result.status === 'fulfilled') return result.value.kind;
  throw result.reason;
}
