import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startKafkaBroker } from './kafka-broker.ts';
import { startMongod } from './mongod.ts';
import { prepareProcessFiles } from './process-files.ts';
import { reportStep } from './progress.ts';
import type { ProviderOptions, Stack } from './provider.ts';
import { startSchemaRegistry } from './schema-registry.ts';
import { describeExit, type ServerProcess } from './server-process.ts';
import { sideBySide } from './side-by-side.ts';
import { newStackRecord, readStackRecord, writeStackRecord } from './stack-record.ts';
import { startWatchdog } from './watchdog.ts';

/**
 * Starts the three servers as local processes, fetching them first when they are not in the cache.
 * A watchdog ends them (and removes temporary data) if this process dies without calling `stop`.
 */
export async function startProcessStack(
  options: ProviderOptions & { cacheRoot: string; env: Readonly<Record<string, string | undefined>> },
): Promise<Stack> {
  const { dataDir, keepData, onProgress } = options;
  await using cleanup = new AsyncDisposableStack();
  const watchdog = await startWatchdog();
  cleanup.defer(() => watchdog.close());
  if (!keepData) {
    watchdog.removeFolder(dataDir);
    cleanup.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }));
  }
  const files = await prepareProcessFiles({ ...options, watchdog });
  const logsDir = join(dataDir, 'logs');
  await mkdir(logsDir, { recursive: true });
  const known = (await readStackRecord(dataDir)) ?? newStackRecord('process');

  const running: ServerProcess[] = [];
  let stopping = false;
  // Servers with temporary data are killed. With kept data they stop cleanly, the registry first, since it needs Kafka for its shutdown.
  const end = (server: ServerProcess) => (keepData ? server.stop() : server.kill());
  cleanup.defer(async () => {
    stopping = true;
    await Promise.all(running.filter((server) => server.name === registryName).map(end));
    await Promise.all(running.map(end));
  });

  async function start<T extends ServerProcess & { port: number }>(name: string, starting: () => Promise<T>): Promise<T> {
    const server = await reportStep(onProgress, `Starting ${name}`, starting, ({ port }) => `${options.host ?? '127.0.0.1'}:${port}`);
    running.push(server);
    void watch(server);
    return server;
  }

  async function watch(server: ServerProcess): Promise<void> {
    const exit = await server.exited;
    if (!stopping) options.onServerExit(server.name, `${describeExit(exit)}; its log is ${server.logFile}`);
  }

  const [[kafka, registry], mongod] = await sideBySide(options.signal, (signal) => {
    const common = { watchdog, signal, host: options.host };
    const startKafkaAndRegistry = async () => {
      const broker = await start('Kafka', () =>
        startKafkaBroker({
          ...common,
          folder: files.kafkaFolder,
          java: files.java,
          archive: files.archives.kafka,
          dataDir: join(dataDir, 'kafka'),
          logFile: join(logsDir, 'kafka.log'),
          port: known.ports.kafka,
          controllerPort: known.ports.kafkaController,
        }),
      );
      const schemaRegistry = await start('schema registry', () =>
        startSchemaRegistry({
          ...common,
          folder: files.registryFolder,
          java: files.java,
          archive: files.archives.registry,
          kafkaBrokers: broker.address,
          tempDir: join(dataDir, 'schema-registry'),
          logFile: join(logsDir, 'schema-registry.log'),
          port: known.ports.schemaRegistry,
        }),
      );
      return [broker, schemaRegistry] as const;
    };
    const startDatabase = () =>
      start('MongoDB', () =>
        startMongod({
          ...common,
          command: files.mongodCommand,
          dataDir: join(dataDir, 'mongodb'),
          logFile: join(logsDir, 'mongodb.log'),
          port: known.ports.mongodb,
        }),
      );
    return [startKafkaAndRegistry(), startDatabase()];
  });

  const ports = { kafka: kafka.port, kafkaController: kafka.controllerPort, schemaRegistry: registry.port, mongodb: mongod.port };
  await writeStackRecord(dataDir, { ...known, ports });

  const everything = cleanup.move();
  let stopped: Promise<void> | null = null;
  return {
    provider: 'process',
    kafkaBrokers: kafka.address,
    schemaRegistryUrl: registry.url,
    mongodbUri: mongod.uri,
    logsDir,
    pids: { kafka: kafka.pid, schemaRegistry: registry.pid, mongodb: mongod.pid, watchdog: watchdog.pid },
    stop: () => (stopped ??= everything.disposeAsync()),
  };
}

const registryName = 'Schema registry';
