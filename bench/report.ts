import { rangeOf, short } from './figure-text.ts';
import type { ContenderResult, ScenarioResult } from './runner.ts';
import type { Figure, Target } from './scenario.ts';

/** A scenario as Markdown: its figures, its targets, and the command that repeats it. */
export function renderScenario({ name, title, contenders, targets }: ScenarioResult, figures: readonly Figure[]): string {
  const verdicts = targets.map((target) => {
    const { measured, reached } = target;
    const unit = unitOf(target, figures);
    return `- ${subjectOf(target)}: **${rangeOf(measured)} ${unit}** (target: ${boundOf(target, unit)}; ${reached ? 'reached' : 'missed'})`;
  });
  return [`### ${title}`, '', ...figuresTable(contenders, figures), '', ...verdicts, '', `\`npm run bench -- --only ${name}\``].join('\n');
}

/** A row for each contender, a column for each figure. */
export function figuresTable(contenders: readonly ContenderResult[], figures: readonly Figure[]): readonly string[] {
  const rows = contenders.map((contender) => [
    contender.name,
    ...figures.map((figure) => {
      const found = contender.figures[figure.name];
      return found === undefined ? '' : rangeOf(found);
    }),
  ]);
  return table(['', ...figures.map(({ name, unit }) => `${name}, ${unit}`)], rows);
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  return [row(head), row(head.map(() => '---')), ...rows.map(row)];
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
}

/** `accepted: ingress against koa` */
export function subjectOf({ figure, of, against }: Target): string {
  return `${figure}: ${of}${against === null ? '' : ` against ${against}`}`;
}

/** `at least 0.9 ×` */
export function boundOf({ bound, value }: Target, unit: string): string {
  return `${bound} ${short(value)} ${unit}`;
}

/** `×` where a target is a ratio, else the unit of its figure. */
export function unitOf({ figure, against }: Target, figures: readonly Figure[]): string {
  return against === null ? (figures.find(({ name }) => name === figure)?.unit ?? '') : '×';
}
