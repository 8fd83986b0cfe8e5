import type { WorkerMinute } from '@notion-mirror/mirror-store/minutes';
import { quantilesOf, sumOfWork } from '@notion-mirror/mirror-store/work-counts';
import type { WorkerStatus } from '@notion-mirror/mirror-store/worker-status';

export interface Figures {
  /** What they are of: about so many last seconds; 0: no worker has reported. */
  readonly seconds: number;
  readonly eventsPerSecond: number;
  /** Records written or removed. */
  readonly documentsPerSecond: number;
  /** From the receipt to the written document, ms, rounded up by at most 9 %; null: none was written. */
  readonly freshness: { readonly p50Ms: number; readonly p95Ms: number } | null;
  readonly notionCallsPerMinute: number;
  /** Of these, refused with 429 or 529. */
  readonly limitedPerMinute: number;
  /** Fetches that were not needed, since one answered for several events. */
  readonly callsSavedPerMinute: number;
}

/** Of the last minute, as the workers report it. */
export function figuresOf(workers: readonly Pick<WorkerStatus, 'lastMinute'>[]): Figures {
  const reported = workers.flatMap(({ lastMinute }) => lastMinute ?? []);
  const perSecond = (of: (minute: (typeof reported)[number]) => number): number =>
    reported.reduce((total, minute) => total + of(minute) / minute.seconds, 0);
  return {
    seconds: Math.max(0, ...reported.map(({ seconds }) => seconds)),
    eventsPerSecond: rounded(perSecond(({ events }) => events)),
    documentsPerSecond: rounded(perSecond(({ documents }) => documents)),
    freshness: quantilesOf(sumOfWork(reported).freshness),
    notionCallsPerMinute: Math.round(60 * perSecond(({ calls }) => calls)),
    limitedPerMinute: Math.round(60 * perSecond(({ limited }) => limited)),
    callsSavedPerMinute: Math.round(60 * perSecond(({ saved }) => saved)),
  };
}

/** A minute of all workers. */
export interface Minute extends Pick<WorkerMinute, 'at' | 'events' | 'documents' | 'calls' | 'limited'> {
  readonly freshness: Figures['freshness'];
}

const minuteMs = 60_000;

/** The last `count` minutes that have ended, oldest first; null: no worker has reported of it. */
export function historyOf(reported: readonly WorkerMinute[], now: Date, count: number): (Minute | null)[] {
  const byMinute = Map.groupBy(reported, ({ at }) => at.getTime());
  const current = Math.floor(now.getTime() / minuteMs) * minuteMs;
  return Array.from({ length: count }, (_, n) => {
    const at = current - (count - n) * minuteMs;
    const own = byMinute.get(at);
    if (own === undefined) return null;
    const { events, documents, calls, limited, freshness } = sumOfWork(own);
    return { at: new Date(at), events, documents, calls, limited, freshness: quantilesOf(freshness) };
  });
}

function rounded(number: number): number {
  return Math.round(number * 100) / 100;
}
