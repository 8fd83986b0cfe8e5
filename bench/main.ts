// `npm run bench`: how fast and how cheap notion-mirror is on this machine, beside the floors and the system it replaces.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createProgressPrinter } from '@notion-mirror/local-stack/progress';
import { startStack } from '@notion-mirror/local-stack/stack';
import pc from 'picocolors';
import { renderScenario, thisMachine } from './report.ts';
import { measureScenario, type ScenarioResult } from './runner.ts';
import { scenarios } from './scenarios/all.ts';

const usage = `npm run bench [-- options]

  --only NAMES   scenarios, with commas between: ${scenarios.map(({ name }) => name).join(', ')}
  --rounds N     how often each contender is measured (default: 5)
  --quick        one short round: does it work, not how fast it is
  --json FILE    all that was measured, as JSON
  --help

Everything runs on 127.0.0.1 and ends by itself. Exit code 1: a scenario failed, or (not with --quick) a target was missed.`;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) console.log(usage);
else process.exitCode = await main();

async function main(): Promise<number> {
  const names = options.only?.split(',') ?? scenarios.map(({ name }) => name);
  const unknown = names.filter((name) => !scenarios.some((scenario) => scenario.name === name));
  const rounds = options.quick ? 1 : Number(options.rounds);
  if (unknown.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
    console.error(unknown.length > 0 ? `There is no scenario ${unknown.join(', ')}.\n\n${usage}` : usage);
    return 2;
  }
  const printer = createProgressPrinter(process.stderr);
  // Never across a container's network: that would be measured too.
  const stack = await startStack({ provider: 'process', onProgress: printer.onProgress });
  printer.close();
  const results: ScenarioResult[] = [];
  let failed = 0;
  try {
    for (const scenario of scenarios.filter(({ name }) => names.includes(name))) {
      console.error(pc.bold(scenario.title));
      try {
        const prepared = await scenario.prepare(stack, options.quick);
        try {
          const result = await measureScenario(scenario, prepared, { rounds, warmUp: !options.quick }, (done) =>
            console.error(pc.dim(`  ${done}`)),
          );
          results.push(result);
          console.log(`${renderScenario(result, scenario)}\n`);
        } finally {
          await prepared.end();
        }
      } catch (error) {
        failed += 1;
        console.error(pc.red(`✗ ${scenario.name}: ${error instanceof Error ? error.message : String(error)}`));
      }
    }
  } finally {
    await stack.stop();
  }
  if (options.json !== undefined) {
    const { quick } = options;
    await writeFile(options.json, `${JSON.stringify({ machine: thisMachine(), at: new Date(), quick, rounds, results }, null, 2)}\n`);
  }
  const missed = results.flatMap(({ targets }) => targets).filter(({ reached }) => !reached).length;
  console.log(`${results.length} passed, ${failed} failed`);
  return failed > 0 || (missed > 0 && !options.quick) ? 1 : 0;
}
