import type { LimitReason, PostponeReason } from '@notion-mirror/domain/call-limits';
import type { EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import { countedMs, noWork, sumOfWork, type WorkCounts } from '@notion-mirror/mirror-store/work-counts';

/** Counts what this worker does, for its reports. */
export interface WorkCounter {
  outcome(outcome: Pick<EventOutcome, 'at' | 'receivedAt' | 'record' | 'coalescedInto' | 'others'>): void;
  /** Notion answered a call; `limitedBy`: with 429 or 529, for that reason. */
  call(limitedBy: LimitReason | null): void;
  /** The budget of calls had no room for a fetch. */
  postponed(by: PostponeReason): void;
  /** Of about the last minute: `seconds` are its length. */
  lastMinute(): WorkCounts & { readonly seconds: number };
  /** The minutes that have ended since the last call, oldest first; with `isLast` also the one that has not. `at`: its beginning. */
  takeMinutes(isLast?: boolean): readonly (WorkCounts & { readonly at: Date })[];
}

interface Slot extends Omit<{ -readonly [key in keyof WorkCounts]: WorkCounts[key] }, 'freshness' | 'limitedBy' | 'postponedBy'> {
  readonly freshness: Map<number, number>;
  readonly limitedBy: Partial<Record<LimitReason, number>>;
  readonly postponedBy: Partial<Record<PostponeReason, number>>;
}

const minuteMs = 60_000;
/** Minutes are made of slots, and so is the last minute. */
const slotMs = 5_000;
/** After a pause of the process, or a jump of the clock, older ones are left out. */
const mostMinutes = 5;

export function createWorkCounter(now: () => number): WorkCounter {
  const slots = new Map<number, Slot>();
  const startedAt = now();
  let nextMinute = floor(startedAt, minuteMs);

  function slot(): Slot {
    const at = floor(now(), slotMs);
    const known = slots.get(at);
    if (known !== undefined) return known;
    const fresh = { ...noWork, freshness: new Map<number, number>(), limitedBy: {}, postponedBy: {} };
    slots.set(at, fresh);
    return fresh;
  }

  function workFrom(from: number, to: number): WorkCounts {
    const found = [...slots].filter(([at]) => at >= from && at < to);
    return sumOfWork(found.map(([, { freshness, ...counts }]) => ({ ...counts, freshness: [...freshness] })));
  }

  function forget(): void {
    const oldest = Math.min(nextMinute, floor(now(), slotMs) - minuteMs);
    for (const at of slots.keys()) if (at < oldest) slots.delete(at);
  }

  return {
    outcome({ at, receivedAt, record, coalescedInto, others = [] }) {
      const counts = slot();
      counts.events += 1 + others.length;
      counts.saved += (coalescedInto === null ? 0 : 1) + others.length;
      if (record === null || record.ms === null) return;
      counts.documents += 1;
      const ms = countedMs(at.getTime() - receivedAt.getTime());
      counts.freshness.set(ms, (counts.freshness.get(ms) ?? 0) + 1);
    },
    call(limitedBy) {
      const counts = slot();
      counts.calls += 1;
      if (limitedBy === null) return;
      counts.limited += 1;
      counts.limitedBy[limitedBy] = (counts.limitedBy[limitedBy] ?? 0) + 1;
    },
    postponed(by) {
      const { postponedBy } = slot();
      postponedBy[by] = (postponedBy[by] ?? 0) + 1;
    },
    lastMinute() {
      const from = floor(now(), slotMs) - minuteMs + slotMs;
      const seconds = Math.max(1, Math.round((now() - Math.max(from, startedAt)) / 1000));
      return { ...workFrom(from, now() + 1), seconds };
    },
    takeMinutes(isLast = false) {
      const current = floor(now(), minuteMs);
      nextMinute = Math.max(Math.min(nextMinute, current), current - mostMinutes * minuteMs);
      const minutes: (WorkCounts & { readonly at: Date })[] = [];
      const end = isLast ? current + minuteMs : current;
      for (; nextMinute < end; nextMinute += minuteMs) {
        minutes.push({ at: new Date(nextMinute), ...workFrom(nextMinute, nextMinute + minuteMs) });
      }
      forget();
      return minutes;
    },
  };
}

function floor(time: number, step: number): number {
  return Math.floor(time / step) * step;
}
