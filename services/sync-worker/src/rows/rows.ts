import type { RowContent } from '@notion-mirror/domain/entities/row';
import { rowKind } from '@notion-mirror/domain/entities/row';
import { rowStates } from '@notion-mirror/event-log/entities/row-state';
import { openDataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import { createDatabasesListing } from '@notion-mirror/mirror-store/entities/database-sources';
import { createFollowedSources } from '@notion-mirror/mirror-store/entities/followed-sources';
import { rowStorage, type RowOutline } from '@notion-mirror/mirror-store/entities/row';
import { openRowRecords } from '@notion-mirror/mirror-store/entities/row-records';
import { createLiveRowsOf } from '@notion-mirror/mirror-store/entities/rows-of-source';
import { openMissedRows, type MissedRows } from '@notion-mirror/mirror-store/missed-rows';
import { openMirroredDocuments } from '@notion-mirror/mirror-store/records/mirrored-documents';
import { openPlannedReads } from '@notion-mirror/mirror-store/planned-reads';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { openRowsOff } from '@notion-mirror/mirror-store/rows-off';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import { startRepeating } from '@notion-mirror/service-kit/async/repeating';
import type { Config } from '@notion-mirror/service-kit/config';
import { openDependents } from '@notion-mirror/worker/open-dependents';
import type { Worker } from '@notion-mirror/worker/run-worker';
import { createStaleAnswers, rowEdits } from '../consume/stale-answers.ts';
import type { OpenDatabases } from '../databases/open-databases.ts';
import type { MirroredEntity, OpenEntity } from '../mirrored-entity.ts';
import { answerByQuery } from './answer-by-query.ts';
import { ignored } from './ignored.ts';
import { removeRows, type RowRemovalDependencies } from './remove-rows.ts';
import { createRowFloods } from './row-floods.ts';
import { createRowParents } from './row-parents.ts';
import { createSecondReads, withSecondReads } from './second-reads.ts';
import { wantSweepScans, type SweepScanDependencies } from './sweep-scans.ts';
import { createRowSync } from './sync-row.ts';
import { withUnwrittenRows } from './unwritten-rows.ts';

export const rows: MirroredEntity<RowContent, RowOutline> = {
  storage: rowStorage,
  states: rowStates,
  open: (worker, notion, config, databases) => ({
    kind: rowKind,
    ...(config.rows === 'on' ? openRowEvents(worker, notion, config, databases) : ignoredEvents(openMissedRows(worker.db))),
    async compare(tools) {
      if (config.rows === 'on') await wantSweepScans(openSweepScans(worker, config, databases), tools);
      return { held: 0, found: 0, gone: [] };
    },
  }),
};

function ignoredEvents(missed: MissedRows): Pick<OpenEntity, 'sync'> {
  return {
    async sync() {
      await missed.note();
      return ignored('rows_off');
    },
  };
}

function openRowEvents(
  worker: Worker,
  notion: NotionSource,
  config: Config<'sync-worker'>,
  databases: OpenDatabases,
): Pick<OpenEntity, 'sync' | 'rowFloods'> {
  const { db, metrics, tracing, logger, append } = worker;
  const { clockToleranceMs: toleranceMs, notionLagMs: lagMs } = config;
  const now = Date.now;
  const records = createRecordStore(rowStorage, { db, metrics, tracing });
  const databasesListing = createDatabasesListing({ db, metrics, trashed: 'does not count' });
  const parents = createRowParents({
    databasesListing,
    databaseRecords: databases.records,
    syncDatabase: databases.sync.syncOne,
    rowsOff: openRowsOff(db),
  });
  const dependents = openDependents(worker);
  const secondReads = createSecondReads({ lagMs, kept: openPlannedReads(db), append, now, logger });
  worker.onStopBriefly('second reads of dependent rows', secondReads);
  const overdueReads = startRepeating({
    everyMs: Math.min(Math.max(lagMs, 1_000), 60_000),
    turn: secondReads.beginOverdue,
    onFailure: (error) => logger.warn({ err: error }, 'cannot begin overdue second reads; retrying'),
  });
  worker.onStopBriefly('overdue second reads', overdueReads);
  const contents = openDataSourceContents(db);
  const syncRow = withUnwrittenRows(
    { contents, now },
    withSecondReads(
      secondReads,
      createRowSync({
        records,
        notion,
        parents,
        staleAnswers: createStaleAnswers(rowEdits, now),
        dependents,
        documents: openMirroredDocuments(db, rowStorage),
        toleranceMs,
        now,
      }),
    ),
  );
  const removal: RowRemovalDependencies = {
    records,
    liveRowsOf: createLiveRowsOf(db),
    parents,
    contents,
    dependents,
    async followHolders(event, dataSourceId) {
      for (const databaseId of await databasesListing(event.workspaceId, dataSourceId)) await databases.followed.follow(event, databaseId);
    },
    scanAfterMs: lagMs + toleranceMs,
    tracing,
    now,
  };
  const query = { notion, rowRecords: openRowRecords(db), records, parents, dependents, lagMs, toleranceMs };
  return {
    sync(work, newest) {
      const { pageId, databaseId, dataSourceId } = newest;
      if (pageId !== null) return syncRow(work, newest, pageId);
      if (databaseId === null || dataSourceId === null) return Promise.resolve(ignored('no_row'));
      return removeRows(removal, { ...newest, databaseId, dataSourceId }, work.signal);
    },
    rowFloods: createRowFloods({
      contents,
      notion,
      answerByQuery: (order, signal) => answerByQuery(query, order, signal),
      tracing,
      lagMs,
      toleranceMs,
      now,
    }),
  };
}

function openSweepScans(
  { db, metrics }: Worker,
  { rowsScanMs: intervalMs }: Config<'sync-worker'>,
  { records }: OpenDatabases,
): SweepScanDependencies {
  return {
    liveDatabases: (workspaceId) => records.liveIds(workspaceId),
    sourcesOf: createFollowedSources({ db, metrics }),
    contents: openDataSourceContents(db),
    intervalMs,
    now: Date.now,
  };
}
