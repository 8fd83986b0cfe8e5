import { createHash } from 'node:crypto';
import type { SweepClaim, SweepReport } from '@notion-mirror/mirror-store/sweep-ledger';

/** After an activation: Notion's search shows what was shared a moment ago only after a while. */
const repeatsMs = [1, 10, 60].map((minutes) => minutes * 60_000);

/** A sweep removes so many databases by itself, whatever part of the tenant's they are. */
const fewRemovals = 2;
const removedShare = 0.2;

/**
 * When the next sweep is due, after one that began at `startedAt`: the next repeat after the activation, or the next of the tenant's own times,
 * whichever comes first. Those times are `intervalMs` apart, and where they lie follows from the tenant's id alone: tenants are spread, and a
 * restart does not bunch them. All in epoch milliseconds.
 */
export function nextSweepAt(
  { workspaceId, activation }: Pick<SweepClaim, 'workspaceId' | 'activation'>,
  times: { readonly startedAt: number; readonly now: number; readonly intervalMs: number },
): number {
  const { startedAt, now, intervalMs } = times;
  const repeat = repeatsMs.map((ms) => activation.getTime() + ms).find((at) => at > startedAt);
  const offset = createHash('sha256').update(workspaceId).digest().readUInt32BE() % intervalMs;
  const slot = Math.floor((now - offset) / intervalMs + 1) * intervalMs + offset;
  return repeat === undefined ? slot : Math.min(repeat, slot);
}

const firstIncompleteWaitMs = 60_000;

/**
 * When to try again after a sweep that could not compare everything: as long after it as there has been trouble before it, at least a minute, at most
 * an interval. Epoch milliseconds.
 */
export function nextAfterIncomplete(
  { incompleteSince }: Pick<SweepClaim, 'incompleteSince'>,
  times: { readonly startedAt: number; readonly now: number; readonly intervalMs: number },
): number {
  const { startedAt, now, intervalMs } = times;
  const troubledMs = startedAt - (incompleteSince?.getTime() ?? startedAt);
  return now + Math.min(intervalMs, Math.max(firstIncompleteWaitMs, troubledMs));
}

/** The repeats look at what search shows, and no more: all else was looked at since the activation. */
export function depthOf({ activation, dueAt, lastStartedAt, request }: SweepClaim): SweepReport['depth'] {
  if (request !== null || lastStartedAt === null || lastStartedAt < activation) return 'full';
  return repeatsMs.includes(dueAt.getTime() - activation.getTime()) ? 'search' : 'full';
}

/** How many of a tenant's databases a sweep may find gone before it asks an operator. */
export function removalsAllowed(held: number): number {
  return Math.max(fewRemovals, Math.floor(held * removedShare));
}
