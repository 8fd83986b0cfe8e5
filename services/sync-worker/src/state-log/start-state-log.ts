import { randomUUID } from 'node:crypto';
import { rangesOn } from '@notion-mirror/event-log/range-reader';
import { createStateCodec } from '@notion-mirror/event-log/state-codec';
import { openStateLogWriter } from '@notion-mirror/event-log/state-log-writer';
import { stateLogWriterId } from '@notion-mirror/event-log/topics';
import { openRecordChanges } from '@notion-mirror/mirror-store/record-changes';
import { createStateLogProgress } from '@notion-mirror/mirror-store/state-log-progress';
import type { Worker } from '@notion-mirror/worker/run-worker';
import { startStateLogPublisher } from './state-log-publisher.ts';

/** Appends every change of the mirror to the state log; of all sync-workers one at a time does. */
export function startStateLog(worker: Worker): void {
  const { config, logger, metrics, db, kafka, topics } = worker;
  const stateLog = startStateLogPublisher({
    changes: openRecordChanges(db),
    progress: createStateLogProgress(db, topics.states, randomUUID()),
    openWriter: () => openStateLogWriter({ kafka, topic: topics.states, transactionalId: stateLogWriterId(config.topicPrefix) }),
    openCodec: () => createStateCodec({ schemaRegistry: config.schemaRegistry, subject: topics.statesSubject }),
    isEmpty: async () => {
      const ranges = await rangesOn(kafka, topics.states);
      if (ranges === null) throw new Error(`no topic ${topics.states}: run \`mirror init\``);
      return ranges.every(({ to }) => to === 0n);
    },
    logger,
    metrics,
  });
  worker.onStopBriefly('state log', stateLog);
}
