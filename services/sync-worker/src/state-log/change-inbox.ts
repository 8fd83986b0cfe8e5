import type { StateRecord } from '@notion-mirror/event-log/state-record';
import type { ChangePosition } from '@notion-mirror/mirror-store/state-log-progress';
import type { StateBatch } from './state-batch.ts';

/** The records to append next, and the position to store afterwards. */
export interface TakenChanges {
  readonly records: readonly StateRecord[];
  readonly oldest: Date | null;
  readonly position: ChangePosition;
}

/** A buffer between reading changes and appending them: while one batch is appended, the next one fills. One reader, one taker. */
export interface ChangeInbox {
  /**
   * Reports that all changes up to `position` are in the batch. `isWorthStoring`: store the position even if the batch is empty. Resolves when
   * there is room for more.
   */
  reached(position: ChangePosition, isWorthStoring: boolean): Promise<void>;
  /** Ends the reading; null: without an error. */
  end(error: unknown): void;
  /** Ends the taking: `reached` no longer waits. */
  close(): void;
  /** Null when the reading has ended. Rejects with the reading's error, after all earlier changes were taken. */
  take(): Promise<TakenChanges | null>;
}

export function createChangeInbox(batch: Pick<StateBatch<never>, 'isFull' | 'oldest' | 'take'>): ChangeInbox {
  let reachedPosition: ChangePosition | null = null;
  let isWorthTaking = false;
  let outcome: { readonly error: Error | null } | null = null;
  let wakeTaker: (() => void) | null = null;
  let wakeReader: (() => void) | null = null;
  let closed = false;

  return {
    async reached(position, isWorthStoring) {
      reachedPosition = position;
      isWorthTaking ||= isWorthStoring || batch.oldest() !== null;
      if (isWorthTaking) wakeTaker?.();
      if (batch.isFull() && !closed) await new Promise<void>((resolve) => (wakeReader = resolve));
    },
    end(error) {
      outcome = { error: error === null || error instanceof Error ? error : new Error('changes cannot be followed', { cause: error }) };
      wakeTaker?.();
    },
    close() {
      closed = true;
      wakeReader?.();
    },
    async take() {
      for (;;) {
        if (reachedPosition !== null && isWorthTaking) {
          const taken = { oldest: batch.oldest(), records: batch.take(), position: reachedPosition };
          isWorthTaking = false;
          wakeReader?.();
          return taken;
        }
        if (outcome !== null) {
          if (outcome.error === null) return null;
          throw outcome.error;
        }
        await new Promise<void>((resolve) => (wakeTaker = resolve));
      }
    },
  };
}
