import type { LimitReason, PostponeReason } from '@notion-mirror/domain/call-limits';

/** What a worker has done in some time. */
export interface WorkCounts {
  readonly events: number;
  /** Records written or removed. */
  readonly documents: number;
  /** Events that a fetch for another one has answered. */
  readonly saved: number;
  /** Calls to Notion, and those that it refused with 429 or 529. */
  readonly calls: number;
  readonly limited: number;
  /** These by reason, and the fetches that were postponed by the budget of calls. Absent: none, or the worker is of an earlier version. */
  readonly limitedBy?: Counts<LimitReason>;
  readonly postponedBy?: Counts<PostponeReason>;
  /** From the receipt of an event to its document: `[n, m]`: m of the documents took at most n ms, and more than the entry before. Ascending. */
  readonly freshness: readonly (readonly [ms: number, documents: number])[];
}

type Counts<K extends string> = Readonly<Partial<Record<K, number>>>;

export const noWork: WorkCounts = { events: 0, documents: 0, saved: 0, calls: 0, limited: 0, freshness: [] };

/** A time as it is counted, ms: rounded up by at most 9 %, so that a minute has few of them. */
export function countedMs(ms: number): number {
  return ms <= 1 ? 1 : Math.round(2 ** (Math.ceil(Math.log2(ms) * 8) / 8));
}

export function sumOfWork(all: readonly WorkCounts[]): WorkCounts {
  const sum = (of: (counts: WorkCounts) => number): number => all.reduce((total, counts) => total + of(counts), 0);
  const freshness = new Map<number, number>();
  for (const { freshness: some } of all) for (const [ms, documents] of some) freshness.set(ms, (freshness.get(ms) ?? 0) + documents);
  const limitedBy = sumOfCounts(all.map((counts) => counts.limitedBy ?? {}));
  const postponedBy = sumOfCounts(all.map((counts) => counts.postponedBy ?? {}));
  return {
    events: sum(({ events }) => events),
    documents: sum(({ documents }) => documents),
    saved: sum(({ saved }) => saved),
    calls: sum(({ calls }) => calls),
    limited: sum(({ limited }) => limited),
    ...(isEmpty(limitedBy) ? {} : { limitedBy }),
    ...(isEmpty(postponedBy) ? {} : { postponedBy }),
    freshness: [...freshness].toSorted(([a], [b]) => a - b),
  };
}

function sumOfCounts<K extends string>(all: readonly Counts<K>[]): Counts<K> {
  const sums: Partial<Record<K, number>> = {};
  for (const counts of all) for (const key in counts) sums[key] = (sums[key] ?? 0) + (counts[key] ?? 0);
  return sums;
}

function isEmpty(counts: object): boolean {
  return Object.keys(counts).length === 0;
}

/** Half of the documents, and 95 % of them, took at most so many ms; null: there are none. */
export function quantilesOf(freshness: WorkCounts['freshness']): { readonly p50Ms: number; readonly p95Ms: number } | null {
  const all = freshness.reduce((total, [, documents]) => total + documents, 0);
  if (all === 0) return null;
  const at = (share: number): number => {
    let left = Math.ceil(share * all);
    for (const [ms, documents] of freshness) {
      left -= documents;
      if (left <= 0) return ms;
    }
    return freshness.at(-1)?.[0] ?? 0;
  };
  return { p50Ms: at(0.5), p95Ms: at(0.95) };
}
