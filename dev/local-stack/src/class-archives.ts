import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClassArchive } from './jvm.ts';
import { startKafkaBroker } from './kafka-broker.ts';
import { reportStep, type OnProgress } from './progress.ts';
import { startSchemaRegistry } from './schema-registry.ts';
import type { ServerProcess } from './server-process.ts';
import type { Java } from './toolchain.ts';
import type { Watchdog } from './watchdog.ts';

export type ClassArchives = { kafka: ClassArchive | null; registry: ClassArchive | null };

/**
 * The class archives of both JVM servers for this Java. They are recorded once, by running the two servers on temporary data, and
 * stored with the servers' files. A JVM that cannot record them starts without, only slower.
 */
export async function classArchives(options: {
  kafkaFolder: string;
  registryFolder: string;
  java: Java;
  watchdog: Watchdog;
  onProgress: OnProgress;
  signal?: AbortSignal | undefined;
}): Promise<ClassArchives> {
  const name = `classes-java-${options.java.version.replaceAll(/[^\w.+-]/g, '_')}.jsa`;
  const kafka = join(options.kafkaFolder, name);
  const registry = join(options.registryFolder, name);
  if (!isSettled(kafka) || !isSettled(registry)) {
    await reportStep(options.onProgress, 'Preparing fast starts (once)', () => record(kafka, registry, options)).catch((error: unknown) => {
      if (options.signal?.aborted) throw error;
    });
  }
  return { kafka: archiveAt(kafka), registry: archiveAt(registry) };
}

const noArchive = '.none';

function isSettled(file: string): boolean {
  return existsSync(file) || existsSync(file + noArchive);
}

function archiveAt(file: string): ClassArchive | null {
  return existsSync(file) ? { kind: 'use', file } : null;
}

async function record(kafkaFile: string, registryFile: string, options: Parameters<typeof classArchives>[0]): Promise<void> {
  const { java, watchdog, signal } = options;
  await using cleanup = new AsyncDisposableStack();
  const temp = await mkdtemp(join(tmpdir(), 'notion-mirror-classes-'));
  watchdog.removeFolder(temp);
  cleanup.defer(async () => {
    await rm(temp, { recursive: true, force: true });
    watchdog.keepFolder(temp);
  });
  const drafts = { kafka: join(temp, 'kafka.jsa'), registry: join(temp, 'registry.jsa') };
  const common = { java, watchdog, signal };
  const kafka = await startKafkaBroker({
    ...common,
    folder: options.kafkaFolder,
    archive: { kind: 'record', file: drafts.kafka },
    dataDir: join(temp, 'kafka'),
    logFile: join(temp, 'kafka.log'),
  });
  cleanup.defer(() => kafka.kill());
  const registry = await startSchemaRegistry({
    ...common,
    folder: options.registryFolder,
    archive: { kind: 'record', file: drafts.registry },
    kafkaBrokers: kafka.address,
    tempDir: join(temp, 'tmp'),
    logFile: join(temp, 'schema-registry.log'),
  });
  cleanup.defer(() => registry.kill());

  // The JVM writes the archive when it exits. One at a time, because the registry needs Kafka for its shutdown.
  await registry.stop(writingMs);
  await keep(registry, drafts.registry, registryFile);
  await kafka.stop(writingMs);
  await keep(kafka, drafts.kafka, kafkaFile);
}

const writingMs = 60_000;

async function keep(server: ServerProcess, draft: string, file: string): Promise<void> {
  const { signal } = await server.exited;
  if (signal !== null) return;
  if (!existsSync(draft)) return writeFile(file + noArchive, 'This Java cannot record a class archive.\n');
  const partial = `${file}.${process.pid}`;
  await copyFile(draft, partial);
  await rename(partial, file);
}
