import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { jvmFlags, type ClassArchive } from './jvm.ts';
import { freePort, retryTakenPort } from './ports.ts';
import { registryIsReady } from './ready-checks.ts';
import { registryJar } from './registry-files.ts';
import { startServerProcess, waitUntilReady, type ServerProcess } from './server-process.ts';
import type { Java } from './toolchain.ts';
import type { Watchdog } from './watchdog.ts';

export type SchemaRegistry = ServerProcess & { readonly port: number; /** the Confluent-compatible base */ readonly url: string };

/**
 * Starts Apicurio Registry and waits until it is ready. Its schemas are in a Kafka topic, so it stores no data itself.
 * `port` is a preference: another is used when it is not free. Throws ServerStartError.
 */
export async function startSchemaRegistry(options: {
  folder: string;
  java: Java;
  archive: ClassArchive | null;
  kafkaBrokers: string;
  tempDir: string;
  logFile: string;
  watchdog: Watchdog;
  port?: number | undefined;
  host?: string | undefined;
  signal?: AbortSignal | undefined;
}): Promise<SchemaRegistry> {
  const { tempDir, signal, host = '127.0.0.1' } = options;
  await mkdir(tempDir, { recursive: true });
  // C1 only: for a few requests, C2's compilation costs more than it saves.
  const flags = [...jvmFlags({ tempDir, archive: options.archive }), '-XX:TieredStopAtLevel=1'];

  return retryTakenPort(async (attempt) => {
    const port = await freePort(attempt === 0 ? options.port : undefined);
    const url = registryUrl(host, port);
    const server = await startServerProcess({
      name: 'Schema registry',
      command: options.java.command,
      args: [...flags, '-jar', registryJar(options.folder)],
      env: {
        ...registryEnvironment(options.kafkaBrokers),
        QUARKUS_HTTP_HOST: host,
        QUARKUS_HTTP_PORT: String(port),
        APICURIO_STORAGE_SNAPSHOT_LOCATION: tempDir,
        APICURIO_IMPORT_WORK_DIR: tempDir,
      },
      cwd: dirname(options.logFile),
      logFile: options.logFile,
      watchdog: options.watchdog,
    });
    await waitUntilReady(server, () => registryIsReady(url), { timeoutMs: 120_000, signal });
    return { ...server, port, url };
  });
}

export function registryUrl(host: string, port: number): string {
  return `http://${host}:${port}/apis/ccompat/v7`;
}

/** Settings that make the registry store its schemas in Kafka, and start in 2 seconds instead of 8. */
export function registryEnvironment(kafkaBrokers: string): Record<string, string> {
  return {
    APICURIO_STORAGE_KIND: 'kafkasql',
    APICURIO_KAFKASQL_BOOTSTRAP_SERVERS: kafkaBrokers,
    // At start the registry waits one whole poll timeout (5 s by default) for a snapshot. There are none: snapshots are files that the
    // next run may not find, so they are disabled and the journal in Kafka is the only source.
    APICURIO_KAFKASQL_CONSUMER_POLL_TIMEOUT: '200',
    APICURIO_KAFKASQL_SNAPSHOT_EVERY_SECONDS: 'off',
    QUARKUS_HTTP_ACCESS_LOG_ENABLED: 'false',
  };
}
