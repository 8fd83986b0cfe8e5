import { decideDelete, decideSync, type DeleteDecision, type EventTimes, type RecordState } from './write-rule.ts';

/**
 * The order of reads, fetches and writes on which the write rule depends. The workers and the model of `write-rule.test.ts` run this same
 * code; only the steps differ.
 */

/** `R`: the store's record. `F`: the result of a fetch. `W`: the result of a write; `{kind: 'conflict'}`: the record was written since the read. */
export interface SyncSteps<R extends RecordState, F, W extends { readonly kind: string }> {
  /** The record as last written here a short time ago (much shorter than a tombstone's lifetime), which saves the read; null: not known. */
  readonly recall: () => R | null;
  readonly read: () => Promise<R | null>;
  /** Our clock, milliseconds since the epoch. */
  readonly now: () => number;
  readonly fetch: (record: R | null) => Promise<F>;
  /** Writes the fetched content if the record is still `record`. A fetch without a result is returned unwritten. */
  readonly write: (record: R | null, fetched: F, asOf: number) => Promise<W>;
}

/**
 * Applies a sync event, or several for the same record: then `event` is the one received last. Reads before it fetches, so the written content
 * is newer than anything in the record. After a conflict it repeats both, since the old fetch may be the staler one.
 *
 * A recalled record counts as a read at the time it was written: if it was overwritten since, the write conflicts. It never causes a skip,
 * since without a write it would go unnoticed that MongoDB has lost the record.
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
    if (isNoConflict(result)) return result;
    record = await steps.read();
  }
}

export interface DeleteSteps<R extends RecordState, W extends { readonly kind: string }> {
  readonly read: () => Promise<R | null>;
  /** Writes a tombstone (`erase`, `tombstone_missing`) or raises the revision of the existing one (`touch_tombstone`), if the record is still `record`. */
  readonly write: (record: R | null, decision: Exclude<DeleteDecision, 'stale' | 'recheck' | 'ignore'>) => Promise<W>;
  /** Appends a sync event of origin `recheck` to the log; resolves when it is durable. */
  readonly recheck: () => Promise<void>;
}

/** Applies a delete event. After a conflict it reads and decides again. `decide`: `decideRowDelete` for a row. */
export async function applyDelete<R extends RecordState, W extends { readonly kind: string }, E extends EventTimes = EventTimes>(
  steps: DeleteSteps<R, W>,
  event: E,
  toleranceMs: number,
  decide: (record: R | null, event: E, toleranceMs: number) => DeleteDecision = decideDelete,
): Promise<{ readonly decision: DeleteDecision; readonly written: Exclude<W, Conflict> | null }> {
  for (;;) {
    const record = await steps.read();
    const decision = decide(record, event, toleranceMs);
    if (decision === 'stale' || decision === 'ignore') return { decision, written: null };
    if (decision === 'recheck') {
      await steps.recheck();
      return { decision, written: null };
    }
    const written = await steps.write(record, decision);
    if (isNoConflict(written)) return { decision, written };
  }
}

export interface Conflict {
  readonly kind: 'conflict';
}

export function isNoConflict<W extends { readonly kind: string }>(result: W): result is Exclude<W, Conflict> {
  return result.kind !== 'conflict';
}
