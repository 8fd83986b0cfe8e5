import type { EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';

export interface Figures {
  /** What they are of: the last seconds. `isSample`: fewer, since there were too many outcomes to read. */
  readonly seconds: number;
  readonly isSample: boolean;
  readonly eventsPerSecond: number;
  /** Records written or removed. */
  readonly documentsPerSecond: number;
  /** From the receipt to the written document, ms; null: none was written. */
  readonly freshness: { readonly p50Ms: number; readonly p95Ms: number } | null;
  readonly notionCallsPerMinute: number;
  /** Fetches that were not needed, since one answered for several events. */
  readonly callsSavedPerMinute: number;
}

type Counted = Pick<EventOutcome, 'at' | 'receivedAt' | 'fetch' | 'record' | 'coalescedInto' | 'others'>;

/** Of outcomes, latest first, since `now - seconds`; `isSample`: there are more, which are not among them. */
export function figuresOf(
  outcomes: readonly Counted[],
  { now, seconds, isSample }: { readonly now: Date; readonly seconds: number; readonly isSample: boolean },
): Figures {
  const first = outcomes.at(-1);
  const span = isSample && first !== undefined ? Math.max(1, (now.getTime() - first.at.getTime()) / 1000) : seconds;
  const written = outcomes.filter(({ record }) => record !== null && record.ms !== null);
  const ages = written.map(({ at, receivedAt }) => Math.max(0, at.getTime() - receivedAt.getTime())).toSorted((a, b) => a - b);
  const sum = (of: (outcome: Counted) => number): number => outcomes.reduce((total, outcome) => total + of(outcome), 0);
  return {
    seconds: Math.round(span),
    isSample,
    eventsPerSecond: rounded(sum(({ others }) => 1 + (others?.length ?? 0)) / span),
    documentsPerSecond: rounded(written.length / span),
    freshness: ages.length === 0 ? null : { p50Ms: quantile(ages, 0.5), p95Ms: quantile(ages, 0.95) },
    notionCallsPerMinute: Math.round((sum(({ fetch }) => fetch?.calls ?? 0) / span) * 60),
    callsSavedPerMinute: Math.round(
      (sum(({ coalescedInto, others }) => (coalescedInto === null ? 0 : 1) + (others?.length ?? 0)) / span) * 60,
    ),
  };
}

function rounded(number: number): number {
  return Math.round(number * 100) / 100;
}

/** Of sorted numbers: the smallest that is not below that share of them. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
