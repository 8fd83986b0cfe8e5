// `npm start`: the whole system at work, in one terminal.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createProgressPrinter } from '@notion-mirror/local-stack/progress';
import { startStack, type Stack } from '@notion-mirror/local-stack/stack';
import pc from 'picocolors';
import { runEmulated } from './emulated.ts';
import { runReal } from './real.ts';

const usage = `npm start [-- options]

  --once           end by itself; exit code 0 only if the mirror equals Notion and there are no dead letters
  --json           with --once: the last line is the result as JSON
  --data-dir DIR   with the real Nango and Notion: where the servers keep their data (default: .notion-mirror)
  --help

With MIRROR_NANGO_API_KEY and MIRROR_NANGO_SIGNING_KEYS set it runs against the real Nango and Notion (docs/quickstart.md).
MIRROR_STACK=docker|process says how Kafka, the schema registry and MongoDB are run.`;

const { values: options } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    'data-dir': { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) console.log(usage);
else process.exitCode = await main();

async function main(): Promise<number> {
  const interrupted = new AbortController();
  let interrupts = 0;
  const interrupt = () => {
    interrupts += 1;
    if (interrupts > 1) process.exit(130);
    console.log(pc.dim('\nstopping …'));
    interrupted.abort(new Error('interrupted'));
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);

  const isReal = (process.env['MIRROR_NANGO_API_KEY'] ?? '') !== '' || (process.env['MIRROR_NANGO_SIGNING_KEYS'] ?? '') !== '';
  const printer = createProgressPrinter(process.stderr);
  const dataDir = resolve(options['data-dir'] ?? '.notion-mirror');
  const { signal } = interrupted;
  let stack: Stack | undefined;
  try {
    stack = await startStack({
      // The emulated Notion starts empty each time, so the data of a previous run is useless.
      dataDir: isReal ? dataDir : undefined,
      onProgress: printer.onProgress,
      onServerExit: (server, detail) => console.error(pc.red(`${server} ended by itself (${detail})`)),
      signal,
    });
    printer.close();
    return await (isReal ? runReal(stack, dataDir, signal) : runEmulated(stack, { once: options.once, json: options.json, signal }));
  } catch (error) {
    printer.close();
    if (signal.aborted) return 130;
    console.error(pc.red(error instanceof Error ? error.message : String(error)));
    return 1;
  } finally {
    await stack?.stop();
  }
}
