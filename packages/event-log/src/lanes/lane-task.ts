import type { LogRecord } from '../log-record.ts';
import type { Claim, Rank } from './work.ts';

/** A record on its way through a lane. */
export interface Entry<T> {
  readonly record: LogRecord;
  /** Epoch ms. */
  readonly takenAt: number;
  readonly claim: Claim;
  /** Undefined until the record is routed. */
  item: T | undefined;
  attempts: number;
  firstFailedAt: number | null;
}

export interface Task<T> {
  readonly name: string;
  readonly rank: Rank;
  /** That it was routed to. */
  readonly home: string | null;
  /** Null: it runs by itself only. */
  group: string | null;
  /**
   * `busy`: it runs, or its dead letters are being written. `held`: it waits for a retry of its own. `postponed`: it waits with its group.
   * `forgotten`: nothing of it waits, and its lane no longer knows it.
   */
  state: 'ready' | 'busy' | 'held' | 'postponed' | 'forgotten';
  /** Its last run ended with a retry of its own. */
  isFailing: boolean;
  waiting: Entry<T>[];
  /** How often it was held: a wait that it has left early must not end the next one. */
  holds: number;
  /** Runs in a row that threw. */
  throws: number;
}

/** Puts entries back in front of those that have joined since. */
export function takeBack<T>(task: Task<T>, entries: readonly Entry<T>[]): void {
  task.waiting = [...entries, ...task.waiting];
}

export function isActive({ claim }: { readonly claim: Claim }): boolean {
  return claim.active;
}

export function noteFailure(entry: { attempts: number; firstFailedAt: number | null }): void {
  entry.attempts += 1;
  entry.firstFailedAt ??= Date.now();
}
