// `npm run bench:sim`: the way of events in a simulation, beside what was measured, and for sizes that no machine here has.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { curvePlot } from '../plots/curve.ts';
import { readResults } from '../results.ts';
import { latencyOf, simulate } from './simulate.ts';
import { skewed, worlds } from './worlds.ts';

const usage = `npm run bench:sim [-- options]

  --measured FILE  what \`npm run bench -- --json FILE\` found: the simulation beside it
  --write FOLDER   the curves of the extrapolation as SVG
  --json           all figures, as JSON
  --help`;

const { values: options } = parseArgs({
  options: {
    measured: { type: 'string' },
    write: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) console.log(usage);
else main();

function main(): void {
  const checked = validation();
  const curves = extrapolation();
  if (options.json) console.log(JSON.stringify({ checked, curves }, null, 2));
  else {
    console.log('| figure | simulated | measured | deviation |\n| --- | --- | --- | --- |');
    for (const { figure, simulated, measured } of checked) {
      const beside = measured === null ? ['–', '–'] : [measured.toFixed(1), `${(((simulated - measured) / measured) * 100).toFixed(0)} %`];
      console.log(`| ${[figure, simulated.toFixed(1), ...beside].join(' | ')} |`);
    }
    for (const { title, xLabel, points } of curves) {
      console.log(`\n${title}\n\n| ${xLabel} | p50, ms | p99, ms |\n| --- | --- | --- |`);
      for (const { x, p50, p99 } of points) console.log(`| ${x} | ${p50.toFixed(0)} | ${p99.toFixed(0)} |`);
    }
  }
  if (options.write !== undefined) {
    mkdirSync(options.write, { recursive: true });
    for (const { name, title, xLabel, points } of curves) {
      const series = (['p50', 'p99'] as const).map((which) => ({
        name: which,
        points: points.map((point) => ({ x: point.x, y: point[which] })),
      }));
      writeFileSync(
        join(options.write, `${name}.svg`),
        curvePlot({ title, xLabel, yLabel: 'ms until the document', series, logX: name !== 'skew', logY: true }),
      );
    }
  }
}

function validation(): { readonly figure: string; readonly simulated: number; readonly measured: number | null }[] {
  const results = options.measured === undefined ? [] : readResults(options.measured);
  const measured = (scenario: string, contender: string, figure: string): number | null => {
    const found = results.find(({ name }) => name === scenario)?.contenders.find(({ name }) => name === contender);
    return found?.figures[figure]?.median ?? null;
  };
  return [
    {
      figure: '50 events a second, p50, ms',
      simulated: latencyOf(simulate(worlds.light()).latencies, 50),
      measured: measured('event-to-document', 'notion-mirror', 'p50'),
    },
    {
      figure: 'burst of 5,000, documents a second',
      simulated: simulate(worlds.burst()).perSecond,
      measured: measured('burst-5000', 'notion-mirror', 'documents'),
    },
    ...[200, 1_000].flatMap((callMs) =>
      [1, 2].map((count) => ({
        figure: `${nameOf(count, callMs)}, documents a second`,
        simulated: perSecond(count, callMs),
        measured: measured('workers', nameOf(count, callMs), 'documents'),
      })),
    ),
    {
      figure: 'quiet tenants alone, p50, ms',
      simulated: quietP50(false),
      measured: measured('hot-workspace', 'quiet tenants alone', 'p50'),
    },
    {
      figure: 'quiet tenants beside a hot workspace, p50, ms',
      simulated: quietP50(true),
      measured: measured('hot-workspace', 'beside a hot workspace', 'p50'),
    },
  ];
}

function extrapolation() {
  const usual = { perSecond: 3_000, workspaces: 100_000, skew: 1, workers: 4, partitions: 24, callsPerMinute: 180 };
  const quietOf = (change: Partial<typeof usual>, x: number) => {
    const { world, isQuiet } = skewed({ ...usual, ...change });
    const { latencies } = simulate(world);
    const quiet = latencies.filter((_, index) => isQuiet(world.arrivals[index]?.workspace ?? 0));
    return { x, p50: latencyOf(quiet, 50), p99: latencyOf(quiet, 99) };
  };
  const at = '3,000 events a second of 100,000 workspaces, Notion at 200 ms a call';
  return [
    {
      name: 'skew',
      title: `Quiet tenants, by how unevenly the events are spread (${at})`,
      xLabel: 'skew',
      points: [0.5, 0.75, 1, 1.25, 1.5].map((skew) => quietOf({ skew }, skew)),
    },
    {
      name: 'workers',
      title: `Quiet tenants, by sync-workers (${at})`,
      xLabel: 'sync-workers',
      points: [1, 2, 4, 8].map((workers) => quietOf({ workers }, workers)),
    },
    {
      name: 'partitions',
      title: `Quiet tenants, by partitions, 4 sync-workers (${at})`,
      xLabel: 'partitions',
      points: [4, 8, 24, 96].map((partitions) => quietOf({ partitions }, partitions)),
    },
    {
      name: 'budget',
      title: `Quiet tenants, by calls that Notion allows a connection in a minute (${at})`,
      xLabel: 'calls a minute',
      points: [10, 60, 180, 600].map((callsPerMinute) => quietOf({ callsPerMinute }, callsPerMinute)),
    },
  ];
}

function perSecond(workers: number, callMs: number): number {
  return simulate(worlds.workers(workers, callMs)).perSecond;
}

/** As the scenario `workers` calls it. */
function nameOf(workers: number, callMs: number): string {
  return `${workers === 1 ? '1 sync-worker' : `${workers} sync-workers`}, ${callMs} ms a call`;
}

function quietP50(isHot: boolean): number {
  return latencyOf(simulate(worlds.hotWorkspace(isHot)).latencies.slice(isHot ? 10_000 : 0), 50);
}
