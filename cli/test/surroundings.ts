import { PassThrough } from 'node:stream';
import { runMirror } from '../src/program.ts';

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `mirror <args>` in this process, with its own environment, terminals and stdin. */
export async function mirror(
  args: readonly string[],
  options: { env?: Record<string, string>; isTTY?: boolean; stdin?: string; signal?: AbortSignal; onStdout?: (text: string) => void } = {},
): Promise<Run> {
  const written = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr') => ({
    write(text: string) {
      written[name] += text;
      if (name === 'stdout') options.onStdout?.(text);
    },
    isTTY: options.isTTY,
  });
  const stdin = new PassThrough();
  stdin.end(options.stdin ?? '');
  const code = await runMirror(args, {
    env: options.env ?? {},
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    stdin,
    signal: options.signal ?? new AbortController().signal,
  });
  return { code, ...written };
}
