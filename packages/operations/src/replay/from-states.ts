import type { LogRecord } from '@notion-mirror/event-log/log-record';
import { readRanges } from '@notion-mirror/event-log/range-reader';
import { createStateCodec } from '@notion-mirror/event-log/state-codec';
import { idsOf, readStateRecord } from '@notion-mirror/event-log/state-record';
import { readerGroupId, topicsFor } from '@notion-mirror/event-log/topics';
import { createRecordRestorer, type PlacedState } from '@notion-mirror/mirror-store/record-restorer';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import type { ReplayOrder } from '@notion-mirror/mirror-store/replays';
import type { OperationContext } from '../operation-context.ts';
import type { ReplayProgress } from './progress.ts';
import { kafkaOf } from '../servers.ts';

/** Chunks that are written while the next ones are read. */
const chunksAtOnce = 4;

/**
 * Writes into the mirror, or into its shadow, what the state log says, chunk by chunk, so memory stays flat: no table of keys is needed, because each write
 * decides by what is in its place. `onStates` hears of each value that was read. Rejects with KafkaJS's error, a `StoreUnavailableError`, or the reason of the progress's signal.
 */
export async function replayStates(
  context: OperationContext,
  db: Mongo['db'],
  order: ReplayOrder,
  progress: Pick<ReplayProgress, 'left' | 'count' | 'reached' | 'signal'>,
  onStates: (values: readonly PlacedState[]) => void = () => {},
): Promise<void> {
  const { config } = context;
  const { states: topic, statesSubject: subject } = topicsFor(config.topicPrefix);
  const codec = await createStateCodec({ schemaRegistry: config.schemaRegistry, subject });
  const restore = createRecordRestorer(db, {
    toleranceMs: config.clockToleranceMs,
    into: order.into === 'mirror' ? 'databaseRecords' : 'shadowRecords',
  });
  const underWay: Promise<void>[] = [];
  const oneEnds = async () => {
    await underWay.shift();
  };
  const allEnd = async () => {
    while (underWay.length > 0) await oneEnds();
  };

  async function valuesOf(records: readonly LogRecord[]): Promise<PlacedState[]> {
    const values: PlacedState[] = [];
    for (const record of records) {
      if (!isWanted(record, order)) continue;
      const reading = await readStateRecord(record, codec);
      if (reading.kind === 'unavailable') throw reading.error;
      const place = { partition: record.partition, offset: Number(record.offset) };
      if (reading.kind === 'state') values.push({ state: reading.state, place });
      else progress.count({ unreadable: 1 });
    }
    return values;
  }

  async function write(values: readonly PlacedState[], of: readonly LogRecord[], before: Promise<void> | undefined): Promise<void> {
    onStates(values);
    const counts = await restore(values);
    // What is stored as done has nothing undone before it.
    await before;
    progress.count({ read: of.length, ...counts });
    const last = of.at(-1);
    if (last !== undefined) progress.reached(last.partition, Number(last.offset) + 1);
  }

  await readRanges({
    kafka: kafkaOf(context),
    topic,
    groupId: readerGroupId(config.topicPrefix),
    ranges: progress.left(),
    signal: progress.signal,
    async onRecords(records) {
      const values = await valuesOf(records);
      const isErasing = values.some(({ state }) => state.kind === 'erased');
      if (isErasing) await allEnd();
      if (underWay.length >= chunksAtOnce) await oneEnds();
      const writing = write(values, records, underWay.at(-1));
      // Heard of in `oneEnds`.
      writing.catch(() => {});
      underWay.push(writing);
      if (isErasing) await allEnd();
      return 'more';
    },
  });
  await allEnd();
}

function isWanted({ key }: LogRecord, { workspaceId, databaseId }: ReplayOrder): boolean {
  if (workspaceId === null && databaseId === null) return true;
  const ids = idsOf(key);
  return (
    ids !== null && (workspaceId === null || ids.workspaceId === workspaceId) && (databaseId === null || ids.databaseId === databaseId)
  );
}
