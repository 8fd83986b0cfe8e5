import { randomUUID } from 'node:crypto';
import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import type { EntityState } from '@notion-mirror/domain/entity-state';
import { createEventCodec } from '@notion-mirror/event-log/event-codec';
import { rangesOn } from '@notion-mirror/event-log/range-reader';
import { createStateCodec } from '@notion-mirror/event-log/state-codec';
import { openStateLogWriter } from '@notion-mirror/event-log/state-log-writer';
import { toStateRecord } from '@notion-mirror/event-log/state-record';
import { readAll } from '@notion-mirror/event-log/testing/isolated-log';
import { databaseStates } from '@notion-mirror/event-log/entities/database-state';
import { stateLogOf } from '@notion-mirror/event-log/state-contract';
import { topicsFor } from '@notion-mirror/event-log/topics';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { openShadow } from '@notion-mirror/mirror-store/records/shadow';
import { expect, test } from 'vitest';
import { someContent } from '../../../mirror-store/test/databases.ts';
import { setOperationsScene } from '../../test/operations-scene.ts';
import { rangesOf } from './order.ts';
import { startReplay } from './run-replay.ts';
import { bringLastMoment, catchUpShadow } from './shadow.ts';

async function setScene() {
  const scene = await setOperationsScene('shadow', 3);
  return { ...scene, topics: topicsFor(scene.log.prefix) };
}

type TestScene = Awaited<ReturnType<typeof setScene>>;

function live(workspaceId: string, databaseId: string): EntityState<DatabaseContent> {
  const at = new Date(1_700_000_000_000);
  const lastEvent = { id: 'e', type: 'database.created', occurredAt: at };
  return {
    kind: 'live',
    workspaceId,
    id: databaseId,
    rev: 1,
    asOf: at,
    syncedAt: at,
    connectionId: 'c',
    lastEvent,
    content: someContent(),
  };
}

async function putStates({ log }: TestScene, states: readonly EntityState<DatabaseContent>[]): Promise<void> {
  const codec = await createStateCodec(log.schemaRegistry, log.prefix, databaseStates);
  const { topic, writerId } = stateLogOf(log.prefix, databaseStates);
  const writer = await openStateLogWriter({ kafka: log.kafka, topic, transactionalId: writerId });
  const ends = async () => (await rangesOn(log.kafka, topic))?.reduce((sum, { to }) => sum + Number(to), 0) ?? 0;
  const before = await ends();
  await writer.append(states.map((state) => toStateRecord(state, codec)));
  await writer.close();
  // A commit is acknowledged before its marker is on the topic, and until then readers do not see the records.
  await expect.poll(ends, { timeout: 60_000 }).toBeGreaterThan(before + states.length);
}

// A data source moved while its former database was not in the new mirror yet: the worker did not find that database, which then kept the source.
test('records written just before a switch are restored and fetched again', async () => {
  const scene = await setScene();
  const { db, context, log, topics } = scene;
  const connection = { providerConfigKey: 'notion', notionWorkspaceId: randomUUID(), botId: null, token: null };
  await createConnectionStore(db).add({ ...connection, connectionId: 'c', workspaceId: 'acme' });
  await putStates(scene, [live('acme', 'before')]);
  const order = { source: 'states', into: 'shadow', workspaceId: null, databaseId: null, since: null } as const;
  const shadow = await startReplay(context, db, { order, ranges: await rangesOf(context, order) }, () => {});
  const caughtUp = await catchUpShadow(context, db, shadow);
  await putStates(scene, [live('acme', 'late'), live('unconnected', 'late')]);
  await openShadow(db, databaseStorage).putInPlace();

  expect(await bringLastMoment(context, db, caughtUp)).toBe(1);

  const records = await db.collection('database_records').find().sort({ _id: 1 }).toArray();
  expect(records.map(({ workspaceId, databaseId }) => `${workspaceId} ${databaseId}`)).toEqual([
    'acme before',
    'acme late',
    'unconnected late',
  ]);
  const codec = await createEventCodec({ schemaRegistry: log.schemaRegistry, subject: topics.eventsSubject });
  const appended = await Promise.all((await readAll(log.kafka, topics.events)).map(({ value }) => codec.decode(value!)));
  expect(appended).toMatchObject([
    { kind: 'event', event: { workspaceId: 'acme', databaseId: 'late', type: 'mirror.replay', origin: 'operator' } },
  ]);
});
