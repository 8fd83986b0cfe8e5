import type { StateRecord } from '@notion-mirror/event-log/state-record';
import type { ChangePosition } from '@notion-mirror/mirror-store/state-log-progress';
import type { StateBatch } from './state-batch.ts';

/** What is to be appended next, and the position to store afterwards. */
export interface TakenChanges {
  readonly records: readonly StateRecord[];
  readonly oldest: Date | null;
  readonly position: ChangePosition;
}

/** Between the reading of changes and their appending: while one batch is being appended, the next one fills. One reader, one taker. */
export interface ChangeInbox {
  /**
   * All changes up to `position` are in the batch. `isWorthStoring`: the position is to be stored though the batch is empty. Resolves when there is
   * room for more.
   */
  reached(position: ChangePosition, isWorthStoring: boolean): Promise<void>;
  /** The reading has ended; null: not by an error. */
  end(error: unknown): void;
  /** Nothing is taken any more: `reached` waits no longer. */
  close(): void;
  /** Null when the reading has ended. Rejects with what it ended with, once all before that was taken. */
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
