import { createKafka } from '@notion-mirror/event-log/kafka-client';
import { openMongo } from '@notion-mirror/mirror-store/client';
import { openConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import { isMisconfigured } from '@notion-mirror/mirror-store/errors';
import { operatedEntities } from '@notion-mirror/operations/entities';
import { createRedactor } from '@notion-mirror/operations/secrets';
import { loadConfigOrExit, unknownVariables } from '@notion-mirror/service-kit/config';
import { runService } from '@notion-mirror/service-kit/lifecycle';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { createMetrics } from '@notion-mirror/service-kit/metrics';
import { startOperations } from '@notion-mirror/service-kit/operations';
import { tracingOff } from '@notion-mirror/service-kit/tracing/tracing';
import { startConsole } from './console.ts';

const service = 'console';
const config = loadConfigOrExit(service);
const logger = createLogger({ service, level: config.logLevel });
const metrics = createMetrics(service);

runService({ name: service, logger, shutdownMs: config.shutdownMs }, async (scope) => {
  for (const variable of unknownVariables(process.env)) logger.warn({ variable }, 'an unknown variable has no effect');

  const { available, started } = await startOperations({
    service,
    ops: config.ops,
    metrics,
    // Nothing here is part of the way of an event.
    tracing: tracingOff,
    logger,
    scope,
    isFatal: isMisconfigured,
  });
  const clientName = `notion-mirror.${service}`;
  const mongo = await available('MongoDB', () => openMongo(config.mongodbUri, { appName: service }));
  scope.onStop('MongoDB', () => mongo.close());
  const directory = await available('connections', () => openConnectionDirectory({ db: mongo.db, logger, metrics }));
  scope.onStop('connections', () => directory.close());

  // Does not wait for Kafka: the console shows what MongoDB knows, and that Kafka does not answer.
  const kafka = createKafka({ ...config.kafka, clientId: clientName, logger });
  const context = {
    config,
    entities: operatedEntities,
    clientName,
    logger,
    signal: scope.signal,
    redact: createRedactor(config),
    onProgress: () => {},
  };
  const operator = await startConsole({ config, env: process.env, context, mongo, kafka, directory, metrics, logger });
  scope.onStop('console port', () => operator.stop());
  const { host } = config.consoleHttp;
  logger.info(
    { port: operator.port, address: `http://${host.includes(':') ? `[${host}]` : host}:${operator.port}` },
    'console port listens',
  );
  if (!operator.hasPage) logger.warn('the page is not built: node services/console/page/build.ts builds it; the API works without it');

  started({ ready: () => ({ ok: true, detail: { state: 'running', connections: directory.isFollowing() ? 'followed' : 'last known' } }) });
});
