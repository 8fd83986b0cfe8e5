import { openDataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import { openMissedRows } from '@notion-mirror/mirror-store/missed-rows';
import { createFollowDataSources } from '@notion-mirror/worker/follow-data-sources';
import type { Worker } from '@notion-mirror/worker/run-worker';
import type { AfterRemoval } from './removed-entity.ts';

/** The data sources of a removed database go with it: the sync-worker gets an event for the rows of each. */
export function removeDataSources({ config, db, append }: Worker): AfterRemoval {
  if (config.rows === 'off') {
    const missed = openMissedRows(db);
    return () => missed.note();
  }
  const follow = createFollowDataSources({ contents: openDataSourceContents(db), append, now: Date.now });
  return (cause, databaseId) => follow(cause, databaseId, []);
}
