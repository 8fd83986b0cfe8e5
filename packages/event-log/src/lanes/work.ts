import type { Failure } from '@notion-mirror/domain/failure';
import type { LogRecord } from '../log-record.ts';

/**
 * What to do with a record: nothing (`pass`: not for this group), work on `task` in its lane, a dead letter, or a later attempt (`retry`: only
 * this record waits, not those behind it).
 */
export type Routing<T> =
  | { readonly kind: 'pass' }
  | { readonly kind: 'work'; readonly task: string; readonly item: T }
  | { readonly kind: 'dead'; readonly failure: Failure }
  | { readonly kind: 'retry'; readonly failure: Failure };

export interface WorkItem<T> {
  readonly record: LogRecord;
  readonly item: T;
  /** When the record was taken from the log, epoch ms. */
  readonly takenAt: number;
}

/** All items that waited for one task, oldest first, handed over together. */
export interface Work<T> {
  readonly lane: string;
  readonly task: string;
  readonly items: readonly WorkItem<T>[];
  /** From 1; counts every call for these items, or for some of them before others joined. */
  readonly attempt: number;
  /** Aborts when the consumer stops and cannot wait any longer. */
  readonly signal: AbortSignal;
}

/**
 * `retry`: call again at `at` (epoch ms); nothing is occupied until then, and items that arrive meanwhile join. `scope` is what waits: this
 * task, or every task of the lane (its token is throttled, its database is unavailable).
 */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'retry'; readonly at: number; readonly scope: 'task' | 'lane'; readonly failure: Failure }
  | { readonly kind: 'dead'; readonly failure: Failure };

export type Route<T> = (record: LogRecord) => Routing<T> | Promise<Routing<T>>;
export type Handle<T> = (work: Work<T>) => Promise<Outcome>;
/** Resolves when the dead letter is durable. */
export type DeadLetter = (
  record: LogRecord,
  failure: Failure,
  context: { readonly attempts: number; readonly firstFailedAt: Date },
) => Promise<void>;

/** A record's place in the log, to be settled when nothing needs the record any more. */
export interface Claim {
  /** False when the partition has been revoked: another member handles the record. */
  readonly active: boolean;
  settle(): void;
}
