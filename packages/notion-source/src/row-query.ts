import type { Connection } from '@notion-mirror/domain/connection';
import type { JsonObject } from '@notion-mirror/domain/database-content';
import type { PageAnswer, PageRequest, Partition, RowRange } from '@notion-mirror/domain/row-scan';
import type { Clock } from '@notion-mirror/service-kit/async/clock';
import { mayBeTooLarge, type SourceFailure } from './notion-errors.ts';
import type { FoundRow, QueriedPage } from './row-document.ts';
import type { Sight } from './sight.ts';
import type { TraceOfNext } from './trace-of-next.ts';

/**
 * - `refused`: Notion does not show the data source's rows to this connection, or refuses the query. Proves nothing about a row.
 * - `malformed`: Notion returned something that cannot be read, such as a row without properties.
 * - `unauthorized`: the connection can make no more calls.
 * - `unavailable`: Notion, or the token's source, did not answer, however often it was tried.
 * - `aborted`: the signal was.
 */
export type QueryProblem = 'refused' | 'malformed' | 'unauthorized' | 'unavailable' | 'aborted';

export class RowQueryError extends Error {
  override readonly name = 'RowQueryError';
  readonly problem: QueryProblem;
  readonly failure: SourceFailure;

  constructor(problem: QueryProblem, failure: SourceFailure) {
    super(`query of rows: ${failure.message}`);
    this.problem = problem;
    this.failure = failure;
  }
}

/** One page of the rows of a data source, or why it cannot be read. `attempt`: from 1; the backoff of a `retry` grows with it. */
export type ReadQuery = (
  connection: Connection,
  query: { readonly dataSourceId: string; readonly body: JsonObject; readonly attempt: number; readonly trace: string | undefined },
  signal: AbortSignal,
) => Promise<Sight<QueriedPage & { readonly startedAt: number }>>;

/** Asks for a page of rows, as a scan does. Rejects with RowQueryError. */
export type AskForRows = (request: PageRequest) => Promise<PageAnswer<FoundRow>>;

/** A page of the rows of one partition that were edited at `since` or later (milliseconds since the epoch), in order of their last edit. */
export interface EditedRequest {
  readonly partition: Partition;
  readonly since: number;
  readonly cursor: string | null;
  readonly pageSize: number;
}

/** The same for edited rows. */
export type AskForEditedRows = (request: EditedRequest) => Promise<PageAnswer<FoundRow>>;

/** Attempts at one page, not counting waits for the budget. */
const pageAttempts = 6;

/** The queries of one scan. They count how often in a row Notion was overloaded. */
export function createRowQuery(deps: { readonly readPage: ReadQuery; readonly clock: Clock }) {
  const { readPage, clock } = deps;

  return {
    queryRows: (connection: Connection, dataSourceId: string, signal: AbortSignal, traceOfNext?: TraceOfNext): AskForRows =>
      asking<PageRequest>(connection, dataSourceId, allRows, signal, traceOfNext),
    queryEditedRows: (connection: Connection, dataSourceId: string, signal: AbortSignal, traceOfNext?: TraceOfNext): AskForEditedRows =>
      asking<EditedRequest>(connection, dataSourceId, editedRows, signal, traceOfNext),
  };

  function asking<Request extends Paging>(
    connection: Connection,
    dataSourceId: string,
    orderOf: (request: Request) => Order,
    signal: AbortSignal,
    traceOfNext?: TraceOfNext,
  ): (request: Request) => Promise<PageAnswer<FoundRow>> {
    let overloads = 0;
    return async function ask(request) {
      const query = { dataSourceId, trace: traceOfNext?.(), body: queryBody(request, orderOf(request)) };
      for (let attempt = 1; ;) {
        const page = await readPage(connection, { ...query, attempt: attempt + overloads }, signal);
        switch (page.kind) {
          case 'seen':
            overloads = 0;
            return { kind: 'page', ...page.value };
          case 'retry': {
            if (signal.aborted) throw new RowQueryError('aborted', page.failure);
            const isOverload = mayBeTooLarge(page.failure);
            // Throttling is not a failed attempt: it only takes longer.
            if (page.failure.class !== 'rate_limited' && !isOverload) attempt += 1;
            if (attempt > pageAttempts) throw new RowQueryError('unavailable', page.failure);
            await clock.sleep(page.at - clock.now(), signal);
            if (!isOverload) break;
            overloads += 1;
            return { kind: 'overloaded' };
          }
          case 'gone':
          case 'failed': {
            const { failure } = page;
            if (failure.class === 'unexpected') throw new RowQueryError('malformed', failure);
            // Whatever is not about the cursor comes again for the first page.
            if (isMoreThanRead(request) && failure.class !== 'restricted') return { kind: 'cursor_refused' };
            throw new RowQueryError('refused', failure);
          }
          case 'dead':
            throw new RowQueryError('unauthorized', {
              class: 'unauthorized',
              code: 'unauthorized',
              message: 'Notion refuses the connection',
            });
        }
      }
    };
  }
}

/** Whether Notion may refuse the request although it answers the first page of the plain query. */
function isMoreThanRead({ cursor, numbered }: Paging): boolean {
  return cursor !== null || numbered !== undefined;
}

type Paging = Pick<PageRequest, 'partition' | 'cursor' | 'pageSize' | 'numbered'>;

/** Which rows, and in which order. */
interface Order {
  readonly sort: JsonObject;
  readonly filter: JsonObject | null;
}

function allRows({ numbered, ...range }: PageRequest): Order {
  const bounds = createdBounds(range);
  if (numbered === undefined) return { sort: { timestamp: 'created_time', direction: 'ascending' }, filter: allOf(bounds) };
  const { property, from, direction } = numbered;
  const above = from === null ? [] : [{ property, unique_id: { greater_than_or_equal_to: from } }];
  return { sort: { property, direction }, filter: allOf([...bounds, ...above]) };
}

function editedRows({ since }: EditedRequest): Order {
  const bound = { on_or_after: new Date(since).toISOString() };
  const filter = { timestamp: 'last_edited_time', last_edited_time: bound };
  return { sort: { timestamp: 'last_edited_time', direction: 'ascending' }, filter };
}

function queryBody({ partition, cursor, pageSize }: Paging, { sort, filter }: Order): JsonObject {
  return {
    // Without it Notion returns the live partition.
    ...(partition === 'archived' ? { is_archived: true } : {}),
    result_type: 'page',
    sorts: [sort],
    ...(filter === null ? {} : { filter }),
    page_size: pageSize,
    ...(cursor === null ? {} : { start_cursor: cursor }),
  };
}

/** Half open: Notion compares in milliseconds, but returns whole minutes. */
function createdBounds({ from, until }: Pick<RowRange, 'from' | 'until'>): JsonObject[] {
  return [
    ...(from === null ? [] : [{ on_or_after: new Date(from).toISOString() }]),
    ...(until === null ? [] : [{ before: new Date(until).toISOString() }]),
  ].map((bound) => ({ timestamp: 'created_time', created_time: bound }));
}

function allOf(conditions: readonly JsonObject[]): JsonObject | null {
  return conditions.length > 1 ? { and: conditions } : (conditions[0] ?? null);
}
