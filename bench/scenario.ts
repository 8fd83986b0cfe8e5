import type { StackAddresses } from '@notion-mirror/local-stack/stack';

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
  measure(): Promise<Figures>;
}

/** A figure of one contender, over the same figure of another (or over itself: then it is the figure alone) in the same round. */
export interface Target {
  readonly figure: string;
  readonly of: string;
  readonly against: string | null;
  readonly bound: 'at least' | 'at most';
  readonly value: number;
}

/** How much is measured. `quick` checks that a scenario works, not how fast anything is. */
export interface Extent {
  readonly quick: boolean;
  readonly rounds: number;
}

export interface Scenario {
  readonly name: string;
  /** What is measured, in a sentence. */
  readonly title: string;
  readonly figures: readonly Figure[];
  readonly targets: readonly Target[];
  prepare(context: { readonly stack: StackAddresses; readonly extent: Extent }): Promise<Prepared>;
}

export interface Prepared {
  readonly contenders: readonly Contender[];
  end(): Promise<void>;
}
