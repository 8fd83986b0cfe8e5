import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { openDataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { rowStorage } from '@notion-mirror/mirror-store/entities/row';
import { initMongo } from '@notion-mirror/mirror-store/init';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { Registry } from '@notion-mirror/service-kit/metrics';
import type { Worker } from '@notion-mirror/worker/run-worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { someContent } from '../../../packages/mirror-store/test/databases.ts';
import { openTestDatabase } from '../../../packages/mirror-store/test/mongo.ts';
import { layoutWithRows, someRow } from '../../../packages/mirror-store/test/rows.ts';
import { followDependents } from './follow-dependents.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => {
  mongo = await openTestDatabase();
  await initMongo(mongo.db, layoutWithRows);
});
afterAll(() => mongo.drop());

const workspaceId = 'acme';
const head = { workspaceId, expected: null, connectionId: 'c1', asOf: new Date(1_000), lastEvent: null };
const cause: DatabaseEvent = {
  eventId: 'e1',
  kind: 'row_delete',
  type: 'page.deleted',
  workspaceId,
  connectionId: 'c1',
  providerConfigKey: 'notion',
  notionWorkspaceId: 'n1',
  databaseId: 'tasks-db',
  dataSourceId: 'tasks',
  pageId: 'few',
  occurredAt: new Date(2_000),
  receivedAt: new Date(2_000),
  origin: 'nango',
};

test('rows that name a removed row are read again: few by events, many by a scan', async () => {
  const { db } = mongo;
  const metrics = new Registry();
  const databases = createRecordStore(databaseStorage, { db, metrics });
  const rows = createRecordStore(rowStorage, { db, metrics });
  const contents = openDataSourceContents(db);
  const [source] = someContent().dataSources;
  const relation = {
    id: 'r',
    name: 'Tasks',
    type: 'relation',
    description: null,
    config: { data_source_id: 'tasks', type: 'single_property' },
  };
  const dataSources = [{ ...source!, id: 'projects', properties: [relation] }];
  await databases.writeLive({ ...head, id: 'projects-db', content: someContent({ dataSources }) });
  await contents.follow({ workspaceId, databaseId: 'projects-db' }, [{ dataSourceId: 'projects', schema: 'a' }]);
  for (const id of ['few', 'many']) {
    await rows.writeLive({ ...head, id, content: someRow({ dataSourceId: 'tasks' }) });
    const expected = await rows.read({ workspaceId, id });
    await rows.writeTombstone({ ...head, id, expected, asOf: new Date(2_000), source: 'delete', reason: 'deleted', eventId: 'e1' });
  }
  const named = (id: string, related: readonly string[]) =>
    rows.writeLive({ ...head, id, content: someRow({ dataSourceId: 'projects', related }) });
  await Promise.all([named('p', ['few']), ...Array.from({ length: 21 }, (_, index) => named(`p${index}`, ['many']))]);

  const appended: DatabaseEvent[] = [];
  const append = (event: DatabaseEvent) => Promise.resolve(void appended.push(event));
  const follow = followDependents({ config: { rows: 'on' }, db, metrics, append } as unknown as Worker);
  await follow(cause, 'few');
  expect(appended).toMatchObject([{ pageId: 'p', dataSourceId: 'projects', type: 'mirror.dependency.1' }]);
  await follow({ ...cause, pageId: 'many' }, 'many');
  await follow(cause, 'never seen');
  expect(appended).toHaveLength(1);
  const [projects] = await contents.list(workspaceId);
  expect(projects?.wanted).toMatchObject({ reasons: ['dependency', 'first_backfill'], hop: 1 });
});
