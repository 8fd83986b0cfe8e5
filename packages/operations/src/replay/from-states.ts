import { keyOf, refOf, type EntityKind } from '@notion-mirror/domain/entity';
import type { LogRecord } from '@notion-mirror/event-log/log-record';
import { readRanges } from '@notion-mirror/event-log/range-reader';
import { stateLogOf } from '@notion-mirror/event-log/state-contract';
import { readerGroupId } from '@notion-mirror/event-log/topics';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import type { EntityStorage } from '@notion-mirror/mirror-store/entity-storage';
import { createRecordRestorer, type PlacedState, type RestoreCounts } from '@notion-mirror/mirror-store/records/record-restorer';
import { recordsInDatabase } from '@notion-mirror/mirror-store/records/records-in-database';
import type { ReplayOrder } from '@notion-mirror/mirror-store/replays';
import type { OperatedEntity } from '../operated-entity.ts';
import type { OperationContext } from '../operation-context.ts';
import { kafkaOf } from '../servers.ts';
import type { ReplayProgress } from './progress.ts';

/** Chunks being written while the next ones are read. */
const chunksAtOnce = 4;

/** Called with the values of each chunk before they are written. */
export type OnStates = (kind: EntityKind, values: readonly PlacedState<unknown>[]) => void;

/**
 * Writes the states on the state logs into the mirror or its shadow, one kind of entity after another. Rejects with KafkaJS's error, a
 * `StoreUnavailableError`, or the reason of the progress's signal.
 */
export async function replayStates(
  context: OperationContext,
  db: Mongo['db'],
  order: ReplayOrder,
  progress: Pick<ReplayProgress, 'left' | 'count' | 'reached' | 'signal'>,
  onStates: OnStates = () => {},
): Promise<void> {
  for (const entity of context.entities) await replayStatesOf(entity, context, db, order, progress, onStates);
}

/** Works in chunks, so memory use stays constant: no table of keys is needed, because each write decides by the record it would replace. */
async function replayStatesOf<Content, Outline extends object>(
  entity: OperatedEntity<Content, Outline>,
  context: OperationContext,
  db: Mongo['db'],
  order: ReplayOrder,
  progress: Pick<ReplayProgress, 'left' | 'count' | 'reached' | 'signal'>,
  onStates: OnStates,
): Promise<void> {
  const { config } = context;
  const { storage, states } = entity;
  const { topic } = stateLogOf(config.topicPrefix, states);
  const ranges = progress.left(topic);
  if (ranges.length === 0) return;
  // As in `eventCodecOf`.
  const { createStateCodec } = await import('@notion-mirror/event-log/state-codec');
  const { readStateRecord } = await import('@notion-mirror/event-log/state-record');
  const codec = await createStateCodec(config.schemaRegistry, config.topicPrefix, states);
  const restoreAll = createRecordRestorer(db, storage, { toleranceMs: config.clockToleranceMs, into: order.into });
  const { databaseId } = order;
  const narrow = databaseId === null || entity.databaseOf === undefined ? null : { databaseId, databaseOf: entity.databaseOf };
  const restore = narrow === null ? restoreAll : createNarrowRestore(db, storage, narrow, restoreAll);
  // A state that counts only by the record that it would replace has to find it.
  const mostAtOnce = narrow === null ? chunksAtOnce : 1;
  const inFlight: Promise<void>[] = [];
  const oneEnds = async () => {
    await inFlight.shift();
  };
  const allEnd = async () => {
    while (inFlight.length > 0) await oneEnds();
  };

  async function valuesOf(records: readonly LogRecord[]): Promise<PlacedState<Content>[]> {
    const values: PlacedState<Content>[] = [];
    for (const record of records) {
      if (!isWanted(record, narrow === null ? order : { ...order, databaseId: null })) continue;
      const reading = await readStateRecord(record, codec);
      if (reading.kind === 'unavailable') throw reading.error;
      const place = { partition: record.partition, offset: Number(record.offset) };
      if (reading.kind === 'state') values.push({ state: reading.state, place });
      else progress.count({ unreadable: 1 });
    }
    return values;
  }

  async function write(
    values: readonly PlacedState<Content>[],
    of: readonly LogRecord[],
    before: Promise<void> | undefined,
  ): Promise<void> {
    onStates(storage.kind, values);
    const counts = await restore(values);
    // Stored progress must not cover unfinished chunks.
    await before;
    progress.count({ read: of.length, ...counts });
    const last = of.at(-1);
    if (last !== undefined) progress.reached(topic, last.partition, Number(last.offset) + 1);
  }

  await readRanges({
    kafka: kafkaOf(context),
    topic,
    groupId: readerGroupId(config.topicPrefix),
    ranges,
    signal: progress.signal,
    async onRecords(records) {
      const values = await valuesOf(records);
      const isErasing = values.some(({ state }) => state.kind === 'erased');
      if (isErasing) await allEnd();
      if (inFlight.length >= mostAtOnce) await oneEnds();
      const writing = write(values, records, inFlight.at(-1));
      // The rejection is handled by `oneEnds`.
      writing.catch(() => {});
      inFlight.push(writing);
      if (isErasing) await allEnd();
      return 'more';
    },
  });
  await allEnd();
}

/**
 * Restores the states of one database's entities only. A later state of one that has left the database or is gone does not say that it was there; but
 * the record that it replaces does, since the states in the database come before it.
 */
function createNarrowRestore<Content>(
  db: Mongo['db'],
  storage: EntityStorage<Content, object>,
  { databaseId, databaseOf }: { readonly databaseId: string; readonly databaseOf: (content: Content) => string },
  restore: (values: readonly PlacedState<Content>[]) => Promise<RestoreCounts>,
): (values: readonly PlacedState<Content>[]) => Promise<RestoreCounts> {
  const isInDatabase = ({ state }: PlacedState<Content>): boolean => state.kind === 'live' && databaseOf(state.content) === databaseId;
  return async (values) => {
    const inside = await restore(values.filter(isInDatabase));
    const others = values.filter((value) => !isInDatabase(value));
    const held = await recordsInDatabase(
      db,
      storage,
      databaseId,
      others.map(({ state }) => keyOf(state)),
    );
    const left = await restore(others.filter(({ state }) => held.has(keyOf(state))));
    return {
      written: inside.written + left.written,
      erased: inside.erased + left.erased,
      kept: inside.kept + left.kept,
      superseded: inside.superseded + left.superseded,
      rejected: inside.rejected + left.rejected,
    };
  };
}

function isWanted({ key }: LogRecord, { workspaceId, databaseId }: Pick<ReplayOrder, 'workspaceId' | 'databaseId'>): boolean {
  if (workspaceId === null && databaseId === null) return true;
  const ref = refOf(key?.toString() ?? '');
  return ref !== null && (workspaceId === null || ref.workspaceId === workspaceId) && (databaseId === null || ref.id === databaseId);
}
