import type { Failure } from '@notion-mirror/domain/failure';
import type { LogRecord } from '../log-record.ts';

/**
 * What to do with a record: nothing (`pass`: not for this group), work on `task` in its lane, a dead letter, or a later attempt (`retry`: only
 * this record waits, not those behind it). The first record of a task decides its rank and group.
 */
export type Routing<T> =
  | { readonly kind: 'pass' }
  | {
      readonly kind: 'work';
      readonly task: string;
      readonly item: T;
      /** Default 0. */
      readonly rank?: Rank;
      /** The tasks that it may be handled together with; none by default. */
      readonly group?: string | null;
    }
  | { readonly kind: 'dead'; readonly failure: Failure }
  | { readonly kind: 'retry'; readonly failure: Failure };

/** Within a lane, tasks of rank 0 go first. Those of rank 1 leave one slot free for them. */
export type Rank = 0 | 1;

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

/** When the tasks of a group are handed over together. */
export interface GroupRules {
  /** Whether the ready tasks of a group are, at its turn, instead of the first of them by itself. Asked once at each turn. */
  readonly isMany: (turn: { readonly lane: string; readonly group: string; readonly ready: number }) => boolean;
  /** From how many waiting records on they are, even while the lane is held; all groups of a lane may have three times as many. */
  readonly maxRecords: number;
}

/**
 * The waiting items of a group's tasks, each task's oldest first. Not those of a task that runs, has failed, or was left `alone`: such a task
 * runs by itself, unless `maxRecords` of such items wait in the lane.
 */
export interface GroupWork<T> extends Pick<Work<T>, 'lane' | 'items' | 'signal'> {
  readonly group: string;
  /** Tasks of the lane that are to run by themselves, such as those that groups left `alone` before. */
  readonly alone: number;
  /** The groups of the lane hold too many records in all, and this one is among the largest. */
  readonly isSurplus: boolean;
}

/** `alone`: the item's task runs by itself, at its turn. `waits`: it waits with the group. A task with an item of each is alone. */
export type Fate = 'done' | 'alone' | 'waits';

/** There is no retry: a full group is handed over even while its lane is held, so it must wait by itself. */
export interface GroupOutcome<T> {
  readonly fateOf: (item: WorkItem<T>) => Fate;
  /** When those that wait are ready again, epoch ms; sooner if the group is handed over meanwhile. Null: at once. */
  readonly until: number | null;
  /** Whether tasks of the group that become ready meanwhile wait, too. */
  readonly gathers: boolean;
}

export interface Grouping<T> extends GroupRules {
  readonly handle: (work: GroupWork<T>) => Promise<GroupOutcome<T>>;
  /**
   * Ends items of a task that does not count for its group, because newer ones, which stay, will answer them. Asked when `maxRecords` such
   * items wait in a lane. Returns those that have ended.
   */
  readonly supersede: (items: readonly WorkItem<T>[]) => readonly WorkItem<T>[];
}

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
