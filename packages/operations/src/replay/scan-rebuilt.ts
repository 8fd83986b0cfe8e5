import pMap from 'p-map';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { openDataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { createFollowedSources } from '@notion-mirror/mirror-store/entities/followed-sources';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { Registry } from '@notion-mirror/service-kit/metrics';
import type { OperationContext } from '../operation-context.ts';

const databasesAtOnce = 50;

/**
 * Which tables are complete is on no log: after a rebuild no data source counts as complete, and each is scanned at once. `workspaceId`: null for all tenants.
 * Safe to run again. Rejects with the store's errors or the context's signal.
 */
export async function scanRebuilt({ config, signal }: OperationContext, db: Mongo['db'], workspaceId: string | null): Promise<void> {
  if (config.rows === 'off') return;
  const deps = { db, metrics: new Registry() };
  const contents = openDataSourceContents(db);
  const databases = createRecordStore(databaseStorage, deps);
  const sourcesOf = createFollowedSources(deps);
  const known = new Set((await createConnectionStore(db).list()).map((connection) => connection.workspaceId));
  for (const tenant of workspaceId === null ? known : [workspaceId]) {
    const follow = async (databaseId: string): Promise<void> => {
      // What is no longer in a database goes by the events of its sync.
      await contents.follow({ workspaceId: tenant, databaseId }, await sourcesOf(tenant, databaseId));
    };
    await pMap(await databases.liveIds(tenant), follow, { concurrency: databasesAtOnce, signal });
    await contents.wasRebuilt(tenant);
  }
}
