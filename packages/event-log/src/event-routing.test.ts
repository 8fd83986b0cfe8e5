import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { describe, expect, it } from 'vitest';
import type { DecodeResult } from './event-codec.ts';
import { createEventRouting, dataSourceOfGroup } from './event-routing.ts';
import type { LogRecord } from './log-record.ts';
import { eventOf } from './testing/isolated-log.ts';

const recordOf = (headers: Record<string, string>, value: Buffer | null = Buffer.from('avro')): LogRecord => ({
  topic: 'events',
  partition: 0,
  offset: 0n,
  timestamp: 0,
  key: Buffer.from('acme'),
  value,
  headers,
});
const routing = (mine: 'sync' | 'delete', result: DecodeResult | null) =>
  createEventRouting(
    {
      schemaId: 1,
      encode: () => Buffer.alloc(0),
      decode: () => (result === null ? Promise.reject(new Error('must not be decoded')) : Promise.resolve(result)),
    },
    mine,
  );
const routeRow = (about: Partial<DatabaseEvent>) =>
  routing('sync', decoded(eventOf({ kind: 'row_sync', ...about })))(recordOf({ 'mirror-kind': 'row-sync' }));
const decoded = (event = eventOf()): DecodeResult => ({ kind: 'event', event });
const poison: DecodeResult = { kind: 'poison', code: 'not_framed', message: 'no frame' };

describe('the routing of events', () => {
  it('gives an event the trace of its record, if that is one', async () => {
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    for (const [traceparent, found] of [
      [trace, trace],
      ['a text', undefined],
    ] as const) {
      const record = recordOf({ 'mirror-kind': 'sync', traceparent });
      expect(await routing('sync', decoded())(record)).toMatchObject({ item: { trace: found } });
    }
  });

  it('passes records whose header names the other group, without decoding them', async () => {
    expect(await routing('sync', null)(recordOf({ 'mirror-kind': 'delete' }))).toEqual({ kind: 'pass' });
    expect(await routing('delete', null)(recordOf({ 'mirror-kind': 'sync' }))).toEqual({ kind: 'pass' });
  });

  it('works on those of its group, by database, or by data source while the database is unknown', async () => {
    const event = eventOf();
    expect(await routing('sync', decoded(event))(recordOf({ 'mirror-kind': 'sync' }))).toEqual({
      kind: 'work',
      task: event.databaseId,
      rank: 0,
      group: 'databases',
      item: event,
    });
    const orphan = eventOf({ databaseId: null, dataSourceId: 'source-1' });
    expect(await routing('sync', decoded(orphan))(recordOf({ 'mirror-kind': 'sync' }))).toEqual({
      kind: 'work',
      task: 'data-source:source-1',
      rank: 0,
      group: 'databases',
      item: orphan,
    });
  });

  it('lets rows come after databases, in a group for each data source', async () => {
    expect(await routeRow({ dataSourceId: 'source-1', pageId: 'page-1' })).toMatchObject({
      task: 'page:page-1',
      rank: 1,
      group: 'rows:source-1',
    });
    expect(dataSourceOfGroup('rows:source-1')).toBe('source-1');
    expect(dataSourceOfGroup('databases')).toBeNull();
  });

  it('groups neither a page elsewhere nor what concerns all rows of a data source', async () => {
    expect(await routeRow({ databaseId: null, dataSourceId: null, pageId: 'page-1' })).toMatchObject({ rank: 1, group: null });
    expect(await routeRow({ dataSourceId: 'source-1', pageId: null })).toMatchObject({ task: 'rows-of:source-1', rank: 1, group: null });
  });

  it.each([
    ['row_sync', 'row-sync', 'sync', 'delete'],
    ['row_delete', 'row-delete', 'delete', 'sync'],
  ] as const)('gives a %s event to one group, by page, and the other does not decode it', async (kind, header, mine, other) => {
    const event = eventOf({ kind, databaseId: 'database-1', dataSourceId: 'source-1', pageId: 'page-1' });
    const record = recordOf({ 'mirror-kind': header });
    expect(await routing(mine, decoded(event))(record)).toMatchObject({ kind: 'work', task: 'page:page-1', item: event });
    expect(await routing(other, null)(record)).toEqual({ kind: 'pass' });
    const elsewhere = eventOf({ kind, databaseId: null, pageId: 'page-1' });
    expect(await routing(mine, decoded(elsewhere))(record)).toMatchObject({ kind: 'work', task: 'page:page-1' });
  });

  it('gives the rows that come and go in a data source a task of their own: they may wait, and its database may not', async () => {
    const content = eventOf({ type: 'data_source.content_updated', databaseId: 'database-1', dataSourceId: 'source-1' });
    expect(await routing('sync', decoded(content))(recordOf({ 'mirror-kind': 'sync' }))).toMatchObject({
      kind: 'work',
      task: 'content-of:source-1',
      rank: 0,
      group: 'databases',
    });
  });

  it('gives the rows of a data source a task of their own: they do not wait for its database, nor that for them', async () => {
    const rows = eventOf({ kind: 'row_sync', databaseId: 'database-1', dataSourceId: 'source-1' });
    expect(await routing('sync', decoded(rows))(recordOf({ 'mirror-kind': 'row-sync' }))).toMatchObject({
      kind: 'work',
      task: 'rows-of:source-1',
    });
  });

  it('dead-letters a record whose header names a row and whose event names a database', async () => {
    expect(await routing('sync', decoded(eventOf()))(recordOf({ 'mirror-kind': 'row-sync' }))).toMatchObject({
      kind: 'dead',
      failure: { code: 'kind_mismatch' },
    });
  });

  it('uses the event when the header is missing or unreadable', async () => {
    expect(await routing('delete', decoded())(recordOf({}))).toEqual({ kind: 'pass' });
    expect(await routing('sync', decoded())(recordOf({ 'mirror-kind': 'archive' }))).toMatchObject({ kind: 'work' });
  });

  it('waits while the registry is unavailable', async () => {
    const unavailable: DecodeResult = { kind: 'unavailable', error: new Error('unavailable') };
    expect(await routing('sync', unavailable)(recordOf({ 'mirror-kind': 'sync' }))).toMatchObject({
      kind: 'retry',
      failure: { code: 'schema_registry_unavailable' },
    });
  });

  it('dead-letters poison once: in its own group, and without a header in the one that syncs', async () => {
    expect(await routing('sync', poison)(recordOf({ 'mirror-kind': 'sync' }))).toMatchObject({
      kind: 'dead',
      failure: { class: 'poison', code: 'not_framed' },
    });
    expect(await routing('delete', poison)(recordOf({ 'mirror-kind': 'delete' }))).toMatchObject({ kind: 'dead' });
    expect(await routing('sync', poison)(recordOf({}))).toMatchObject({ kind: 'dead' });
    expect(await routing('delete', poison)(recordOf({}))).toEqual({ kind: 'pass' });
    expect(await routing('sync', null)(recordOf({}, null))).toMatchObject({ kind: 'dead', failure: { code: 'empty_record' } });
    expect(await routing('delete', null)(recordOf({}, null))).toEqual({ kind: 'pass' });
    expect(await routing('delete', null)(recordOf({ 'mirror-kind': 'delete' }, null))).toMatchObject({ kind: 'dead' });
  });

  it('dead-letters a record whose header and event disagree', async () => {
    expect(await routing('delete', decoded())(recordOf({ 'mirror-kind': 'delete' }))).toMatchObject({
      kind: 'dead',
      failure: { code: 'kind_mismatch' },
    });
  });
});
