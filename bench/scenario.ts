import type { Stack } from '@notion-mirror/local-stack/stack';

/** One measurement, by the name of the figure, in the scenario's unit. */
export type Figures = Readonly<Record<string, number>>;

export interface Figure {
  readonly name: string;
  /** Written after the number: `/s`, `ms`, `µs`, `MB`. */
  readonly unit: string;
}

/** `measure` runs once per round and leaves everything as it was. */
export interface Contender {
  readonly name: string;
  /** Its x in the scenario's curves; absent where there is no curve. */
  readonly at?: number;
  measure(): Promise<Figures>;
}

/** A figure of one contender, divided by the same figure of `against` in the same round; the figure itself when that is null. */
export interface Target {
  readonly figure: string;
  readonly of: string;
  readonly against: string | null;
  readonly bound: 'at least' | 'at most';
  readonly value: number;
}

/** How a figure is drawn: a bar for each contender, or a curve over their `at` on a logarithmic axis. */
export type Plot =
  | { readonly kind: 'bars'; readonly figure: string }
  | { readonly kind: 'curve'; readonly figure: string; readonly axis: string };

export interface Scenario {
  readonly name: string;
  /** One sentence. */
  readonly title: string;
  readonly figures: readonly Figure[];
  readonly targets: readonly Target[];
  readonly plots?: readonly Plot[];
  /** Each measurement starts its own processes: there is nothing to warm up. */
  readonly startsOwnSystems?: true;
  /** The code of another scenario with a larger load: a quick run leaves it out. */
  readonly isLarger?: true;
  /** `quick`: little is measured, only to see that the scenario works. */
  prepare(stack: Stack, quick: boolean): Promise<Prepared>;
}

export interface Prepared {
  readonly contenders: readonly Contender[];
  end(): Promise<void>;
}
