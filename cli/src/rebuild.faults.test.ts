import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import type { LiveState } from '@notion-mirror/domain/entity-state';
import { createStateCodec } from '@notion-mirror/event-log/state-codec';
import { openStateLogWriter } from '@notion-mirror/event-log/state-log-writer';
import { toStateRecord } from '@notion-mirror/event-log/state-record';
import { isolatedLog } from '@notion-mirror/event-log/testing/isolated-log';
import { databaseStates } from '@notion-mirror/event-log/entities/database-state';
import { stateLogOf } from '@notion-mirror/event-log/state-contract';
import { openMongo } from '@notion-mirror/mirror-store/client';
import { initMongo } from '@notion-mirror/mirror-store/init';
import { expect, inject, onTestFinished, test } from 'vitest';
import { someContent } from '../../packages/mirror-store/test/databases.ts';
import { someLayout } from '../../packages/mirror-store/test/mongo.ts';

const databases = Number(process.env['MIRROR_TEST_DATABASES'] ?? 20_000);
const properties = Array.from({ length: 12 }, (_, n) => ({
  id: `p${n}`,
  name: `Property ${n}`,
  type: 'rich_text',
  description: null,
  config: {},
}));

function stateOf(n: number): LiveState<DatabaseContent> {
  const content = someContent({ title: `Database ${n}` });
  const [source, ...others] = content.dataSources;
  const at = new Date(1_700_000_000_000 + n);
  return {
    kind: 'live',
    workspaceId: `tenant-${n % 500}`,
    id: `d${n}`,
    rev: 1,
    asOf: at,
    syncedAt: at,
    connectionId: 'c',
    lastEvent: { id: 'e', type: 'database.created', occurredAt: at },
    content: {
      ...content,
      dataSources: [{ ...source!, properties }, ...others],
      raw: {
        database: { object: 'database', title: `Database ${n}` },
        dataSources: [{ object: 'data_source', properties: { properties } }],
      },
    },
  };
}

test(`${databases} databases are rebuilt from the state log in bounded memory`, async () => {
  const stack = inject('stack');
  const uri = new URL(stack.mongodbUri);
  uri.pathname = `/rebuild_${randomUUID().slice(0, 8)}`;
  const log = isolatedLog(stack);
  const mongo = await openMongo(uri.href, { appName: 'rebuild-test' });
  onTestFinished(async () => {
    await log.remove();
    await mongo.db.dropDatabase();
    await mongo.close();
  });
  await initMongo(mongo.db, someLayout);
  await log.init(24);
  const { topic, writerId } = stateLogOf(log.prefix, databaseStates);
  const codec = await createStateCodec(log.schemaRegistry, log.prefix, databaseStates);
  const writer = await openStateLogWriter({ kafka: log.kafka, topic, transactionalId: writerId });
  for (let from = 0; from < databases; from += 1_000) {
    const some = Array.from({ length: Math.min(1_000, databases - from) }, (_, n) => toStateRecord(stateOf(from + n), codec));
    await writer.append(some);
  }
  await writer.close();

  const env = {
    PATH: process.env['PATH'],
    MIRROR_KAFKA_BROKERS: stack.kafkaBrokers,
    MIRROR_SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    MIRROR_MONGODB_URI: uri.href,
    MIRROR_TOPIC_PREFIX: log.prefix,
  };
  const started = performance.now();
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), 'replay', 'run', '--from-states', '--yes'], {
    env,
    stdio: 'ignore',
  });
  let peak = 0;
  const watching = setInterval(() => {
    try {
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0));
    } catch {
      // The process has ended, or this is not Linux.
    }
  }, 200);
  const [code] = (await once(child, 'exit')) as [number];
  clearInterval(watching);
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(`${databases} databases in ${seconds.toFixed(1)} s, ${Math.round(peak / 1024)} MiB at most\n`);
  expect(code).toBe(0);
  expect(await mongo.db.collection('database_records').countDocuments()).toBe(databases);
  expect(peak / 1024).toBeLessThan(800);
});
