import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '@notion-mirror/local-stack/ports';
import { variableEntries } from '@notion-mirror/service-kit/variables';
import type { Watchdog } from '@notion-mirror/local-stack/watchdog';

export type ServiceName = 'ingress' | 'sync-worker' | 'delete-worker' | 'console';

/** One line of a service's log, as pino writes it. */
export interface LogLine {
  readonly service: string;
  readonly level: string;
  readonly msg: string;
  readonly outcome?: string;
  readonly reason?: string;
  readonly [field: string]: unknown;
}

export interface ServiceProcess {
  readonly name: ServiceName;
  readonly pid: number;
  readonly opsUrl: string;
  /** Settles when the process has ended. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** SIGTERM, then waits for the end. */
  stop(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** SIGKILL: the crash of a test. */
  kill(): Promise<void>;
}

/** As docs/operations.md and docker-compose.yml start the services. */
const workerFlags = ['--max-semi-space-size=8', '--heap-growing-percent=50'];
const heapFlags: Readonly<Record<ServiceName, readonly string[]>> = {
  ingress: ['--max-semi-space-size=32', '--heap-growing-percent=50', '--no-allocation-site-pretenuring'],
  'sync-worker': workerFlags,
  'delete-worker': workerFlags,
  console: ['--max-semi-space-size=2', '--heap-growing-percent=50'],
};
const root = join(import.meta.dirname, '..', '..', '..');

/** The entry point of a process of the product. */
export function entryPoint(name: ServiceName | 'console' | 'cli'): string {
  return name === 'cli' ? join(root, 'cli/src/main.ts') : join(root, 'services', name, 'src/main.ts');
}

/**
 * Starts a service as an operator would and resolves when it is ready. Rejects when it ends before that. The watchdog ends it when this
 * process is gone, however it went.
 */
export async function startService(
  name: ServiceName,
  env: Readonly<Record<string, string>>,
  options: {
    readonly watchdog: Watchdog;
    readonly onLine?: ((line: LogLine) => void) | undefined;
    /** Another program in the place of the service. */
    readonly program?: string | undefined;
  },
): Promise<ServiceProcess> {
  const { watchdog, onLine, program = entryPoint(name) } = options;
  const opsPort = await freePort();
  const child = spawn(process.execPath, [...heapFlags[name], program], {
    cwd: root,
    env: {
      ...withoutMirrorVariables(process.env),
      ...forService(name, env),
      MIRROR_OPS_PORT: String(opsPort),
      MIRROR_OPS_HOST: '127.0.0.1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C in a terminal reaches the whole group; the parent stops its services itself, in order.
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${name} could not be started`);
  await watchdog.adopt(pid);
  const tail: string[] = [];
  const remember = (line: string) => {
    tail.push(line);
    if (tail.length > 20) tail.shift();
  };
  createInterface({ input: child.stderr }).on('line', remember);
  createInterface({ input: child.stdout }).on('line', (text) => {
    remember(text);
    const line = onLine === undefined ? null : parseLine(text);
    if (line !== null) onLine?.(line);
  });
  const exited = once(child, 'exit').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  void exited.then(() => watchdog.release(pid));
  const opsUrl = `http://127.0.0.1:${opsPort}`;
  const ended = exited.then(({ code, signal }) => {
    throw new Error(`${name} ended before it was ready (${signal ?? `exit code ${code}`}):\n${tail.join('\n')}`);
  });
  await Promise.race([ready(`${opsUrl}/readyz`, exited), ended]);
  ended.catch(() => {});
  return {
    name,
    pid,
    opsUrl,
    exited,
    stop: () => {
      child.kill('SIGTERM');
      return exited;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

export interface MirrorRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `mirror …` and resolves with what it printed and its exit code. */
export async function tryMirror(args: readonly string[], env: Readonly<Record<string, string>>): Promise<MirrorRun> {
  const child = spawn(process.execPath, [entryPoint('cli'), ...args], {
    cwd: root,
    env: { ...withoutMirrorVariables(process.env), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = await once(child, 'close');
  return { code: Number(code), stdout, stderr };
}

/** Runs `mirror …` and resolves with its output; rejects with its errors when it fails. */
export async function runMirror(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const { code, stdout, stderr } = await tryMirror(args, env);
  if (code !== 0) throw new Error(`mirror ${args[0] ?? ''} exited with ${code}:\n${stderr}${stdout}`);
  return stdout;
}

/** Whether a variable is one of the user's own settings, which must not leak into a demo or a test: it could reach their production. */
function isSetting(name: string): boolean {
  return name.startsWith('MIRROR_') && !name.startsWith('MIRROR_STACK');
}

/** The settings of a mirror in an environment; how the servers are run is none. */
export function mirrorVariables(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (isSetting(name) && value !== undefined ? [[name, value]] : [])),
  );
}

/** An environment without what only other services use. A name that none uses stays: the service warns about it. */
function forService(service: ServiceName, env: Readonly<Record<string, string>>): Record<string, string> {
  const others = variableEntries.flatMap(([name, { usedBy }]) => (usedBy.includes(service) ? [] : [name, `${name}_FILE`]));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !others.includes(name)));
}

function withoutMirrorVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('MIRROR_')));
}

async function ready(url: string, exited: Promise<unknown>): Promise<void> {
  const ended = new AbortController();
  void exited.then(() => ended.abort());
  while (!ended.signal.aborted) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function parseLine(text: string): LogLine | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && 'service' in value && 'msg' in value) return value as LogLine;
  } catch {
    // Not a log line: a warning of Node itself, for instance. It stays in the tail.
  }
  return null;
}
