import { tracingOff } from '@notion-mirror/service-kit/tracing/tracing';
import { randomUUID } from 'node:crypto';
import { readRanges, rangesOn } from '@notion-mirror/event-log/range-reader';
import { databaseStates } from '@notion-mirror/event-log/entities/database-state';
import { createStateCodec, type StateCodec } from '@notion-mirror/event-log/state-codec';
import { openStateLogWriter, type StateLogWriter } from '@notion-mirror/event-log/state-log-writer';
import { readStateRecord } from '@notion-mirror/event-log/state-record';
import { isolatedLog, silent, until } from '@notion-mirror/event-log/testing/isolated-log';
import { stateLogOf } from '@notion-mirror/event-log/state-contract';
import { readerGroupId } from '@notion-mirror/event-log/topics';
import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import type { EntityState } from '@notion-mirror/domain/entity-state';
import { openMongo, type Mongo } from '@notion-mirror/mirror-store/client';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { initMongo } from '@notion-mirror/mirror-store/init';
import { openRecordChanges } from '@notion-mirror/mirror-store/records/record-changes';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { createStateLogProgress } from '@notion-mirror/mirror-store/state-log-progress';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, onTestFinished, test } from 'vitest';
import { someContent } from '../../../../packages/mirror-store/test/databases.ts';
import { someLayout } from '../../../../packages/mirror-store/test/mongo.ts';
import { createStateLogMetrics } from './state-log-metrics.ts';
import { startStateLogPublisher } from './state-log-publisher.ts';

const stack = inject('stack');
let log: ReturnType<typeof isolatedLog>;
let mongo: Mongo;
let codec: StateCodec<DatabaseContent>;
const topic = () => stateLogOf(log.prefix, databaseStates).topic;
const writerId = () => stateLogOf(log.prefix, databaseStates).writerId;

beforeAll(async () => {
  const uri = new URL(stack.mongodbUri);
  uri.pathname = `/states_${randomUUID().slice(0, 8)}`;
  mongo = await openMongo(uri.href, { appName: 'states-test' });
});
afterAll(async () => {
  await mongo.db.dropDatabase();
  await mongo.close();
});

beforeEach(async () => {
  log = isolatedLog(stack);
  const own = log;
  onTestFinished(() => own.remove());
  await mongo.db.dropDatabase();
  await initMongo(mongo.db, someLayout);
  await log.init(3);
  codec = await createStateCodec(log.schemaRegistry, log.prefix, databaseStates);
});

function publisher(writer: Promise<StateLogWriter> | null = null) {
  const { kafka } = log;
  const metrics = new Registry();
  const started = startStateLogPublisher({
    changes: openRecordChanges(mongo.db, databaseStorage),
    progress: createStateLogProgress(mongo.db, topic(), randomUUID()),
    openWriter: () => writer ?? openStateLogWriter({ kafka, topic: topic(), transactionalId: writerId() }),
    openCodec: () => Promise.resolve(codec),
    isEmpty: async () => ((await rangesOn(kafka, topic())) ?? []).every(({ to }) => to === 0n),
    topic: topic(),
    tracing: tracingOff,
    logger: silent,
    meter: createStateLogMetrics(metrics)('database'),
  });
  let stopped: Promise<void> | null = null;
  const stop = () => (stopped ??= started.stop());
  onTestFinished(stop);
  const metric = async (name: string) => (await metrics.getSingleMetric(`notion_mirror_state_log_${name}`)!.get()).values[0]?.value;
  const leads = async () => (await metric('leader')) === 1;
  /** Whether it leads and has appended the first snapshot. */
  const follows = async () => (await leads()) && (await metric('snapshots_total')) === 1;
  return { stop, leads, follows };
}

async function statesOnLog(): Promise<EntityState<DatabaseContent>[]> {
  const states: EntityState<DatabaseContent>[] = [];
  await readRanges({
    kafka: log.kafka,
    topic: topic(),
    groupId: readerGroupId(log.prefix),
    ranges: (await rangesOn(log.kafka, topic())) ?? [],
    signal: new AbortController().signal,
    async onRecords(records) {
      for (const record of records) {
        const reading = await readStateRecord(record, codec);
        if (reading.kind !== 'state') throw new Error(JSON.stringify(reading));
        states.push(reading.state);
      }
      return 'more';
    },
  });
  return states;
}

const store = () => createRecordStore(databaseStorage, { db: mongo.db, metrics: new Registry() });

async function write(databaseId: string, title: string): Promise<void> {
  const records = store();
  for (;;) {
    const expected = await records.read({ workspaceId: 'acme', id: databaseId });
    const lastEvent = { id: randomUUID(), type: 'database.created', occurredAt: new Date() };
    const result = await records.writeLive({
      workspaceId: 'acme',
      id: databaseId,
      expected,
      content: someContent({ title }),
      connectionId: 'c',
      asOf: new Date(),
      lastEvent,
    });
    if (result.kind === 'written') return;
  }
}

async function remove(databaseId: string): Promise<void> {
  const expected = await store().read({ workspaceId: 'acme', id: databaseId });
  const removal = { asOf: new Date(), source: 'delete' as const, reason: 'deleted' as const, eventId: 'e' };
  await store().writeTombstone({ workspaceId: 'acme', id: databaseId, expected, ...removal });
}

const revsOf = (states: readonly EntityState<DatabaseContent>[], databaseId: string) =>
  states.flatMap((state) => (state.id === databaseId && state.kind !== 'erased' ? [state.rev] : []));
/** Without repeated revisions. */
const distinct = (revs: readonly number[]) => [...new Set(revs)];
const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1);
/** Waits for the last state of a database on the log. */
const onLog = (databaseId: string, rev: number) => until(async () => revsOf(await statesOnLog(), databaseId).at(-1) === rev, 60_000);

describe('the state log', () => {
  // An append and a stored position per change cost a worker, the broker and MongoDB as much as the document.
  test('gets changes that arrive one by one in batches', async () => {
    const appends: number[] = [];
    // A broker without latency, so that only the publisher's own wait can form a batch.
    const append: StateLogWriter['append'] = async (records) => {
      appends.push(records.length);
    };
    const one = publisher(Promise.resolve({ append, close: async () => {} }));
    await until(one.follows);
    for (const rev of upTo(60)) await write('a', `title ${rev}`);
    await until(() => appends.reduce((sum, length) => sum + length, 0) >= 60);
    expect(appends.length).toBeLessThan(30);
  });

  test('has every change of a database in order, even if two writers race', async () => {
    const one = publisher();
    await until(one.follows);
    await Promise.all(
      ['a', 'b'].map(async (writer) => {
        for (let n = 0; n < 20; n += 1) await write('d1', `${writer}${n}`);
      }),
    );
    await remove('d1');
    await onLog('d1', 41);
    const states = await statesOnLog();
    expect(revsOf(states, 'd1')).toEqual(upTo(41));
    expect(states.at(-1)).toMatchObject({ kind: 'removed', rev: 41, removed: { reason: 'deleted', eventId: 'e' } });
    const content = { ...someContent(), title: expect.any(String) };
    expect(states[0]).toMatchObject({ kind: 'live', workspaceId: 'acme', content, connectionId: 'c' });
  });

  test('begins with the existing records, and a restart loses nothing', async () => {
    await write('before', 'one');
    const one = publisher();
    await onLog('before', 1);
    await one.stop();
    await write('before', 'two');
    await write('between', 'one');
    publisher();
    await onLog('before', 2);
    await onLog('between', 1);
    expect(revsOf(await statesOnLog(), 'before')).toEqual([1, 2]);
  });

  test('has one writer at a time, and a writer presumed dead cannot append after its successor', async () => {
    const one = publisher();
    await until(one.follows);
    const two = publisher();
    const { kafka } = log;
    const zombie = await openStateLogWriter({ kafka, topic: topic(), transactionalId: writerId() });
    const next = await openStateLogWriter({ kafka, topic: topic(), transactionalId: writerId() });
    await expect(zombie.append([{ key: 'acme:zombie', value: null, headers: {} }])).rejects.toThrow(/epoch|fenced/i);
    await Promise.all([zombie.close(), next.close()]);
    for (let n = 1; n <= 10; n += 1) await write('d1', `${n}`);
    await onLog('d1', 10);
    expect(await Promise.all([one.leads(), two.leads()])).toContain(true);
    expect(distinct(revsOf(await statesOnLog(), 'd1'))).toEqual(upTo(10));
    await one.stop();
    await write('d1', 'last');
    await onLog('d1', 11);
  });

  test('gets no removals when the collection or the database is dropped', async () => {
    const one = publisher();
    await until(one.follows);
    await write('kept', 'one');
    await onLog('kept', 1);
    await mongo.db.dropDatabase();
    await write('new', 'one');
    await onLog('new', 1);
    const states = await statesOnLog();
    expect(states.filter(({ kind }) => kind !== 'live')).toEqual([]);
  });

  test('gets a null for a deleted record', async () => {
    const one = publisher();
    await until(one.follows);
    await write('d1', 'one');
    await mongo.db.collection('database_records').deleteOne({ _id: 'acme:d1' as never });
    await expect.poll(async () => (await statesOnLog()).at(-1)?.kind, { timeout: 60_000 }).toBe('erased');
  });
});
