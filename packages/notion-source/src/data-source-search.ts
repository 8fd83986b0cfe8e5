import type { Connection } from '@notion-mirror/domain/connection';
import type { Clock } from '@notion-mirror/service-kit/async/clock';
import type { CallProblem } from './connection-calls.ts';
import type { FoundDataSource, SearchPage } from './database-document.ts';
import { mayBeTooLarge, type SourceFailure } from './notion-errors.ts';
import type { TraceOfNext } from './trace-of-next.ts';

export class SearchError extends Error {
  override readonly name = 'SearchError';
  readonly failure: SourceFailure;

  constructor(failure: SourceFailure) {
    super(`search of data sources: ${failure.message}`);
    this.failure = failure;
  }
}

/** One page: its data sources and the cursor of the next, or why it cannot be read. `attempt`: from 1; the backoff of a `retry` grows with it. */
export type ReadPage = (
  connection: Connection,
  page: { readonly cursor: string | null; readonly size: number; readonly attempt: number; readonly trace: string | undefined },
  signal: AbortSignal,
) => Promise<{ readonly kind: 'seen'; readonly value: SearchPage } | CallProblem>;

/** Attempts at one page, not counting those that hit a rate limit. */
const pageAttempts = 6;
/** How often a search begins again because its cursor died. */
const restarts = 3;
const restartMs = 1_000;
/** How long a throttled search waits for one page: it must not hold up the rest of a sweep. */
const longestThrottledMs = 300_000;
/** Pages in a row with nothing new: some servers return the first page again and again under new cursors. */
const stalePages = 5;

/** Reads a search to its end, page by page. The generator throws a SearchError when it cannot. */
export function createDataSourceSearch(deps: { readonly readPage: ReadPage; readonly clock: Clock }) {
  const { readPage, clock } = deps;

  return async function* search(
    connection: Connection,
    signal: AbortSignal,
    traceOfNext?: TraceOfNext,
  ): AsyncGenerator<readonly FoundDataSource[], void, undefined> {
    const pages = createPageSize();
    for (let restart = 0; ; restart += 1) {
      const died = yield* searchOnce(connection, pages, signal, traceOfNext);
      if (died === null) return;
      if (signal.aborted || restart >= restarts) throw new SearchError(died);
      await clock.sleep(restartMs * 2 ** restart, signal);
    }
  };

  /** From the first page on. Returns null at the end of the list, or why the search cannot continue from its cursor. */
  async function* searchOnce(
    connection: Connection,
    pages: PageSize,
    signal: AbortSignal,
    traceOfNext: TraceOfNext | undefined,
  ): AsyncGenerator<readonly FoundDataSource[], SourceFailure | null, undefined> {
    const known = { cursors: new Set<string>(), sources: new Set<string>() };
    let cursor: string | null = null;
    let attempt = 1;
    let stale = 0;
    let lastPageAt = clock.now();
    for (;;) {
      const page = await readPage(connection, { cursor, size: pages.size, attempt, trace: traceOfNext?.() }, signal);
      switch (page.kind) {
        case 'seen': {
          const { found, nextCursor } = page.value;
          yield found;
          if (nextCursor === null) return null;
          if (known.cursors.has(nextCursor)) return repeats;
          known.cursors.add(nextCursor);
          const isStale = found.length > 0 && found.every(({ dataSourceId }) => known.sources.has(dataSourceId));
          for (const { dataSourceId } of found) known.sources.add(dataSourceId);
          stale = isStale ? stale + 1 : 0;
          if (stale >= stalePages) return repeats;
          pages.answered();
          cursor = nextCursor;
          attempt = 1;
          lastPageAt = clock.now();
          break;
        }
        case 'retry':
          if (signal.aborted || attempt >= pageAttempts || page.at - lastPageAt > longestThrottledMs) throw new SearchError(page.failure);
          // Throttling is not a failed attempt: it only takes longer.
          if (page.failure.class !== 'rate_limited') attempt += 1;
          if (mayBeTooLarge(page.failure)) pages.shrink(page.failure.advisedPageSize);
          await clock.sleep(page.at - clock.now(), signal);
          break;
        case 'failed':
          if (page.failure.advisedPageSize !== undefined && pages.shrink(page.failure.advisedPageSize)) break;
          if (page.failure.class === 'restricted' || cursor === null) throw new SearchError(page.failure);
          return page.failure;
        case 'gone':
          if (cursor === null) throw new SearchError(page.failure);
          return page.failure;
        case 'dead':
          throw new SearchError({ class: 'unauthorized', code: 'unauthorized', message: 'Notion refuses the connection' });
      }
    }
  }
}

const repeats: SourceFailure = {
  class: 'unexpected',
  code: 'same_cursor',
  message: 'Notion repeats a part of the list instead of ending it',
};

interface PageSize {
  readonly size: number;
  /** Halves the size, or takes the one that Notion advises. False: it cannot get smaller. */
  shrink(advised: number | undefined): boolean;
  /** A page was read: after some in a row the size grows back. */
  answered(): void;
}

const largestPage = 100;
/** Unless Notion advises fewer. */
const smallestPage = 10;

export function createPageSize(): PageSize {
  let size = largestPage;
  let inARow = 0;
  let growsAfter = 4;
  return {
    get size() {
      return size;
    },
    shrink(advised) {
      const half = Math.min(size, Math.max(smallestPage, Math.floor(size / 2)));
      const smaller = advised !== undefined && advised < size ? advised : half;
      const isSmaller = smaller < size;
      // A size that failed right after growing is not tried again so soon.
      if (isSmaller && inARow === 0) growsAfter *= 2;
      size = smaller;
      inARow = 0;
      return isSmaller;
    },
    answered() {
      inARow += 1;
      if (size === largestPage || inARow < growsAfter) return;
      size = Math.min(largestPage, size * 2);
      inARow = 0;
    },
  };
}
