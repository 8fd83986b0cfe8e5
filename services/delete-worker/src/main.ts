import { createRecordStore } from '@notion-mirror/mirror-store/database-records';
import { runWorker } from '@notion-mirror/worker/run-worker';
import { createWorkerConsumer } from '@notion-mirror/worker/worker-consumer';
import { createWorkHandler } from './handle-work.ts';
import { createOutcomeReport } from './outcome-report.ts';
import { recheckOf } from './recheck-event.ts';

runWorker('delete-worker', async (worker) => {
  const { config, logger, metrics, db, outcomes, append } = worker;
  return createWorkerConsumer(worker, {
    kind: 'delete',
    handle: createWorkHandler({
      records: createRecordStore({ db, metrics }),
      recheck: (event, accessibleBy) => append(recheckOf(event, new Date()), accessibleBy),
      toleranceMs: config.clockToleranceMs,
      now: Date.now,
      report: createOutcomeReport({ logger, metrics, now: Date.now, keep: outcomes.keep }),
    }),
    stopShare: 0.6,
  });
});
