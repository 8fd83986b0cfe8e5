import type { LimitReason, PostponeReason } from '@notion-mirror/domain/call-limits';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { createEventCodec, type EventCodec } from '@notion-mirror/event-log/event-codec';
import { createKafka } from '@notion-mirror/event-log/kafka-client';
import type { Health, LaneConsumer } from '@notion-mirror/event-log/lanes/lane-consumer';
import { createSendEvent } from '@notion-mirror/event-log/send-event';
import { createPublisher, type Publisher } from '@notion-mirror/event-log/publisher';
import { requireTopics, topicsFor, type WorkerName } from '@notion-mirror/event-log/topics';
import { openMongo, type Mongo } from '@notion-mirror/mirror-store/client';
import { isMisconfigured } from '@notion-mirror/mirror-store/errors';
import { createOutcomeKeeper, type OutcomeKeeper } from '@notion-mirror/mirror-store/outcome-keeper';
import { startWorkerReports, type NotionUse, type WorkerCapability } from '@notion-mirror/mirror-store/worker-status';
import { settlesBefore } from '@notion-mirror/service-kit/async/deadline';
import { unknownVariables, type Config } from '@notion-mirror/service-kit/config';
import { runService, type ServiceScope } from '@notion-mirror/service-kit/lifecycle';
import { createLogger, type Logger } from '@notion-mirror/service-kit/logger';
import { createMetrics, type Registry } from '@notion-mirror/service-kit/metrics';
import { startOperations, type Operations } from '@notion-mirror/service-kit/operations';
import { openTracing } from '@notion-mirror/service-kit/tracing/open-tracing';
import type { Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import type { HealthReport } from '@notion-mirror/service-kit/ops-server';
import { createWorkCounter } from './work-counter.ts';

/** What a worker builds its parts from. MongoDB, the registry and Kafka have answered. */
export interface Worker {
  readonly service: WorkerName;
  /** What both workers are configured with. */
  readonly config: Config<WorkerName>;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly tracing: Tracing;
  readonly scope: ServiceScope;
  readonly db: Mongo['db'];
  readonly kafka: ReturnType<typeof createKafka>;
  readonly topics: ReturnType<typeof topicsFor>;
  readonly codec: EventCodec;
  readonly publisher: Publisher;
  readonly outcomes: OutcomeKeeper;
  /** Notion answered a call; `limitedBy`: with 429 or 529, for that reason. */
  readonly countCall: (limitedBy: LimitReason | null) => void;
  /** The budget of calls had no room for a fetch. */
  readonly countPostponed: (by: PostponeReason) => void;
  /** Names what says how the budgets of calls are used, for the worker's reports. */
  readonly reportNotion: (use: () => NotionUse) => void;
  /** Runs a start step until it succeeds. */
  readonly available: Operations['available'];
  /** Appends an event to the log. `accessibleBy`: ids of the bots that, according to Notion, can read the entity. */
  readonly append: (event: DatabaseEvent, accessibleBy: readonly string[]) => Promise<void>;
  /** Registers the stop of a background part. The worker waits for it only briefly, to leave time for the commits: a successor continues its work. */
  readonly onStopBriefly: (name: string, part: { readonly stop: () => Promise<void> }) => void;
}

/** Runs a worker in this process. `start` builds its parts and resolves to its consumer, which is then run until the worker stops. */
export function runWorker(service: WorkerName, config: Config<WorkerName>, start: (worker: Worker) => Promise<LaneConsumer>): void {
  const logger = createLogger({ service, level: config.logLevel });
  const metrics = createMetrics(service);

  runService({ name: service, logger, shutdownMs: config.shutdownMs }, async (scope) => {
    for (const variable of unknownVariables(process.env)) logger.warn({ variable }, 'an unknown variable has no effect');
    const topics = topicsFor(config.topicPrefix);
    const { tracing, stop: stopTracing } = await openTracing({ service, env: process.env, logger, metrics });
    scope.onStop('tracing', stopTracing);
    const { available, started } = await startOperations({
      service,
      ops: config.ops,
      metrics,
      tracing,
      logger,
      scope,
      isFatal: isMisconfigured,
    });
    const mongo = await available('MongoDB', () => openMongo(config.mongodbUri, { appName: service }));
    scope.onStop('MongoDB', () => mongo.close());
    const codec = await available('the schema registry', () =>
      createEventCodec({ schemaRegistry: config.schemaRegistry, subject: topics.eventsSubject }),
    );
    const kafka = createKafka({ ...config.kafka, clientId: `notion-mirror.${service}`, logger });
    await available('the topics', () => requireTopics(kafka, config.topicPrefix));
    const publisher = await createPublisher({ kafka, logger, metrics });
    scope.onStop('publisher', () => publisher.stop());
    const work = createWorkCounter(Date.now);
    const keeper = createOutcomeKeeper({ db: mongo.db, retentionMs: config.outcomeRetentionMs, logger, metrics });
    const outcomes: OutcomeKeeper = {
      ...keeper,
      keep(outcome) {
        work.outcome(outcome);
        keeper.keep(outcome);
      },
    };
    let notionUse: (() => NotionUse) | null = null;
    scope.onStop('outcomes', () => outcomes.stop());

    const send = createSendEvent({ publisher, topic: topics.events, codec, tracing });
    const consumer = await start({
      service,
      config,
      logger,
      metrics,
      tracing,
      scope,
      db: mongo.db,
      kafka,
      topics,
      codec,
      publisher,
      outcomes,
      countCall: (limitedBy) => work.call(limitedBy),
      countPostponed: (by) => work.postponed(by),
      reportNotion: (use) => (notionUse = use),
      available,
      append: (event, accessibleBy) => send(event, { accessibleBy }),
      onStopBriefly: (name, part) =>
        scope.onStop(name, async () => {
          await settlesBefore(part.stop(), Date.now() + config.shutdownMs / 16);
        }),
    });
    consumer.onFatal((error) => scope.fatal(error));
    started({ live: () => reportOf(consumer.live()), ready: () => reportOf(consumer.ready()) });
    const capabilities: readonly WorkerCapability[] = config.rows === 'on' ? ['rows'] : [];
    const reports = startWorkerReports({ db: mongo.db, service, capabilities, sample: consumer, work, notion: notionUse, logger });
    scope.onStop('status', () => reports.stop());
    await consumer.run();
  });
}

function reportOf({ ok, detail }: Health): HealthReport {
  return { ok, detail: { consumer: detail } };
}
