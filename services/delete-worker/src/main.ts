import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { createDeadLetterSink } from '@notion-mirror/event-log/dead-letter-sink';
import { createEventCodec } from '@notion-mirror/event-log/event-codec';
import { toRecord } from '@notion-mirror/event-log/event-record';
import { createEventRouting } from '@notion-mirror/event-log/event-routing';
import { createKafka } from '@notion-mirror/event-log/kafka-client';
import { createLaneConsumer, type Health } from '@notion-mirror/event-log/lane-consumer';
import { createPublisher } from '@notion-mirror/event-log/publisher';
import { groupIdFor, requireTopics, topicsFor } from '@notion-mirror/event-log/topics';
import { openMongo } from '@notion-mirror/mirror-store/client';
import { createRecordStore } from '@notion-mirror/mirror-store/database-records';
import { StoreMisconfiguredError } from '@notion-mirror/mirror-store/errors';
import { createOutcomeKeeper, keepDeadRecord } from '@notion-mirror/mirror-store/outcome-keeper';
import { startWorkerReports } from '@notion-mirror/mirror-store/worker-status';
import { loadConfigOrExit, unknownVariables } from '@notion-mirror/service-kit/config';
import { runService } from '@notion-mirror/service-kit/lifecycle';
import { createLogger, flushed } from '@notion-mirror/service-kit/logger';
import { createMetrics } from '@notion-mirror/service-kit/metrics';
import { startOperations } from '@notion-mirror/service-kit/operations';
import type { HealthReport } from '@notion-mirror/service-kit/ops-server';
import { createWorkHandler } from './handle-work.ts';
import { createOutcomeReport } from './outcome-report.ts';
import { recheckOf } from './recheck-event.ts';

const service = 'delete-worker';
const config = loadConfigOrExit(service);
const logger = createLogger({ service, level: config.logLevel });
const metrics = createMetrics(service);

runService({ name: service, logger, shutdownMs: config.shutdownMs }, async (scope) => {
  for (const variable of unknownVariables(process.env)) logger.warn({ variable }, 'an unknown variable has no effect');
  const topics = topicsFor(config.topicPrefix);
  const group = groupIdFor(config.topicPrefix, service);
  const { available, started } = await startOperations({ ops: config.ops, metrics, logger, scope, isFatal });
  const mongo = await available('MongoDB', () => openMongo(config.mongodbUri, { appName: service }));
  scope.onStop('MongoDB', () => mongo.close());
  const codec = await available('the schema registry', () =>
    createEventCodec({ schemaRegistry: config.schemaRegistry, subject: topics.eventsSubject }),
  );
  const kafka = createKafka({ ...config.kafka, clientId: `notion-mirror.${service}`, logger });
  await available('the topics', () => requireTopics(kafka, config.topicPrefix));
  const publisher = await createPublisher({ kafka, logger, metrics });
  scope.onStop('publisher', () => publisher.stop());

  const outcomes = createOutcomeKeeper({ db: mongo.db, retentionSeconds: config.outcomeRetentionSeconds, logger, metrics });
  scope.onStop('outcomes', () => outcomes.stop());
  const consumer = createLaneConsumer<DatabaseEvent>({
    kafka,
    groupId: group,
    topic: topics.events,
    logger,
    metrics,
    route: createEventRouting(codec, 'delete'),
    handle: createWorkHandler({
      records: createRecordStore({ db: mongo.db, metrics }),
      recheck: (event, accessibleBy) =>
        publisher.publish(toRecord({ topic: topics.events, event: recheckOf(event, new Date()), codec, accessibleBy })),
      toleranceMs: config.clockToleranceMs,
      now: Date.now,
      report: createOutcomeReport({ logger, metrics, now: Date.now, keep: outcomes.keep }),
    }),
    deadLetter: createDeadLetterSink({
      publisher,
      topic: topics.deadLetters,
      service,
      group,
      logger,
      listener: { codec, onDead: (dead) => keepDeadRecord(outcomes, service, dead) },
    }),
    async beforeCommit() {
      await Promise.all([flushed(logger), outcomes.flush()]);
    },
  });
  scope.onStop('consumer', () => consumer.stop({ deadlineMs: config.shutdownMs * 0.6 }));
  consumer.onFatal((error) => scope.fatal(error));
  started({ live: () => reportOf(consumer.live()), ready: () => reportOf(consumer.ready()) });
  const reports = startWorkerReports({ db: mongo.db, service, sample: consumer, logger });
  scope.onStop('status', () => reports.stop());
  await consumer.run();
});

/** No waiting mends these. */
function isFatal(error: unknown): boolean {
  return error instanceof StoreMisconfiguredError;
}

function reportOf({ ok, detail }: Health): HealthReport {
  return { ok, detail: { consumer: detail } };
}
