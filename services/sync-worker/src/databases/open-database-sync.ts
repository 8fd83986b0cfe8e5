import { openDataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { createDatabasesListing } from '@notion-mirror/mirror-store/entities/database-sources';
import { createFollowedSources } from '@notion-mirror/mirror-store/entities/followed-sources';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import { createFollowDataSources } from '@notion-mirror/worker/follow-data-sources';
import type { Worker } from '@notion-mirror/worker/run-worker';
import { createStaleAnswers } from '../consume/stale-answers.ts';
import { createDatabaseSync, type DatabaseSync, type FollowedDatabases } from './sync-databases.ts';

/**
 * Events of changes that move the time of the last edit. Not those of the content: nothing says that a page that was added to a data source, or
 * removed from it, moves that of the data source.
 */
const edits: ReadonlySet<string> = new Set([
  'database.created',
  'database.properties_updated',
  'database.schema_updated',
  'data_source.created',
  'data_source.schema_updated',
]);

export function openDatabaseSync(worker: Worker, notion: NotionSource): DatabaseSync {
  const { config, db, metrics } = worker;
  return createDatabaseSync({
    records: createRecordStore(databaseStorage, { db, metrics }),
    databasesListing: createDatabasesListing({ db, metrics }),
    notion,
    staleAnswers: createStaleAnswers(edits, Date.now),
    followed: config.rows === 'on' ? openFollowedDatabases(worker) : nothingFollowed,
    toleranceMs: config.clockToleranceMs,
    now: Date.now,
  });
}

const nothingFollowed: FollowedDatabases = { follow: () => Promise.resolve(), holderOf: () => Promise.resolve(null) };

export function openFollowedDatabases({ db, metrics, append }: Worker): FollowedDatabases {
  const contents = openDataSourceContents(db);
  const sourcesOf = createFollowedSources({ db, metrics });
  const follow = createFollowDataSources({ contents, append, now: Date.now });
  return {
    follow: async (event, databaseId) => follow(event, databaseId, await sourcesOf(event.workspaceId, databaseId)),
    holderOf: (workspaceId, dataSourceId) => contents.holderOf({ workspaceId, dataSourceId }),
  };
}
