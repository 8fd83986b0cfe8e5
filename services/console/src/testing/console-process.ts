import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface ConsoleProcess {
  readonly pid: number;
  /** A port from the log; 0 until it is logged. */
  port(message: 'console port listens' | 'operations port listens'): number;
  /** What it printed on stderr. */
  errors(): string;
  /** Exit code and signal. */
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

/** Starts the real process: `node src/main.ts`. For tests. */
export function startConsoleProcess(env: Readonly<Record<string, string>>): ConsoleProcess {
  const main = fileURLToPath(new URL('../main.ts', import.meta.url));
  // With the bounds of the heap that it is operated with.
  const child = spawn(process.execPath, ['--max-semi-space-size=2', '--heap-growing-percent=50', main], {
    env: { PATH: process.env['PATH'], MIRROR_CONSOLE_PORT: '0', MIRROR_OPS_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: Record<string, unknown>[] = [];
  let rest = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) lines.push(JSON.parse(part) as Record<string, unknown>);
  });
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  return {
    pid: child.pid ?? 0,
    port: (message) => Number(lines.find(({ msg }) => msg === message)?.['port'] ?? 0),
    errors: () => errors,
    exited: new Promise((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }));
    }),
    kill: (signal) => child.kill(signal),
  };
}
