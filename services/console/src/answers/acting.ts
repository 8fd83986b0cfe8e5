import type { CheckAnswer } from './check.ts';
import type { Time } from './common.ts';
import type { ReplayLine } from './replays.ts';
import type { Sweep } from './sweeps.ts';
import type { ConnectionLine } from './tenants.ts';

/*
 * Actions that end at once. All take a `reason` of 1 to 500 characters, need the role operator, and answer with status 200 and `actionId`, the id in the audit
 * trail. An `ErrorAnswer` says that nothing was done, or how far it came.
 */

/** `POST /api/tenants/:tenant/compare`: asks a sync-worker to compare the tenant with Notion now, as `mirror reconcile run`. */
export interface CompareOrder {
  readonly reason: string;
  /** Of a stopped comparison. */
  readonly acceptRemovals?: boolean;
  /** With `acceptRemovals`: how many databases would go, as `Sweep.last.removals` has it; 409 `count_differs` otherwise. */
  readonly count?: number;
}

export interface CompareAnswer {
  readonly actionId: string;
  /** Before a worker has begun it. */
  readonly sweep: Sweep;
}

/** `POST /api/connections/:id/pause`, `…/resume`. */
export interface StatusOrder {
  readonly reason: string;
}

export interface StatusChangeAnswer {
  readonly actionId: string;
  /** `unchanged`: it had that status already. */
  readonly outcome: 'changed' | 'unchanged';
  readonly connection: ConnectionLine;
}

/** `POST /api/notices/:id/admit`: gives a connection of `TenantsAnswer.leftToYou` (`:id` is its `connectionId`) its tenant, as `mirror connections add`. */
export interface AdmitOrder {
  readonly reason: string;
  readonly tenant: string;
  readonly providerConfigKey: string;
}

export interface AdmitAnswer {
  readonly actionId: string;
  readonly outcome: 'added' | 'updated';
  readonly connection: ConnectionLine;
}

/**
 * `POST /api/tenants/:tenant/databases/:database/fetch`: compares again and has the workers fetch what differs, as `mirror verify --fix` of this database.
 * 429 `too_often` while the tenant is compared.
 */
export interface FetchOrder {
  readonly reason: string;
}

export interface FetchAnswer {
  readonly actionId: string;
  /** Events that were appended, one for each difference. */
  readonly appended: number;
  readonly check: CheckAnswer;
}

/** `POST /api/replays/:id/cancel`. The changes of the replay stay. */
export interface CancelOrder {
  readonly reason: string;
}

export interface CancelAnswer {
  readonly actionId: string;
  readonly replay: ReplayLine;
}

/**
 * `POST /api/replays/:id/switch`: the shadow takes the place of the mirror. Answers a `JobAnswer` (`replay.switch`, up to a minute or two; it cannot be stopped).
 * 409 `no_fresh_diff`: without a diff by this console that is at most ten minutes old.
 */
export interface SwitchOrder {
  readonly reason: string;
  readonly confirm: 'switch';
}

/**
 * `GET /api/replays/:id/diff` (SSE, operator): brings the shadow up to date and compares it with the mirror. Events by name: `diff` (`ReplayDiffAnswer`), `failed`
 * (an `ErrorAnswer`), `done` (`{}`).
 */
export interface ReplayDiffAnswer {
  readonly at: Time;
  /** Until when the switch is allowed. */
  readonly freshUntil: Time;
  /** Records of the shadow. */
  readonly shadow: number;
  readonly counts: Readonly<Record<'only_in_mirror' | 'only_in_shadow' | 'other_content', number>>;
  /** The first 20. `fields`: names of the fields that differ; empty for the other kinds. */
  readonly differences: readonly {
    readonly kind: 'only_in_mirror' | 'only_in_shadow' | 'other_content';
    readonly id: string;
    readonly fields: readonly string[];
  }[];
}
