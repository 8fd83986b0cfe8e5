import type { Connection } from '@notion-mirror/domain/connection';
import type { Clock } from './clock.ts';
import type { RateLimitScope } from './notion-errors.ts';

export type BudgetHolder = Pick<Connection, 'connectionId' | 'notionWorkspaceId'>;

/** The right to make one call. Ended exactly once; what comes after the first end is ignored. */
export interface Permit {
  /** Notion answered (or the call broke off): it counts for the window. */
  answered(): void;
  /** Notion answered 429 or 529. Returns until when nobody may call, epoch milliseconds. */
  limited(limit: { readonly scope: RateLimitScope; readonly retryAfterMs: number | null }): number;
  /** The call was not made: the room is given back. */
  release(): void;
}

export type Taken =
  | { readonly ok: true; readonly permits: readonly [Permit, ...Permit[]] }
  /** Nothing was taken. `waitUntil`: when it is worth asking again, epoch milliseconds. */
  | { readonly ok: false; readonly waitUntil: number; readonly cause: 'window' | 'pause' | 'workspace_pause' | 'aborted' };

export interface RateBudget {
  /**
   * Takes `calls` permits (fewer if the limit is lower than that), or none: never waits. Those that already wait inside `take` go first.
   * With `share` less than 1 (the default) only that part of the limit is used, and the rest stays free for others.
   */
  tryTake(holder: BudgetHolder, calls?: number, share?: number): Taken;
  /** Takes one permit, waiting for it for at most `maxWaitMs`; gives up at once when the wait is sure to be longer, or `signal` aborts. */
  take(holder: BudgetHolder, options: { readonly maxWaitMs: number; readonly signal: AbortSignal }): Promise<Taken>;
}

/** Notion's documented window. */
const windowMs = 60_000;
const pauseWithoutRetryAfterMs = 10_000;
/** After a limit was lowered, it is left alone for this long, then grows back a little with each window. */
const holdMs = 600_000;
const growthPerWindow = 0.05;

interface Tally {
  /** When each call of the window was answered, oldest first. */
  readonly answers: number[];
  inFlight: number;
  /** Callers inside `take`. */
  waiting: number;
  pausedUntil: number;
  lowered: { readonly limit: number; readonly at: number } | null;
}

/**
 * How many calls each connection may make: at most `requestsPerMinute` in any 60 s. Notion counts a call when it arrives, which is between
 * when we send it and when its answer is here; a call therefore counts from its sending until 60 s after its answer, so that no window of
 * Notion's can hold more than the limit.
 *
 * It learns: a 429 although we counted fewer calls than the limit lowers the limit to that count (never below half of what it was, since
 * a single count may be short of calls made before we started, or by others). After ten quiet minutes it grows back, 5 % a minute.
 * Retry-After pauses all calls of the connection, or of all connections of the Notion workspace when the limit was the workspace's.
 */
export function createRateBudget(options: { readonly requestsPerMinute?: number | undefined; readonly clock: Clock }): RateBudget {
  const { clock } = options;
  const full = options.requestsPerMinute ?? 180;
  const tallies = new Map<string, Tally>();
  const workspacePauses = new Map<string, number>();
  let sweepAt = 1000;

  function tallyOf(connectionId: string): Tally {
    const known = tallies.get(connectionId);
    if (known !== undefined) return known;
    if (tallies.size >= sweepAt) sweep();
    const tally: Tally = { answers: [], inFlight: 0, waiting: 0, pausedUntil: 0, lowered: null };
    tallies.set(connectionId, tally);
    return tally;
  }

  /** Forgets budgets that say nothing any more: all of what is left was used in the last minutes, so the map is bounded by the traffic. */
  function sweep(): void {
    const now = clock.now();
    for (const [connectionId, tally] of tallies) {
      forgetOld(tally, now);
      const busy = tally.answers.length + tally.inFlight + tally.waiting > 0 || tally.pausedUntil > now;
      if (!busy && limitOf(tally, now) === full) tallies.delete(connectionId);
    }
    for (const [workspace, until] of workspacePauses) if (until <= now) workspacePauses.delete(workspace);
    sweepAt = Math.max(1000, tallies.size * 2);
  }

  function limitOf(tally: Tally, now: number): number {
    if (tally.lowered === null) return full;
    const windows = Math.floor((now - tally.lowered.at - holdMs) / windowMs) + 1;
    const limit = Math.min(full, tally.lowered.limit + Math.max(0, windows) * Math.max(1, Math.floor(full * growthPerWindow)));
    if (limit === full) tally.lowered = null;
    return limit;
  }

  function admit(holder: BudgetHolder, tally: Tally, calls: number, ahead: number, share = 1): Taken {
    const now = clock.now();
    const workspacePause = workspacePauses.get(holder.notionWorkspaceId) ?? 0;
    if (Math.max(tally.pausedUntil, workspacePause) > now) {
      return workspacePause > tally.pausedUntil
        ? { ok: false, waitUntil: workspacePause, cause: 'workspace_pause' }
        : { ok: false, waitUntil: tally.pausedUntil, cause: 'pause' };
    }
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
        if (end()) tally.answers.push(clock.now());
      },
      limited({ scope, retryAfterMs }) {
        const now = clock.now();
        const until = now + (retryAfterMs ?? pauseWithoutRetryAfterMs);
        if (!end()) return until;
        // The answers to calls sent together with the first refused one teach nothing new.
        if (scope === 'connection' && tally.pausedUntil <= now) lower(tally, now);
        tally.answers.push(now);
        if (scope === 'workspace') {
          const longest = Math.max(until, workspacePauses.get(holder.notionWorkspaceId) ?? 0);
          workspacePauses.set(holder.notionWorkspaceId, longest);
          return longest;
        }
        tally.pausedUntil = Math.max(until, tally.pausedUntil);
        return tally.pausedUntil;
      },
      release() {
        end();
      },
    };
  }

  function lower(tally: Tally, now: number): void {
    forgetOld(tally, now);
    const limit = limitOf(tally, now);
    const counted = tally.answers.length;
    if (counted >= limit) return;
    tally.lowered = { limit: Math.max(1, counted, Math.ceil(limit / 2)), at: now };
  }

  return {
    tryTake(holder, calls = 1, share = 1) {
      const tally = tallyOf(holder.connectionId);
      return admit(holder, tally, calls, tally.waiting, share);
    },
    async take(holder, { maxWaitMs, signal }) {
      const tally = tallyOf(holder.connectionId);
      const giveUpAt = clock.now() + maxWaitMs;
      tally.waiting += 1;
      try {
        for (;;) {
          if (signal.aborted) return { ok: false, waitUntil: clock.now(), cause: 'aborted' };
          const taken = admit(holder, tally, 1, 0);
          if (taken.ok || taken.waitUntil > giveUpAt) return taken;
          await clock.sleep(taken.waitUntil - clock.now(), signal);
        }
      } finally {
        tally.waiting -= 1;
      }
    },
  };
}

/** An answer from the future: the clock was set back. It is forgotten, else nobody could call until the clock has caught up. */
function forgetOld(tally: Tally, now: number): void {
  const first = tally.answers.findIndex((at) => at + windowMs >= now && at <= now);
  tally.answers.splice(0, first === -1 ? tally.answers.length : first);
}
