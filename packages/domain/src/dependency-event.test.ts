import { expect, test } from 'vitest';
import type { DatabaseEvent } from './database-event.ts';
import { dependencyEventOf, dependencyOf } from './dependency-event.ts';

const cause: DatabaseEvent = {
  eventId: 'e1',
  kind: 'row_delete',
  type: 'page.deleted',
  workspaceId: 'acme',
  connectionId: 'c1',
  providerConfigKey: 'notion',
  notionWorkspaceId: 'n1',
  databaseId: 'd1',
  dataSourceId: 's1',
  pageId: 'p1',
  occurredAt: new Date(1_000),
  receivedAt: new Date(2_000),
  origin: 'nango',
};
const at = new Date(3_000);

test('an event of a dependency is about the other row, and says how far the change has come', () => {
  const first = dependencyEventOf(cause, { pageId: 'p2', dataSourceId: 's2' }, { hop: 1, isSecond: false }, at);
  expect(first).toEqual({
    ...cause,
    eventId: 'e1:dependency.1:p2',
    kind: 'row_sync',
    type: 'mirror.dependency.1',
    databaseId: null,
    dataSourceId: 's2',
    pageId: 'p2',
    occurredAt: at,
    receivedAt: at,
    origin: 'dependency',
  });
  const further = dependencyEventOf(first, { pageId: 'p3', dataSourceId: null }, { hop: 2, isSecond: true }, at);
  expect(further.eventId).toBe('e1:dependency.2.second:p3');
  expect([first, further, cause].map(dependencyOf)).toEqual([{ hop: 1, isSecond: false }, { hop: 2, isSecond: true }, null]);
});
