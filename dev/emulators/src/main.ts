import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { startEmulatorPair } from './pair.ts';
import { processOptions, readProcessOptions } from './process-options.ts';
import { createSeededLife } from './seeded-life.ts';

if (process.argv.includes('--help')) {
  for (const [name, { variable, doc }] of Object.entries(processOptions)) console.log(`--${name.padEnd(18)} ${variable.padEnd(28)} ${doc}`);
  process.exit(0);
}

const options = orExit(() => readProcessOptions(process.argv.slice(2), process.env));
const stopping = new AbortController();
const pair = await startEmulatorPair({
  seed: options.seed,
  directTo: options['direct-to'],
  notion: { host: options.host, port: options['notion-port'] },
  nango: {
    host: options.host,
    port: options['nango-port'],
    apiKey: options['api-key'],
    signingKey: options['signing-key'],
    forwardTo: options['forward-to'],
  },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stopping.abort();
    void pair.stop().then(() => process.exit(0));
  });
}
const { notion, nango } = pair;
orExit(() => notion.settings.change(options['notion-settings']));
orExit(() => nango.settings.change(options['nango-settings']));

const customers = options.customers.map((name) =>
  pair.addCustomer({ name, connectionIds: [name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')] }),
);
console.log(
  JSON.stringify(
    {
      notion: notion.url,
      nango: nango.url,
      nangoApiKey: nango.environment.apiKey,
      nangoSigningKey: nango.environment.signingKey,
      webhookUrl: nango.webhookUrl(),
      seed: notion.seed,
      customers,
    },
    null,
    2,
  ),
);

if (options['life-interval-ms'] > 0 && customers.length > 0) {
  const life = createSeededLife({ pair, workspaces: customers, seed: notion.seed, rows: { share: options['life-row-share'] } });
  while (!stopping.signal.aborted) {
    const done = await life.step().catch((error: unknown) => {
      // A stop may interrupt a call.
      if (!stopping.signal.aborted) throw error;
      return null;
    });
    if (done !== null) console.log(`${done.number} ${done.customer}: ${done.name} ${done.target}`);
    await sleep(options['life-interval-ms'], undefined, { signal: stopping.signal }).catch(() => undefined);
  }
}

/** On invalid configuration, prints the problem and exits with 78. */
function orExit<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    console.error(error instanceof z.ZodError ? z.prettifyError(error) : String(error));
    process.exit(78);
  }
}
