import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface IngressProcess {
  /** Every line of its log so far, parsed. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  /** A port from the log; 0 until it is logged. */
  port(message: 'public port listens' | 'operations port listens'): number;
  /** Exit code and signal. */
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

/** Starts the real process: `node src/main.ts`. For tests. */
export function startIngressProcess(env: Readonly<Record<string, string>>): IngressProcess {
  const lines: Record<string, unknown>[] = [];
  const child = spawn(process.execPath, [fileURLToPath(new URL('../main.ts', import.meta.url))], {
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      MIRROR_HTTP_HOST: '127.0.0.1',
      MIRROR_HTTP_PORT: '0',
      MIRROR_OPS_PORT: '0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) lines.push(JSON.parse(part) as Record<string, unknown>);
  });
  return {
    lines,
    port: (message) => Number(lines.find(({ msg }) => msg === message)?.['port'] ?? 0),
    exited: new Promise((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }));
    }),
    kill: (signal) => child.kill(signal),
  };
}
