import { decideDelete, decideSync, type DeleteDecision, type EventTimes, type RecordState } from './write-rule.ts';

/**
 * The rule for what queries answer: the only place that decides what it may change. Pure: no I/O, no clock.
 *
 * A query returns many rows for one call, but nothing promises that it is up to date. So its answer counts as seen one lag before the query
 * began, and wherever that leaves a doubt, a single read decides under the write rule. Single reads and deletes of rows follow the write
 * rule (`write-rule.ts`), except that a delete erases more carefully: `decideRowDelete`.
 * `docs/rows.md` explains the rule; `query-rule.test.ts` runs it against random histories.
 */

/** The parts of a row's record that the rule needs. Times are milliseconds since the epoch. */
export interface RowRecordState extends RecordState {
  /**
   * When it was last written (our clock), taken after the writer saw what it writes: the answer, or the delete event. Every write sets it, also
   * one that only raises the revision of a live record or of a tombstone.
   */
  readonly syncedAt: number;
}

export interface QueryTimes {
  /** When the query began (our clock), milliseconds since the epoch. For a later page of a result: when its first page was asked for. */
  readonly startedAt: number;
  /** How far an answer may be behind Notion. */
  readonly lagMs: number;
  /** How far clocks may disagree. */
  readonly toleranceMs: number;
}

/** What is known of one row: the query returned it with the content of the live record, or with another; it returned it as trashed; it did not return it. */
export type Answer = 'same' | 'different' | 'in_trash' | 'absent';

/**
 * - `write`: write what the query returned, with `asOf` = `asOfQuery`.
 * - `raise`: write the same content again, for `asOf`, `rev` and `syncedAt`: otherwise a delete that comes late would erase it.
 * - `keep`: nothing to do.
 * - `read_singly`: a single read decides.
 */
export type QueryDecision = 'write' | 'raise' | 'keep' | 'read_singly';

/** As of when an answer counts. */
export function asOfQuery({ startedAt, lagMs }: QueryTimes): number {
  return startedAt - lagMs;
}

/** Whether the query has seen what the event announced. The same holds for a wish that a scan is to fulfil, with its time as `receivedAt`. */
export function isSettledByQuery(query: QueryTimes, event: Pick<EventTimes, 'receivedAt'>): boolean {
  return decideSync({ asOf: asOfQuery(query), source: 'fetch' }, event, query.toleranceMs) === 'skip';
}

/**
 * `record`: as read after the answer. `awaited`: the row's waiting event that was received last; null: none waits.
 *
 * A record that was fetched after the query's `asOf` says more than the query and stays. Absence and trash prove nothing: rows shift between
 * pages and between the live and the archived partition, so no row goes without a single read. A record written after the
 * query's `asOf` may hold something newer than the answer.
 */
export function decideQueried(record: RowRecordState | null, answer: Answer, awaited: EventTimes | null, query: QueryTimes): QueryDecision {
  const asOf = asOfQuery(query);
  const settles = awaited !== null && isSettledByQuery(query, awaited);
  if (decideSync(record, { receivedAt: asOf }, query.toleranceMs) === 'skip') return 'keep';
  if (answer === 'absent' || answer === 'in_trash') return record?.live === true || awaited !== null ? 'read_singly' : 'keep';
  if (answer === 'same' && !settles) return 'keep';
  if (record !== null && record.syncedAt + query.toleranceMs >= asOf) return 'read_singly';
  return answer === 'same' ? 'raise' : 'write';
}

/**
 * Like `decideDelete`, but content is erased at once only if it was written before the event, not merely if its `asOf` is earlier: a query's
 * answer can be up to one lag newer than its `asOf`, a single read as long as the read took. In between, a single read decides.
 *
 * `isElsewhere`: according to the event, the page's parent is no database. Most such pages never were rows, so only a record makes it one.
 */
export function decideRowDelete(
  record: RowRecordState | null,
  event: EventTimes & { readonly isElsewhere?: boolean },
  toleranceMs: number,
): DeleteDecision {
  if (record === null && event.isElsewhere === true) return 'ignore';
  const decision = decideDelete(record, event, toleranceMs);
  const isOlder = record === null || record.syncedAt + toleranceMs < Math.min(event.occurredAt, event.receivedAt);
  return decision === 'erase' && !isOlder ? 'recheck' : decision;
}
