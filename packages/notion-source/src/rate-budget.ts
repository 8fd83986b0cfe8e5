import type { LimitReason, PostponeReason } from '@notion-mirror/domain/call-limits';
import type { Connection } from '@notion-mirror/domain/connection';
import { backoffMs } from '@notion-mirror/service-kit/async/backoff';
import type { Clock } from '@notion-mirror/service-kit/async/clock';
import type { RateLimitScope } from './notion-errors.ts';

export type BudgetHolder = Pick<Connection, 'connectionId' | 'notionWorkspaceId'>;

/** The right to make one call. Only the first call of one of its methods counts. */
export interface Permit {
  /** Notion answered (or the call broke off): it counts for the window. */
  answered(): void;
  /** Notion answered 429 or 529. Returns until when no call may be made, epoch milliseconds. */
  limited(limit: { readonly scope: RateLimitScope; readonly reason: LimitReason; readonly retryAfterMs: number | null }): number;
  /** The call was not made: the room is free again. */
  release(): void;
}

export type Taken =
  | { readonly ok: true; readonly permits: readonly [Permit, ...Permit[]] }
  /** Nothing was taken. `waitUntil`: when to try again, epoch milliseconds. */
  | { readonly ok: false; readonly waitUntil: number; readonly cause: PostponeReason | 'aborted' };

export interface RateBudget {
  /**
   * Takes `calls` permits (fewer if the limit is lower than that), or none: never waits. Callers already waiting in `take` go first.
   * With `share` less than 1 (the default) only that part of the limit is available, and the rest stays free for others.
   */
  tryTake(holder: BudgetHolder, calls?: number, share?: number): Taken;
  /** Takes one permit, waiting at most `maxWaitMs` for it; gives up at once when the wait would be longer, or `signal` aborts. */
  take(
    holder: BudgetHolder,
    options: { readonly maxWaitMs: number; readonly share?: number | undefined; readonly signal: AbortSignal },
  ): Promise<Taken>;
  /** When the last of so many calls could be made, if no other is: epoch milliseconds. */
  lastOf(holder: BudgetHolder, calls: number): number;
  /** How much is used. `busiest`: at most `limit`, those that have used the largest part first. */
  use(limit: number): BudgetUse;
}

/** Of the connections with calls in their window or a pause. Times in epoch milliseconds. */
export interface BudgetUse {
  readonly connections: number;
  readonly calls: number;
  readonly limit: number;
  readonly busiest: readonly {
    readonly connectionId: string;
    /** Calls in the window, and how many it may hold now. */
    readonly calls: number;
    readonly limit: number;
    /** When the first of these calls leaves it; null: none has been answered. */
    readonly windowEndsAt: number | null;
    readonly heldUntil: number | null;
  }[];
}

/** Notion's documented window. */
const windowMs = 60_000;
const pauseWithoutRetryAfterMs = 10_000;
/** The shortest pause after a refusal, whatever the server asks for (jitter can halve it); doubled with each further refusal in a row. */
const firstFloorMs = 2_000;
const longestFloorMs = 30_000;
/** A lowered limit holds for one window, then grows back to the full one over another. */
const holdMs = windowMs;
const regrowMs = windowMs;
/** The limit is never lowered below this part of the full one. */
const lowestShare = 1 / 8;

/** Refusals in a row: each came after the wait that the previous one had asked for. */
interface Refusals {
  count: number;
  /** Until when no call may be made, epoch milliseconds. */
  pausedUntil: number;
  /** When the last one arrived. */
  at: number;
}

interface Tally extends Refusals {
  readonly notionWorkspaceId: string;
  /** When each call of the window was answered, oldest first. */
  readonly answers: number[];
  inFlight: number;
  /** Callers inside `take`. */
  waiting: number;
  lowered: { readonly limit: number; readonly at: number } | null;
}

/**
 * How many calls each connection may make: at most `requestsPerMinute` in any 60 s. Notion counts a call when it arrives, which is between
 * our request and its answer; a call therefore counts from its request until 60 s after its answer, so that no window of Notion's can hold
 * more than the limit.
 *
 * It learns: a 429 although we counted fewer calls than the limit lowers the limit to that count (never below half of what it was, since
 * a single count may be short of calls made before we started, or by others; and never below an eighth of the full one). The limit is
 * lowered once in a window, however many refusals that brings. It grows again from one window later, and is back after another.
 *
 * Retry-After pauses all calls of the connection, or of all connections of the Notion workspace when the limit was the workspace's. A wait of 0, or
 * until a date in the past, is not believed: at least a second passes, twice as long with each refusal in a row, up to half a minute.
 */
export function createRateBudget(options: {
  readonly requestsPerMinute?: number | undefined;
  readonly clock: Clock;
  readonly random?: (() => number) | undefined;
  /** A call was made; `limitedBy`: Notion answered 429 or 529, for that reason. */
  readonly onCall?: ((limitedBy: LimitReason | null) => void) | undefined;
}): RateBudget {
  const { clock, random = Math.random, onCall = () => {} } = options;
  const full = options.requestsPerMinute ?? 180;
  const tallies = new Map<string, Tally>();
  const workspaces = new Map<string, Refusals>();
  let sweepAt = 1000;

  function tallyOf({ connectionId, notionWorkspaceId }: BudgetHolder): Tally {
    const known = tallies.get(connectionId);
    if (known !== undefined) return known;
    if (tallies.size >= sweepAt) sweep();
    const tally: Tally = { notionWorkspaceId, answers: [], inFlight: 0, waiting: 0, count: 0, pausedUntil: 0, at: 0, lowered: null };
    tallies.set(connectionId, tally);
    return tally;
  }

  /** Forgets idle budgets with their full limit: the others were used in the last minutes, so the map is bounded by the traffic. */
  function sweep(): void {
    const now = clock.now();
    for (const [connectionId, tally] of tallies) {
      forgetOld(tally, now);
      const busy = tally.answers.length + tally.inFlight + tally.waiting > 0 || tally.pausedUntil > now;
      if (!busy && limitOf(tally, now) === full) tallies.delete(connectionId);
    }
    for (const [workspace, { pausedUntil }] of workspaces) if (pausedUntil <= now) workspaces.delete(workspace);
    sweepAt = Math.max(1000, tallies.size * 2);
  }

  function limitOf(tally: Tally, now: number): number {
    if (tally.lowered === null) return full;
    const { limit, at } = tally.lowered;
    const grown = Math.floor(((full - limit) * Math.max(0, now - at - holdMs)) / regrowMs);
    if (limit + grown < full) return limit + grown;
    tally.lowered = null;
    return full;
  }

  function pauseEnd({ notionWorkspaceId }: Pick<BudgetHolder, 'notionWorkspaceId'>, tally: Tally): number {
    return Math.max(tally.pausedUntil, workspaces.get(notionWorkspaceId)?.pausedUntil ?? 0);
  }

  function admit(holder: BudgetHolder, tally: Tally, calls: number, ahead: number, share = 1): Taken {
    const now = clock.now();
    const paused = pauseEnd(holder, tally);
    if (paused > now) return { ok: false, waitUntil: paused, cause: paused > tally.pausedUntil ? 'workspace_pause' : 'pause' };
    forgetOld(tally, now);
    const limit = Math.max(1, Math.floor(limitOf(tally, now) * share));
    const wanted = Math.min(calls, limit);
    const tooMany = tally.answers.length + tally.inFlight + ahead + wanted - limit;
    if (tooMany > 0) {
      // A call in flight leaves the window 60 s after its answer at the earliest.
      const leaves = tally.answers[tooMany - 1] ?? now;
      return { ok: false, waitUntil: leaves + windowMs + 1, cause: 'window' };
    }
    const rest = Array.from({ length: wanted - 1 }, () => permit(holder, tally));
    return { ok: true, permits: [permit(holder, tally), ...rest] };
  }

  function permit(holder: BudgetHolder, tally: Tally): Permit {
    const began = clock.now();
    let open = true;
    tally.inFlight += 1;
    const end = (): boolean => {
      if (!open) return false;
      open = false;
      tally.inFlight -= 1;
      return true;
    };
    return {
      answered() {
        if (!end()) return;
        onCall(null);
        tally.answers.push(clock.now());
        forgive(tally, began);
        const workspace = workspaces.get(holder.notionWorkspaceId);
        if (workspace !== undefined) forgive(workspace, began);
      },
      limited({ scope, reason, retryAfterMs }) {
        const now = clock.now();
        const asked = retryAfterMs ?? pauseWithoutRetryAfterMs;
        if (!end()) return now + asked;
        onCall(reason);
        if (scope === 'connection') lower(tally, now);
        tally.answers.push(now);
        return pause(scope === 'workspace' ? workspaceOf(holder) : tally, asked, now);
      },
      release() {
        end();
      },
    };
  }

  function workspaceOf({ notionWorkspaceId }: BudgetHolder): Refusals {
    const refusals = workspaces.get(notionWorkspaceId) ?? { count: 0, pausedUntil: 0, at: 0 };
    workspaces.set(notionWorkspaceId, refusals);
    return refusals;
  }

  /** Returns until when, epoch milliseconds. */
  function pause(refusals: Refusals, askedMs: number, now: number): number {
    // Answers to calls that were sent before the pause count as the same refusal.
    if (refusals.pausedUntil <= now) refusals.count += 1;
    refusals.at = now;
    const floor = backoffMs(refusals.count, firstFloorMs, longestFloorMs, random);
    refusals.pausedUntil = Math.max(refusals.pausedUntil, now + Math.max(askedMs, floor));
    return refusals.pausedUntil;
  }

  /** Notion accepted a call made after the last refusal: the next refusal is the first in a row again. */
  function forgive(refusals: Refusals, callBegan: number): void {
    if (callBegan >= refusals.at) refusals.count = 0;
  }

  function lower(tally: Tally, now: number): void {
    if (tally.lowered !== null && now - tally.lowered.at < windowMs) return;
    forgetOld(tally, now);
    const limit = limitOf(tally, now);
    const counted = tally.answers.length;
    if (counted >= limit) return;
    tally.lowered = { limit: Math.max(1, counted, Math.ceil(limit / 2), Math.ceil(full * lowestShare)), at: now };
  }

  return {
    tryTake(holder, calls = 1, share = 1) {
      const tally = tallyOf(holder);
      return admit(holder, tally, calls, tally.waiting, share);
    },
    async take(holder, { maxWaitMs, share, signal }) {
      const tally = tallyOf(holder);
      const giveUpAt = clock.now() + maxWaitMs;
      tally.waiting += 1;
      try {
        for (;;) {
          if (signal.aborted) return { ok: false, waitUntil: clock.now(), cause: 'aborted' };
          const taken = admit(holder, tally, 1, 0, share);
          if (taken.ok || taken.waitUntil > giveUpAt) return taken;
          await clock.sleep(taken.waitUntil - clock.now(), signal);
        }
      } finally {
        tally.waiting -= 1;
      }
    },
    use(limit) {
      const now = clock.now();
      const found = [...tallies].flatMap(([connectionId, tally]) => {
        forgetOld(tally, now);
        const calls = tally.answers.length + tally.inFlight;
        const paused = pauseEnd(tally, tally);
        if (calls === 0 && paused <= now) return [];
        const [first] = tally.answers;
        const windowEndsAt = first === undefined ? null : first + windowMs;
        return [{ connectionId, calls, limit: limitOf(tally, now), windowEndsAt, heldUntil: paused > now ? paused : null }];
      });
      return {
        connections: found.length,
        calls: found.reduce((sum, { calls }) => sum + calls, 0),
        limit: found.reduce((sum, one) => sum + one.limit, 0),
        busiest: found.toSorted((a, b) => b.calls / b.limit - a.calls / a.limit).slice(0, limit),
      };
    },
    lastOf(holder, calls) {
      const tally = tallyOf(holder);
      const now = clock.now();
      forgetOld(tally, now);
      const limit = limitOf(tally, now);
      const from = Math.max(now, pauseEnd(holder, tally));
      const last = calls - (limit - tally.answers.length - tally.inFlight - tally.waiting) - 1;
      if (last < 0) return from;
      // It follows a call that leaves the window: one that was answered, or one that is made at `from`; and both follow others, window by window.
      const left = (tally.answers[last % limit] ?? from) + windowMs + 1;
      return Math.max(from, left) + Math.floor(last / limit) * (windowMs + 1);
    },
  };
}

/** An answer from the future: the clock was set back. It is dropped, or no call could be made until the clock has caught up. */
function forgetOld(tally: Tally, now: number): void {
  const first = tally.answers.findIndex((at) => at + windowMs >= now && at <= now);
  tally.answers.splice(0, first === -1 ? tally.answers.length : first);
}
