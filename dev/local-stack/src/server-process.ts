import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile, rename } from 'node:fs/promises';
import pTimeout from 'p-timeout';
import { waitUntil } from './wait-until.ts';
import type { Watchdog } from './watchdog.ts';

export type ServerExit = { code: number | null; signal: NodeJS.Signals | null };

/** One server running as a local process. */
export type ServerProcess = {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Fulfilled when the process has ended, for any reason. */
  readonly exited: Promise<ServerExit>;
  /** SIGTERM, then SIGKILL if it has not ended after `graceMs` (default 15 s). Safe to call again. */
  stop(graceMs?: number): Promise<void>;
  /** SIGKILL: simulates a crash. */
  kill(): Promise<void>;
};

/** A server could not be started; the message holds the relevant part of its log. */
export class ServerStartError extends Error {
  override readonly name = 'ServerStartError';
  /** The port was taken between our choice and the server's bind: worth a retry with another port. */
  readonly portTaken: boolean;

  constructor(message: string, log: string, options?: ErrorOptions) {
    super(`${message}${hintFor(log)}\n${telling(log)}`, options);
    this.portTaken = /address already in use|already bound|port is already allocated|EADDRINUSE/i.test(log);
  }
}

function hintFor(log: string): string {
  return /DBPathInUse|Failed to acquire lock on file/i.test(log) ? ' Another stack is running on this data folder.' : '';
}

/** The first lines that look like the cause, and the last ones. */
function telling(log: string): string {
  const lines = log.trimEnd().split('\n');
  const end = lines.slice(-8);
  const causes = lines.slice(0, -8).filter((line) => /\b(ERROR|FATAL|Exception|Error:)/.test(line));
  return [...causes.slice(0, 6), ...end].map((line) => `    ${line.slice(0, 300)}`).join('\n');
}

/**
 * Starts `command` with its output in `logFile`, in its own session, so that Ctrl-C in the terminal does not reach the server.
 * The server starts only after the watchdog has its pid, so our death can never leave it behind.
 */
export async function startServerProcess(options: {
  name: string;
  command: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>> | undefined;
  cwd: string;
  logFile: string;
  watchdog: Watchdog;
}): Promise<ServerProcess> {
  const { name, logFile, watchdog } = options;
  await rename(logFile, `${logFile}.previous`).catch(() => {});
  const log = openSync(logFile, 'w');
  // `read` waits for the line below. If we die before it, the pipe closes, `read` fails and nothing is started.
  const child = spawn('/bin/sh', ['-c', 'read -r _ && exec "$@"', name, options.command, ...options.args], {
    cwd: options.cwd,
    env: { ...inheritedEnvironment(), ...options.env },
    detached: true,
    stdio: ['pipe', log, log],
  });
  closeSync(log);
  let exit: ServerExit | null = null;
  const exited = new Promise<ServerExit>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve((exit = { code, signal })));
  });
  const { pid, stdin } = child;
  if (pid === undefined || stdin === null) {
    await exited;
    throw new Error(`${name} has no pid.`);
  }
  stdin.on('error', () => {});
  await watchdog.adopt(pid);
  exited.then(
    () => watchdog.release(pid),
    () => {},
  );
  stdin.end('go\n');

  async function stop(graceMs = 15_000): Promise<void> {
    if (exit) return;
    child.kill('SIGTERM');
    await pTimeout(exited, { milliseconds: graceMs, message: false });
    await kill();
  }

  async function kill(): Promise<void> {
    if (exit) return;
    child.kill('SIGKILL');
    await exited;
  }

  return { name, pid, logFile, exited, stop, kill };
}

/** Waits until `check` succeeds. If the server ends or times out instead, it is killed and the error contains its log. */
export async function waitUntilReady(
  server: ServerProcess,
  check: () => Promise<boolean>,
  options: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<void> {
  let exit: ServerExit | null = null;
  server.exited.then(
    (ended) => (exit = ended),
    () => {},
  );
  try {
    await waitUntil(server.name, check, {
      ...options,
      failure: () => (exit ? new Error(`${server.name} ended instead of starting (${describeExit(exit)})`) : null),
    });
  } catch (error) {
    await server.kill();
    if (options.signal?.aborted) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const log = await readFile(server.logFile, 'utf8').catch(() => '');
    throw new ServerStartError(`${reason}; its log is ${server.logFile}.`, log, { cause: error });
  }
}

export function describeExit({ code, signal }: ServerExit): string {
  return signal ? `signal ${signal}` : `exit code ${code}`;
}

/** Only the variables any program needs: a QUARKUS_… or KAFKA_… of the user would configure the server. */
function inheritedEnvironment(): Record<string, string> {
  const names = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'LD_LIBRARY_PATH', 'JAVA_HOME'];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
}
