import type { Connection } from '@notion-mirror/domain/connection';
import type { JsonObject } from '@notion-mirror/domain/database-content';
import type { PageAnswer, PageRequest, RowRange } from '@notion-mirror/domain/row-scan';
import type { Clock } from '@notion-mirror/service-kit/async/clock';
import { mayBeTooLarge, type SourceFailure } from './notion-errors.ts';
import type { FoundRow, QueriedPage } from './row-document.ts';
import type { Sight } from './sight.ts';

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
  query: { readonly dataSourceId: string; readonly body: JsonObject; readonly attempt: number },
  signal: AbortSignal,
) => Promise<Sight<QueriedPage & { readonly startedAt: number }>>;

/** Asks for a page of rows, as a scan does. Rejects with RowQueryError. */
export type AskForRows = (request: PageRequest) => Promise<PageAnswer<FoundRow>>;

/** Attempts at one page, not counting waits for the budget. */
const pageAttempts = 6;

/** The queries of one scan: they count how often in a row Notion was overloaded. */
export function createRowQuery(deps: { readonly readPage: ReadQuery; readonly clock: Clock }) {
  const { readPage, clock } = deps;

  return function queryRows(connection: Connection, dataSourceId: string, signal: AbortSignal): AskForRows {
    let overloads = 0;
    return async function ask(request) {
      const query = { dataSourceId, body: queryBody(request) };
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
            if (request.cursor !== null && failure.class !== 'restricted') return { kind: 'cursor_refused' };
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
  };
}

function queryBody({ partition, from, until, cursor, pageSize }: PageRequest): JsonObject {
  const filter = createdWithin({ from, until });
  return {
    // Without it Notion returns the live partition.
    ...(partition === 'archived' ? { is_archived: true } : {}),
    result_type: 'page',
    sorts: [{ timestamp: 'created_time', direction: 'ascending' }],
    ...(filter === null ? {} : { filter }),
    page_size: pageSize,
    ...(cursor === null ? {} : { start_cursor: cursor }),
  };
}

/** Half open: Notion compares in milliseconds, but returns whole minutes. */
function createdWithin({ from, until }: Pick<RowRange, 'from' | 'until'>): JsonObject | null {
  const bounds = [
    ...(from === null ? [] : [{ on_or_after: new Date(from).toISOString() }]),
    ...(until === null ? [] : [{ before: new Date(until).toISOString() }]),
  ].map((bound) => ({ timestamp: 'created_time', created_time: bound }));
  return bounds.length > 1 ? { and: bounds } : (bounds[0] ?? null);
}
