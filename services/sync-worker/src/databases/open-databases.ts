import { keyOf } from '@notion-mirror/domain/entity';
import { openDataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import { databaseStorage, type DatabaseOutline } from '@notion-mirror/mirror-store/entities/database';
import { createDatabasesListing } from '@notion-mirror/mirror-store/entities/database-sources';
import { createFollowedSources } from '@notion-mirror/mirror-store/entities/followed-sources';
import { openMissedRows, type MissedRows } from '@notion-mirror/mirror-store/missed-rows';
import { createRecordStore, type RecordStore } from '@notion-mirror/mirror-store/records/record-store';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import { createFollowDataSources } from '@notion-mirror/worker/follow-data-sources';
import { openDependents } from '@notion-mirror/worker/open-dependents';
import type { Worker } from '@notion-mirror/worker/run-worker';
import { LRUCache } from 'lru-cache';
import { createStaleAnswers, databaseEdits } from '../consume/stale-answers.ts';
import { createDatabaseSync, type DatabaseSync, type FollowedDatabases } from './sync-databases.ts';

/** The databases of a running worker. Opened once: each would remember for itself which records it has written, and which schemas it has seen. */
export interface OpenDatabases {
  readonly records: RecordStore<DatabaseContent, DatabaseOutline>;
  readonly sync: DatabaseSync;
  readonly followed: FollowedDatabases;
}

export function openDatabases(worker: Worker, notion: NotionSource): OpenDatabases {
  const { config, db, metrics, tracing } = worker;
  const records = createRecordStore(databaseStorage, { db, metrics, tracing });
  const followed = config.rows === 'on' ? openFollowedDatabases(worker) : followNothing(openMissedRows(db));
  const sync = createDatabaseSync({
    records,
    databasesListing: createDatabasesListing({ db, metrics }),
    notion,
    staleAnswers: createStaleAnswers(databaseEdits, Date.now),
    followed,
    toleranceMs: config.clockToleranceMs,
    now: Date.now,
  });
  return { records, sync, followed };
}

function followNothing(missed: MissedRows): FollowedDatabases {
  return { follow: () => missed.note(), holderOf: () => Promise.resolve(null) };
}

/** A database whose schemas are forgotten counts as changed. */
const rememberedDatabases = 10_000;

function openFollowedDatabases(worker: Worker): FollowedDatabases {
  const { db, metrics, append } = worker;
  const dependents = openDependents(worker);
  /** The last known schemas of each database. */
  const schemas = new LRUCache<string, string>({ max: rememberedDatabases });
  const contents = openDataSourceContents(db);
  const sourcesOf = createFollowedSources({ db, metrics });
  const follow = createFollowDataSources({ contents, append, now: Date.now });
  return {
    async follow(event, databaseId) {
      const { workspaceId } = event;
      const sources = await sourcesOf(workspaceId, databaseId);
      noteSchemas(workspaceId, databaseId, JSON.stringify(sources));
      await follow(event, databaseId, sources);
    },
    holderOf: (workspaceId, dataSourceId) => contents.holderOf({ workspaceId, dataSourceId }),
  };

  function noteSchemas(workspaceId: string, databaseId: string, now: string): void {
    const name = keyOf({ workspaceId, id: databaseId });
    if (schemas.peek(name) === now) return;
    dependents.forgetRelations(workspaceId);
    schemas.set(name, now);
  }
}
