import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, styleText } from 'node:util';
import { createProgressPrinter } from '@notion-mirror/local-stack/progress';
import { startCluster } from '@notion-mirror/local-stack/cluster';
import { StackUnavailableError } from '@notion-mirror/local-stack/stack-unavailable';
import { reliabilityReport, table } from './report.ts';
import { openTheatre, type ScenarioResult, type Theatre } from './theatre.ts';
import type { Scenario } from './scenario.ts';
import { quickScenarios, scenarios } from './scenarios.ts';

const help = `npm run test:faults -- [options]

Breaks one thing after another while customers work, on three Kafka brokers, a MongoDB replica set of three and a schema registry behind
toxiproxy, and checks after each scenario that nothing was lost and the mirror equals Notion.

  --only NAME[,NAME]   only these scenarios
  --until NAME         all scenarios up to this one
  --quick              one scenario for each part of the system, as CI plays them
  --list               list the scenarios and exit
  --seed SEED          decides what customers do and when things break (default: MIRROR_TEST_SEED, or random)
  --tenants N          number of customers (default 50)
  --actions N          minimum customer actions per scenario (default 50)
  --write FILE         write the report (docs/reliability.md)
  --json               results as one JSON document on stdout
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    until: { type: 'string' },
    quick: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    seed: { type: 'string' },
    tenants: { type: 'string', default: '50' },
    actions: { type: 'string', default: '50' },
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
  const chosen = chosenScenarios();
  say(`Seed ${seed}. To repeat the same choices: npm run test:faults -- --seed ${seed}`);

  const printer = createProgressPrinter(process.stderr);
  const aborter = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => aborter.abort(new Error(signal)));
  const cluster = await startCluster({ onProgress: printer.onProgress, signal: aborter.signal });
  const results: ScenarioResult[] = [];
  let theatre: Theatre | null = null;
  const interrupted = new Promise<null>((resolve) => aborter.signal.addEventListener('abort', () => resolve(null)));
  try {
    for (const scenario of chosen) {
      if (aborter.signal.aborted) break;
      const step = scenario.name;
      printer.onProgress({ kind: 'begin', step });
      theatre ??= await openTheatre({ cluster, seed, tenants: Number(values.tenants), actions: Number(values.actions) });
      const played = theatre.play(scenario, (detail) => printer.onProgress({ kind: 'advance', step, detail }));
      const result = await Promise.race([played, interrupted]);
      if (result === null) break;
      results.push(result);
      if (result.complaints.length === 0) {
        printer.onProgress({ kind: 'done', step, detail: summary(result) });
        continue;
      }
      printer.onProgress({ kind: 'failed', step });
      await explain(result, theatre, seed);
      // A fault left behind would fail the next scenario too.
      await theatre.close().catch((error: unknown) => say(`    the system could not be stopped: ${String(error)}`));
      theatre = null;
    }
    if (theatre !== null && !aborter.signal.aborted) results.push(await theEnd(theatre));
  } finally {
    printer.close();
    await cluster.stop();
  }
  // Processes still running were interrupted; their watchdogs end them with this process.
  if (aborter.signal.aborted) process.exit(130);
  const failed = results.filter(({ complaints }) => complaints.length > 0).length;
  if (values.write !== undefined) {
    await writeFile(
      values.write,
      reliabilityReport(await readFile(values.write, 'utf8'), { seed, tenants: Number(values.tenants), results }),
    );
  }
  say(`\n${table({ seed, tenants: Number(values.tenants), results })}`);
  // Repeated at the end, where a reader of a long log looks first.
  for (const { name, complaints } of results)
    for (const complaint of complaints) say(styleText('red', `${name}: ${complaint.slice(0, 500)}`));
  if (values.json) process.stdout.write(`${JSON.stringify({ seed, results }, null, 2)}\n`);
  const missing = Math.max(0, chosen.length - results.length);
  say(`${results.length - failed} passed, ${failed + missing} failed`);
  return failed + missing === 0 ? 0 : 1;
}

function summary({ figures, seconds }: ScenarioResult): string {
  const { accepted = 0, spooled = 0, recoverySeconds = 0 } = figures;
  const viaSpool = spooled > 0 ? `, ${spooled} spooled` : '';
  return `${accepted} events${viaSpool}, recovered after ${recoverySeconds.toFixed(1)} s (${seconds.toFixed(0)} s)`;
}

function chosenScenarios(): readonly Scenario[] {
  const wanted = values.only?.split(',') ?? (values.quick ? quickScenarios : undefined);
  const last = scenarios.findIndex(({ name }) => name === values.until);
  const unknown = [...(wanted ?? []), ...(values.until === undefined ? [] : [values.until])].filter(
    (name) => !scenarios.some((scenario) => scenario.name === name),
  );
  if (unknown.length > 0) throw new Error(`no scenario is called ${unknown.join(', ')}: see --list`);
  return scenarios.slice(0, last < 0 ? undefined : last + 1).filter(({ name }) => wanted === undefined || wanted.includes(name));
}

/** Compares what only scans find, and stops everything: the last scenario of every run. */
async function theEnd(theatre: Theatre): Promise<ScenarioResult> {
  const began = performance.now();
  const complaints = [...(await theatre.compareRows()), ...(await theatre.close())];
  const what = 'SIGTERM to everything: exit code 0';
  if (complaints.length > 0) say(`${styleText('red', '✗ stopped')}\n    ${complaints.join('\n    ')}`);
  return { name: 'stopped', what, seconds: (performance.now() - began) / 1_000, complaints, figures: {}, warnings: [] };
}

async function explain({ name, complaints, warnings }: ScenarioResult, theatre: Theatre, seed: string): Promise<void> {
  const logFile = join(await mkdtemp(join(tmpdir(), 'mirror-faults-')), `${name}.log`);
  await writeFile(logFile, theatre.lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  say(styleText('red', `✗ ${name}`));
  for (const complaint of complaints) say(`    ${complaint}`);
  say('  last service warnings:');
  for (const line of warnings) say(`    ${JSON.stringify(line).slice(0, 400)}`);
  say(`  all log lines: ${logFile}`);
  say(`  to repeat it: npm run test:faults -- --only ${name} --seed ${seed}`);
  say(`  to repeat it with the scenarios before it: npm run test:faults -- --until ${name} --seed ${seed}`);
}
