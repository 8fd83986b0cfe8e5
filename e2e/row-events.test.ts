import { createEventCodec, type EventCodec } from '@notion-mirror/event-log/event-codec';
import { createKafka } from '@notion-mirror/event-log/kafka-client';
import { readAll, silent } from '@notion-mirror/event-log/testing/isolated-log';
import { topicsFor } from '@notion-mirror/event-log/topics';
import type { Customer } from '@notion-mirror/demo/customers';
import { openDataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import { loadConfig } from '@notion-mirror/service-kit/config';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';
import { waitUntil } from './wait-until.ts';

// An upgrade from version 0.1.0, whose workers know no rows: what people do with rows reaches the log when the last of those has stopped.

let scene: Scene;
let codec: EventCodec;
let customer: Customer;
let table: { databaseId: string; dataSourceId: string };
const { topics, kafka } = { topics: () => topicsFor(scene.env['MIRROR_TOPIC_PREFIX'] ?? ''), kafka: () => createKafka(settings()) };
const settings = () => ({ ...loadConfig(scene.env, 'cli').kafka, clientId: 'row-events-test', logger: silent });

const statuses = () => scene.db.collection<{ _id: string; service: string; at: Date; expiresAt: Date }>('worker_status');
const outcomes = () => scene.db.collection('event_outcomes');
const newRow = () => scene.notion.createRows({ dataSourceId: table.dataSourceId, rows: [{}] }).ids[0] ?? '';

beforeAll(async () => {
  // No tolerance: a delete need not be ten seconds younger than the fetch before it.
  scene = await setScene('row_events', { env: { MIRROR_CLOCK_TOLERANCE_SECONDS: '0' } });
  const { schemaRegistry } = loadConfig(scene.env, 'cli');
  codec = await createEventCodec({ schemaRegistry, subject: topics().eventsSubject });
  const inAnHour = new Date(Date.now() + 3_600_000);
  await statuses().insertOne({ _id: 'old', service: 'sync-worker', at: new Date(), expiresAt: inAnHour });
  await scene.startAll();
  customer = await scene.connect('acme', 'Acme');
  table = await customer.user.createDatabase(customer.pages.home, 'Tasks', { Name: { title: {} } });
  await scene.pair.settle();
  // Rows are not ready, so they cannot be equal.
  await waitUntil(async () => (await scene.db.collection('databases').countDocuments({ databaseId: table.databaseId })) === 1);
});
afterAll(() => scene.end());

/** The events on the log about a page, or of a type, in order. */
async function appended(of: { pageId: string } | { type: string }) {
  const found = [];
  for (const { value, headers } of await readAll(kafka(), topics().events)) {
    const decoded = await codec.decode(value ?? Buffer.alloc(0));
    if (decoded.kind !== 'event') throw new Error('an unreadable event');
    const { event } = decoded;
    if ('pageId' in of ? event.pageId === of.pageId : event.type === of.type) found.push({ header: headers['mirror-kind'], ...event });
  }
  return found;
}

test('while a worker of version 0.1.0 runs, events about rows are ignored', async () => {
  const pageId = newRow();
  const lineOf = () => scene.lines.find((line) => line['pageId'] === pageId);
  await expect.poll(lineOf).toMatchObject({ service: 'ingress', msg: 'event ignored: rows_not_ready', type: 'page.created' });
  await expect.poll(() => outcomes().findOne({ pageId })).toMatchObject({ outcome: 'ignored', reason: 'rows_not_ready' });
  expect(await appended({ pageId })).toEqual([]);
});

test('when it has stopped, they are on the log', async () => {
  await statuses().deleteOne({ _id: 'old' });
  const isReady = (name: string) => scene.lines.some(({ service, msg }) => service === name && msg === 'rows are ready');
  await expect.poll(() => isReady('ingress') && isReady('sync-worker')).toBe(true);

  const pageId = newRow();
  scene.notion.move({ id: pageId, parent: { type: 'page', id: customer.pages.home } });
  await scene.pair.settle();
  scene.notion.deletePermanently({ id: pageId });
  await scene.pair.settle();
  const row = { kind: 'row_sync', header: 'row-sync', workspaceId: 'acme', pageId, origin: 'nango' };
  const elsewhere = { databaseId: null, dataSourceId: null };
  const events = (await appended({ pageId })).filter(({ origin }) => origin === 'nango');
  expect(events.find(({ type }) => type === 'page.created')).toMatchObject({ ...row, ...table });
  expect(events.find(({ type }) => type === 'page.moved')).toMatchObject({ ...row, ...elsewhere });
  expect(events.find(({ type }) => type === 'page.deleted')).toMatchObject({
    ...row,
    ...elsewhere,
    kind: 'row_delete',
    header: 'row-delete',
  });
  await expect
    .poll(() => outcomes().findOne({ pageId, service: 'delete-worker' }))
    .toMatchObject({ type: 'page.deleted', kind: 'row_delete', pageId });
});

test('a page that is no row is not', async () => {
  const { id: pageId } = scene.notion.createPage({
    workspaceId: customer.notionWorkspaceId,
    parent: { type: 'page', id: customer.pages.home },
  });
  await scene.pair.settle();
  expect(scene.notion.deliveries({ entityId: pageId, type: 'page.created' })).not.toEqual([]);
  expect(await appended({ pageId })).toEqual([]);
  expect(scene.lines.filter((line) => line['pageId'] === pageId)).toEqual([]);
});

test('a removed database announces its data sources, from what the mirror knows of them', async () => {
  const { databaseId, dataSourceId } = table;
  await openDataSourceContents(scene.db).follow({ workspaceId: 'acme', databaseId }, [{ dataSourceId, schema: 'known' }]);
  await customer.user.editDatabase(databaseId, { in_trash: true });
  const removed = 'mirror.data_source_removed';
  await expect.poll(async () => (await appended({ type: removed })).length).toBeGreaterThan(0);
  // Notion announces the removal of the data source, too. Whichever event is handled first announces it.
  expect(await appended({ type: removed })).toContainEqual(
    expect.objectContaining({
      header: 'row-sync',
      eventId: expect.stringMatching(new RegExp(`^[0-9a-f-]{36}:removed:${dataSourceId}$`)),
      databaseId,
      dataSourceId,
      pageId: null,
      origin: 'recheck',
    }),
  );
});
