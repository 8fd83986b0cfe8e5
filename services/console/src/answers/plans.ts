import type { Time } from './common.ts';
import type { LetterCause } from './dead-letters.ts';

/**
 * `POST /api/plans`, status 200: which letters an action would settle. The set is frozen: what arrives later is not in it. One of `filter` (at least one criterion)
 * and `refs` (`partition:offset`, at most 1,000).
 */
export interface PlanOrder {
  readonly action: 'redrive' | 'drop';
  readonly filter?: LetterFilter;
  readonly refs?: readonly string[];
  /** Also letters that came back from five redrives. */
  readonly force?: boolean;
}

/** As the parameters of `GET /api/dead-letters/letters`. `since`: ISO 8601. */
export interface LetterFilter {
  readonly class?: string;
  readonly code?: string;
  readonly service?: string;
  readonly tenant?: string;
  readonly since?: Time;
}

/** A plan is kept for ten minutes by this process, belongs to the operator who made it, and runs once; otherwise 404 `unknown_plan`. */
export interface PlanAnswer {
  readonly id: string;
  readonly action: 'redrive' | 'drop';
  readonly expiresAt: Time;
  /** Chosen letters; with 0 there is nothing to run. At most 50,000: more are in `heldBack`. */
  readonly letters: number;
  readonly tenants: number;
  readonly causes: readonly LetterCause[];
  /** The 20 tenants with the most of these letters, those first. `workspaceId` null: letters that name no tenant. */
  readonly byTenant: readonly { readonly workspaceId: string | null; readonly letters: number }[];
  /** Tenants that are not among them. */
  readonly moreTenants: number;
  /** Where redriven letters go: a topic, or a route of the ingress. Empty for `drop`. */
  readonly targets: readonly { readonly target: string; readonly letters: number }[];
  /** Matching letters that are left unchanged. `reason`: a sentence without its end. */
  readonly heldBack: readonly { readonly reason: string; readonly letters: number }[];
  /** Matching letters that are settled already. */
  readonly settled: number;
  /** An estimate of the calls to Notion; null: not known, e.g. for unreadable webhooks. 0 for `drop`. */
  readonly notionCalls: number | null;
  /** More than 50 letters: the run needs their number. */
  readonly confirmCount: boolean;
}

/** `POST /api/replays/plan`, status 200, as the options of `mirror replay plan`. */
export interface ReplayPlanOrder {
  /** `states`: write the state log into the mirror; `events`: fetch again what events name. */
  readonly source: 'states' | 'events';
  /** `shadow`: with `states`, of every tenant only. */
  readonly into: 'mirror' | 'shadow';
  readonly tenant?: string;
  readonly database?: string;
  /** With `events`, at most one of the two: ISO 8601; `partition:offset` each. */
  readonly since?: Time;
  readonly offsets?: readonly string[];
}

export interface ReplayPlanAnswer {
  readonly id: string;
  readonly action: 'replay';
  readonly expiresAt: Time;
  readonly source: 'states' | 'events';
  readonly into: 'mirror' | 'shadow';
  readonly workspaceId: string | null;
  readonly databaseId: string | null;
  readonly since: string | null;
  readonly partitions: number;
  /** At most so many are read. */
  readonly records: number;
  /** What is fetched again; null for `states`. `withoutConnection`: skipped. */
  readonly fetches: {
    readonly targets: number;
    readonly rows: number;
    readonly tenants: number;
    readonly withoutConnection: number;
  } | null;
  readonly notionCalls: number;
  readonly estimatedSeconds: number;
}

/**
 * `POST /api/plans/:id/run`, status 200 with a `JobAnswer`. For a replay only `reason` counts. 409 `count_differs`: `count` is missing or another number than
 * `letters` where `confirmCount` is set.
 */
export interface RunOrder {
  /** 1 to 500 characters. */
  readonly reason: string;
  readonly count?: number;
  /** Five letters first; the rest when none of these has come back. Default: true. */
  readonly canary?: boolean;
  /** Letters a second, 1 to 1,000; default 50. */
  readonly perSecond?: number;
}
