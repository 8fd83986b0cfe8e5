import { cascadeEventOf } from '@notion-mirror/domain/cascade-event';
import { databaseKind } from '@notion-mirror/domain/entities/database';
import { scanLimits } from '@notion-mirror/domain/row-scan';
import { syncEventFor } from '@notion-mirror/domain/sync-event';
import type { ConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import { createDatabasesListing } from '@notion-mirror/mirror-store/entities/database-sources';
import { rowStorage } from '@notion-mirror/mirror-store/entities/row';
import { openRowRecords } from '@notion-mirror/mirror-store/entities/row-records';
import { openMirroredDocuments } from '@notion-mirror/mirror-store/records/mirrored-documents';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { openRowsOff } from '@notion-mirror/mirror-store/rows-off';
import { openScanLedger } from '@notion-mirror/mirror-store/scan-ledger';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import { systemClock } from '@notion-mirror/service-kit/async/clock';
import type { Config } from '@notion-mirror/service-kit/config';
import type { Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import { openDependents } from '@notion-mirror/worker/open-dependents';
import type { Worker } from '@notion-mirror/worker/run-worker';
import { createStaleAnswers } from '../consume/stale-answers.ts';
import type { OpenDatabases } from '../databases/open-databases.ts';
import { createReadRowSingly } from './read-row-singly.ts';
import { createRowParents } from './row-parents.ts';
import type { ScanDependencies } from './scan-run.ts';
import { startScanScheduler } from './scan-scheduler.ts';
import { createRowSync } from './sync-row.ts';
import { runTracedScan } from './traced-scan.ts';

/** Scans the rows of data sources, when that is wanted and on a schedule. */
export function startScans(
  worker: Worker,
  config: Config<'sync-worker'>,
  parts: {
    readonly connections: ConnectionDirectory;
    readonly notion: NotionSource;
    readonly databases: OpenDatabases;
    /** Whether this worker consumes the tenant's events. */
    readonly owns: (workspaceId: string) => boolean;
    /** Whether scans may begin. */
    readonly isReady: () => boolean;
  },
): void {
  const { db, logger, metrics, tracing } = worker;
  const { connections, notion, databases, owns, isReady } = parts;
  const { notionLagMs: lagMs, clockToleranceMs: toleranceMs } = config;
  const { now } = systemClock;
  const records = createRecordStore(rowStorage, { db, metrics });
  const rowsOff = openRowsOff(db);
  const dependents = openDependents(worker);
  const parents = createRowParents({
    databasesListing: createDatabasesListing({ db, metrics, trashed: 'does not count' }),
    databaseRecords: databases.records,
    syncDatabase: databases.sync.syncOne,
    rowsOff,
  });
  const staleAnswers = createStaleAnswers(new Set(), now);
  const documents = openMirroredDocuments(db, rowStorage);
  const deps: ScanDependencies & { readonly tracing: Tracing } = {
    tracing,
    notion,
    rows: openRowRecords(db),
    records,
    parents,
    rowsOff,
    dependents,
    readRowSingly: createReadRowSingly({
      openSync: (over) => createRowSync({ ...over, parents, staleAnswers, documents, toleranceMs, now }),
      records,
      notion,
      dependents,
    }),
    announceGone: ({ databaseId, dataSourceId, startedAt }, connection, trace) => {
      const about = {
        ...databaseKind.targetOf(databaseId),
        eventId: `scan-${startedAt.toISOString()}`,
        type: 'mirror.scan',
        origin: 'recheck',
        trace,
      } as const;
      const at = new Date(now());
      return worker.append(cascadeEventOf(syncEventFor(connection, about, at), { databaseId, dataSourceId }, at), []);
    },
    activeConnections: (workspaceId) => connections.activeByWorkspace(workspaceId),
    limits: scanLimits,
    lagMs,
    toleranceMs,
    clock: systemClock,
  };
  const scheduler = startScanScheduler({
    ledger: openScanLedger(db, { lagMs, toleranceMs }),
    connections,
    notion,
    owns,
    isReady,
    runScan: (claim, hooks, signal) => runTracedScan(deps, claim, hooks, signal),
    intervalMs: config.rowsScanMs,
    now,
    logger,
    metrics,
  });
  worker.onStopBriefly('scans', scheduler);
}
