import type { EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import { count } from '../text.ts';

/**
 * - `notion`: from the change until its webhook was received.
 * - `append`: until it was on the log.
 * - `log`: what is left: on the log until a worker read it, and between the other parts.
 * - `lane`: read, and waiting for its turn.
 * - `fetch`, `write`: asking Notion, and writing the document; those of the event that answered for this one if it is coalesced.
 */
export type TimelineKind = 'notion' | 'append' | 'log' | 'lane' | 'fetch' | 'write';

export interface TimelinePart {
  readonly kind: TimelineKind;
  /** From the beginning of the timeline, ms. */
  readonly startMs: number;
  readonly ms: number;
  readonly text: string;
}

/** Where the time of an event went. The parts follow each other without a gap, and add up to `totalMs`. */
export interface Timeline {
  readonly from: Date;
  readonly totalMs: number;
  /** Without Notion's part. */
  readonly ownMs: number;
  readonly parts: readonly TimelinePart[];
  /** Clocks disagree: what was measured did not fit into the total, and was cut. */
  readonly isCut: boolean;
}

type Measured = Pick<
  EventOutcome,
  'origin' | 'occurredAt' | 'receivedAt' | 'at' | 'place' | 'waitedMs' | 'attempts' | 'fetch' | 'record' | 'service' | 'coalescedInto'
>;

/** `leader`: the outcome of the event in `coalescedInto`, when it is known. */
export function timelineOf(outcome: Measured, leader: Measured | null): Timeline {
  const { receivedAt, at, place, waitedMs, attempts, service, coalescedInto } = outcome;
  const ownMs = Math.max(0, at.getTime() - receivedAt.getTime());
  const fetch = outcome.fetch ?? leader?.fetch ?? null;
  const writeMs = outcome.record?.ms ?? leader?.record?.ms ?? null;

  // From both ends inwards: what is left in the middle is the time on the log.
  let left = ownMs;
  let isCut = at < receivedAt;
  const take = (ms: number): number => {
    const taken = Math.min(left, Math.max(0, ms));
    if (taken !== ms) isCut = true;
    left -= taken;
    return taken;
  };
  const append = place === null ? null : take(place.appendedAt.getTime() - receivedAt.getTime());
  const write = writeMs === null ? null : take(writeMs);
  const fetched = fetch === null ? null : take(fetch.ms);
  const lane = waitedMs === null ? null : take(waitedMs);
  const log = left;

  const answered = coalescedInto === null || outcome.fetch !== null ? '' : ', for another event';
  const parts: Omit<TimelinePart, 'startMs'>[] = [];
  const notion = notionMs(outcome);
  if (notion !== null) parts.push({ kind: 'notion', ms: notion, text: 'from the change to its webhook' });
  if (append !== null) parts.push({ kind: 'append', ms: append, text: 'until it was on the log' });
  if (log > 0)
    parts.push({
      kind: 'log',
      ms: log,
      text: place === null ? 'handled by the ' + service : `on the log at ${place.partition}:${place.offset}`,
    });
  if (lane !== null) {
    const tries = attempts === null || attempts < 2 ? '' : `, ${count(attempts, 'attempt')}`;
    parts.push({ kind: 'lane', ms: lane, text: `waiting in the ${service}${tries}` });
  }
  if (fetched !== null) parts.push({ kind: 'fetch', ms: fetched, text: `${count(fetch?.calls ?? 0, 'call')} to Notion${answered}` });
  if (write !== null) parts.push({ kind: 'write', ms: write, text: `writing the document${answered}` });

  const from = new Date(receivedAt.getTime() - (notion ?? 0));
  let startMs = 0;
  const placed = parts.map((part) => {
    const begun = { ...part, startMs };
    startMs += part.ms;
    return begun;
  });
  return { from, totalMs: ownMs + (notion ?? 0), ownMs, parts: placed, isCut };
}

/** Null: no webhook announced it, or Notion's time is unknown or later than the receipt. */
function notionMs({ origin, occurredAt, receivedAt }: Measured): number | null {
  if ((origin !== 'nango' && origin !== 'notion') || occurredAt === null || occurredAt > receivedAt) return null;
  return receivedAt.getTime() - occurredAt.getTime();
}
