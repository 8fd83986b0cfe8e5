import { randomUUID } from 'node:crypto';
import { isolatedLog, silent } from '@notion-mirror/event-log/testing/isolated-log';
import { openMongo } from '@notion-mirror/mirror-store/client';
import { initMongo } from '@notion-mirror/mirror-store/init';
import { loadConfig } from '@notion-mirror/service-kit/config';
import { inject, onTestFinished } from 'vitest';
import { someLayout } from '../../mirror-store/test/mongo.ts';
import { operatedEntities } from '../src/entities.ts';
import type { OperationContext } from '../src/operation-context.ts';

/** A log and a mirror of its own, both empty and set up, and the context of an operation on them. Removed when the test has ended. */
export async function setOperationsScene(name: string, partitions: number) {
  const stack = inject('stack');
  const log = isolatedLog(stack);
  const uri = new URL(stack.mongodbUri);
  uri.pathname = `/${name}_${randomUUID().slice(0, 8)}`;
  const clientName = `${name}-test`;
  const mongo = await openMongo(uri.href, { appName: clientName });
  onTestFinished(async () => {
    await log.remove();
    await mongo.db.dropDatabase();
    await mongo.close();
  });
  await initMongo(mongo.db, someLayout);
  await log.init(partitions);
  const env = {
    MIRROR_KAFKA_BROKERS: stack.kafkaBrokers,
    MIRROR_SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    MIRROR_MONGODB_URI: uri.href,
    MIRROR_TOPIC_PREFIX: log.prefix,
  };
  const context: OperationContext = {
    config: loadConfig(env, 'cli'),
    entities: operatedEntities,
    clientName,
    logger: silent,
    signal: new AbortController().signal,
    redact: (text) => text.replaceAll('hunter2', '***'),
    onProgress: () => {},
  };
  return { log, db: mongo.db, context };
}
