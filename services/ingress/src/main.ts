import { createEventCodec } from '@notion-mirror/event-log/event-codec';
import { createKafka } from '@notion-mirror/event-log/kafka-client';
import { createPublisher } from '@notion-mirror/event-log/publisher';
import { topicsFor } from '@notion-mirror/event-log/topics';
import { openMongo } from '@notion-mirror/mirror-store/client';
import { openConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import { createConnectionNotices } from '@notion-mirror/mirror-store/connection-notices';
import { isMisconfigured } from '@notion-mirror/mirror-store/errors';
import { createHandshakeStore } from '@notion-mirror/mirror-store/handshake-store';
import { openMissedRows } from '@notion-mirror/mirror-store/missed-rows';
import { createOutcomeKeeper } from '@notion-mirror/mirror-store/outcome-keeper';
import { createSpool } from '@notion-mirror/mirror-store/spool';
import { loadConfigOrExit, unknownVariables } from '@notion-mirror/service-kit/config';
import { runService } from '@notion-mirror/service-kit/lifecycle';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { createMetrics } from '@notion-mirror/service-kit/metrics';
import { startOperations } from '@notion-mirror/service-kit/operations';
import { openTracing } from '@notion-mirror/service-kit/tracing/open-tracing';
import { followRowsSwitch } from './follow-rows-switch.ts';
import { limits, startIngress } from './ingress.ts';

const service = 'ingress';
const config = loadConfigOrExit(service);
const logger = createLogger({ service, level: config.logLevel });
const metrics = createMetrics(service);

runService({ name: service, logger, shutdownMs: config.shutdownMs }, async (scope) => {
  for (const variable of unknownVariables(process.env)) logger.warn({ variable }, 'an unknown variable has no effect');
  if (config.nangoSigningKeys.length === 0) logger.warn('MIRROR_NANGO_SIGNING_KEYS is not set: every webhook from Nango will be refused');

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
  const directory = await available('connections', () => openConnectionDirectory({ db: mongo.db, logger, metrics }));
  scope.onStop('connections', () => directory.close());
  const { schemaRegistry, topicPrefix } = config;
  const codec = await available('schema registry', () =>
    createEventCodec({ schemaRegistry, subject: topicsFor(topicPrefix).eventsSubject }),
  );

  // Does not wait for Kafka: events that come before it is up go to the spool.
  const kafka = createKafka({ ...config.kafka, clientId: `notion-mirror.${service}`, logger });
  const publisher = await createPublisher({ kafka, logger, metrics, deadlineMs: limits.publishMs, maxWaiting: limits.maxPublishing });
  scope.onStop('publisher', () => publisher.stop());
  const handshakes = createHandshakeStore({ db: mongo.db, encryptionKey: config.encryptionKey });
  const spool = createSpool(mongo.db);
  const notices = createConnectionNotices(mongo.db);
  const outcomes = createOutcomeKeeper({ db: mongo.db, retentionMs: config.outcomeRetentionMs, logger, metrics });
  scope.onStop('outcomes', () => outcomes.stop());
  const rows = config.rows === 'off' ? null : await available('the switch of rows', () => followRowsSwitch(mongo.db, logger));
  if (rows !== null) scope.onStop('the switch of rows', () => rows.stop());
  const missedRows = openMissedRows(mongo.db);
  const stores = { directory, handshakes, spool, notices, missedRows, outcomes };
  const ingress = await startIngress({ config, codec, publisher, ...stores, rows, metrics, tracing, logger });
  scope.onStop('spool drainer', () => ingress.stopDraining());
  scope.onStop('public port', () => ingress.stopServing());
  logger.info({ port: ingress.port }, 'public port listens');

  let hasReachedLog = false;
  started({
    ready: () => {
      hasReachedLog ||= publisher.healthy();
      if (!hasReachedLog) return { ok: false, detail: { state: 'starting', waitingFor: 'Kafka' } };
      return { ok: true, detail: { state: 'running', ...ingress.condition() } };
    },
  });
});
