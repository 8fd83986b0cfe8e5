// docs/performance.md: its tables and pictures come from the results, the text between them is written by hand.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rangeOf } from './figure-text.ts';
import { machineText } from './machine.ts';
import { barsPlot, curvePlot } from './plots.ts';
import { boundOf, figuresTable, subjectOf, table, unitOf } from './report.ts';
import { figureOf, type StoredResult } from './results.ts';
import { judged, type TargetResult } from './runner.ts';
import type { Plot, Scenario } from './scenario.ts';

export type DescribedScenario = Pick<Scenario, 'name' | 'title' | 'figures' | 'targets' | 'plots'>;

type Verdict = 'reached' | 'missed' | 'not measured';

/** They differ in shape, not only in colour. */
const marks: Readonly<Record<Verdict, string>> = { reached: '✓ reached', missed: '✗ **missed**', 'not measured': '… not measured' };

/** `<!-- bench: NAME -->` to `<!-- /bench -->`; NAME is `targets` or a scenario. */
const block = /(<!-- bench: (\S+) -->\n)[^]*?(<!-- \/bench -->)/g;

/**
 * The files of the docs folder, by path: performance.md with every block filled, and its pictures. Targets, titles and units are those of the scenarios as they
 * are now, figures those of `results`. Throws when a block names nothing, or when a scenario or a result has no block.
 */
export function renderPage(
  markdown: string,
  results: readonly StoredResult[],
  scenarios: readonly DescribedScenario[],
): ReadonlyMap<string, string> {
  const names = ['targets', ...scenarios.map(({ name }) => name)];
  const blocks = [...markdown.matchAll(block)].map(([, , name = '']) => name);
  const strays = [...blocks, ...results.map(({ name }) => name)].filter((name) => !names.includes(name));
  if (strays.length > 0) throw new Error(`blocks or results of scenarios that do not exist: ${strays.join(', ')}`);
  const missing = names.filter((name) => !blocks.includes(name));
  if (missing.length > 0) throw new Error(`performance.md has no block for ${missing.join(', ')}`);

  const measured = scenarios.map((scenario) => ({ scenario, result: results.find(({ name }) => name === scenario.name) }));
  const pictures = measured.flatMap(({ scenario, result }) => (result === undefined ? [] : picturesOf(scenario, result)));
  const textOf = (name: string) => {
    const found = measured.find(({ scenario }) => scenario.name === name);
    if (found === undefined) return targetsTable(measured);
    return found.result === undefined ? 'Not measured yet.' : sectionOf(found.scenario, found.result);
  };
  const filled = markdown.replaceAll(block, (_, open: string, name: string, close: string) => `${open}\n${textOf(name)}\n\n${close}`);
  return new Map([['performance.md', filled], ...pictures.map(({ file, svg }) => [`performance/${file}`, svg] as const)]);
}

/** Writes the files of a page into the docs folder, and removes pictures that the page no longer has. */
export function writePage(docs: string, files: ReadonlyMap<string, string>): void {
  mkdirSync(join(docs, 'performance'), { recursive: true });
  for (const picture of storedPictures(docs)) rmSync(join(docs, picture));
  for (const [file, text] of files) writeFileSync(join(docs, file), text);
}

/** The files of the docs folder that `writePage` would change. */
export function outdatedFiles(docs: string, files: ReadonlyMap<string, string>): readonly string[] {
  const stored = new Set(storedPictures(docs));
  const isCurrent = (file: string, text: string) =>
    (stored.has(file) || file.endsWith('.md')) && readFileSync(join(docs, file), 'utf8') === text;
  const outdated = [...files].filter(([file, text]) => !isCurrent(file, text)).map(([file]) => file);
  return [...outdated, ...[...stored].filter((picture) => !files.has(picture))];
}

function storedPictures(docs: string): readonly string[] {
  const files = readdirSync(docs, { recursive: true, encoding: 'utf8' });
  return files.filter((file) => /^performance\/[^/]*\.svg$/.test(file));
}

function targetsTable(measured: readonly { readonly scenario: DescribedScenario; readonly result: StoredResult | undefined }[]): string {
  const rows = measured.flatMap(({ scenario, result }) =>
    judged(scenario.targets, (contender, figure) => figureOf(result, contender, figure)?.values ?? []).map((target) => {
      const unit = unitOf(target, scenario.figures);
      const value = Number.isFinite(target.measured.median) ? `${rangeOf(target.measured)} ${unit}` : '–';
      const quick = result?.quick === true ? ' (quick run)' : '';
      return { verdict: verdictOf(result, target), cells: [scenario.name, subjectOf(target), `${value}${quick}`, boundOf(target, unit)] };
    }),
  );
  const count = (wanted: Verdict) => rows.filter(({ verdict }) => verdict === wanted).length;
  const others = (['missed', 'not measured'] as const).flatMap((verdict) => (count(verdict) > 0 ? [`${count(verdict)} ${verdict}`] : []));
  const machines = [...new Set(measured.flatMap(({ result }) => (result === undefined ? [] : [machineText(result.machine)])))];
  const summary =
    `${[`${count('reached')} of ${rows.length} are reached`, ...others].join('; ')}. ${machines.map((text) => `${text}.`).join(' ')}`.trim();
  const cells = rows.map((row) => [...row.cells, marks[row.verdict]]);
  return `${summary}\n\n${table(['scenario', 'figure', 'measured', 'target', ''], cells).join('\n')}`;
}

function verdictOf(result: StoredResult | undefined, { measured, reached }: TargetResult): Verdict {
  if (result === undefined || result.quick || !Number.isFinite(measured.median)) return 'not measured';
  return reached ? 'reached' : 'missed';
}

function sectionOf(scenario: DescribedScenario, result: StoredResult): string {
  const options = result.quick ? ' --quick' : ` --rounds ${result.rounds}`;
  const paragraphs = [
    ...(result.quick ? ['**A quick run: it shows only that the scenario works.**'] : []),
    figuresTable(result.contenders, scenario.figures).join('\n'),
    `\`npm run bench -- --only ${scenario.name}${options}\` · ${result.at.slice(0, 10)} · commit ${result.commit}`,
    ...picturesOf(scenario, result).map(({ file, title }) => `![${title}](performance/${file})`),
  ];
  return paragraphs.join('\n\n');
}

interface Picture {
  readonly file: string;
  readonly title: string;
  readonly svg: string;
}

function picturesOf(scenario: DescribedScenario, result: StoredResult): readonly Picture[] {
  return (scenario.plots ?? []).map((plot) => {
    const label = `${plot.figure}, ${scenario.figures.find(({ name }) => name === plot.figure)?.unit ?? ''}`;
    const file = `${scenario.name}-${plot.figure.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.svg`;
    return { file, title: `${scenario.name}: ${label}`, svg: draw(plot, label, result) };
  });
}

function draw(plot: Plot, label: string, { contenders }: StoredResult): string {
  const found = contenders.flatMap(({ name, at, figures }, n) => {
    const summary = figures[plot.figure];
    return summary === undefined ? [] : [{ name, x: at ?? 0, isFirst: n === 0, ...summary }];
  });
  return plot.kind === 'bars' ? barsPlot(label, found) : curvePlot({ x: plot.axis, y: label }, found);
}
