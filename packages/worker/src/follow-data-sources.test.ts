import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { expect, test } from 'vitest';
import { createFollowDataSources } from './follow-data-sources.ts';

const cause: DatabaseEvent = {
  eventId: 'e1',
  kind: 'delete',
  type: 'database.deleted',
  workspaceId: 'acme',
  connectionId: 'c1',
  providerConfigKey: 'notion',
  notionWorkspaceId: 'n1',
  databaseId: 'd1',
  dataSourceId: null,
  pageId: null,
  occurredAt: new Date(1_000),
  receivedAt: new Date(2_000),
  origin: 'nango',
};

test('each data source that the database no longer has becomes a cascade event, which is durable before the database counts as followed', async () => {
  const followed: unknown[] = [];
  const appended: Pick<DatabaseEvent, 'eventId' | 'databaseId' | 'dataSourceId' | 'receivedAt'>[] = [];
  const durable = Promise.withResolvers<void>();
  const follow = createFollowDataSources({
    contents: {
      async follow(database, sources) {
        followed.push({ database, sources });
        return ['s1', 's2'];
      },
    },
    async append({ eventId, databaseId, dataSourceId, receivedAt }) {
      await durable.promise;
      appended.push({ eventId, databaseId, dataSourceId, receivedAt });
    },
    now: () => 5_000,
  });
  const ended = follow(cause, 'd1', [{ dataSourceId: 's3', schema: 'x' }]).then(() => appended.length);
  durable.resolve();
  expect(await ended).toBe(2);
  expect(followed).toEqual([{ database: { workspaceId: 'acme', databaseId: 'd1' }, sources: [{ dataSourceId: 's3', schema: 'x' }] }]);
  const receivedAt = new Date(5_000);
  expect(appended).toEqual([
    { eventId: 'e1:removed:s1', databaseId: 'd1', dataSourceId: 's1', receivedAt },
    { eventId: 'e1:removed:s2', databaseId: 'd1', dataSourceId: 's2', receivedAt },
  ]);
});
