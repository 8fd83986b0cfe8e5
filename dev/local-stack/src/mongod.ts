import { mkdir } from 'node:fs/promises';
import { freePort, retryTakenPort } from './ports.ts';
import { replicaSetIsReady, replicaSetName } from './ready-checks.ts';
import { startServerProcess, waitUntilReady, type ServerProcess } from './server-process.ts';
import type { Watchdog } from './watchdog.ts';

export type Mongod = ServerProcess & { readonly port: number; /** names no database yet */ readonly uri: string };

/**
 * Starts one mongod as a replica set of one and waits until it is primary. It continues with existing data in `dataDir`,
 * even on another port. `port` is a preference: another is used when it is not free. Throws ServerStartError.
 */
export async function startMongod(options: {
  command: string;
  dataDir: string;
  logFile: string;
  watchdog: Watchdog;
  port?: number | undefined;
  host?: string | undefined;
  signal?: AbortSignal | undefined;
}): Promise<Mongod> {
  const { host = '127.0.0.1' } = options;
  await mkdir(options.dataDir, { recursive: true });
  return retryTakenPort(async (attempt) => {
    const port = await freePort(attempt === 0 ? options.port : undefined);
    const server = await startServerProcess({
      name: 'MongoDB',
      command: options.command,
      // No unix socket: a killed server would leave its file in /tmp.
      args: [...mongodArguments(port), '--bind_ip', host, '--dbpath', options.dataDir, '--nounixsocket'],
      cwd: options.dataDir,
      logFile: options.logFile,
      watchdog: options.watchdog,
    });
    await waitUntilReady(server, () => replicaSetIsReady(host, port), { timeoutMs: 90_000, signal: options.signal });
    return { ...server, port, uri: mongodbUri(host, port) };
  });
}

// Diagnostics that mongod would otherwise write every second.
const noDiagnostics = ['--setParameter', 'diagnosticDataCollectionEnabled=false'];

export function mongodArguments(port: number, cacheGb = 0.5): string[] {
  return ['--replSet', replicaSetName, '--port', String(port), '--wiredTigerCacheSizeGB', String(cacheGb), '--quiet', ...noDiagnostics];
}

export function mongodbUri(host: string, port: number): string {
  return `mongodb://${host}:${port}/?replicaSet=${replicaSetName}`;
}
