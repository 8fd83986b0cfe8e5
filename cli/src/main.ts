import { exitCode } from './exit-code.ts';
import { runMirror } from './program.ts';

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // A second signal exits at once.
    if (interrupt.signal.aborted) process.exit(exitCode.interrupted);
    interrupt.abort(new Error(`stopped by ${signal}`));
    setTimeout(() => process.exit(exitCode.interrupted), 2_000).unref();
  });
}
// `mirror … | head`: the reader has closed the pipe.
process.stdout.on('error', () => process.exit(exitCode.failed));

const { env, stdout, stderr, stdin } = process;
const code = await runMirror(process.argv.slice(2), { env, stdout, stderr, stdin, signal: interrupt.signal });
// A client hanging on a dead server would keep the process alive past its deadline. Output is flushed first.
stdout.write('', () => process.exit(code));
