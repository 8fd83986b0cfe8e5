// `npm run bench:sim`: the way of events in a simulation, beside what was measured, and for sizes that no machine here has.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { durationText, short } from '../figure-text.ts';
import { curvePlot } from '../plots/curve.ts';
import { table } from '../report.ts';
import { readResults } from '../results.ts';
import { calibrationFrom } from './calibration.ts';
import { checksOf, checkTable } from './checks.ts';
import { quietTenants, type Curve } from './quiet-tenants.ts';
import { withTables } from './scaling-page.ts';
import { calibrationTable, sizesTable } from './sizes.ts';

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
