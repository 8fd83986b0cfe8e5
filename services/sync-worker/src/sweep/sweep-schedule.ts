import { createHash } from 'node:crypto';
import type { SweepClaim, SweepReport } from '@notion-mirror/mirror-store/sweep-ledger';

/** Delays of the repeats after an activation: Notion's search shows newly shared databases only after a while. */
const repeatsMs = [1, 10, 60].map((minutes) => minutes * 60_000);

/** A sweep may remove this many databases without an operator, whatever their share of the tenant's databases. */
const fewRemovals = 2;
const removedShare = 0.2;

/**
 * When the next sweep is due, after one that began at `startedAt`: the next repeat after the activation, or the tenant's next regular time,
 * whichever comes first. Regular times are `intervalMs` apart, with an offset derived from the tenant's id alone: tenants are spread, and a
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
 * When to retry after an incomplete sweep: the wait equals the time for which sweeps have been incomplete, at least a minute, at most an
 * interval. Epoch milliseconds.
 */
export function nextAfterIncomplete(
  { incompleteSince }: Pick<SweepClaim, 'incompleteSince'>,
  times: { readonly startedAt: number; readonly now: number; readonly intervalMs: number },
): number {
  const { startedAt, now, intervalMs } = times;
  const incompleteMs = startedAt - (incompleteSince?.getTime() ?? startedAt);
  return now + Math.min(intervalMs, Math.max(firstIncompleteWaitMs, incompleteMs));
}

/**
 * Repeats after an activation compare only what search shows: everything else has been compared since the activation. Not
 * after an incomplete sweep: it may have compared nothing, although it answered a request.
 */
export function depthOf({ activation, dueAt, lastStartedAt, request, incompleteSince }: SweepClaim): SweepReport['depth'] {
  if (request !== null || incompleteSince !== null || lastStartedAt === null || lastStartedAt < activation) return 'full';
  return repeatsMs.includes(dueAt.getTime() - activation.getTime()) ? 'search' : 'full';
}

/** The number of a tenant's databases that a sweep may remove without an operator. */
export function removalsAllowed(held: number): number {
  return Math.max(fewRemovals, Math.floor(held * removedShare));
}
