import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import { jvmFlags, type ClassArchive } from './jvm.ts';
import { kafkaClassPath } from './kafka-files.ts';
import { kafkaSettings } from './kafka-settings.ts';
import { freePort, retryTakenPort } from './ports.ts';
import { kafkaIsReady } from './ready-checks.ts';
import { startServerProcess, waitUntilReady, type ServerProcess } from './server-process.ts';
import type { Java } from './toolchain.ts';
import type { Watchdog } from './watchdog.ts';

export type KafkaBroker = ServerProcess & { readonly port: number; readonly controllerPort: number; readonly address: string };

export const clusterId = '5L6g3nShT-eMCtK--X86sw';

/**
 * Starts one Kafka broker that is its own KRaft controller, and waits until it answers a metadata request.
 * It continues with existing data in `dataDir`. `port` and `controllerPort` are preferences: others are used when they are not free.
 * Throws ServerStartError.
 */
export async function startKafkaBroker(options: {
  folder: string;
  java: Java;
  archive: ClassArchive | null;
  dataDir: string;
  logFile: string;
  watchdog: Watchdog;
  port?: number | undefined;
  controllerPort?: number | undefined;
  host?: string | undefined;
  signal?: AbortSignal | undefined;
}): Promise<KafkaBroker> {
  const { folder, java, dataDir, signal, host = '127.0.0.1' } = options;
  const properties = join(dataDir, 'server.properties');
  const logDir = join(dataDir, 'log');
  const tempDir = join(dataDir, 'tmp');
  await mkdir(tempDir, { recursive: true });
  const flags = [...jvmFlags({ tempDir, archive: options.archive }), ...loggerFlags, '-cp', kafkaClassPath(folder)];

  return retryTakenPort(async (attempt) => {
    const port = await freePort(attempt === 0 ? options.port : undefined);
    const controllerPort = await freePort(attempt === 0 ? options.controllerPort : undefined);
    const address = `${host}:${port}`;
    const settings = kafkaSettings({
      logDir,
      listeners: { CLIENTS: { bind: address, advertise: address } },
      controller: `127.0.0.1:${controllerPort}`,
    });
    await writeFile(
      properties,
      Object.entries(settings)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
    if (!existsSync(join(logDir, 'meta.properties'))) {
      const quick = [...flags.filter((flag) => !flag.startsWith('-XX:ArchiveClassesAtExit')), '-XX:TieredStopAtLevel=1'];
      await runCommand(java.command, [...quick, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties], { signal });
    }
    const server = await startServerProcess({
      name: 'Kafka',
      command: java.command,
      args: [...flags, 'kafka.Kafka', properties],
      cwd: dataDir,
      logFile: options.logFile,
      watchdog: options.watchdog,
    });
    await waitUntilReady(server, () => kafkaIsReady(address), { timeoutMs: 90_000, signal });
    return { ...server, port, controllerPort, address };
  });
}

const loggerFlags = ['-Dorg.slf4j.simpleLogger.showDateTime=true', '-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS'];
