import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { entryPoint, type ServiceName } from '@notion-mirror/demo/service-process';
import { freePort } from '@notion-mirror/local-stack/ports';
import type { Watchdog } from '@notion-mirror/local-stack/watchdog';
import { waitUntil } from '@notion-mirror/local-stack/wait-until';

export type Env = Readonly<Record<string, string>>;

/** Collects all output of the product's processes: stdout, stderr and the operations port. */
export interface Ear {
  readonly heard: () => string;
  readonly hear: (text: string) => void;
}

export function openEar(): Ear {
  const chunks: string[] = [];
  return { heard: () => chunks.join(''), hear: (text) => void chunks.push(text) };
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningService {
  readonly said: () => string;
  readonly exited: Promise<number | null>;
  /** Resolves when the output matches all of these; rejects with the output when the process ends first. */
  until(...words: readonly RegExp[]): Promise<void>;
  /** `/readyz` or `/metrics`; status 0 while nothing listens. */
  ask(path: '/readyz' | '/metrics'): Promise<{ readonly status: number; readonly text: string }>;
  stop(): Promise<number | null>;
}

/** The environment a process inherits, without the developer's own settings. */
function inherited(): Env {
  const names = ['PATH', 'HOME', 'LANG', 'NODE_COMPILE_CACHE'];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
}

/** Runs `mirror …` to its end. */
export async function mirror(ear: Ear, env: Env, ...args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [entryPoint('cli'), ...args], {
    env: { ...inherited(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await once(child, 'close');
  ear.hear(`${stdout}\n${stderr}\n`);
  return { code: child.exitCode, stdout, stderr };
}

/** Starts a service without waiting for readiness. */
export async function startProduct(
  name: ServiceName | 'console',
  env: Env,
  deps: { readonly ear: Ear; readonly watchdog: Watchdog },
): Promise<RunningService> {
  const { ear, watchdog } = deps;
  const port = await freePort();
  const child = spawn(process.execPath, [entryPoint(name)], {
    env: { ...inherited(), ...env, MIRROR_OPS_PORT: String(port), MIRROR_OPS_HOST: '127.0.0.1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (child.pid !== undefined) await watchdog.adopt(child.pid);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      ear.hear(chunk.toString());
    });
  }
  let hasEnded = false;
  const exited = once(child, 'close').then(() => {
    hasEnded = true;
    return child.exitCode;
  });
  return {
    said: () => text,
    exited,
    async until(...words) {
      const failure = () => (hasEnded ? new Error(`${name} ended:\n${text}`) : null);
      await waitUntil(`${name} to say ${String(words)}`, async () => words.every((word) => word.test(text)), {
        timeoutMs: 45_000,
        failure,
      }).catch((error: unknown) => {
        throw new Error(`${name} said:\n${text.slice(-4_000)}`, { cause: error });
      });
    },
    async ask(path) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => null);
      if (answer === null) return { status: 0, text: '' };
      const body = await answer.text();
      ear.hear(body);
      return { status: answer.status, text: body };
    },
    stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}
