import { isSettledByQuery } from '@notion-mirror/domain/query-rule';

/**
 * Why the rows of a data source are to be scanned.
 * - `first_backfill`: the mirror has just learned of the data source. `rebuilt`: its rows were restored from the state log.
 * - `schema_changed`: renaming a property or an option changes every row, and no event announces those.
 * - `came_back`, `moved`: the data source was removed or in another database meanwhile.
 * - `rows_were_off`: a process with MIRROR_ROWS=off may have missed events since its rows were last read.
 * - `flood`: too many events waited; the scan answers them.
 * - `dependency`: values that Notion computes from other rows may have changed.
 * - `unwritten`: MongoDB could not store the row of an event.
 * - `sweep`: the regular comparison with Notion. `operator`: a person.
 */
export type ScanReason =
  | 'first_backfill'
  | 'rebuilt'
  | 'schema_changed'
  | 'came_back'
  | 'moved'
  | 'rows_were_off'
  | 'flood'
  | 'dependency'
  | 'unwritten'
  | 'sweep'
  | 'operator';

/** `edited`: only rows that were edited since the last scan. */
export type ScanDepth = 'edited' | 'all';

/** A wanted scan. */
export interface ScanWish {
  readonly reasons: readonly ScanReason[];
  readonly depth: ScanDepth;
  /** When the wish was made (our clock): a scan fulfils it only if its queries count as later. */
  readonly at: Date;
  /** It answers events: every row is written, even if it is equal (`docs/rows.md`). Only with depth `all`. */
  readonly raisesAll: boolean;
  /** When the scan may begin; in any case it begins one lag after the wish. */
  readonly dueAt: Date;
  /** For `dependency`: how many tables lie between the first change and these rows, from 1. */
  readonly hop?: number;
  /** An operator accepts the removal of any number of rows that no connection can read. */
  readonly acceptsRemovals?: true;
  /** The trace that the scan is to belong to, when events end with its promise. */
  readonly trace?: string;
}

/** Several wishes as one: `at` is that of the newest, `dueAt` the earliest. */
export interface WantedScan extends Omit<ScanWish, 'trace'> {
  /** When the oldest of them was made: the scan begins one lag later, and what is newer stays wanted. */
  readonly firstAt: Date;
  /** When the newest that needs depth `all` was made; null: none does. */
  readonly allAt: Date | null;
  /** When the newest was made that is for something else than `dependency`. Absent: all are for that. */
  readonly otherAt?: Date;
  /** Those of the wishes, at most eight. */
  readonly traces?: readonly string[];
}

/** More come only if workers restart again and again before the scan begins. */
const mostTraces = 8;

/** How far the answers of queries are behind Notion, and how far clocks disagree. */
export interface ScanLag {
  readonly lagMs: number;
  readonly toleranceMs: number;
}

const anyTime = new Date(0);

export function wantedBy({ trace, ...wish }: ScanWish): WantedScan {
  const isOther = wish.reasons.some((reason) => reason !== 'dependency');
  const allAt = wish.depth === 'all' ? wish.at : null;
  return {
    ...wish,
    firstAt: wish.at,
    allAt,
    ...(isOther ? { otherAt: wish.at } : {}),
    ...(trace === undefined ? {} : { traces: [trace] }),
  };
}

/** Begins at once, since the mirror shows nothing yet. What was edited within the lag before it is left to a second scan. */
export function firstBackfill(at: Date): WantedScan {
  return { reasons: ['first_backfill'], depth: 'all', at, raisesAll: false, dueAt: at, firstAt: anyTime, allAt: anyTime, otherAt: at };
}

/** The same for rows that were restored. */
export function afterRebuild(at: Date): WantedScan {
  return { ...firstBackfill(at), reasons: ['rebuilt'] };
}

/** All rows, at any time from `dueAt` on. */
export function regularScan(dueAt: Date): WantedScan {
  return { reasons: ['sweep'], depth: 'all', at: anyTime, raisesAll: false, dueAt, firstAt: anyTime, allAt: anyTime, otherAt: anyTime };
}

export function merged(a: WantedScan | null, b: WantedScan | null): WantedScan | null {
  if (a === null || b === null) return a ?? b;
  const acceptsRemovals = a.acceptsRemovals === true || b.acceptsRemovals === true;
  const hops = [a.hop, b.hop].filter((hop) => hop !== undefined);
  const otherAts = [a.otherAt, b.otherAt].filter((at) => at !== undefined);
  const traces = [...new Set([...(a.traces ?? []), ...(b.traces ?? [])])].slice(-mostTraces);
  return {
    reasons: [...new Set([...a.reasons, ...b.reasons])].toSorted(),
    depth: a.depth === 'all' ? 'all' : b.depth,
    at: latest(a.at, b.at),
    raisesAll: a.raisesAll || b.raisesAll,
    dueAt: earliest(a.dueAt, b.dueAt),
    firstAt: earliest(a.firstAt, b.firstAt),
    allAt: a.allAt === null || b.allAt === null ? (a.allAt ?? b.allAt) : latest(a.allAt, b.allAt),
    ...(hops.length === 0 ? {} : { hop: Math.min(...hops) }),
    ...(otherAts.length === 0 ? {} : { otherAt: otherAts.reduce(latest) }),
    ...(acceptsRemovals ? { acceptsRemovals } : {}),
    ...(traces.length === 0 ? {} : { traces }),
  };
}

/** Through how many tables the change has come that the wishes are for: 0 if one of them is about the rows themselves. */
export function hopOfWish({ otherAt, hop = 0 }: WantedScan): number {
  return otherAt === undefined ? hop : 0;
}

/** When a scan for the wishes may begin, milliseconds since the epoch. */
export function ripeAt({ dueAt, firstAt }: WantedScan, { lagMs, toleranceMs }: ScanLag): number {
  return Math.max(dueAt.getTime(), firstAt.getTime() + lagMs + toleranceMs + 1);
}

/**
 * What is still wanted after a scan for the wishes that began at `startedAt`: those that are too new for it. If none of them needs all rows again, only
 * what was edited since.
 */
export function leftOf(wish: WantedScan, startedAt: Date, lag: ScanLag): WantedScan | null {
  const isFulfilled = (at: Date) => isSettledByQuery({ startedAt: startedAt.getTime(), ...lag }, { receivedAt: at.getTime() });
  if (isFulfilled(wish.at)) return null;
  const { acceptsRemovals: _, otherAt, traces = [], ...rest } = { ...wish, dueAt: wish.at, firstAt: wish.at };
  const isOther = otherAt !== undefined && !isFulfilled(otherAt);
  // Otherwise rows that change all the time would be scanned all the time for a reason that is long gone.
  const isForDependency = !isOther && wish.reasons.includes('dependency');
  const left: WantedScan = {
    ...rest,
    ...(isForDependency ? { reasons: ['dependency'], raisesAll: false } : {}),
    ...(isOther ? { otherAt } : {}),
  };
  // Events may still wait for it, unless only rows that others depend on do.
  const isPromised = !isForDependency && traces.length > 0;
  if (wish.allAt !== null && !isFulfilled(wish.allAt)) return isPromised ? { ...left, traces } : left;
  return { ...left, depth: 'edited', raisesAll: false, allAt: null };
}

function latest(a: Date, b: Date): Date {
  return a > b ? a : b;
}

function earliest(a: Date, b: Date): Date {
  return a < b ? a : b;
}
