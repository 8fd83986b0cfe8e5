import type { Connection, ConnectionStatus } from '@notion-mirror/domain/connection';
import type { DatabaseContent, JsonObject } from '@notion-mirror/domain/database-content';
import { canonicalNotionId } from '@notion-mirror/domain/notion-id';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { Registry } from '@notion-mirror/service-kit/metrics';
import { LRUCache } from 'lru-cache';
import { abortScope } from '@notion-mirror/service-kit/async/abort-scope';
import { systemClock, type Clock } from '@notion-mirror/service-kit/async/clock';
import {
  createConnectionCalls,
  type CallOutcome,
  type CallProblem,
  type SessionCall,
  type UnauthorizedReason,
} from './connection-calls.ts';
import {
  databaseContent,
  databaseHolding,
  parseDatabase,
  parseDataSource,
  parseSearchPage,
  type DataSourceSight,
  type FoundDataSource,
  type HiddenDataSource,
  type Parsed,
  type ParsedDatabase,
  type ParsedDataSource,
} from './database-document.ts';
import { createNotionClient } from './notion-client.ts';
import { createDataSourceSearch } from './data-source-search.ts';
import { aboutTheRequest, blocked, type SourceFailure } from './notion-errors.ts';
import { createNotionMetrics } from './notion-metrics.ts';
import type { RateBudget } from './rate-budget.ts';
import type { TokenSource } from './token-source.ts';

interface Asking {
  /** Our tenant. */
  readonly workspaceId: string;
  /** The connection that the event came through. */
  readonly preferConnectionId?: string | null | undefined;
  /** Bots that can read the entity, as the webhook said. Only a hint of whom to ask first. */
  readonly accessibleBy?: readonly string[] | undefined;
  /** How often this has been tried, this time included; the backoff of a `retry` grows with it. */
  readonly attempt?: number | undefined;
  /** Called for each answer of Notion with what it calls the request. */
  readonly onAnswer?: ((requestId: string | null) => void) | undefined;
}

/** What no connection could answer. */
export type Unanswered =
  | { readonly kind: 'no_active_connection'; readonly statuses: readonly ConnectionStatus[] }
  /**
   * `at`: when to try again, epoch milliseconds, backoff and Retry-After included. Scope `connection`: nothing of this tenant can be fetched
   * before; `request`: it concerns this fetch only.
   */
  | { readonly kind: 'retry'; readonly at: number; readonly scope: 'connection' | 'request'; readonly failure: SourceFailure }
  /** Trying again will not help. */
  | { readonly kind: 'failed'; readonly failure: SourceFailure };

export type FetchOutcome<Content = DatabaseContent> =
  | { readonly kind: 'live'; readonly content: Content; readonly connectionId: string }
  | { readonly kind: 'trashed'; readonly connectionId: string }
  /**
   * No active connection of the tenant can read it: each answers 404, or that the id is no database it can show. `refusal`: the latter, where one
   * did.
   */
  | { readonly kind: 'inaccessible'; readonly refusal?: SourceFailure }
  | Unanswered;

/** What GET /v1/databases/{id} says of a database, without its data sources. `gone`: no active connection of the tenant can read it. */
export type LookOutcome =
  | { readonly kind: 'live'; readonly raw: JsonObject; readonly dataSourceIds: readonly string[] }
  | { readonly kind: 'trashed' }
  | { readonly kind: 'gone' }
  | Unanswered;

/** What GET /v1/data_sources/{id} says. `gone`: no active connection of the tenant can read it. */
export type DataSourceLook = { readonly kind: 'live'; readonly raw: JsonObject } | { readonly kind: 'gone' } | Unanswered;

export type HolderOutcome = { readonly kind: 'database'; readonly databaseId: string } | { readonly kind: 'not_found' } | Unanswered;

export interface NotionSource {
  /**
   * The database as Notion has it now: the container and each data source it lists. `expected`: the sources that it probably lists; they are read at
   * the same time as the container, which says whether that was right; only at the first attempt. Never rejects.
   */
  fetchDatabase(
    asking: Asking & { readonly databaseId: string; readonly expected?: readonly string[] | undefined },
    signal: AbortSignal,
  ): Promise<FetchOutcome>;
  /** The database that holds a data source. Never rejects. */
  databaseOfDataSource(asking: Asking & { readonly dataSourceId: string }, signal: AbortSignal): Promise<HolderOutcome>;
  /**
   * All data sources that Notion's search lists for a connection, page by page, within the part of its budget that is not kept for events.
   * Notion guarantees neither that the list is complete nor that it is up to date: absence proves nothing. A source edited meanwhile may come
   * twice, and all come again when a cursor dies and the search begins again. Pages get smaller while Notion cannot answer large ones. Throws
   * SearchError.
   */
  searchDataSources(connection: Connection, signal: AbortSignal): AsyncGenerator<readonly FoundDataSource[], void, undefined>;
  /** One call for a database, within the same part of the budget. Never rejects. */
  lookAtDatabase(asking: Asking & { readonly databaseId: string }, signal: AbortSignal): Promise<LookOutcome>;
  /** The same for a data source. Never rejects. */
  lookAtDataSource(asking: Asking & { readonly dataSourceId: string }, signal: AbortSignal): Promise<DataSourceLook>;
  /** Whether Notion takes the token of a connection, whatever its status. Nothing follows from the answer. Never rejects. */
  probe(connection: Connection, signal: AbortSignal): Promise<'accepted' | 'refused' | 'unknown'>;
  /** When that part of a connection's budget has room: epoch milliseconds, null for now. */
  spareAt(connection: Connection): number | null;
}

/** What one connection sees of an object. */
type Sight<T> = { readonly kind: 'seen'; readonly value: T } | CallProblem;
type Seen = { readonly trashed: true } | { readonly trashed: false; readonly content: DatabaseContent };

const sourcesAtOnce = 3;
/** What looks for lost events may use of the budget; the other half is for events that came. */
const spareShare = 0.5;
/** What a database may use that has failed again and again: those that never succeed must leave room for events. */
const failingShare = 0.5;
const failingAfter = 4;
const rememberedObjects = 20_000;

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
  readonly notionApiUrl: string;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Called once when a connection turns out to be of no use. If it rejects, it is called again after a minute at the earliest. */
  readonly onUnauthorized: (connection: Connection, reason: UnauthorizedReason) => Promise<void>;
  /** For one call, its body included. Milliseconds. */
  readonly deadlineMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: (() => number) | undefined;
}): NotionSource {
  const { connectionsOf, logger, clock = systemClock, random = Math.random } = deps;
  const metrics = createNotionMetrics(deps.metrics);
  const client = createNotionClient({ notionApiUrl: deps.notionApiUrl, deadlineMs: deps.deadlineMs ?? 30_000, clock, logger, metrics });
  const calls = createConnectionCalls({
    tokens: deps.tokens,
    budget: deps.budget,
    clock,
    random,
    logger,
    metrics,
    onUnauthorized: deps.onUnauthorized,
  });
  const search = createDataSourceSearch({
    clock,
    readPage: async (connection, { cursor, size, attempt }, signal) =>
      calls.begin(connection, { reserve: 1, share: spareShare, attempt, signal }, async (call) =>
        parsed(await call(client.search(cursor, size)), parseSearchPage),
      ),
  });
  /** Which connection saw an object last. */
  const lastSeenBy = new LRUCache<string, string>({ max: rememberedObjects });

  function inOrder(asking: Asking, objectId: string): Connection[] {
    const bots = new Set((asking.accessibleBy ?? []).map(sameId));
    const seenBy = lastSeenBy.get(`${asking.workspaceId} ${objectId}`);
    const rank = ({ botId, connectionId }: Connection): number =>
      (botId !== null && bots.has(sameId(botId)) ? 4 : 0) +
      (connectionId === asking.preferConnectionId ? 2 : 0) +
      (connectionId === seenBy ? 1 : 0);
    return connectionsOf(asking.workspaceId)
      .filter(({ status }) => status === 'active')
      .toSorted((a, b) => rank(b) - rank(a) || (a.connectionId < b.connectionId ? -1 : 1));
  }

  /** The vote: the first connection that sees the object decides; `gone` only if every connection that is still active says so. */
  async function ask<T>(
    asking: Asking,
    objectId: string,
    { reserve, share }: { readonly reserve: number; readonly share?: number | undefined },
    signal: AbortSignal,
    look: (call: SessionCall) => Promise<Sight<T>>,
  ): Promise<{ kind: 'seen'; value: T; connectionId: string } | { kind: 'gone'; refusal: SourceFailure | null } | Unanswered> {
    const retries: (CallProblem & { kind: 'retry' })[] = [];
    const dead = new Set<string>();
    let failed: (CallProblem & { kind: 'failed' }) | null = null;
    const votes: SourceFailure[] = [];
    for (const connection of inOrder(asking, objectId)) {
      const { connectionId } = connection;
      const sight = await calls.begin(
        connection,
        { reserve, share, attempt: asking.attempt ?? 1, signal, onAnswer: asking.onAnswer },
        look,
      );
      switch (sight.kind) {
        case 'seen':
          lastSeenBy.set(`${asking.workspaceId} ${objectId}`, connectionId);
          return { ...sight, connectionId };
        case 'gone':
          votes.push(sight.failure);
          break;
        case 'dead':
          dead.add(connectionId);
          break;
        case 'retry':
          retries.push(sight);
          break;
        case 'failed':
          failed ??= sight;
          break;
      }
      if (signal.aborted) break;
    }
    const soonest = retries.toSorted((a, b) => a.at - b.at)[0];
    if (soonest !== undefined) {
      const allWait = votes.length === 0 && failed === null && retries.every(({ scope }) => scope === 'connection');
      return { ...soonest, scope: allWait ? 'connection' : 'request' };
    }
    if (failed !== null) return failed;
    if (votes.length > 0) return { kind: 'gone', refusal: votes.find((vote) => vote.class === 'unreadable') ?? null };
    const statuses = connectionsOf(asking.workspaceId).map(({ connectionId, status }) =>
      dead.has(connectionId) ? 'unauthorized' : status,
    );
    return { kind: 'no_active_connection', statuses };
  }

  async function readContainer(call: SessionCall, databaseId: string): Promise<Sight<ParsedDatabase>> {
    return parsed(await call(client.database(databaseId)), parseDatabase);
  }

  async function readDataSource(call: SessionCall, dataSourceId: string, signal: AbortSignal): Promise<Sight<ParsedDataSource>> {
    return parsed(await call(client.dataSource(dataSourceId), signal), parseDataSource);
  }

  /**
   * Reads those that `read` does not have yet, a few at a time. One that this connection cannot read hides itself only; any other problem ends
   * the reading of all.
   */
  async function readSources(
    call: SessionCall,
    ids: readonly string[],
    read: Map<string, DataSourceSight>,
    signal: AbortSignal,
  ): Promise<CallProblem | null> {
    const queue = ids.filter((id) => !read.has(id));
    if (queue.length === 0) return null;
    using ending = abortScope(signal);
    let problem: CallProblem | null = null;
    const reader = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined && problem === null; next = queue.shift()) {
        const source = await readDataSource(call, next, ending.signal);
        const hidden = hiddenBy(source);
        if (source.kind === 'seen') read.set(next, source.value);
        else if (hidden !== null) read.set(next, hidden);
        else {
          problem ??= source;
          ending.abort();
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(sourcesAtOnce, queue.length) }, reader));
    return problem;
  }

  /**
   * The database through one connection. What is expected of it is read while the container is on its way, since a call is most of what a
   * customer waits for; what turns out not to be listed is thrown away.
   */
  async function readDatabase(
    call: SessionCall,
    databaseId: string,
    expected: readonly string[],
    signal: AbortSignal,
  ): Promise<Sight<Seen>> {
    const read = new Map<string, DataSourceSight>();
    using ahead = abortScope(signal);
    const readAhead = readSources(call, expected, read, ahead.signal);
    for (let again = false; ; again = true) {
      const container = await readContainer(call, databaseId);
      const isLive = container.kind === 'seen' && !container.value.inTrash;
      if (!isLive) ahead.abort();
      const problemAhead = await readAhead;
      if (container.kind !== 'seen') return container;
      if (container.value.inTrash) return { kind: 'seen', value: { trashed: true } };
      const listed = container.value.listed.map(({ id }) => id);
      if (problemAhead !== null && listed.some((id) => !read.has(id))) return problemAhead;
      const problem = await readSources(call, listed, read, signal);
      if (problem !== null) return problem;
      // The container decides: it is read again.
      if (!again && listed.some((id) => mayHaveLeft(read.get(id)))) continue;
      return { kind: 'seen', value: { trashed: false, content: databaseContent(container.value, read) } };
    }
  }

  async function fetchDatabase(...[asking, signal]: Parameters<NotionSource['fetchDatabase']>): Promise<FetchOutcome> {
    const databaseId = canonicalNotionId(asking.databaseId);
    if (databaseId === null) return notAnId(asking.databaseId);
    const expected = asking.attempt === undefined || asking.attempt === 1 ? (asking.expected ?? []) : [];
    const share = (asking.attempt ?? 1) >= failingAfter ? failingShare : undefined;
    const answer = await ask(asking, databaseId, { reserve: 2, share }, signal, async (call) =>
      readDatabase(call, databaseId, expected, signal),
    );
    if (answer.kind === 'gone')
      return answer.refusal === null ? { kind: 'inaccessible' } : { kind: 'inaccessible', refusal: answer.refusal };
    if (answer.kind !== 'seen') return answer;
    const { value, connectionId } = answer;
    return value.trashed ? { kind: 'trashed', connectionId } : { kind: 'live', content: value.content, connectionId };
  }

  return {
    async fetchDatabase(asking, signal) {
      const outcome = await fetchDatabase(asking, signal);
      metrics.fetched(outcome.kind);
      return outcome;
    },

    async databaseOfDataSource(asking, signal) {
      const dataSourceId = canonicalNotionId(asking.dataSourceId);
      if (dataSourceId === null) return notAnId(asking.dataSourceId);
      const answer = await ask(asking, dataSourceId, { reserve: 1 }, signal, async (call) => readDataSource(call, dataSourceId, signal));
      if (answer.kind === 'gone') return { kind: 'not_found' };
      if (answer.kind !== 'seen') return answer;
      const databaseId = databaseHolding(answer.value);
      return databaseId === null ? { kind: 'not_found' } : { kind: 'database', databaseId };
    },

    async lookAtDatabase(asking, signal) {
      const databaseId = canonicalNotionId(asking.databaseId);
      if (databaseId === null) return notAnId(asking.databaseId);
      const spare = { reserve: 1, share: spareShare };
      const answer = await ask(asking, databaseId, spare, signal, async (call) => readContainer(call, databaseId));
      if (answer.kind === 'gone') return { kind: 'gone' };
      if (answer.kind !== 'seen') return answer;
      const { raw, inTrash, listed } = answer.value;
      return inTrash ? { kind: 'trashed' } : { kind: 'live', raw, dataSourceIds: listed.map(({ id }) => id) };
    },

    async lookAtDataSource(asking, signal) {
      const dataSourceId = canonicalNotionId(asking.dataSourceId);
      if (dataSourceId === null) return notAnId(asking.dataSourceId);
      const spare = { reserve: 1, share: spareShare };
      const answer = await ask(asking, dataSourceId, spare, signal, async (call) => readDataSource(call, dataSourceId, signal));
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

    searchDataSources: search,
  };
}

/** What a data source is in its database's document when this connection cannot read it; null when it can, or nothing is known yet. */
function hiddenBy(sight: Sight<ParsedDataSource>): HiddenDataSource | null {
  if (sight.kind === 'gone') {
    return { hidden: true, reason: sight.failure.class === 'gone' ? null : sight.failure.code, mayHaveLeft: true };
  }
  // A blocked integration is refused everything, whatever it asks for.
  if (sight.kind !== 'failed' || sight.failure.code === blocked || aboutTheRequest.has(sight.failure.code)) return null;
  const isRefused = sight.failure.class === 'restricted' || sight.failure.class === 'invalid';
  return isRefused ? { hidden: true, reason: sight.failure.code, mayHaveLeft: false } : null;
}

/** What is listed but gone has perhaps left since the container was read. */
function mayHaveLeft(source: DataSourceSight | undefined): boolean {
  return source !== undefined && 'hidden' in source && source.mayHaveLeft;
}

function sameId(id: string): string {
  return canonicalNotionId(id) ?? id;
}

function notAnId(text: string): { kind: 'failed'; failure: SourceFailure } {
  return {
    kind: 'failed',
    failure: { class: 'invalid', code: 'not_an_id', message: `${JSON.stringify(text.slice(0, 64))} is no Notion id` },
  };
}

function parsed<T>(outcome: CallOutcome, parse: (body: JsonObject, text: string) => Parsed<T>): Sight<T> {
  if (outcome.kind !== 'ok') return outcome;
  const result = parse(outcome.body, outcome.text);
  switch (result.kind) {
    case 'parsed':
      return { kind: 'seen', value: result.value };
    case 'partial': {
      const message = 'Notion gives the id only: the integration lacks the capability to read content';
      return { kind: 'failed', failure: { class: 'restricted', code: 'partial_object', message } };
    }
    case 'malformed':
      return { kind: 'failed', failure: { class: 'unexpected', code: 'malformed_object', message: result.problem.slice(0, 500) } };
  }
}
