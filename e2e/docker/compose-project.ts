import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

export interface ComposeProject {
  readonly name: string;
  /** Runs `docker compose <args>` in this project and resolves with stdout. Rejects with the tail of its output when it fails or times out. */
  compose(args: readonly string[], options?: { timeoutMs?: number }): Promise<string>;
  /** `docker inspect` of a service's only container, formatted by a Go template. */
  inspect(service: string, format: string): Promise<string>;
  /** `127.0.0.1:<port>`: the host address of a container's port. */
  addressOf(service: string, port: number): Promise<string>;
}

export function createComposeProject(options: {
  readonly name: string;
  readonly directory: string;
  readonly files: readonly string[];
  readonly envFile: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}): ComposeProject {
  const { name, directory, files, envFile, signal } = options;
  // Keeps the developer's own mirror and compose settings out of the check.
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([variable]) => !/^(MIRROR|COMPOSE)_/.test(variable)));
  const env = { ...inherited, ...options.env };
  const project = [
    '--project-name',
    name,
    '--project-directory',
    directory,
    '--env-file',
    envFile,
    ...files.flatMap((file) => ['--file', file]),
  ];
  const compose: ComposeProject['compose'] = (args, { timeoutMs = 60_000 } = {}) =>
    docker(['compose', ...project, ...args], { env, signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) });
  return {
    name,
    compose,
    inspect: async (service, format) => {
      const id = (await compose(['ps', '--all', '--quiet', service])).trim();
      return (await docker(['inspect', '--format', format, id], { signal })).trim();
    },
    addressOf: async (service, port) => (await compose(['port', service, String(port)])).trim(),
  };
}

/** Removes everything of a project, including its data. Needs none of its files. */
export async function removeProject(name: string): Promise<void> {
  await docker(['compose', '--project-name', name, 'down', '--volumes', '--remove-orphans', '--timeout', '10'], { timeoutMs: 120_000 });
}

/** The names of all compose projects on this machine. */
export async function projectNames(): Promise<string[]> {
  return (await docker(['compose', 'ls', '--all', '--quiet'])).split('\n').filter((name) => name !== '');
}

/** Runs `docker <args>` and resolves with stdout. Rejects with the tail of its output. */
export async function docker(
  args: readonly string[],
  { env = process.env, signal, timeoutMs = 60_000 }: { env?: NodeJS.ProcessEnv; signal?: AbortSignal; timeoutMs?: number } = {},
): Promise<string> {
  const abort = signal ?? AbortSignal.timeout(timeoutMs);
  abort.throwIfAborted();
  const child = spawn('docker', args, { env, stdio: ['ignore', 'pipe', 'pipe'], signal: abort });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]).catch((error: unknown) => {
    const reason: unknown = abort.aborted ? abort.reason : error;
    throw new Error(`docker ${args.join(' ')}: ${reason instanceof Error ? reason.message : String(reason)}`, { cause: error });
  });
  if (code !== 0) throw new Error(`docker ${args.join(' ')}: exit code ${code}\n${lastLines(stdout + stderr)}`);
  return stdout;
}

function lastLines(output: string): string {
  return output.trimEnd().split('\n').slice(-25).join('\n');
}
