// `npm run bench:sim`: the way of events in a simulation, beside what was measured, and for sizes that no machine here has.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { durationText, short } from '../figure-text.ts';
import { curvePlot } from '../plots/curve.ts';
import { table } from '../report.ts';
import { figureOf, readResults, type StoredResult } from '../results.ts';
import { eventsByCallMs, nameOfWorkers } from '../scenarios/workers.ts';
import { calibrationFrom, calibrationOfWrites, type Calibration } from './calibration.ts';
import { quietTenants, type Curve } from './quiet-tenants.ts';
import { withTables } from './scaling-page.ts';
import { latencyOf, simulate } from './simulate.ts';
import { calibrationTable, sizesTable } from './sizes.ts';
import { worlds } from './worlds.ts';

const usage = `npm run bench:sim [-- options]

  --measured FILE  what \`npm run bench -- --json FILE\` found (docs/performance/results.json)
  --write FOLDER   the tables of scaling.md in this folder, and its curves as SVG
  --json           all figures, as JSON
  --help`;

const { values: options } = parseArgs({
  options: {
    measured: { type: 'string', default: 'docs/performance/results.json' },
    write: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

interface Check {
  readonly figure: string;
  readonly simulated: number;
  readonly measured: number;
}

if (options.help) console.log(usage);
else main();

function main(): void {
  const results = readResults(options.measured);
  const calibration = calibrationFrom(results);
  const checked = checksOf(results, calibration);
  const curves = quietTenants(calibration);
  if (options.json) console.log(JSON.stringify({ calibration, checked, curves }, null, 2));
  else console.log([checkTable(checked), ...curves.map((curve) => `${curve.title}\n\n${curveTable(curve)}`)].join('\n\n'));
  if (options.write === undefined) return;
  const page = join(options.write, 'scaling.md');
  const tables = new Map([
    ['calibration', calibrationTable(calibration)],
    ['sizes', sizesTable(calibration)],
    ['checks', checkTable(checked)],
    ...curves.map((curve) => [curve.name, curveTable(curve)] as const),
  ]);
  writeFileSync(page, withTables(readFileSync(page, 'utf8'), tables));
  const pictures = join(options.write, 'scaling');
  mkdirSync(pictures, { recursive: true });
  for (const curve of curves) writeFileSync(join(pictures, `${curve.name}.svg`), pictureOf(curve));
}

function pictureOf({ title, xLabel, points, isSpread }: Curve): string {
  const series = (['p50', 'p99', 'slowest'] as const).map((name) => ({
    name,
    points: points.map((point) => ({ x: point.x, y: point[name] })),
  }));
  return curvePlot({ title, xLabel, yLabel: 'ms until the document', series, logX: isSpread, logY: true });
}

function curveTable({ xLabel, points }: Curve): string {
  const rows = points.map(({ x, p50, p99, slowest }) => [short(x), ...[p50, p99, slowest].map(timeText)]);
  return table([xLabel, 'p50', 'p99', 'slowest'], rows).join('\n');
}

function timeText(ms: number): string {
  if (ms < 1_000) return `${short(ms)} ms`;
  return ms < 90_000 ? `${short(ms / 1_000)} s` : durationText(ms);
}

function checkTable(checks: readonly Check[]): string {
  const rows = checks.map(({ figure, simulated, measured }) => {
    const deviation = `${(((simulated - measured) / measured) * 100).toFixed(0)} %`;
    return [figure, short(simulated), short(measured), deviation];
  });
  return table(['figure', 'simulated', 'measured', 'deviation'], rows).join('\n');
}

/** Latencies and rates, none of which the calibration uses. One that was not measured is left out. */
function checksOf(results: readonly StoredResult[], calibration: Calibration): readonly Check[] {
  const run = (world: Parameters<typeof simulate>[0]) => simulate(world, calibration);
  const workers = [...eventsByCallMs].flatMap(([callMs, events]) =>
    [1, 2].map((count) => {
      const name = nameOfWorkers(count, callMs);
      return check(`${name}: documents/s`, 'workers', name, 'documents', () => run(worlds.workers(count, callMs, events)).perSecond);
    }),
  );
  const quietP50 = (isHot: boolean) => latencyOf(run(worlds.hotWorkspace(isHot)).latencies.slice(isHot ? 10_000 : 0), 50);
  const mirror = 'notion-mirror';
  return [
    check('50 events a second: p50, ms', 'event-to-document', mirror, 'p50', () => latencyOf(run(worlds.light()).latencies, 50)),
    check('burst of 5,000: documents/s', 'burst-5000', mirror, 'documents', () => run(worlds.burst()).perSecond),
    ...workers,
    // The CPU of an event has its state and its outcome in it, so the rate must have them too.
    check(
      '1 sync-worker, 0 ms a call: documents/s',
      'worker-writes',
      'sync-worker',
      'with states and outcomes',
      () => simulate(worlds.writes(), calibrationOfWrites(results, calibration)).perSecond,
    ),
    check('quiet tenants alone: p50, ms', 'hot-workspace', 'quiet tenants alone', 'p50', () => quietP50(false)),
    check('quiet tenants beside a hot workspace: p50, ms', 'hot-workspace', 'beside a hot workspace', 'p50', () => quietP50(true)),
  ].filter((one) => one !== null);

  function check(figure: string, scenario: string, contender: string, name: string, simulated: () => number): Check | null {
    const result = results.find((one) => one.name === scenario);
    const measured = figureOf(result, contender, name)?.median;
    return measured === undefined ? null : { figure, simulated: simulated(), measured };
  }
}
