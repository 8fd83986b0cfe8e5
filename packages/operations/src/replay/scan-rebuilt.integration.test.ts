import type { ContentsDocument } from '@notion-mirror/mirror-store/contents-document';
import { openDataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { initMongo } from '@notion-mirror/mirror-store/init';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase } from '../../../mirror-store/test/mongo.ts';
import { layoutWithRows } from '../../../mirror-store/test/rows.ts';
import { someContent } from '../../../mirror-store/test/databases.ts';
import type { OperationContext } from '../operation-context.ts';
import { scanRebuilt } from './scan-rebuilt.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => {
  mongo = await openTestDatabase();
  await initMongo(mongo.db, layoutWithRows);
});
afterAll(() => mongo.drop());

const contextWith = (rows: 'on' | 'off') => ({ config: { rows }, signal: new AbortController().signal }) as OperationContext;

test('after a rebuild no data source counts as complete, those of restored databases are known, and what is off stays off', async () => {
  const { db } = mongo;
  const contents = openDataSourceContents(db);
  const databases = createRecordStore(databaseStorage, { db, metrics: new Registry() });
  const head = { workspaceId: 'acme', expected: null, connectionId: 'c', asOf: new Date(), lastEvent: null };
  await databases.writeLive({ ...head, id: 'd1', content: someContent() });
  const ids = someContent().dataSources.map(({ id }) => id);
  const [known = '', ...lost] = ids;
  expect(lost).not.toEqual([]);
  const follow = (workspaceId: string, databaseId: string, dataSourceId: string) =>
    contents.follow({ workspaceId, databaseId }, [{ dataSourceId, schema: null }]);
  await follow('acme', 'd2', known);
  await follow('acme', 'd2', 'off');
  await follow('globex', 'd3', 'theirs');
  await contents.turnOff({ workspaceId: 'acme', dataSourceId: 'off' });
  const all = db.collection<ContentsDocument>('data_source_contents');
  await all.updateMany({ state: 'scanning' }, { $set: { state: 'complete', completeAsOf: new Date(1), wanted: null, dueAt: null } });
  const states = async () =>
    Object.fromEntries((await all.find().toArray()).map(({ dataSourceId, state, wanted }) => [dataSourceId, [state, wanted?.depth]]));

  await scanRebuilt(contextWith('off'), db, 'acme');
  expect(await states()).toEqual({ [known]: ['complete', undefined], off: ['off', undefined], theirs: ['complete', undefined] });
  await scanRebuilt(contextWith('on'), db, 'acme');
  expect(await states()).toEqual({
    ...Object.fromEntries(ids.map((id) => [id, ['incomplete', 'all']])),
    off: ['off', undefined],
    theirs: ['complete', undefined],
  });
  const { reason, completeAsOf, dueAt } = (await all.findOne({ dataSourceId: known })) ?? {};
  expect({ reason, completeAsOf }).toEqual({ reason: 'rebuilt: not scanned since', completeAsOf: null });
  expect(dueAt?.getTime()).toBeLessThanOrEqual(Date.now());
});
