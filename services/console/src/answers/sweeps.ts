import type { Paged, Time } from './common.ts';

/** `GET /api/sweeps?state&cursor`: stopped first, then failing, incomplete, running, waiting; 100 on a page. */
export interface SweepsAnswer extends Paged {
  readonly sweeps: readonly Sweep[];
  readonly counts: Readonly<Record<SweepState, number>>;
}

export type SweepState = 'stopped' | 'failing' | 'incomplete' | 'running' | 'waiting';

/** The comparison of one tenant with Notion, as `mirror reconcile status --json`. */
export interface Sweep {
  readonly workspaceId: string;
  readonly state: SweepState;
  readonly completedAt: Time | null;
  readonly dueAt: Time;
  readonly failures: number;
  readonly failure: string | null;
  readonly last: SweepReport | null;
}

export interface SweepReport {
  readonly startedAt: Time;
  readonly endedAt: Time;
  readonly depth: 'search' | 'full';
  /** Live databases of the mirror, and data sources that Notion's search shows. */
  readonly held: number;
  readonly found: number;
  /** Events by reason. */
  readonly events: Readonly<Record<string, number>>;
  /** Databases that Notion no longer shows; a stopped sweep has not removed them. */
  readonly removals: number;
  readonly stopped: boolean;
  readonly incomplete?: {
    readonly searches: readonly { readonly connectionId: string; readonly because: string }[];
    readonly uncompared: number;
    readonly databases: readonly { readonly databaseId: string; readonly because: string }[];
  };
}
