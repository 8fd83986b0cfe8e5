import { expect, test } from 'vitest';
import { cascadeEventOf } from './cascade-event.ts';
import type { DatabaseEvent } from './database-event.ts';

const cause: DatabaseEvent = {
  eventId: 'e1',
  kind: 'row_delete',
  type: 'page.deleted',
  workspaceId: 'acme',
  connectionId: 'c1',
  providerConfigKey: 'notion',
  notionWorkspaceId: 'n1',
  databaseId: null,
  dataSourceId: null,
  pageId: 'p1',
  occurredAt: new Date(1_000),
  receivedAt: new Date(2_000),
  origin: 'nango',
};

test('a cascade event is about all rows of the data source, and its id follows from its cause', () => {
  const source = { databaseId: 'd1', dataSourceId: 's1' };
  const event = cascadeEventOf(cause, source, new Date(3_000));
  expect(event).toEqual({
    ...cause,
    eventId: 'e1:removed:s1',
    kind: 'row_sync',
    type: 'mirror.data_source_removed',
    databaseId: 'd1',
    dataSourceId: 's1',
    pageId: null,
    receivedAt: new Date(3_000),
    origin: 'recheck',
  });
  expect(cascadeEventOf(cause, source, new Date(9_000)).eventId).toBe(event.eventId);
  expect(cascadeEventOf(cause, { ...source, dataSourceId: 's2' }, new Date(3_000)).eventId).not.toBe(event.eventId);
});
