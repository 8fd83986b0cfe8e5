import type { LaneConsumer } from '@notion-mirror/event-log/lanes/lane-consumer';
import type { EntityStorage } from '@notion-mirror/mirror-store/entity-storage';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import type { Worker } from '@notion-mirror/worker/run-worker';
import { createWorkerConsumer } from '@notion-mirror/worker/worker-consumer';
import { createWorkHandler } from './handle-work.ts';
import { createOutcomeReport } from './outcome-report.ts';
import { recheckOf } from './recheck-event.ts';

/** Starts the parts of a delete-worker for these kinds of entities: its consumer. */
export function startDeleteWorker(worker: Worker, storages: readonly EntityStorage<unknown, object>[]): LaneConsumer {
  const { config, logger, metrics, db, outcomes, append } = worker;
  return createWorkerConsumer(worker, {
    action: 'delete',
    handle: createWorkHandler({
      entities: storages.map((storage) => ({ kind: storage.kind, records: createRecordStore(storage, { db, metrics }) })),
      recheck: (event, accessibleBy) => append(recheckOf(event, new Date()), accessibleBy),
      toleranceMs: config.clockToleranceMs,
      now: Date.now,
      report: createOutcomeReport({ logger, metrics, now: Date.now, keep: outcomes.keep }),
    }),
    stopShare: 0.6,
  });
}
