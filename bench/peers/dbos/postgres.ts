import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@notion-mirror/local-stack/ports';
import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import type { Watchdog } from '@notion-mirror/local-stack/watchdog';

export interface Postgres {
  readonly pid: number;
  /** A connection string for a database of this name, which need not exist. */
  url(database: string): string;
  stop(): Promise<void>;
}

/** Where Debian and its kin put the newest PostgreSQL, or what PATH has; null when there is none. */
function binaries(): string | null {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => join(debian, version, 'bin')), ...(process.env['PATH'] ?? '').split(':')];
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres'))) ?? null;
}

/** PostgreSQL does not run as root: then as its own user, or as nobody. */
function user(): { uid: number; gid: number } | Record<string, never> {
  if (process.getuid?.() !== 0) return {};
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  const line = users.find((one) => one.startsWith('postgres:')) ?? users.find((one) => one.startsWith('nobody:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

/**
 * A PostgreSQL of its own: stock settings (fsync on), a free port of 127.0.0.1, a data folder that goes with it. Null when none is installed.
 */
export async function startPostgres(watchdog: Watchdog): Promise<Postgres | null> {
  const bin = binaries();
  if (bin === null) return null;
  const as = user();
  const folder = mkdtempSync(join(tmpdir(), 'bench-postgres-'));
  watchdog.removeFolder(folder);
  if (as.uid !== undefined) chownSync(folder, as.uid, as.gid);
  const data = join(folder, 'data');
  execFileSync(join(bin, 'initdb'), ['-D', data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--no-locale'], { ...as, stdio: 'pipe' });
  const port = await freePort();
  const options = ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', folder];
  const child = spawn(join(bin, 'postgres'), options, { ...as, stdio: 'ignore' });
  const { pid } = child;
  if (pid === undefined) throw new Error('PostgreSQL could not be started');
  await watchdog.adopt(pid);
  const exited = once(child, 'exit');
  const answers = async () => {
    if (child.exitCode !== null) throw new Error(`PostgreSQL ended with ${child.exitCode}`);
    return spawnSync(join(bin, 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(port)]).status === 0;
  };
  await waitUntil('PostgreSQL', answers, { timeoutMs: 30_000 });
  return {
    pid,
    url: (database) => `postgresql://postgres@127.0.0.1:${port}/${database}`,
    async stop() {
      // Fast shutdown: it ends the connections.
      child.kill('SIGINT');
      await exited;
      watchdog.release(pid);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
