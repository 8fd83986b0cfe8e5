import type { PostponeReason } from '@notion-mirror/domain/call-limits';
import type { Connection } from '@notion-mirror/domain/connection';
import type { DatabaseContent, JsonObject, Parent } from '@notion-mirror/domain/database-content';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import { canonicalNotionId } from '@notion-mirror/domain/notion-id';
import { systemClock, type Clock } from '@notion-mirror/service-kit/async/clock';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { Registry } from '@notion-mirror/service-kit/metrics';
import { tracingOff, type Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import { createConnectionCalls, type CallOutcome, type SessionCall, type UnauthorizedReason } from './connection-calls.ts';
import { createDataSourceSearch } from './data-source-search.ts';
import {
  databaseHolding,
  parseDatabase,
  parseDataSource,
  parseSearchPage,
  type FoundDataSource,
  type ParsedDatabase,
  type ParsedDataSource,
} from './database-document.ts';
import { createNotionClient } from './notion-client.ts';
import type { SourceFailure } from './notion-errors.ts';
import { createNotionMetrics } from './notion-metrics.ts';
import type { RateBudget } from './rate-budget.ts';
import { readDatabase } from './read-database.ts';
import { readRow } from './read-row.ts';
import { parsePage, parsePropertyPart, parseQuery, type ParsedPage } from './row-document.ts';
import { createRowQuery, type AskForEditedRows, type AskForRows } from './row-query.ts';
import type { TraceOfNext } from './trace-of-next.ts';
import { sightOf, type Sight } from './sight.ts';
import type { TokenSource } from './token-source.ts';
import { createVote, inOrder, type Asking, type Unanswered } from './vote.ts';

export type FetchOutcome<Content = DatabaseContent> =
  | { readonly kind: 'live'; readonly content: Content; readonly connectionId: string }
  | { readonly kind: 'trashed'; readonly connectionId: string }
  /**
   * No active connection of the tenant can read it: each gets a 404, or the answer that the id is not a database it can show. `refusal`: one of
   * the latter, if any.
   */
  | { readonly kind: 'inaccessible'; readonly refusal?: SourceFailure }
  | Unanswered;

/**
 * `moved_away`: the page's parent is no data source (any more); where a page is cannot depend on the connection that sees it. The other outcomes are
 * those of a database; `trashed` is said of pages in a data source only.
 */
export type RowOutcome = FetchOutcome<RowContent> | { readonly kind: 'moved_away'; readonly parent: Parent; readonly connectionId: string };

/** The answer of GET /v1/databases/{id}, without the data sources. `gone`: no active connection of the tenant can read it. */
export type LookOutcome =
  | { readonly kind: 'live'; readonly raw: JsonObject; readonly dataSourceIds: readonly string[] }
  | { readonly kind: 'trashed' }
  | { readonly kind: 'gone' }
  | Unanswered;

/** The answer of GET /v1/data_sources/{id}. `gone`: no active connection of the tenant can read it. */
export type DataSourceLook = { readonly kind: 'live'; readonly raw: JsonObject } | { readonly kind: 'gone' } | Unanswered;

export type HolderOutcome = { readonly kind: 'database'; readonly databaseId: string } | { readonly kind: 'not_found' } | Unanswered;

export interface NotionSource {
  /**
   * The database as Notion has it now: the container and each data source it lists. `expected`: sources that it probably lists; they are read at
   * the same time as the container, at the first attempt only. Never rejects.
   */
  fetchDatabase(
    asking: Asking & { readonly databaseId: string; readonly expected?: readonly string[] | undefined },
    signal: AbortSignal,
  ): Promise<FetchOutcome>;
  /**
   * The row as Notion has it now, with the rest of every value that a page object cuts off. A property stays `complete: false` when Notion refuses
   * its rest, or still fails to return it at the fourth attempt. `isSpare`: a read for a scan, within the part of the budget that is not reserved for
   * events. Never rejects.
   */
  fetchRow(asking: Asking & { readonly pageId: string; readonly isSpare?: boolean | undefined }, signal: AbortSignal): Promise<RowOutcome>;
  /**
   * Queries a data source's rows for one scan, page by page, within that same part of the budget: it waits for room, and through throttling, as long
   * as that takes. Where Notion cut a value off, the row says `isCut`. The function rejects with RowQueryError.
   */
  queryRows(connection: Connection, dataSourceId: string, signal: AbortSignal, traceOfNext?: TraceOfNext): AskForRows;
  /** The same for the rows that were edited since a time. */
  queryEditedRows(connection: Connection, dataSourceId: string, signal: AbortSignal, traceOfNext?: TraceOfNext): AskForEditedRows;
  /** The database that holds a data source. Never rejects. */
  databaseOfDataSource(asking: Asking & { readonly dataSourceId: string }, signal: AbortSignal): Promise<HolderOutcome>;
  /**
   * All data sources that Notion's search lists for a connection, page by page, within the part of its budget that is not reserved for events.
   * Notion guarantees neither that the list is complete nor that it is up to date: absence proves nothing. A source edited meanwhile may come
   * twice, and all come again when a cursor dies and the search restarts. Pages get smaller while Notion cannot answer large ones. Throws
   * SearchError.
   */
  searchDataSources(
    connection: Connection,
    signal: AbortSignal,
    traceOfNext?: TraceOfNext,
  ): AsyncGenerator<readonly FoundDataSource[], void, undefined>;
  /** One call for a database, within the same part of the budget. Never rejects. */
  lookAtDatabase(asking: Asking & { readonly databaseId: string }, signal: AbortSignal): Promise<LookOutcome>;
  /** The same for a data source. Never rejects. */
  lookAtDataSource(asking: Asking & { readonly dataSourceId: string }, signal: AbortSignal): Promise<DataSourceLook>;
  /** Whether Notion accepts the token of a connection, whatever its status. The answer has no consequences. Never rejects. */
  probe(connection: Connection, signal: AbortSignal): Promise<'accepted' | 'refused' | 'unknown'>;
  /** When that part of a connection's budget has room: epoch milliseconds, null for now. */
  spareAt(connection: Connection): number | null;
  /** When the last of so many calls could be made, with the whole budget of a connection as it is now: epoch milliseconds. */
  lastOf(connection: Connection, calls: number): number;
  /** The connection that a fetch asks first, if it has not fetched that object before; null: none is active. */
  firstAsked(asking: Asking): Connection | null;
}

/** The part of the budget for finding lost events; the rest is for events that arrive. */
const defaultSpareShare = 0.5;
/** The part of the budget for databases and rows that keep failing: those that never succeed must leave room for events. */
const failingShare = 0.5;
const failingAfter = 4;

/**
 * Notion, as the connections of a tenant see it. All active connections are asked, one after the other, until one sees the object: first
 * those whose bot the webhook names, then the event's own, then the one that saw the object last. The document is what that connection
 * sees; a data source which only another connection of the tenant can read is `accessible: false` in it.
 */
export function createNotionSource(deps: {
  /** The connections of a tenant, of every status. */
  readonly connectionsOf: (workspaceId: string) => readonly Connection[];
  readonly tokens: TokenSource;
  readonly budget: RateBudget;
  /** The budget had no room for a fetch, before its first call. */
  readonly onPostponed?: ((by: PostponeReason) => void) | undefined;
  readonly notionApiUrl: string;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly tracing?: Tracing | undefined;
  /** Called once when a connection can make no more calls. If it rejects, it is called again after a minute at the earliest. */
  readonly onUnauthorized: (connection: Connection, reason: UnauthorizedReason) => Promise<void>;
  /** For one call, its body included. Milliseconds. */
  readonly deadlineMs?: number | undefined;
  /** The part of the budget for what no event asks for; half by default. */
  readonly spareShare?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: (() => number) | undefined;
}): NotionSource {
  const { logger, tracing = tracingOff, spareShare = defaultSpareShare, clock = systemClock, random = Math.random } = deps;
  const metrics = createNotionMetrics(deps.metrics);
  const client = createNotionClient({ notionApiUrl: deps.notionApiUrl, deadlineMs: deps.deadlineMs ?? 30_000, clock, logger, metrics });
  const calls = createConnectionCalls({
    tokens: deps.tokens,
    budget: deps.budget,
    onPostponed: deps.onPostponed ?? (() => {}),
    clock,
    random,
    logger,
    metrics,
    tracing,
    host: URL.parse(deps.notionApiUrl)?.hostname,
    onUnauthorized: deps.onUnauthorized,
  });
  const search = createDataSourceSearch({
    clock,
    readPage: async (connection, { cursor, size, attempt, trace }, signal) =>
      calls.begin(connection, { reserve: 1, share: spareShare, attempt, signal, trace }, async (call) =>
        sightOf(await call(client.search(cursor, size)), parseSearchPage),
      ),
  });
  const rowQuery = createRowQuery({
    clock,
    readPage: async (connection, { dataSourceId, body, attempt, trace }, signal) =>
      calls.begin(connection, { reserve: 1, share: spareShare, attempt, signal, trace }, async (call) => {
        const startedAt = clock.now();
        const page = sightOf(await call(client.query(dataSourceId, body)), (answer, text) => parseQuery(answer, text, dataSourceId));
        return page.kind === 'seen' ? { kind: 'seen', value: { ...page.value, startedAt } } : page;
      }),
  });
  const vote = createVote({ connectionsOf: deps.connectionsOf, calls });

  async function readContainer(call: SessionCall, databaseId: string): Promise<Sight<ParsedDatabase>> {
    return sightOf(await call(client.database(databaseId)), parseDatabase);
  }

  async function readDataSource(call: SessionCall, dataSourceId: string, signal: AbortSignal): Promise<Sight<ParsedDataSource>> {
    return sightOf(await call(client.dataSource(dataSourceId), signal), parseDataSource);
  }

  async function fetchDatabase(...[asking, signal]: Parameters<NotionSource['fetchDatabase']>): Promise<FetchOutcome> {
    const databaseId = canonicalNotionId(asking.databaseId);
    if (databaseId === null) return notAnId(asking.databaseId);
    const expected = asking.attempt === undefined || asking.attempt === 1 ? (asking.expected ?? []) : [];
    const share = (asking.attempt ?? 1) >= failingAfter ? failingShare : undefined;
    const answer = await vote(asking, databaseId, { reserve: 2, share }, signal, async (call) =>
      readDatabase(
        { container: () => readContainer(call, databaseId), source: (id, until) => readDataSource(call, id, until) },
        expected,
        signal,
      ),
    );
    if (answer.kind === 'gone') return goneOutcome(answer.refusal);
    if (answer.kind !== 'seen') return answer;
    const { value, connectionId } = answer;
    return value.trashed ? { kind: 'trashed', connectionId } : { kind: 'live', content: value.content, connectionId };
  }

  async function readPage(call: SessionCall, pageId: string): Promise<Sight<ParsedPage>> {
    return sightOf(await call(client.page(pageId)), (body, text) => {
      const page = parsePage(body, () => text);
      return page.kind === 'not_a_page' ? { kind: 'malformed', problem: `object: ${page.object}` } : page;
    });
  }

  return {
    async fetchRow(asking, signal) {
      const pageId = canonicalNotionId(asking.pageId);
      if (pageId === null) return notAnId(asking.pageId);
      const isFailing = (asking.attempt ?? 1) >= failingAfter;
      const share = asking.isSpare === true ? spareShare : isFailing ? failingShare : undefined;
      const answer = await vote(asking, pageId, { reserve: 1, share }, signal, async (call) =>
        readRow(
          {
            page: () => readPage(call, pageId),
            part: async ({ id, type }, cursor) =>
              sightOf(await call(client.property(pageId, id, cursor)), (body) => parsePropertyPart(body, type)),
          },
          isFailing,
        ),
      );
      if (answer.kind === 'gone') return goneOutcome(answer.refusal);
      return answer.kind === 'seen' ? { ...answer.value, connectionId: answer.connectionId } : answer;
    },

    queryRows: (connection, dataSourceId, signal, traceOfNext) =>
      rowQuery.queryRows(connection, canonicalNotionId(dataSourceId) ?? dataSourceId, signal, traceOfNext),

    queryEditedRows: (connection, dataSourceId, signal, traceOfNext) =>
      rowQuery.queryEditedRows(connection, canonicalNotionId(dataSourceId) ?? dataSourceId, signal, traceOfNext),

    async fetchDatabase(asking, signal) {
      const outcome = await fetchDatabase(asking, signal);
      metrics.fetched(outcome.kind);
      return outcome;
    },

    async databaseOfDataSource(asking, signal) {
      const dataSourceId = canonicalNotionId(asking.dataSourceId);
      if (dataSourceId === null) return notAnId(asking.dataSourceId);
      const answer = await vote(asking, dataSourceId, { reserve: 1 }, signal, async (call) => readDataSource(call, dataSourceId, signal));
      if (answer.kind === 'gone') return { kind: 'not_found' };
      if (answer.kind !== 'seen') return answer;
      const databaseId = databaseHolding(answer.value);
      return databaseId === null ? { kind: 'not_found' } : { kind: 'database', databaseId };
    },

    async lookAtDatabase(asking, signal) {
      const databaseId = canonicalNotionId(asking.databaseId);
      if (databaseId === null) return notAnId(asking.databaseId);
      const spare = { reserve: 1, share: spareShare };
      const answer = await vote(asking, databaseId, spare, signal, async (call) => readContainer(call, databaseId));
      if (answer.kind === 'gone') return { kind: 'gone' };
      if (answer.kind !== 'seen') return answer;
      const { raw, inTrash, listed } = answer.value;
      return inTrash ? { kind: 'trashed' } : { kind: 'live', raw, dataSourceIds: listed.map(({ id }) => id) };
    },

    async lookAtDataSource(asking, signal) {
      const dataSourceId = canonicalNotionId(asking.dataSourceId);
      if (dataSourceId === null) return notAnId(asking.dataSourceId);
      const spare = { reserve: 1, share: spareShare };
      const answer = await vote(asking, dataSourceId, spare, signal, async (call) => readDataSource(call, dataSourceId, signal));
      if (answer.kind === 'gone') return { kind: 'gone' };
      return answer.kind === 'seen' ? { kind: 'live', raw: answer.value.raw } : answer;
    },

    async probe(connection, signal) {
      const options = { reserve: 1, share: spareShare, attempt: 1, signal, isProbe: true };
      const outcome = await calls.begin<CallOutcome>(connection, options, async (call) => call(client.self()));
      if (outcome.kind === 'ok') return 'accepted';
      return outcome.kind === 'dead' ? 'refused' : 'unknown';
    },

    spareAt(connection) {
      const taken = deps.budget.tryTake(connection, 1, spareShare);
      if (!taken.ok) return taken.waitUntil;
      for (const permit of taken.permits) permit.release();
      return null;
    },

    lastOf: (connection, count) => deps.budget.lastOf(connection, count),
    firstAsked: (asking) => inOrder(deps.connectionsOf(asking.workspaceId), asking, undefined)[0] ?? null,
    searchDataSources: search,
  };
}

function goneOutcome(refusal: SourceFailure | null): { kind: 'inaccessible'; refusal?: SourceFailure } {
  return refusal === null ? { kind: 'inaccessible' } : { kind: 'inaccessible', refusal };
}

function notAnId(text: string): { kind: 'failed'; failure: SourceFailure } {
  return {
    kind: 'failed',
    failure: { class: 'invalid', code: 'not_an_id', message: `${JSON.stringify(text.slice(0, 64))} is not a Notion id` },
  };
}
