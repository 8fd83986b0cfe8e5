import type { Contender, Figures, Prepared, Scenario, Target } from './scenario.ts';
import { ratioOf, summaryOf, type Summary } from './statistics.ts';

export interface ContenderResult {
  readonly name: string;
  readonly at?: number;
  readonly figures: Readonly<Record<string, Summary>>;
}

export interface TargetResult extends Target {
  /** The ratio where the target is against another contender, else the figure itself. */
  readonly measured: Summary;
  /** By the median. */
  readonly reached: boolean;
}

export interface ScenarioResult {
  readonly name: string;
  readonly title: string;
  readonly contenders: readonly ContenderResult[];
  readonly targets: readonly TargetResult[];
}

/**
 * Each contender once to warm up, which does not count; then round by round, in reverse order every second round, so that no contender always runs after the
 * same other one. Rejects with the error of a contender.
 */
export async function measureScenario(
  scenario: Pick<Scenario, 'name' | 'title' | 'targets' | 'startsOwnSystems'>,
  { contenders }: Pick<Prepared, 'contenders'>,
  { rounds, warmUp }: { readonly rounds: number; readonly warmUp: boolean },
  onProgress: (done: string) => void,
): Promise<ScenarioResult> {
  const found = new Map<string, Figures[]>(contenders.map(({ name }) => [name, []]));
  for (const contender of warmUp && scenario.startsOwnSystems !== true ? contenders : []) {
    await contender.measure();
    onProgress(`${contender.name}: warmed up`);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of inTurn(contenders, round)) {
      found.get(contender.name)?.push(await contender.measure());
      onProgress(`${contender.name}: round ${round + 1} of ${rounds}`);
    }
  }
  const valuesOf = (name: string, figure: string) => (found.get(name) ?? []).map((figures) => figures[figure] ?? Number.NaN);
  return {
    name: scenario.name,
    title: scenario.title,
    contenders: contenders.map(({ name, at }) => ({
      name,
      ...(at !== undefined && { at }),
      figures: Object.fromEntries(Object.keys(found.get(name)?.[0] ?? {}).map((figure) => [figure, summaryOf(valuesOf(name, figure))])),
    })),
    // A quick run leaves contenders out.
    targets: judged(
      scenario.targets.filter(({ of, against }) => found.has(of) && (against === null || found.has(against))),
      valuesOf,
    ),
  };
}

/** Measures targets by the values of each round; the median is NaN when one of the two was not measured. */
export function judged(
  targets: readonly Target[],
  valuesOf: (contender: string, figure: string) => readonly number[],
): readonly TargetResult[] {
  return targets.map((target) => {
    const own = valuesOf(target.of, target.figure);
    const measured = target.against === null ? summaryOf(own) : ratioOf(own, valuesOf(target.against, target.figure));
    const reached = target.bound === 'at least' ? measured.median >= target.value : measured.median <= target.value;
    return { ...target, measured, reached };
  });
}

function inTurn(contenders: readonly Contender[], round: number): readonly Contender[] {
  return round % 2 === 0 ? contenders : contenders.toReversed();
}
