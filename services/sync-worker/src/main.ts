import { randomUUID } from 'node:crypto';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { createDeadLetterSink } from '@notion-mirror/event-log/dead-letter-sink';
import { createEventCodec } from '@notion-mirror/event-log/event-codec';
import { toRecord } from '@notion-mirror/event-log/event-record';
import { createEventRouting } from '@notion-mirror/event-log/event-routing';
import { settlesBefore } from '@notion-mirror/service-kit/async/deadline';
import { createKafka } from '@notion-mirror/event-log/kafka-client';
import { createLaneConsumer, type Health } from '@notion-mirror/event-log/lane-consumer';
import { createPublisher } from '@notion-mirror/event-log/publisher';
import { rangesOn } from '@notion-mirror/event-log/range-reader';
import { createStateCodec } from '@notion-mirror/event-log/state-codec';
import { openStateLogWriter } from '@notion-mirror/event-log/state-log-writer';
import { groupIdFor, requireTopics, stateLogWriterId, topicsFor } from '@notion-mirror/event-log/topics';
import { openMongo } from '@notion-mirror/mirror-store/client';
import { openConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import { createConnectionNotices } from '@notion-mirror/mirror-store/connection-notices';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { createRecordStore } from '@notion-mirror/mirror-store/database-records';
import { StoreMisconfiguredError } from '@notion-mirror/mirror-store/errors';
import { openHeldDatabases } from '@notion-mirror/mirror-store/held-answers';
import { createParkedEvents } from '@notion-mirror/mirror-store/parked-events';
import { openRecordChanges } from '@notion-mirror/mirror-store/record-changes';
import { createStateLogProgress } from '@notion-mirror/mirror-store/state-log-progress';
import { createSweepLedger } from '@notion-mirror/mirror-store/sweep-ledger';
import { tokenReader } from '@notion-mirror/mirror-store/token-cipher';
import { systemClock } from '@notion-mirror/service-kit/async/clock';
import { nangoGrant } from '@notion-mirror/notion-source/nango-credentials';
import { createNotionSource } from '@notion-mirror/notion-source/notion-source';
import { createRateBudget } from '@notion-mirror/notion-source/rate-budget';
import { createTokenSource } from '@notion-mirror/notion-source/token-source';
import { createOutcomeKeeper, keepDeadRecord } from '@notion-mirror/mirror-store/outcome-keeper';
import { registerSilence } from '@notion-mirror/mirror-store/tenant-signs';
import { startWorkerReports } from '@notion-mirror/mirror-store/worker-status';
import { loadConfigOrExit, unknownVariables } from '@notion-mirror/service-kit/config';
import { runService } from '@notion-mirror/service-kit/lifecycle';
import { createLogger, flushed } from '@notion-mirror/service-kit/logger';
import { createMetrics } from '@notion-mirror/service-kit/metrics';
import { startOperations } from '@notion-mirror/service-kit/operations';
import type { HealthReport } from '@notion-mirror/service-kit/ops-server';
import { startConnectionLifecycle } from './connection-lifecycle.ts';
import { startConnectionRecovery } from './connection-recovery.ts';
import { createAwaitedEvents } from './awaited-events.ts';
import { createWorkHandler } from './handle-work.ts';
import { createOutcomeReport } from './outcome-report.ts';
import { startStateLogPublisher } from './state-log-publisher.ts';
import { startParkedRelease } from './parked-release.ts';
import { startReconciler } from './reconciler.ts';

const service = 'sync-worker';
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
  const connections = await available('the connections', () => openConnectionDirectory({ db: mongo.db, logger, metrics }));
  scope.onStop('connections', () => connections.close());
  const codec = await available('the schema registry', () =>
    createEventCodec({ schemaRegistry: config.schemaRegistry, subject: topics.eventsSubject }),
  );
  const kafka = createKafka({ ...config.kafka, clientId: `notion-mirror.${service}`, logger });
  await available('the topics', () => requireTopics(kafka, config.topicPrefix));
  const publisher = await createPublisher({ kafka, logger, metrics });
  scope.onStop('publisher', () => publisher.stop());

  const connectionStore = createConnectionStore(mongo.db);
  const records = createRecordStore({ db: mongo.db, metrics });
  const parked = createParkedEvents(mongo.db);
  const tokens = createTokenSource({
    nango: config.nango,
    decrypt: tokenReader(config.encryptionKey),
    logger,
    metrics,
    ttlMs: config.tokenMs,
  });
  const notion = createNotionSource({
    connectionsOf: (workspaceId) => connections.ofWorkspace(workspaceId),
    tokens,
    budget: createRateBudget({ requestsPerMinute: config.notionRequestsPerMinute, clock: systemClock }),
    notionApiUrl: config.notionApiUrl,
    deadlineMs: config.notionTimeoutMs,
    logger,
    metrics,
    onUnauthorized: async (connection, reason) => {
      // Also when Nango knows no such connection: a key of another Nango environment answers that for every tenant, and nothing may be lost then.
      const change = await connectionStore.markUnauthorized(connection, reason);
      await connections.refresh({ connectionId: connection.connectionId });
      logger.warn({ connectionId: connection.connectionId, reason, status: change.kind }, 'Notion refuses a connection');
    },
  });

  const append = (event: DatabaseEvent, accessibleBy: readonly string[]) =>
    publisher.publish(toRecord({ topic: topics.events, event, codec, accessibleBy }));
  const parkedRelease = startParkedRelease({ connections, parked, append, logger });
  scope.onStop('parked events', () => briefly(parkedRelease));
  const { url, apiKey } = config.nango;
  const lifecycle = startConnectionLifecycle({
    notices: createConnectionNotices(mongo.db),
    store: connectionStore,
    parked,
    askNango: apiKey === null ? null : (connection) => nangoGrant({ url, apiKey }, connection, { deadlineMs: 10_000, now: Date.now }),
    rule: config.tenantOfConnection,
    logger,
    metrics,
  });
  scope.onStop('connection lifecycle', () => briefly(lifecycle));
  const sweepEvents = createAwaitedEvents({ append: (event) => append(event, []), longestWaitMs: 300_000 });

  const stateLog = startStateLogPublisher({
    changes: openRecordChanges(mongo.db),
    progress: createStateLogProgress(mongo.db, topics.states, randomUUID()),
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
  scope.onStop('state log', () => briefly(stateLog));

  const outcomes = createOutcomeKeeper({ db: mongo.db, retentionSeconds: config.outcomeRetentionSeconds, logger, metrics });
  scope.onStop('outcomes', () => outcomes.stop());
  registerSilence(metrics, mongo.db, config.silenceMs);
  const report = createOutcomeReport({ logger, metrics, now: Date.now, keep: outcomes.keep });
  const deadLetter = createDeadLetterSink({
    publisher,
    topic: topics.deadLetters,
    service,
    group,
    logger,
    listener: { codec, onDead: (dead) => keepDeadRecord(outcomes, service, dead) },
  });
  const consumer = createLaneConsumer<DatabaseEvent>({
    kafka,
    groupId: group,
    topic: topics.events,
    logger,
    metrics,
    route: createEventRouting(codec, 'sync'),
    handle: createWorkHandler({
      // A sweep goes on at the first retry: what never succeeds would hold its few events in flight.
      retrying: (event) => sweepEvents.settle(event.item, 'failing'),
      records,
      notion,
      toleranceMs: config.clockToleranceMs,
      now: Date.now,
      recheckConnections: async ({ workspaceId }) => {
        await connections.refresh({ workspaceId });
        return connections.activeByWorkspace(workspaceId).length > 0;
      },
      park: async (events) => {
        for (const { event, accessibleBy } of events) await parked.park(event, accessibleBy);
        parkedRelease.nudge();
      },
      report(event, outcome, detail) {
        report(event, outcome, detail);
        sweepEvents.settle(event.item, 'handled');
      },
    }),
    async deadLetter(record, failure, context) {
      await deadLetter(record, failure, context);
      sweepEvents.settle({ workspaceId: String(record.key), eventId: record.headers['ce_id'] ?? '' }, 'handled');
    },
    async beforeCommit() {
      await Promise.all([flushed(logger), outcomes.flush()]);
    },
  });
  scope.onStop('consumer', () => consumer.stop({ deadlineMs: config.shutdownMs * 0.5 }));
  const reconciler = startReconciler({
    connections,
    ledger: createSweepLedger(mongo.db),
    owns: (workspaceId) => consumer.owns(workspaceId),
    notion,
    held: openHeldDatabases(mongo.db),
    sync: (event, signal) => sweepEvents.appendAndWait(event, signal),
    intervalMs: config.reconcileIntervalMs,
    now: Date.now,
    logger,
    metrics,
  });
  scope.onStop('reconciler', () => briefly(reconciler));
  const recovery = startConnectionRecovery({
    connections,
    store: connectionStore,
    probe: (connection, signal) => notion.probe(connection, signal),
    owns: (workspaceId) => consumer.owns(workspaceId),
    now: Date.now,
    logger,
    metrics,
  });
  scope.onStop('connection recovery', () => briefly(recovery));
  consumer.onFatal((error) => scope.fatal(error));
  started({ live: () => reportOf(consumer.live()), ready: () => reportOf(consumer.ready()) });
  const reports = startWorkerReports({ db: mongo.db, service, sample: consumer, logger });
  scope.onStop('status', () => reports.stop());
  await consumer.run();
});

/** Its end is waited for, but not at the expense of the commits: somebody else goes on with what it leaves, when its claim or lease has run out. */
async function briefly(part: { readonly stop: () => Promise<void> }): Promise<void> {
  await settlesBefore(part.stop(), Date.now() + config.shutdownMs / 16);
}

/** No waiting mends these. */
function isFatal(error: unknown): boolean {
  return error instanceof StoreMisconfiguredError;
}

function reportOf({ ok, detail }: Health): HealthReport {
  return { ok, detail: { consumer: detail } };
}
