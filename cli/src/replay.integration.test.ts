import { randomUUID } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import type { EntityState } from '@notion-mirror/domain/entity-state';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import { createEventCodec } from '@notion-mirror/event-log/event-codec';
import { toRecord } from '@notion-mirror/event-log/event-record';
import { createPublisher } from '@notion-mirror/event-log/publisher';
import { rangesOn } from '@notion-mirror/event-log/range-reader';
import { createStateCodec } from '@notion-mirror/event-log/state-codec';
import { openStateLogWriter } from '@notion-mirror/event-log/state-log-writer';
import { toStateRecord } from '@notion-mirror/event-log/state-record';
import { eventOf, isolatedLog, readAll, silent, until } from '@notion-mirror/event-log/testing/isolated-log';
import { databaseStates } from '@notion-mirror/event-log/entities/database-state';
import { rowStates } from '@notion-mirror/event-log/entities/row-state';
import { stateLogOf, type StateContract } from '@notion-mirror/event-log/state-contract';
import { topicsFor } from '@notion-mirror/event-log/topics';
import { openMongo, type Mongo } from '@notion-mirror/mirror-store/client';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { rowStorage } from '@notion-mirror/mirror-store/entities/row';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { initMongo } from '@notion-mirror/mirror-store/init';
import { openShadow } from '@notion-mirror/mirror-store/records/shadow';
import { createReplays } from '@notion-mirror/mirror-store/replays';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeEach, describe, expect, inject, onTestFinished, test } from 'vitest';
import { someContent } from '../../packages/mirror-store/test/databases.ts';
import { someLayout } from '../../packages/mirror-store/test/mongo.ts';
import { someRow } from '../../packages/mirror-store/test/rows.ts';
import { mirror as run } from '../test/surroundings.ts';

const stack = inject('stack');
const uri = new URL(stack.mongodbUri);
uri.pathname = `/replay_${randomUUID().slice(0, 8)}`;
const mongo: Mongo = await openMongo(uri.href, { appName: 'replay-test' });

let log: ReturnType<typeof isolatedLog>;
let env: Record<string, string>;

afterAll(async () => {
  await mongo.db.dropDatabase();
  await mongo.close();
});

beforeEach(async () => {
  log = isolatedLog(stack);
  const own = log;
  onTestFinished(() => own.remove());
  env = {
    MIRROR_KAFKA_BROKERS: stack.kafkaBrokers,
    MIRROR_SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    MIRROR_MONGODB_URI: uri.href,
    MIRROR_TOPIC_PREFIX: log.prefix,
  };
  await mongo.db.dropDatabase();
  await initMongo(mongo.db, someLayout);
  await log.init(3);
});

const topics = () => topicsFor(log.prefix);
const records = () => createRecordStore(databaseStorage, { db: mongo.db, metrics: new Registry() });
const documents = () =>
  mongo.db
    .collection('database_records')
    .find({}, { sort: { _id: 1 } })
    .toArray();
const titles = async () => Object.fromEntries((await documents()).map(({ databaseId, title }) => [databaseId, title ?? null]));

async function replay(...args: string[]) {
  const { code, stdout, stderr } = await run(['replay', ...args, '--json'], { env });
  return { code, stderr, result: JSON.parse(stdout) as { plan?: Record<string, unknown>; replay?: Record<string, unknown> } };
}

const at = (seconds: number) => new Date(1_700_000_000_000 + seconds * 1000);

function live(
  databaseId: string,
  seconds: number,
  rev: number,
  title = `${databaseId} ${rev}`,
  workspaceId = 'acme',
): EntityState<DatabaseContent> {
  return {
    kind: 'live',
    workspaceId,
    id: databaseId,
    rev,
    asOf: at(seconds),
    syncedAt: at(seconds),
    connectionId: 'c',
    lastEvent: { id: 'e', type: 'database.created', occurredAt: at(seconds) },
    content: someContent({ title }),
  };
}

function gone(databaseId: string, seconds: number, rev: number): EntityState<never> {
  const removed = { at: new Date(), reason: 'deleted' as const, eventId: 'e' };
  return { kind: 'removed', workspaceId: 'acme', id: databaseId, rev, asOf: at(seconds), source: 'delete', connectionId: null, removed };
}

function liveRow(id: string, seconds: number, rev: number, change: Partial<RowContent>): EntityState<RowContent> & { kind: 'live' } {
  const { content: _, ...head } = live('unused', seconds, rev) as EntityState<DatabaseContent> & { kind: 'live' };
  return { ...head, id, lastEvent: null, seenBy: 'query', content: someRow(change) };
}

const putStates = (states: readonly EntityState<DatabaseContent>[]) => putStatesOf(databaseStates, states);

async function putStatesOf<Content>(contract: StateContract<Content>, states: readonly EntityState<Content>[]): Promise<void> {
  const codec = await createStateCodec(log.schemaRegistry, log.prefix, contract);
  const { topic, writerId } = stateLogOf(log.prefix, contract);
  const writer = await openStateLogWriter({ kafka: log.kafka, topic, transactionalId: writerId });
  const ends = async () => (await rangesOn(log.kafka, topic))?.reduce((sum, { to }) => sum + Number(to), 0) ?? 0;
  const before = await ends();
  for (let from = 0; from < states.length; from += 500) {
    await writer.append(states.slice(from, from + 500).map((state) => toStateRecord(state, codec)));
  }
  await writer.close();
  // A commit is acknowledged before its marker is on the topic, and until then consumers do not see the records.
  await expect.poll(ends).toBeGreaterThan(before + states.length);
}

async function writeLive(databaseId: string, asOf: Date, title: string): Promise<void> {
  const expected = await records().read({ workspaceId: 'acme', id: databaseId });
  const lastEvent = { id: 'x', type: 'database.created', occurredAt: asOf };
  const content = someContent({ title });
  await records().writeLive({ workspaceId: 'acme', id: databaseId, expected, content, connectionId: 'c', asOf, lastEvent });
}

describe('from the state log', () => {
  test('an empty mirror is rebuilt, document for document, and a second run changes nothing', async () => {
    await writeLive('a', at(5), 'as a worker wrote it');
    // The digest says what the history of properties knows, which is on no log.
    const { historyDigest: _, ...before } = (await documents())[0]!;
    const { syncedAt } = before as unknown as { syncedAt: Date };
    const original: EntityState<DatabaseContent> = { ...live('a', 5, 1, 'as a worker wrote it'), syncedAt } as EntityState<DatabaseContent>;
    const lastEvent = { id: 'x', type: 'database.created', occurredAt: at(5) };
    await putStates([
      live('b', 1, 1),
      { ...original, lastEvent } as EntityState<DatabaseContent>,
      live('b', 2, 2),
      live('d', 1, 1),
      gone('d', 3, 2),
    ]);
    await mongo.db.collection('database_records').deleteMany({});

    expect((await replay('run', '--from-states', '--yes')).result.replay).toMatchObject({ status: 'done', counts: { written: 3 } });
    const rebuilt = await documents();
    const { restoredFrom, ...restored } = rebuilt[0]!;
    expect(restored).toEqual(before);
    expect(restoredFrom).toMatchObject({ partition: expect.any(Number) });
    expect(await titles()).toEqual({ a: 'as a worker wrote it', b: 'b 2', d: null });
    expect(rebuilt[2]).toMatchObject({ rev: 2, removed: { reason: 'deleted' } });

    expect((await replay('run', '--from-states', '--yes')).result.replay).toMatchObject({ counts: { written: 0 } });
    expect(await documents()).toEqual(rebuilt);
  });

  test('rows are rebuilt together with databases, and a shadow shows the differences of both', async () => {
    await putStates([live('a', 1, 1)]);
    const template = { ...liveRow('p3', 1, 1, { title: 'Template' }), isListed: false as const };
    const kept = { dataSourceId: 's1', createdTime: new Date('2026-03-01T19:05:00.000Z') };
    const removed: EntityState<RowContent> = { ...(gone('p2', 1, 1) as EntityState<RowContent> & { kind: 'removed' }), kept };
    const kale = [liveRow('p1', 1, 1, { title: 'Kale' }), removed, liveRow('p1', 2, 2, { title: 'Cabbage' })];
    await putStatesOf(rowStates, [...kale, template]);
    expect((await replay('run', '--from-states', '--yes')).result.replay).toMatchObject({ status: 'done', counts: { written: 4 } });
    const stored = await mongo.db.collection('rows').find().toArray();
    expect(stored).toMatchObject([{ _id: 'acme:p1', pageId: 'p1', title: 'Cabbage', rev: 2, lastEvent: null, seenBy: 'query' }]);
    expect(await mongo.db.collection('row_records').countDocuments({ 'removed.reason': 'deleted', ...kept })).toBe(1);
    expect(await mongo.db.collection('row_records').countDocuments({ title: 'Template', isListed: false })).toBe(1);

    expect((await replay('plan', '--from-states')).result.plan).toMatchObject({ records: 8 });

    await replay('run', '--from-states', '--shadow', '--yes');
    expect((await replay('diff')).result).toMatchObject({ shadow: 4, differences: [] });
    await mongo.db.collection<{ _id: string }>('row_records').updateOne({ _id: 'acme:p1' }, { $set: { title: 'by hand' } });
    await mongo.db.collection('database_records').deleteMany({});
    const { code, result } = await replay('diff');
    expect({ code, result }).toMatchObject({
      code: 1,
      result: {
        counts: { only_in_shadow: 1, other_content: 1 },
        differences: [
          { kind: 'only_in_shadow', id: 'acme:a' },
          { kind: 'other_content', id: 'acme:p1', fields: ['title'] },
        ],
      },
    });
    for (const storage of [databaseStorage, rowStorage]) await openShadow(mongo.db, storage).putInPlace();
    expect(await mongo.db.collection('rows').findOne()).toMatchObject({ title: 'Cabbage' });
    expect(await titles()).toEqual({ a: 'a 1' });
  });

  test('of one database, its rows are restored, too: neither others, nor those that have left it or are gone', async () => {
    const [databaseId, other] = [randomUUID(), randomUUID()];
    const inside = { databaseId };
    const outside = { databaseId: other };
    await putStates([live(databaseId, 1, 1), live(other, 1, 1)]);
    const states = [
      liveRow('stays', 1, 1, inside),
      liveRow('goes', 1, 1, inside),
      liveRow('leaves', 1, 1, inside),
      liveRow('visits', 1, 1, inside),
      liveRow('others', 1, 1, outside),
      gone('unknown', 1, 1),
      gone('goes', 2, 2),
      liveRow('leaves', 2, 2, outside),
      liveRow('visits', 2, 2, outside),
      liveRow('visits', 3, 3, inside),
    ];
    // In one chunk, and spread over many.
    await putStatesOf(rowStates, states);
    const filler = Array.from({ length: 600 }, (_, n) => liveRow(`filler${n}`, 1, 1, outside));
    await putStatesOf(
      rowStates,
      states.flatMap((state) => [...filler, { ...state, id: `${state.id} apart` }]),
    );
    const { result } = await replay('run', '--from-states', '--database-id', databaseId, '--yes');
    expect(result.replay).toMatchObject({ status: 'done', counts: { rejected: 0 } });
    expect((await documents()).map((document) => document['databaseId'])).toEqual([databaseId]);
    const found = await mongo.db.collection('row_records').find().toArray();
    const shown = found.map((document) => [document['pageId'], document['databaseId'] ?? document['removed']?.reason]);
    const expected = Object.entries({ stays: databaseId, goes: 'deleted', leaves: other, visits: databaseId });
    expect(Object.fromEntries(shown)).toEqual(
      Object.fromEntries(expected.flatMap(([id, now]) => [[id, now] as const, [`${id} apart`, now] as const])),
    );
  });

  test('fresher records of the mirror stay, older ones are replaced with a higher revision', async () => {
    await writeLive('fresh', at(100), 'fresh');
    await writeLive('old', at(0), 'old');
    await putStates([live('fresh', 50, 9), live('old', 50, 1), live('theirs', 1, 1, 'theirs', 'other')]);
    await replay('run', '--from-states', '--yes', '--workspace-id', 'acme');
    expect(await titles()).toEqual({ fresh: 'fresh', old: 'old 1' });
    expect(await records().read({ workspaceId: 'acme', id: 'old' })).toMatchObject({ rev: 2 });
  });

  test('after kill -9 midway a second run continues, and the mirror is complete', async () => {
    const states = Array.from({ length: 50_000 }, (_, n) => live(`d${n}`, n % 50, 1));
    await putStates(states);
    const main = join(import.meta.dirname, 'main.ts');
    const inherited = { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] };
    const child = spawn(process.execPath, [main, 'replay', 'run', '--from-states', '--yes'], {
      env: { ...inherited, ...env },
      stdio: 'ignore',
    });
    const replays = createReplays(mongo.db);
    await until(async () => ((await replays.latest())?.counts['written'] ?? 0) > 0, 120_000);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const interrupted = await replays.latest();
    expect(interrupted).toMatchObject({ status: 'running' });
    const { stdout } = await run(['audit', 'list', '--json'], { env });
    expect(JSON.parse(stdout)).toMatchObject({ actions: [{ action: 'replay.run', outcome: 'begun', endedAt: null, isJob: false }] });
    expect(interrupted!.counts['written']).toBeLessThan(50_000);
    expect((await replay('run', '--since', '1h')).code).toBe(2);
    await until(async () => (await replay('run')).code === 0, 120_000);
    expect(await replays.latest()).toMatchObject({ id: interrupted!.id, status: 'done' });
    expect(await mongo.db.collection('database_records').countDocuments()).toBe(50_000);
  });
});

describe('from events', () => {
  test('each database and row of a connected tenant is requested once; cancel and status', async () => {
    const connections = createConnectionStore(mongo.db);
    const notionWorkspaceId = randomUUID();
    await connections.add({
      connectionId: 'c1',
      providerConfigKey: 'notion',
      workspaceId: 'acme',
      notionWorkspaceId,
      botId: null,
      token: null,
    });
    const [one, two, other, source, page] = [randomUUID(), randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    const codec = await createEventCodec({ schemaRegistry: log.schemaRegistry, subject: topics().eventsSubject });
    const publisher = await createPublisher({ kafka: log.kafka, logger: silent, metrics: new Registry(), deadlineMs: 30_000 });
    const put = (change: Parameters<typeof eventOf>[0]) =>
      publisher.publish(toRecord({ topic: topics().events, event: eventOf(change), codec }));
    for (let n = 0; n < 5; n += 1) await put({ databaseId: one });
    await put({ databaseId: one, dataSourceId: source, type: 'data_source.schema_updated' });
    await put({ databaseId: two });
    const row = { kind: 'row_sync', type: 'page.properties_updated', databaseId: one, dataSourceId: source, pageId: page } as const;
    for (let n = 0; n < 3; n += 1) await put(row);
    await put({ ...row, kind: 'row_delete', type: 'page.deleted' });
    await put({ databaseId: other, workspaceId: 'initech' });
    await publisher.stop();

    expect((await replay('plan')).result.plan).toMatchObject({
      records: 12,
      targets: 3,
      rows: 1,
      tenants: 1,
      withoutConnection: 1,
      notionCalls: 5,
    });
    expect((await replay('run')).code).toBe(2);
    expect((await replay('run', '--yes')).result.replay).toMatchObject({ status: 'done', counts: { appended: 3, withoutConnection: 1 } });
    const appended = (await readAll(log.kafka, topics().events)).filter(({ headers }) => headers['ce_type'] === 'mirror.replay');
    const events = await Promise.all(appended.map(async ({ value }) => codec.decode(value!)));
    const fetched = events.map((decoded) => (decoded.kind === 'event' ? (decoded.event.pageId ?? decoded.event.databaseId) : decoded.kind));
    expect(new Set(fetched)).toEqual(new Set([one, two, page]));
    expect(fetched).toHaveLength(3);
    for (const [index, id] of fetched.entries()) {
      const kind = id === page ? 'row_sync' : 'sync';
      expect(events[index]).toMatchObject({ event: { kind, origin: 'operator', connectionId: 'c1', workspaceId: 'acme' } });
    }

    expect((await replay('status')).result.replay).toMatchObject({ status: 'done', source: 'events' });
    expect((await replay('cancel')).code).toBe(1);
    expect((await replay('plan', '--since', '2020-01-01', '--database-id', two)).result.plan).toMatchObject({ targets: 1 });
  });
});
