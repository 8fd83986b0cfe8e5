import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { cascadeEventOf } from '@notion-mirror/domain/cascade-event';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createEventCodec, type EventCodec } from './event-codec.ts';
import { toRecord } from './event-record.ts';
import type { LogRecord } from './log-record.ts';
import { registerSchemas } from './register-schemas.ts';
import { eventOf, isolatedLog } from './testing/isolated-log.ts';
import { releasedReader, type ReleasedRouting } from './testing/released-reader.ts';
import { topicsFor } from './topics.ts';

// During an upgrade, workers of version 0.1.0 read what a newer ingress or worker has appended. They know no rows.

const log = isolatedLog(inject('stack'));
const { schemaRegistry } = log;
const { events: topic, eventsSubject: subject } = topicsFor(log.prefix);

let codec: EventCodec;
let route: Awaited<ReturnType<typeof releasedReader>>;
beforeAll(async () => {
  await registerSchemas({ schemaRegistry, subject });
  codec = await createEventCodec({ schemaRegistry, subject });
  route = await releasedReader(schemaRegistry, subject);
});
afterAll(log.remove);

/** What each group of version 0.1.0 does with the record of this event. */
async function readBy(event: DatabaseEvent): Promise<{ sync: ReleasedRouting; delete: ReleasedRouting }> {
  const { key, value, headers } = toRecord({ topic, event, codec });
  const record: LogRecord = {
    topic,
    partition: 0,
    offset: 0n,
    timestamp: 0,
    key: Buffer.from(String(key)),
    value,
    headers: { 'mirror-kind': String(headers['mirror-kind']) },
  };
  return { sync: await route('sync', record), delete: await route('delete', record) };
}

const [databaseId, dataSourceId, pageId] = ['d1', 's1', 'p1'];
const row = { kind: 'row_sync', type: 'page.properties_updated', databaseId, dataSourceId, pageId } as const;
const elsewhere = { databaseId: null, dataSourceId: null };
const pass = { kind: 'pass' };
const synced = { kind: 'work', task: databaseId, as: 'sync' };

describe('a worker of version 0.1.0', () => {
  test('handles the events of databases of this version', async () => {
    expect(await readBy(eventOf({ databaseId }))).toEqual({ sync: synced, delete: pass });
    expect(await readBy(eventOf({ databaseId: null, dataSourceId }))).toEqual({
      sync: { ...synced, task: 'data-source:s1' },
      delete: pass,
    });
    expect(await readBy(eventOf({ kind: 'delete', databaseId }))).toEqual({ sync: pass, delete: { ...synced, as: 'delete' } });
  });

  test.each<[string, Partial<DatabaseEvent>]>([
    ['a changed row', row],
    ['a row whose data source is not named', { ...row, dataSourceId: null }],
    ['a deleted row', { ...row, kind: 'row_delete', type: 'page.deleted' }],
    ['the rechecked delete of a row', { ...row, origin: 'recheck' }],
    ['all rows of a removed data source', cascadeEventOf(eventOf(row), { databaseId, dataSourceId }, new Date(0))],
  ])('fetches the database of %s, and removes nothing', async (_, event) => {
    expect(await readBy(eventOf(event))).toEqual({ sync: synced, delete: pass });
  });

  // So no such event may be appended while one of them runs: `rows-switch.ts` in mirror-store.
  test.each<[string, Partial<DatabaseEvent>]>([
    ['a page that was moved to another page', { ...row, ...elsewhere, type: 'page.moved' }],
    ['a deleted page of another page', { ...row, ...elsewhere, kind: 'row_delete', type: 'page.deleted' }],
  ])('would make a dead letter of the event of %s', async (_, event) => {
    expect(await readBy(eventOf(event))).toEqual({ sync: { kind: 'dead', code: 'invalid_event' }, delete: pass });
  });
});
