import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Watchdog } from '@notion-mirror/local-stack/watchdog';

/** Starts a program of this folder; the watchdog ends it when this process has ended. */
async function start(watchdog: Watchdog, program: string, env: Readonly<Record<string, string>>): Promise<ChildProcess & { pid: number }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, program)], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} could not be started`);
  await watchdog.adopt(pid);
  child.once('exit', () => watchdog.release(pid));
  return Object.assign(child, { pid });
}

export interface Server {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts a program that prints its port (0: it listens to nothing) as its first line when it is ready, and ends at SIGTERM. */
export async function startServer(watchdog: Watchdog, program: string, env: Readonly<Record<string, string>>): Promise<Server> {
  const child = await start(watchdog, program, env);
  const ended = once(child, 'exit');
  const [first] = (await Promise.race([once(createInterface({ input: child.stdout ?? process.stdin }), 'line'), ended])) as [unknown];
  const port = Number(first);
  if (child.exitCode !== null || !/^\d+$/.test(String(first))) throw new Error(`${program} did not print its port, but: ${String(first)}`);
  return {
    pid: child.pid,
    port,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Runs a program to its end, with `task` as JSON on stdin; resolves to its output, parsed. Rejects when it fails. */
export async function runTask(
  watchdog: Watchdog,
  program: string,
  task: object,
  env: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const child = await start(watchdog, program, env);
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stdin?.end(JSON.stringify(task));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
  return JSON.parse(output);
}
