import { isNoConflict, type Conflict } from './apply-event.ts';
import { asOfQuery, decideQueried, isSettledByQuery, type QueryDecision, type QueryTimes, type RowRecordState } from './query-rule.ts';
import type { EventTimes } from './write-rule.ts';

/**
 * The order of reads and writes on which the rule for queries depends. The workers and the model of `query-rule.test.ts` run this same code;
 * only the steps differ.
 */

export interface QueriedRow {
  /** Notion's page id. */
  readonly id: string;
  readonly isInTrash: boolean;
}

/** The answer of a query, or one page of it. */
export interface QueryAnswer<Row extends QueriedRow> extends QueryTimes {
  readonly rows: readonly Row[];
  /** Ids that the whole result should hold and does not. */
  readonly absent: readonly string[];
}

/** `record`: what is there, as it was read; the write must be conditional on it. `asOf`: milliseconds since the epoch. */
export interface QueryWrite<R, Row> {
  readonly record: R | null;
  readonly row: Row;
  readonly asOf: number;
}

/** `R`: the store's record. `Row`: a returned row. `W`: the result of a write; `{kind: 'conflict'}`: the record was written since the read. */
export interface QuerySteps<R extends RowRecordState, Row extends QueriedRow, W extends { readonly kind: string }> {
  /** Of the waiting events of the row, the one received last; null: none waits. A scan that answers a flood has every row waiting since the wish for it. */
  readonly awaited: (id: string) => EventTimes | null;
  readonly read: (ids: readonly string[]) => Promise<ReadonlyMap<string, R>>;
  /** Whether the live record holds the content of the row. */
  readonly isSame: (record: R, row: Row) => boolean;
  /** One result for each write, in order. The content is written even if it is the same: `asOf`, `rev` and `syncedAt` are raised. */
  readonly write: (writes: readonly QueryWrite<R, Row>[]) => Promise<readonly W[]>;
  /** Does each by `applySync`, or queries these rows again once a lag has passed. */
  readonly readSingly: (reads: readonly SingleRead[]) => Promise<void>;
}

export interface SingleRead {
  readonly id: string;
  /** For `applySync`: the waiting event, but no earlier than the query's `asOf`. */
  readonly event: EventTimes;
}

/** `decision`: `read_singly` also after a conflict. `written`: null unless the decision was `write` or `raise`. */
export interface QueriedOutcome<W extends { readonly kind: string }> {
  readonly id: string;
  readonly decision: QueryDecision;
  readonly written: Exclude<W, Conflict> | null;
  /** Whether the row's waiting event is answered, by the query or by the single read. Otherwise it still waits, if there is one. */
  readonly isSettled: boolean;
}

/**
 * Applies the answer of a query. The records are read only now, after the answer: so a record that was written since is seen, and one that
 * is written from here on conflicts. After a conflict a single read decides, since the answer may be the staler one.
 */
export async function applyQueried<R extends RowRecordState, Row extends QueriedRow, W extends { readonly kind: string }>(
  steps: QuerySteps<R, Row, W>,
  answer: QueryAnswer<Row>,
): Promise<readonly QueriedOutcome<W>[]> {
  const asOf = asOfQuery(answer);
  const records = await steps.read([...answer.rows.map(({ id }) => id), ...answer.absent]);

  const decide = (id: string, row: Row | null): QueryDecision => {
    const record = records.get(id) ?? null;
    const awaited = steps.awaited(id);
    if (row === null) return decideQueried(record, 'absent', awaited, answer);
    if (row.isInTrash) return decideQueried(record, 'in_trash', awaited, answer);
    return decideQueried(record, record?.live === true && steps.isSame(record, row) ? 'same' : 'different', awaited, answer);
  };
  const decided = [
    ...answer.rows.map((row) => ({ id: row.id, row, decision: decide(row.id, row) })),
    ...answer.absent.map((id) => ({ id, row: null, decision: decide(id, null) })),
  ];

  const writes = decided.flatMap(({ id, row, decision }) =>
    row !== null && (decision === 'write' || decision === 'raise') ? [{ record: records.get(id) ?? null, row, asOf }] : [],
  );
  const results = (writes.length === 0 ? [] : await steps.write(writes)).values();

  const outcomes = decided.map(({ id, decision }): QueriedOutcome<W> => {
    const awaited = steps.awaited(id);
    const isSettled = awaited !== null && isSettledByQuery(answer, awaited);
    if (decision === 'keep') return { id, decision, written: null, isSettled };
    const written = decision === 'read_singly' ? undefined : results.next().value;
    if (written !== undefined && isNoConflict(written)) return { id, decision, written, isSettled };
    return { id, decision: 'read_singly', written: null, isSettled: awaited !== null };
  });

  const reads = outcomes.flatMap(({ id, decision }) =>
    decision === 'read_singly' ? [{ id, event: eventFor(steps.awaited(id), asOf) }] : [],
  );
  if (reads.length > 0) await steps.readSingly(reads);
  return outcomes;
}

function eventFor(awaited: EventTimes | null, asOf: number): EventTimes {
  return awaited !== null && awaited.receivedAt > asOf ? awaited : { occurredAt: asOf, receivedAt: asOf };
}
