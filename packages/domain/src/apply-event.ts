import { decideDelete, decideSync, type DeleteDecision, type EventTimes, type RecordState } from './write-rule.ts';

/**
 * The order of steps that makes the write rule true: what is read before what. The workers and the model of `write-rule.test.ts` run this
 * same code; only the steps differ.
 */

/** `R`: the record as the store gives it. `F`: what a fetch says. `W`: what became of a write; `{kind: 'conflict'}`: somebody wrote since the read. */
export interface SyncSteps<R extends RecordState, F, W extends { readonly kind: string }> {
  /** The record as it was written here a short while ago (much less than a tombstone lives), which spares the read; null: not known. */
  readonly recall: () => R | null;
  readonly read: () => Promise<R | null>;
  /** Our clock, milliseconds since the epoch. */
  readonly now: () => number;
  readonly fetch: (record: R | null) => Promise<F>;
  /** Writes what the fetch says, on condition that the record is still `record`. A fetch that says nothing is handed back unwritten. */
  readonly write: (record: R | null, fetched: F, asOf: number) => Promise<W>;
}

/**
 * A sync event, or several that wait for the same record: then `event` is the one received last. Reads first and fetches after, so what it
 * writes is newer than anything the record can hold; after a conflict it does all of that again, since the old fetch may be the staler one.
 *
 * A record that is recalled stands for a read of the time when it was written: if somebody wrote since, the write is a conflict. Nothing is
 * skipped because of it, since then no write would tell that MongoDB has lost the record.
 */
export async function applySync<R extends RecordState, F, W extends { readonly kind: string }>(
  steps: SyncSteps<R, F, W>,
  event: EventTimes,
  toleranceMs: number,
): Promise<{ readonly kind: 'skipped'; readonly record: R | null } | Exclude<W, Conflict>> {
  const recalled = steps.recall();
  let record = recalled === null || decideSync(recalled, event, toleranceMs) === 'skip' ? await steps.read() : recalled;
  for (;;) {
    if (decideSync(record, event, toleranceMs) === 'skip') return { kind: 'skipped', record };
    const asOf = steps.now();
    const fetched = await steps.fetch(record);
    const result = await steps.write(record, fetched, asOf);
    if (isSettled(result)) return result;
    record = await steps.read();
  }
}

export interface DeleteSteps<R extends RecordState, W extends { readonly kind: string }> {
  readonly read: () => Promise<R | null>;
  /** Leaves a tombstone (`erase`, `tombstone_missing`) or raises the revision of the one there (`touch_tombstone`), if the record is still `record`. */
  readonly write: (record: R | null, decision: Exclude<DeleteDecision, 'stale' | 'recheck'>) => Promise<W>;
  /** Appends a sync event of origin `recheck` to the log; resolves when that is durable. */
  readonly recheck: () => Promise<void>;
}

/** A delete event. After a conflict it reads and decides again. */
export async function applyDelete<R extends RecordState, W extends { readonly kind: string }>(
  steps: DeleteSteps<R, W>,
  event: EventTimes,
  toleranceMs: number,
): Promise<{ readonly decision: DeleteDecision; readonly written: Exclude<W, Conflict> | null }> {
  for (;;) {
    const record = await steps.read();
    const decision = decideDelete(record, event, toleranceMs);
    if (decision === 'stale') return { decision, written: null };
    if (decision === 'recheck') {
      await steps.recheck();
      return { decision, written: null };
    }
    const written = await steps.write(record, decision);
    if (isSettled(written)) return { decision, written };
  }
}

interface Conflict {
  readonly kind: 'conflict';
}

function isSettled<W extends { readonly kind: string }>(result: W): result is Exclude<W, Conflict> {
  return result.kind !== 'conflict';
}
