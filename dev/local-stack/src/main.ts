import { parseArgs } from 'node:util';
import picocolors from 'picocolors';
import { createProgressPrinter } from './progress.ts';
import { parseProvider } from './provider-choice.ts';
import { ServerStartError } from './server-process.ts';
import { StackUnavailableError } from './stack-unavailable.ts';
import { prefetchStack, startStack, type Stack } from './stack.ts';

const help = `npm run stack -- [options]

Starts Kafka, a schema registry and MongoDB on this machine, prints their addresses and stays until Ctrl-C.

  --data-dir DIR               keep the data in DIR and reuse existing data (default: temporary, removed at the end)
  --provider docker|process    containers or local processes (default: MIRROR_STACK, else Docker where an engine answers)
  --json                       print the addresses as one line of JSON on stdout (everything else goes to stderr)
  --prefetch                   only download the servers
  --help
`;

const abort = new AbortController();
const interrupted = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      abort.abort(new Error('interrupted'));
      resolve();
    });
  }
});
const printer = createProgressPrinter(process.stderr);

try {
  await main();
} catch (error) {
  printer.close();
  if (!abort.signal.aborted) {
    console.error(isForTheUser(error) ? error.message : error);
    process.exitCode = 1;
  }
}
// Everything of ours has ended; an abandoned image pull may still be open.
process.exit();

function isForTheUser(error: unknown): error is Error {
  if (error instanceof StackUnavailableError || error instanceof ServerStartError) return true;
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      'data-dir': { type: 'string' },
      provider: { type: 'string' },
      json: { type: 'boolean' },
      prefetch: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(help);
    return;
  }
  const provider = values.provider === undefined ? undefined : parseProvider(values.provider, '--provider');
  const common = { provider, onProgress: printer.onProgress, signal: abort.signal };
  if (values.prefetch) {
    console.error(`Everything for the provider "${await prefetchStack(common)}" is downloaded.`);
    return;
  }
  const crashed = Promise.withResolvers<void>();
  const stack = await startStack({
    ...common,
    dataDir: values['data-dir'],
    onServerExit(server, detail) {
      console.error(picocolors.red(`${server} ended unexpectedly (${detail}).`));
      process.exitCode = 1;
      crashed.resolve();
    },
  });
  if (values.json) console.log(JSON.stringify(stack));
  else describe(stack, values['data-dir']);
  // Containers alone do not keep this process running.
  const staying = setInterval(() => {}, 60_000);
  await Promise.race([interrupted, crashed.promise]);
  clearInterval(staying);
  if (!values.json) console.error('Stopping …');
  await stack.stop();
}

function row(name: string, value: string): string {
  return `  ${picocolors.bold(name.padEnd(16))} ${value}`;
}

function describe(stack: Stack, dataDir: string | undefined): void {
  const rows = [
    row('Kafka', stack.kafkaBrokers),
    row('Schema registry', stack.schemaRegistryUrl),
    row('MongoDB', stack.mongodbUri),
    row('Logs', stack.logsDir),
    row('Data', dataDir ?? 'temporary, removed at the end'),
  ];
  console.log(`\nThe stack is up (provider ${stack.provider}):\n\n${rows.join('\n')}\n\nCtrl-C stops it.`);
}
