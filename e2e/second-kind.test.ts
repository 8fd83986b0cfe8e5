import { fileURLToPath } from 'node:url';
import type { Connection } from '@notion-mirror/domain/connection';
import { syncEventFor } from '@notion-mirror/domain/sync-event';
import { toRecord } from '@notion-mirror/event-log/event-record';
import { createKafka } from '@notion-mirror/event-log/kafka-client';
import { rangesOn, readRanges } from '@notion-mirror/event-log/range-reader';
import { stateLogOf } from '@notion-mirror/event-log/state-contract';
import { silent } from '@notion-mirror/event-log/testing/isolated-log';
import { readerGroupId, topicsFor } from '@notion-mirror/event-log/topics';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { operatedEntities } from '@notion-mirror/operations/entities';
import { gatherExplainFacts } from '@notion-mirror/operations/explain/gather-facts';
import { initServers } from '@notion-mirror/operations/init/init-servers';
import type { OperationContext } from '@notion-mirror/operations/operation-context';
import { appendOperatorSyncs } from '@notion-mirror/operations/operator-events';
import { planPurge, purgeTenant } from '@notion-mirror/operations/purge/purge-tenant';
import { rangesOf } from '@notion-mirror/operations/replay/order';
import { startReplay } from '@notion-mirror/operations/replay/run-replay';
import { catchUpShadow, compareWithShadow, switchToShadow } from '@notion-mirror/operations/replay/shadow';
import { eventCodecOf, openPublisher } from '@notion-mirror/operations/servers';
import { verifyTenants } from '@notion-mirror/operations/verify/verify-tenants';
import { loadConfig } from '@notion-mirror/service-kit/config';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { noteId, noteKind } from './notes/note.ts';
import { operatedNotes } from './notes/note-operated.ts';
import { notesUrlVariable, startNoteServer, type NoteServer } from './notes/note-source.ts';
import { noteStates } from './notes/note-state.ts';
import { setScene, type Scene } from './scene.ts';

// Adding a kind of entity takes files named after it (the folder `notes`) and a line in each of three lists: the sync-worker's, the
// delete-worker's and the operations'. The rest of the mirror works for it unchanged.

const program = (name: string) => fileURLToPath(new URL(`notes/${name}.ts`, import.meta.url));
const [first, second, third] = [noteId(1), noteId(2), noteId(3)];
const note = (text: string) => ({ text, color: 'yellow', editedTime: new Date('2026-01-01T00:00:00Z') });

let server: NoteServer;
let scene: Scene;
let context: OperationContext;
let connection: Connection;
let made: readonly string[];

beforeAll(async () => {
  server = await startNoteServer();
  scene = await setScene('second_kind', { env: { [notesUrlVariable]: server.url } });
  context = {
    config: loadConfig(scene.env, 'cli'),
    entities: [operatedNotes(server.url), ...operatedEntities],
    clientName: 'second-kind-test',
    logger: silent,
    signal: new AbortController().signal,
    redact: (text) => text,
    onProgress: () => {},
  };
  made = (await initServers(context, 0)).flatMap(({ step }) => step?.made ?? []);
  const customer = await scene.connect('acme', 'Acme');
  await customer.user.createDatabase(customer.pages.home, 'Tasks', { Name: { title: {} } });
  [connection] = (await createConnectionStore(scene.db).list('acme')) as [Connection];
  server.notes.set(second, note('found by a sweep'));
  await scene.start('sync-worker', program('sync-worker'));
  await scene.start('delete-worker', program('delete-worker'));
});
afterAll(async () => {
  await scene.end();
  await server.close();
});

const texts = async () => {
  const found = await scene.db.collection('notes').find().sort({ noteId: 1 }).toArray();
  return Object.fromEntries(found.map(({ noteId: id, text }) => [id, text]));
};
const sync = (id: string) => appendOperatorSyncs(context, 'note.updated', [{ connection, kind: noteKind, id }]);

test('init creates its topic, collection and view', () => {
  expect(made).toEqual(expect.arrayContaining([expect.stringContaining('notion.note-states'), 'collection note_records', 'view notes']));
});

test('a second kind is mirrored alongside databases', async () => {
  server.notes.set(first, note('new'));
  await sync(first);
  await expect.poll(texts).toEqual({ [first]: 'new', [second]: 'found by a sweep' });
  server.notes.set(first, note('changed'));
  await sync(first);
  await expect.poll(texts).toEqual({ [first]: 'changed', [second]: 'found by a sweep' });
  expect(await scene.db.collection<{ _id: string }>('note_records').findOne({ _id: `acme:${first}` })).toMatchObject({
    workspaceId: 'acme',
    noteId: first,
    ...note('changed'),
    source: 'fetch',
    connectionId: connection.connectionId,
  });
  await scene.untilEqual();
});

test('a sweep adds missing entities and removes entities that are gone', async () => {
  server.notes.set(third, note('without an event'));
  server.notes.delete(second);
  await scene.mirror('reconcile', 'run', 'acme', '--wait');
  await expect.poll(texts).toEqual({ [first]: 'changed', [third]: 'without an event' });
});

test('a delete event leaves a tombstone', async () => {
  server.notes.delete(third);
  const about = { eventId: 'deleted', type: 'note.deleted', origin: 'operator', ...noteKind.targetOf(third) } as const;
  // Later than the record's write by more than the clock tolerance.
  const event = { ...syncEventFor(connection, about, new Date(Date.now() + 60_000)), kind: 'delete' } as const;
  const publisher = await openPublisher(context);
  await publisher.publish(toRecord({ topic: topicsFor(context.config.topicPrefix).events, event, codec: await eventCodecOf(context) }));
  await publisher.stop();
  await expect.poll(texts).toEqual({ [first]: 'changed' });
  expect(await scene.db.collection<{ _id: string }>('note_records').findOne({ _id: `acme:${third}` })).toMatchObject({
    removed: { reason: 'deleted', eventId: 'deleted' },
  });
});

test('its changes are on its own state log', async () => {
  const { topic } = stateLogOf(context.config.topicPrefix, noteStates);
  const kafka = createKafka({ ...context.config.kafka, clientId: 'second-kind-test', logger: silent });
  const latest = async () => {
    const found = new Map<string, unknown>();
    await readRanges({
      kafka,
      topic,
      groupId: readerGroupId(context.config.topicPrefix),
      ranges: (await rangesOn(kafka, topic)) ?? [],
      signal: context.signal,
      async onRecords(records) {
        for (const { key, value, headers } of records) found.set(String(key), [value === null, headers['mirror-rev']]);
        return 'more';
      },
    });
    return Object.fromEntries(found);
  };
  // A sweep may have written a note as well.
  const records = await scene.db.collection<{ _id: string; rev: number; removed?: object }>('note_records').find().toArray();
  const held = records.map(({ _id, rev, removed }): [string, unknown] => [_id, [removed !== undefined, String(rev)]]);
  expect(held.map(([id]) => id).toSorted()).toEqual([first, second, third].map((id) => `acme:${id}`));
  await expect.poll(latest).toEqual(Object.fromEntries(held));
});

test('verify finds and fixes a difference, and explain recognises the kind', async () => {
  const order = { workspaceId: 'acme', requestsPerMinute: 1_000, graceMs: 0, fixes: true };
  const equal = await verifyTenants(context, scene.db, order);
  expect(equal.found).toMatchObject({ differences: [], unanswered: [], unsettled: [] });
  await scene.db.collection<{ _id: string }>('note_records').updateOne({ _id: `acme:${first}` }, { $set: { text: 'by hand' } });
  const { found, appended } = await verifyTenants(context, scene.db, order);
  expect(found.differences).toMatchObject([{ kind: noteKind, id: first, verdict: { kind: 'stale' } }]);
  expect(appended).toBe(1);
  await expect.poll(texts).toEqual({ [first]: 'changed' });
  const question = { subject: first, workspaceId: null, last: 1, asksKafka: true, asksNotion: true };
  const facts = await gatherExplainFacts(context, scene.db, await createConnectionStore(scene.db).list(), question);
  expect(facts).toMatchObject({ kind: noteKind, id: first, tenants: [{ workspaceId: 'acme', notion: { kind: 'equal' } }] });
});

test('it is rebuilt from its state log together with databases', async () => {
  const order = { source: 'states', into: 'shadow', workspaceId: null, databaseId: null, since: null } as const;
  let replay = await startReplay(context, scene.db, { order, ranges: await rangesOf(context, order) }, () => {});
  const differences = async () => {
    replay = await catchUpShadow(context, scene.db, replay);
    return (await compareWithShadow(context, scene.db)).differences;
  };
  await expect.poll(differences).toEqual([]);
  const before = await scene.db.collection('databases').countDocuments();
  expect(await switchToShadow(context, scene.db, replay)).toBe(true);
  await expect.poll(texts).toEqual({ [first]: 'changed' });
  expect(await scene.db.collection('note_records').countDocuments({ restoredFrom: { $exists: true } })).toBeGreaterThan(0);
  expect(await scene.db.collection('databases').countDocuments()).toBe(before);
});

test('a purge erases it', async () => {
  const plan = await planPurge(context, scene.db, 'acme');
  expect(plan.documents).toMatchObject({ note_records: 3, database_records: 1 });
  const receipt = await purgeTenant(context, scene.db, plan, 60_000);
  expect(receipt.agesOut.map(({ where }) => where)).toContainEqual(expect.stringContaining('notion.note-states'));
  expect(await scene.db.collection('note_records').countDocuments()).toBe(0);
});
