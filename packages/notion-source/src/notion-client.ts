import { AsyncLocalStorage } from 'node:async_hooks';
import type { JsonObject } from '@notion-mirror/domain/database-content';
import { canonicalNotionId } from '@notion-mirror/domain/notion-id';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { Client, LogLevel } from '@notionhq/client';
import type { Clock } from '@notion-mirror/service-kit/async/clock';
import { exchange, type HttpAnswer } from './http-exchange.ts';
import { isJsonObject } from './json-object.ts';
import { notionFailure, type NotionFailure } from './notion-errors.ts';
import type { NotionMetrics } from './notion-metrics.ts';
import { notionVersion } from './notion-version.ts';

export type NotionAnswer =
  /** `text`: the body as received, since parsed JSON has lost the order of keys such as "2024". */
  { readonly kind: 'ok'; readonly body: JsonObject; readonly text: string } | { readonly kind: 'failure'; readonly failure: NotionFailure };

/** One call, with a connection's token. Never rejects. */
export interface NotionCall {
  (token: string, signal: AbortSignal): Promise<NotionAnswer>;
  /** As the SDK names it. */
  readonly endpoint: string;
  /** Its method and path, without ids. */
  readonly route: Route;
}

/** The endpoints of the Notion API that the mirror reads. */
export interface NotionClient {
  database(databaseId: string): NotionCall;
  dataSource(dataSourceId: string): NotionCall;
  /** A page of at most `size` (1 to 100) data sources, those edited last at the end: an edit meanwhile moves none past the cursor. */
  search(cursor: string | null, size: number): NotionCall;
  /** A page, a row or not. */
  page(pageId: string): NotionCall;
  /** A page of rows. `body`: as Notion documents it; the SDK's own method would drop `is_archived`. */
  query(dataSourceId: string, body: JsonObject): NotionCall;
  /** A part of at most 100 items of a property that Notion lists item by item. `propertyId`: as received. */
  property(pageId: string, propertyId: string, cursor: string | null): NotionCall;
  /** The token's own bot. Any valid token can read it. */
  self(): NotionCall;
}

type Route = readonly [method: 'GET' | 'POST', template: string];

const routes = {
  'databases.retrieve': ['GET', '/v1/databases/{database_id}'],
  'dataSources.retrieve': ['GET', '/v1/data_sources/{data_source_id}'],
  'dataSources.query': ['POST', '/v1/data_sources/{data_source_id}/query'],
  search: ['POST', '/v1/search'],
  'pages.retrieve': ['GET', '/v1/pages/{page_id}'],
  'pages.properties.retrieve': ['GET', '/v1/pages/{page_id}/properties/{property_id}'],
  'users.me': ['GET', '/v1/users/me'],
} as const satisfies Readonly<Record<string, Route>>;

/** The object that a successful answer must contain. */
type Expected = { readonly object: 'database' | 'data_source' | 'page'; readonly id: string } | { readonly object: 'list' | 'user' };

interface Call {
  readonly endpoint: string;
  readonly signal: AbortSignal;
  answer: HttpAnswer | null;
}

/**
 * Calls go through @notionhq/client, without its retries (they would sleep inside the caller and skip half of the errors). Its timeout
 * covers the headers only and does not stop the request, so it gets our fetch, with a deadline over the whole exchange.
 */
export function createNotionClient(options: {
  readonly notionApiUrl: string;
  readonly deadlineMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: NotionMetrics;
}): NotionClient {
  const { deadlineMs, clock, logger, metrics } = options;
  const baseUrl = options.notionApiUrl.replace(/\/+$/, '');

  /** The call that the SDK's fetch belongs to: the SDK passes neither a signal nor the answer's headers. */
  const calls = new AsyncLocalStorage<Call>();
  const client = new Client({
    baseUrl,
    notionVersion,
    retry: false,
    timeoutMs: deadlineMs + 1000,
    logLevel: LogLevel.WARN,
    logger: (_level, message, details) =>
      logger.debug({ endpoint: calls.getStore()?.endpoint, sdk: { message, code: details['code'] } }, 'notion client'),
    fetch: async (url, init = {}) => {
      const call = calls.getStore();
      if (call === undefined) throw new Error('a fetch outside of a call');
      const body = typeof init.body === 'string' ? init.body : undefined;
      const answer = await exchange(url, { method: init.method, headers: init.headers, body }, { deadlineMs, signal: call.signal });
      const { status, headers, text } = answer;
      call.answer = answer;
      return { ok: status >= 200 && status < 300, status, headers, text: async () => text };
    },
  });

  function calling(endpoint: keyof typeof routes, expected: Expected, send: (auth: string) => Promise<object>): NotionCall {
    return Object.assign(call, { endpoint, route: routes[endpoint] });

    async function call(token: string, signal: AbortSignal): Promise<NotionAnswer> {
      const here: Call = { endpoint, signal, answer: null };
      const began = performance.now();
      try {
        const body: unknown = await calls.run(here, () => send(token));
        const problem = problemOf(body, expected);
        if (problem === null && isJsonObject(body)) return { kind: 'ok', body, text: here.answer?.text ?? '' };
        const requestId = here.answer?.headers.get('x-notion-request-id') ?? null;
        const failure = { class: 'server', code: 'unexpected_object', message: `status 200, but ${problem}` } as const;
        return { kind: 'failure', failure: { ...failure, status: 200, retryAfterMs: null, requestId } };
      } catch (error) {
        const failure = notionFailure(error, clock.now(), 'id' in expected ? 'object' : 'other');
        if (failure.class === 'rate_limited') metrics.rateLimited(failure.reason);
        if (failure.class === 'unexpected') logger.error({ err: error, endpoint }, 'a call to Notion failed unexpectedly');
        return { kind: 'failure', failure: { ...failure, message: failure.message.replaceAll(token, '[token]') } };
      } finally {
        metrics.called(endpoint, here.answer?.status ?? null, performance.now() - began);
      }
    }
  }

  return {
    database: (databaseId) =>
      calling('databases.retrieve', { object: 'database', id: databaseId }, async (auth) =>
        client.databases.retrieve({ auth, database_id: databaseId }),
      ),
    dataSource: (dataSourceId) =>
      calling('dataSources.retrieve', { object: 'data_source', id: dataSourceId }, async (auth) =>
        client.dataSources.retrieve({ auth, data_source_id: dataSourceId }),
      ),
    search: (cursor, size) =>
      calling('search', { object: 'list' }, async (auth) =>
        client.search({
          auth,
          filter: { property: 'object', value: 'data_source' },
          sort: { timestamp: 'last_edited_time', direction: 'ascending' },
          page_size: size,
          ...(cursor === null ? {} : { start_cursor: cursor }),
        }),
      ),
    page: (pageId) =>
      calling('pages.retrieve', { object: 'page', id: pageId }, async (auth) => client.pages.retrieve({ auth, page_id: pageId })),
    query: (dataSourceId, body) =>
      calling('dataSources.query', { object: 'list' }, async (auth) =>
        client.request<object>({ path: `data_sources/${dataSourceId}/query`, method: 'post', body, auth }),
      ),
    property: (pageId, propertyId, cursor) =>
      calling('pages.properties.retrieve', { object: 'list' }, async (auth) =>
        client.pages.properties.retrieve({
          auth,
          page_id: pageId,
          property_id: inPath(propertyId),
          page_size: 100,
          ...(cursor === null ? {} : { start_cursor: cursor }),
        }),
      ),
    self: () => calling('users.me', { object: 'user' }, async (auth) => client.request<object>({ path: 'users/me', method: 'get', auth })),
  };
}

/** Notion's ids are percent-encoded already. One that is not must still not address another path. */
function inPath(propertyId: string): string {
  return propertyId.replaceAll(/[^\w%~!$&'()*+,;=:@.-]/gu, encodeURIComponent);
}

/**
 * What is wrong with the body of a 200; null when it is the requested object. Proxies and overloaded servers answer 200 with `{}`, with an error
 * or with something else: that is transient, and proves nothing about the object.
 */
function problemOf(body: unknown, expected: Expected): string | null {
  if (!isJsonObject(body)) return 'the body is no JSON object';
  const { object } = expected;
  const found = body['object'];
  if (found !== object) {
    const what = typeof found === 'string' ? JSON.stringify(found.slice(0, 40)) : 'an object without a type';
    return `the body is ${what}, not a ${object}`;
  }
  if (!('id' in expected)) return null;
  const id = body['id'];
  const isIt = typeof id === 'string' && canonicalNotionId(id) === canonicalNotionId(expected.id);
  return isIt ? null : `the body is another ${object} than the one asked for`;
}
