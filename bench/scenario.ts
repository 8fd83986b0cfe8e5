import type { Stack } from '@notion-mirror/local-stack/stack';

/** What one measurement found, by the name of the figure, in the unit that the scenario gives for it. */
export type Figures = Readonly<Record<string, number>>;

export interface Figure {
  readonly name: string;
  /** As it stands behind the number: `/s`, `ms`, `µs`, `MB`. */
  readonly unit: string;
}

/** One of those that are compared. `measure` is called once per round, and leaves everything as it was. */
export interface Contender {
  readonly name: string;
  /** Where it stands on the x-axis of the scenario's curves; left out where contenders are not points of one. */
  readonly at?: number;
  measure(): Promise<Figures>;
}

/** A figure of one contender, over the same figure of another in the same round; alone when it is against nobody. */
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
  /** What is measured, in a sentence. */
  readonly title: string;
  readonly figures: readonly Figure[];
  readonly targets: readonly Target[];
  readonly plots?: readonly Plot[];
  /** Each measurement starts its processes anew: there is nothing to warm up. */
  readonly startsAnew?: true;
  /** The same code as another scenario, with more of it: nothing that a quick run would see there for the first time. */
  readonly isLarger?: true;
  /** `quick`: little is measured, only to see that the scenario works. */
  prepare(stack: Stack, quick: boolean): Promise<Prepared>;
}

export interface Prepared {
  readonly contenders: readonly Contender[];
  end(): Promise<void>;
}
