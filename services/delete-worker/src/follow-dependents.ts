import { rowStorage } from '@notion-mirror/mirror-store/entities/row';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { openDependents } from '@notion-mirror/worker/open-dependents';
import type { Worker } from '@notion-mirror/worker/run-worker';
import type { AfterRemoval } from './removed-entity.ts';

/** Rows that name a removed row, or compute from it, change with it: the sync-worker reads them again. */
export function followDependents(worker: Worker): AfterRemoval {
  const { config, db, metrics } = worker;
  if (config.rows === 'off') return () => Promise.resolve();
  const dependents = openDependents(worker);
  const records = createRecordStore(rowStorage, { db, metrics });
  return async (cause, pageId) => {
    // A tombstone keeps its data source. One of a row that was never live has none, and nothing depends on it.
    const dataSourceId = (await records.read({ workspaceId: cause.workspaceId, id: pageId }))?.dataSourceId ?? null;
    if (dataSourceId === null) return;
    await dependents.follow(cause, { pageId, dataSourceIds: [dataSourceId], isElsewhere: true, relinked: [], hop: 0 });
  };
}
