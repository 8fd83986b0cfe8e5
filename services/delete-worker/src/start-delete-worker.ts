import type { LaneConsumer } from '@notion-mirror/event-log/lanes/lane-consumer';
import { openMissedRows } from '@notion-mirror/mirror-store/missed-rows';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { openProcessSpans } from '@notion-mirror/worker/process-spans';
import type { Worker } from '@notion-mirror/worker/run-worker';
import { createWorkerConsumer } from '@notion-mirror/worker/worker-consumer';
import { createWorkHandler } from './handle-work.ts';
import { createOutcomeReport } from './outcome-report.ts';
import { recheckOf } from './recheck-event.ts';
import type { RemovedEntity } from './removed-entity.ts';

/** Starts the parts of a delete-worker for these kinds of entities: its consumer. */
export function startDeleteWorker(worker: Worker, removed: readonly RemovedEntity[]): LaneConsumer {
  const { config, logger, metrics, tracing, db, outcomes, append } = worker;
  return createWorkerConsumer(worker, {
    action: 'delete',
    handle: createWorkHandler({
      entities: removed.map(({ storage, decide, open }) => ({
        kind: storage.kind,
        decide,
        records: createRecordStore(storage, { db, metrics, tracing }),
        afterRemoval: open?.(worker) ?? null,
      })),
      missedRows: config.rows === 'on' ? null : openMissedRows(db),
      recheck: (event, accessibleBy) => append(recheckOf(event, new Date()), accessibleBy),
      toleranceMs: config.clockToleranceMs,
      now: Date.now,
      spans: openProcessSpans(worker),
      report: createOutcomeReport({ logger, metrics, now: Date.now, keep: outcomes.keep, tracing }),
    }),
    stopShare: 0.6,
  });
}
