import { randomUUID } from 'node:crypto';
import { rangesOn } from '@notion-mirror/event-log/range-reader';
import { createStateCodec } from '@notion-mirror/event-log/state-codec';
import { stateLogOf } from '@notion-mirror/event-log/state-contract';
import { openStateLogWriter } from '@notion-mirror/event-log/state-log-writer';
import { openRecordChanges } from '@notion-mirror/mirror-store/records/record-changes';
import { createStateLogProgress } from '@notion-mirror/mirror-store/state-log-progress';
import type { Worker } from '@notion-mirror/worker/run-worker';
import type { AnyMirrored } from '../mirrored-entity.ts';
import { createStateLogMetrics } from './state-log-metrics.ts';
import { startStateLogPublisher } from './state-log-publisher.ts';

/** Appends every change of the mirror to the state log of its kind. One sync-worker at a time appends to each log. */
export function startStateLog(worker: Worker, mirrored: readonly AnyMirrored[]): void {
  const { config, logger, metrics, tracing, db, kafka } = worker;
  const { schemaRegistry, topicPrefix } = config;
  const meterOfLog = createStateLogMetrics(metrics);
  for (const { storage, states } of mirrored) {
    const { topic, writerId } = stateLogOf(topicPrefix, states);
    const stateLog = startStateLogPublisher({
      changes: openRecordChanges(db, storage),
      progress: createStateLogProgress(db, topic, randomUUID()),
      openWriter: () => openStateLogWriter({ kafka, topic, transactionalId: writerId }),
      openCodec: () => createStateCodec(schemaRegistry, topicPrefix, states),
      isEmpty: async () => {
        const ranges = await rangesOn(kafka, topic);
        if (ranges === null) throw new Error(`no topic ${topic}: run \`mirror init\``);
        return ranges.every(({ to }) => to === 0n);
      },
      topic,
      tracing,
      logger,
      meter: meterOfLog(storage.kind.name),
    });
    worker.onStopBriefly(`state log ${topic}`, stateLog);
  }
}
