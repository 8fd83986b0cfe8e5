import { cpus, release, totalmem, type } from 'node:os';
import type { ScenarioResult } from './runner.ts';
import type { Scenario } from './scenario.ts';
import type { Summary } from './statistics.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly system: string;
  readonly node: string;
}

export function thisMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGigabytes: Math.round(totalmem() / 1e9),
    system: `${type()} ${release()}`,
    node: process.version,
  };
}

/** A scenario as Markdown: what was measured, how far the targets are reached, and the command that does it again. */
export function renderScenario({ name, title, contenders, targets }: ScenarioResult, { figures }: Pick<Scenario, 'figures'>): string {
  const head = ['', ...figures.map((figure) => `${figure.name}, ${figure.unit}`)];
  const rows = contenders.map((contender) => [
    contender.name,
    ...figures.map((figure) => {
      const found = contender.figures[figure.name];
      return found === undefined ? '' : rangeOf(found);
    }),
  ]);
  const lines = [row(head), row(head.map(() => '---')), ...rows.map(row)];
  const told = targets.map(
    ({ figure, of, against, bound, value, measured, reached }) =>
      `- ${figure}, ${of}${against === null ? '' : ` against ${against}`}: **${rangeOf(measured)}** (target: ${bound} ${value}; ${reached ? 'reached' : 'missed'})`,
  );
  return [`### ${title}`, '', ...lines, '', ...told, '', `\`npm run bench -- --only ${name}\``].join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** The median, and between which values it lies. */
function rangeOf({ median, min, max }: Summary): string {
  return min === max ? short(median) : `${short(median)} [${short(min)}–${short(max)}]`;
}

function short(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return value.toLocaleString('en', value < 10 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: value < 100 ? 1 : 0 });
}
