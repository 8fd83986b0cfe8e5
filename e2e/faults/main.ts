import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs, styleText } from 'node:util';
import { createProgressPrinter } from '@notion-mirror/local-stack/progress';
import { startCluster } from '@notion-mirror/local-stack/cluster';
import { StackUnavailableError } from '@notion-mirror/local-stack/stack-unavailable';
import { reliabilityReport } from './report.ts';
import { runScenario, type ScenarioResult } from './run-scenario.ts';
import { scenarios } from './scenarios.ts';

const help = `npm run test:faults -- [options]

Breaks things one after the other while customers work, on three Kafka brokers, a MongoDB replica set of three and a schema registry behind
toxiproxy, and checks after each scenario that nothing was lost and the mirror equals Notion.

  --only NAME[,NAME]   only these scenarios
  --list               the scenarios, and nothing else
  --seed SEED          what customers do and when things break (default: another each time; MIRROR_TEST_SEED)
  --tenants N          customers (default 50)
  --actions N          what they do in a scenario, at least (default 250)
  --write FILE         write the report (docs/reliability.md)
  --json               results as one JSON document on stdout
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    list: { type: 'boolean', default: false },
    seed: { type: 'string' },
    tenants: { type: 'string', default: '50' },
    actions: { type: 'string', default: '250' },
    write: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const out = values.json ? process.stderr : process.stdout;
const say = (text: string): void => void out.write(`${text}\n`);

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof StackUnavailableError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  if (values.list) {
    for (const { name, what } of scenarios) say(`${name.padEnd(28)} ${what}`);
    return 0;
  }
  const seed = values.seed ?? process.env['MIRROR_TEST_SEED'] ?? randomBytes(4).toString('hex');
  const wanted = values.only?.split(',');
  const unknown = wanted?.filter((name) => !scenarios.some((scenario) => scenario.name === name)) ?? [];
  if (unknown.length > 0) throw new Error(`no scenario is called ${unknown.join(', ')}: see --list`);
  const chosen = scenarios.filter(({ name }) => wanted === undefined || wanted.includes(name));
  say(`Seed ${seed}. The same choices again: npm run test:faults -- --seed ${seed}`);

  const printer = createProgressPrinter(process.stderr);
  const aborter = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => aborter.abort(new Error(signal)));
  const cluster = await startCluster({ onProgress: printer.onProgress, signal: aborter.signal });
  const results: ScenarioResult[] = [];
  try {
    for (const scenario of chosen) {
      if (aborter.signal.aborted) break;
      const step = scenario.name;
      printer.onProgress({ kind: 'begin', step });
      const result = await runScenario(scenario, {
        cluster,
        seed,
        tenants: Number(values.tenants),
        actions: Number(values.actions),
        onStep: (detail) => printer.onProgress({ kind: 'advance', step, detail }),
      });
      printer.onProgress(result.complaints.length === 0 ? { kind: 'done', step, detail: summary(result) } : { kind: 'failed', step });
      if (result.complaints.length > 0) explain(result, seed);
      results.push(result);
    }
  } finally {
    printer.close();
    await cluster.stop();
  }
  const failed = results.filter(({ complaints }) => complaints.length > 0).length;
  if (values.write !== undefined) {
    await writeFile(
      values.write,
      reliabilityReport(await readFile(values.write, 'utf8'), { seed, tenants: Number(values.tenants), results }),
    );
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ seed, results }, null, 2)}\n`);
  say(`${results.length - failed} passed, ${failed + (chosen.length - results.length)} failed`);
  return failed === 0 && results.length === chosen.length ? 0 : 1;
}

function summary({ figures, seconds }: ScenarioResult): string {
  const { accepted = 0, spooled = 0, recoverySeconds = 0 } = figures;
  const viaSpool = spooled > 0 ? `, ${spooled} by the spool` : '';
  return `${accepted} events${viaSpool}, well again after ${recoverySeconds.toFixed(1)} s (${seconds.toFixed(0)} s)`;
}

function explain({ name, complaints, warnings, logFile }: ScenarioResult, seed: string): void {
  say(styleText('red', `✗ ${name}`));
  for (const complaint of complaints) say(`    ${complaint}`);
  say('  the last warnings of the services:');
  for (const line of warnings) say(`    ${JSON.stringify(line).slice(0, 400)}`);
  say(`  all log lines: ${logFile ?? ''}`);
  say(`  again: npm run test:faults -- --only ${name} --seed ${seed}`);
}
