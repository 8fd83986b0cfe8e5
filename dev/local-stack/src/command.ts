import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Watchdog } from './watchdog.ts';

export type CommandOptions = {
  cwd?: string | undefined;
  /** In addition to this process's own. */
  env?: Readonly<Record<string, string>> | undefined;
  signal?: AbortSignal | undefined;
  watchdog?: Watchdog | undefined;
  onLine?: ((line: string) => void) | undefined;
};

/**
 * Runs a program to its end and returns its output (stdout and stderr together).
 * Throws when it cannot be started, exits with a nonzero code (the message holds the end of its output), or is aborted.
 */
export async function runCommand(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  options.signal?.throwIfAborted();
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: options.signal,
  });
  const { pid } = child;
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      output.push(line);
      options.onLine?.(line);
    });
  }
  if (pid !== undefined) options.watchdog?.adopt(pid).catch(() => {});
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve(exitCode));
  }).finally(() => {
    if (pid !== undefined) options.watchdog?.release(pid);
  });
  options.signal?.throwIfAborted();
  if (code !== 0) {
    throw new Error(`\`${[command, ...args].join(' ')}\` failed (exit code ${code}):\n${output.slice(-15).join('\n')}`);
  }
  return output.join('\n');
}
