// docs/performance.md and its pictures, made from what was measured: nothing of it is written by hand but the notes.
import { rangeOf } from './figure-text.ts';
import { machineText } from './machine.ts';
import { barsPlot } from './plots/bars.ts';
import { curvePlot } from './plots/curve.ts';
import { boundOf, figuresTable, subjectOf, table, unitOf } from './report.ts';
import { figureOf, type StoredResult } from './results.ts';
import { judged, type TargetResult } from './runner.ts';
import type { Figure, Plot, Scenario } from './scenario.ts';

/** What a scenario says of itself; the page needs no more of it. */
export type DescribedScenario = Pick<Scenario, 'name' | 'title' | 'figures' | 'targets' | 'plots'>;

export interface Page {
  readonly markdown: string;
  /** SVG by file name. */
  readonly pictures: ReadonlyMap<string, string>;
}

/** A scenario that was measured, or not yet. */
interface Section {
  readonly scenario: DescribedScenario;
  readonly result: StoredResult | undefined;
  readonly targets: readonly TargetResult[];
}

type Verdict = 'reached' | 'missed' | 'not measured';

/** Apart by their shape: colours are not seen by everybody. */
const marks: Readonly<Record<Verdict, string>> = { reached: '✓ reached', missed: '✗ **missed**', 'not measured': '… not measured' };

/** The notes that belong to no scenario: how it is measured, and what profiles showed. */
const pageNotes = ['method', 'profile'] as const;

/**
 * Targets, titles, units and plots are those of the scenarios as they are now, figures those of `results`. `notes` are Markdown by name: `method`,
 * `profile` and the names of scenarios; links in them are relative to docs. Throws when a result or a note belongs to nothing.
 */
export function renderPage(
  results: readonly StoredResult[],
  scenarios: readonly DescribedScenario[],
  notes: ReadonlyMap<string, string>,
): Page {
  const names = scenarios.map(({ name }) => name);
  const lostResults = results.filter(({ name }) => !names.includes(name));
  if (lostResults.length > 0) throw new Error(`results of scenarios that are not there: ${lostResults.map(({ name }) => name).join(', ')}`);
  const lostNotes = [...notes.keys()].filter((note) => ![...pageNotes, ...names].includes(note));
  if (lostNotes.length > 0) throw new Error(`notes on scenarios that are not there: ${lostNotes.join(', ')}`);

  const sections = scenarios.map((scenario): Section => {
    const result = results.find(({ name }) => name === scenario.name);
    const valuesOf = (contender: string, figure: string) => figureOf(result, contender, figure)?.values ?? [];
    return { scenario, result, targets: judged(scenario.targets, valuesOf) };
  });
  const measured = sections.flatMap(({ scenario, result, targets }) => (result === undefined ? [] : [{ scenario, result, targets }]));
  const unmeasured = sections.filter(({ result }) => result === undefined).map(({ scenario }) => scenario.title);
  const pictures = measured.map(({ scenario, result }) => ({
    name: scenario.name,
    drawn: plotsOf(scenario).map((plot) => draw(plot, scenario, result)),
  }));

  const paragraphs = [
    '# Performance',
    '<!-- Generated: `npm run bench -- --report docs/performance/results.json`. What is written by hand is in bench/notes. -->',
    'How fast and how cheap notion-mirror is, beside the system it replaces and beside the least code that does the same work.',
    '## Targets',
    ...targetsTable(sections),
    ...noteOf(notes, 'method'),
    '## Scenarios',
    ...measured.flatMap((section) => [
      ...sectionOf(section),
      ...(pictures.find(({ name }) => name === section.scenario.name)?.drawn ?? []).map(
        ({ file, title }) => `![${escapedAlt(title)}](performance/${file})`,
      ),
      ...noteOf(notes, section.scenario.name),
    ]),
    ...(unmeasured.length === 0 ? [] : [['Not measured yet:', '', ...unmeasured.map((title) => `- ${title}`)].join('\n')]),
    ...noteOf(notes, 'profile'),
  ];
  return {
    markdown: `${paragraphs.join('\n\n')}\n`,
    pictures: new Map(pictures.flatMap(({ drawn }) => drawn).map(({ file, svg }) => [file, svg])),
  };
}

function targetsTable(sections: readonly Section[]): readonly string[] {
  const rows = sections.flatMap((section) =>
    section.targets.map((target) => ({ section, target, verdict: verdictOf(section.result, target) })),
  );
  if (rows.length === 0) return ['No scenario has a target.'];
  const count = (wanted: Verdict) => rows.filter(({ verdict }) => verdict === wanted).length;
  const others = (['missed', 'not measured'] as const)
    .filter((verdict) => count(verdict) > 0)
    .map((verdict) => `${count(verdict)} ${verdict}`);
  const summary = `${count('reached')} of ${rows.length} are reached${others.length === 0 ? '' : `; ${others.join(', ')}`}.`;
  const cells = rows.map(({ section: { scenario, result }, target, verdict }) => {
    const unit = unitOf(target, scenario.figures);
    const measured = result === undefined || !Number.isFinite(target.measured.median) ? '–' : `${rangeOf(target.measured)} ${unit}`;
    const quick = result?.quick === true ? ' (quick run)' : '';
    const link = result === undefined ? scenario.name : `[${scenario.name}](#${anchorOf(scenario)})`;
    return [link, subjectOf(target), `${measured}${quick}`, boundOf(target, unit), marks[verdict]];
  });
  return [summary, table(['scenario', 'figure', 'measured', 'target', ''], cells).join('\n')];
}

function verdictOf(result: StoredResult | undefined, { measured, reached }: TargetResult): Verdict {
  if (result === undefined || result.quick || !Number.isFinite(measured.median)) return 'not measured';
  return reached ? 'reached' : 'missed';
}

function sectionOf({ scenario, result, targets }: Section & { readonly result: StoredResult }): readonly string[] {
  const told = targets.map((target) => {
    const unit = unitOf(target, scenario.figures);
    return `- ${subjectOf(target)}: **${rangeOf(target.measured)} ${unit}**, target ${boundOf(target, unit)}: ${marks[verdictOf(result, target)]}`;
  });
  const options = result.quick ? ' --quick' : ` --rounds ${result.rounds}`;
  return [
    `<a id="${anchorOf(scenario)}"></a>`,
    `### ${scenario.title}`,
    ...(result.quick ? ['**A quick run: it shows only that the scenario works.**'] : []),
    figuresTable(result.contenders, scenario.figures).join('\n'),
    ...(told.length === 0 ? [] : [told.join('\n')]),
    `\`npm run bench -- --only ${scenario.name}${options}\` · ${result.at.slice(0, 10)} · commit ${result.commit} · ${machineText(result.machine)}`,
  ];
}

/** Not the heading's own: that changes with every word of the title. */
function anchorOf({ name }: DescribedScenario): string {
  return `scenario-${name}`;
}

function noteOf(notes: ReadonlyMap<string, string>, name: string): readonly string[] {
  const note = notes.get(name)?.trim();
  return note === undefined || note === '' ? [] : [note];
}

/** What the scenario wants to have drawn, else what its first target is about, else its first figure. */
function plotsOf({ plots, targets, figures }: DescribedScenario): readonly Plot[] {
  const figure = targets[0]?.figure ?? figures[0]?.name;
  return plots ?? (figure === undefined ? [] : [{ kind: 'bars', figure }]);
}

interface Picture {
  readonly file: string;
  readonly title: string;
  readonly svg: string;
}

function draw(plot: Plot, scenario: DescribedScenario, result: StoredResult): Picture {
  const { name: figureName, unit }: Figure = scenario.figures.find(({ name }) => name === plot.figure) ?? { name: plot.figure, unit: '' };
  const file = `${scenario.name}-${plot.figure.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.svg`;
  const found = result.contenders.flatMap(({ name, at, figures }) => {
    const summary = figures[plot.figure];
    return summary === undefined ? [] : [{ name, at, summary }];
  });
  switch (plot.kind) {
    case 'bars': {
      const title = `${figureName}, ${unit}: ${scenario.title}`;
      const ours = new Set(scenario.targets.map(({ of }) => of));
      const bars = found.map(({ name, summary: { median, min, max } }) => ({ name, median, min, max, ours: ours.has(name) }));
      const footnote = result.rounds === 1 ? 'one round' : `medians of ${result.rounds} rounds; whiskers: from the lowest to the highest`;
      return { file, title, svg: barsPlot({ title, unit, footnote, bars }) };
    }
    case 'curve': {
      const title = `${figureName} over ${plot.axis}: ${scenario.title}`;
      const points = found.flatMap(({ at, summary: { median, min, max } }) => (at === undefined ? [] : [{ x: at, y: median, min, max }]));
      const series = [{ name: figureName, points }];
      return {
        file,
        title,
        svg: curvePlot({ title, xLabel: plot.axis, yLabel: `${figureName}, ${unit}`, series, logX: true, logY: false }),
      };
    }
  }
}

function escapedAlt(text: string): string {
  return text.replaceAll(/[[\]\\]/g, String.raw`\$&`);
}
