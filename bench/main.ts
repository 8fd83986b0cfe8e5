// `npm run bench`: how fast and how cheap notion-mirror is on this machine, compared with hand-written floors.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { createProgressPrinter } from '@notion-mirror/local-stack/progress';
import { startStack } from '@notion-mirror/local-stack/stack';
import pc from 'picocolors';
import { durationText } from './figure-text.ts';
import { thisMachine } from './machine.ts';
import { outdatedFiles, renderPage, writePage } from './page.ts';
import { renderScenario } from './report.ts';
import { commitOf, readResults, withResult, writeResults, type StoredResult } from './results.ts';
import { measureScenario, type ScenarioResult } from './runner.ts';
import { scenarios } from './scenarios/all.ts';

const usage = `npm run bench [-- options]

  --only NAMES     scenarios, separated by commas: ${scenarios.map(({ name }) => name).join(', ')}
  --rounds N       rounds per contender (default: 5)
  --quick          one short round: shows that it works, not how fast it is
  --json FILE      the results, as JSON, written after each scenario; replaces the scenario's result in FILE and keeps the others
  --machine NAME   name of this machine in FILE
  --help

  --report FILE    measures nothing: fills the tables and plots of docs/performance.md from FILE
  --check          with --report: only reports whether they are up to date

Everything runs on 127.0.0.1 and ends by itself. Exit code 1: a scenario failed, (not with --quick) a target was missed, or --check found a difference.`;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    machine: { type: 'string' },
    report: { type: 'string' },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const root = dirname(import.meta.dirname);

if (options.help) console.log(usage);
else if (options.report !== undefined) process.exitCode = report(options.report, options.check);
else process.exitCode = await measure();

function report(file: string, onlyCheck: boolean): number {
  const docs = join(root, 'docs');
  try {
    const results = readResults(file);
    const page = renderPage(readFileSync(join(docs, 'performance.md'), 'utf8'), results, scenarios);
    if (!onlyCheck) {
      writePage(docs, page);
      console.log('docs/performance.md written');
      return 0;
    }
    const quick = results.filter((result) => result.quick).map(({ name }) => name);
    if (quick.length > 0) console.error(`${file} holds quick runs, which are no measurements: ${quick.join(', ')}`);
    const outdated = outdatedFiles(docs, page);
    if (outdated.length > 0) {
      console.error(`Not up to date with ${file} and the scenarios: ${outdated.map((one) => `docs/${one}`).join(', ')}`);
      console.error(`To update them: npm run bench -- --report ${file}`);
    }
    return quick.length + outdated.length === 0 ? 0 : 1;
  } catch (error) {
    console.error(reasonOf(error));
    return 1;
  }
}

async function measure(): Promise<number> {
  const { quick, json } = options;
  const names = options.only?.split(',') ?? scenarios.filter(({ isLarger }) => !(quick && isLarger)).map(({ name }) => name);
  const unknown = names.filter((name) => !scenarios.some((scenario) => scenario.name === name));
  const rounds = quick ? 1 : Number(options.rounds);
  if (unknown.length > 0 || options.check || !Number.isInteger(rounds) || rounds < 1) {
    console.error(unknown.length > 0 ? `There is no scenario ${unknown.join(', ')}.\n\n${usage}` : usage);
    return 2;
  }
  const commit = commitOf(root);
  let stored: readonly StoredResult[] = [];
  if (json !== undefined) {
    try {
      if (existsSync(json)) stored = readResults(json);
      // Now rather than after the first scenario: an unwritable file is reported before an hour's work.
      writeResults(json, stored);
    } catch (error) {
      console.error(reasonOf(error));
      return 2;
    }
  }

  const printer = createProgressPrinter(process.stderr);
  // Never across a container's network, which would be measured too.
  const stack = await startStack({ provider: 'process', onProgress: printer.onProgress });
  printer.close();
  const results: ScenarioResult[] = [];
  let failed = 0;
  try {
    const wanted = scenarios.filter(({ name }) => names.includes(name));
    for (const [index, scenario] of wanted.entries()) {
      const started = performance.now();
      const elapsed = () => durationText(performance.now() - started);
      console.error(pc.bold(`[${index + 1} of ${wanted.length}] ${scenario.title}`));
      try {
        const prepared = await scenario.prepare(stack, quick);
        try {
          // Where each contender starts a system of its own, one shows that the scenario works.
          const contenders = quick && scenario.startsOwnSystems === true ? prepared.contenders.slice(-1) : prepared.contenders;
          const result = await measureScenario(scenario, { contenders }, { rounds, warmUp: !quick }, (done) =>
            console.error(pc.dim(`  ${done} (${elapsed()})`)),
          );
          results.push(result);
          console.log(`${renderScenario(result, scenario.figures)}\n`);
          if (json !== undefined) {
            const machine = thisMachine(options.machine);
            stored = withResult(stored, { ...result, machine, at: new Date().toISOString(), rounds, quick, commit });
            writeResults(json, stored);
          }
        } finally {
          await prepared.end();
        }
      } catch (error) {
        failed += 1;
        console.error(pc.red(`✗ ${scenario.name}: ${reasonOf(error)}`));
      }
    }
  } finally {
    await stack.stop();
  }
  const missed = results.flatMap(({ targets }) => targets).filter(({ reached }) => !reached).length;
  console.log(`${results.length} passed, ${failed} failed`);
  return failed > 0 || (missed > 0 && !quick) ? 1 : 0;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
