import type { PostponeReason } from '@notion-mirror/domain/call-limits';
import type { Connection } from '@notion-mirror/domain/connection';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { onTestFinished } from 'vitest';
import type { UnauthorizedReason } from '../src/connection-calls.ts';
import { createNotionSource, type NotionSource } from '../src/notion-source.ts';
import { createRateBudget } from '../src/rate-budget.ts';
import type { TokenSource } from '../src/token-source.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { connection, databaseId, notFound, notionError } from './notion-samples.ts';
import { startScriptedServer, type Reply, type ScriptedServer } from './scripted-server.ts';

/** What Notion shows to a token, by the end of the path. A list is answered one by one, its last entry for ever. */
export type View = Record<string, Reply | Reply[]>;

export interface SetUp {
  readonly source: NotionSource;
  readonly server: ScriptedServer;
  readonly clock: FakeClock;
  readonly logs: string[];
  readonly metrics: Registry;
  /** Tokens of the calls, in order, each with the end of its path. */
  readonly calls: () => string[];
  /** The connections that onUnauthorized was called for. */
  readonly dead: [string, UnauthorizedReason][];
  readonly refreshed: string[];
  readonly postponed: PostponeReason[];
  readonly fetch: (
    asking?: Partial<Parameters<NotionSource['fetchDatabase']>[0]>,
    signal?: AbortSignal,
  ) => ReturnType<NotionSource['fetchDatabase']>;
}

export async function setUp(
  views: Record<string, View>,
  options: {
    connections?: Connection[];
    requestsPerMinute?: number;
    deadlineMs?: number;
    tokens?: Partial<TokenSource>;
    onUnauthorized?: (connection: Connection) => Promise<void>;
  } = {},
): Promise<SetUp> {
  const remaining = new Map<string, Reply[]>();
  const server = await startScriptedServer(({ token, path }) => {
    const key = path.slice(path.lastIndexOf('/') + 1);
    const scripted = views[token]?.[key] ?? notFound;
    if (!Array.isArray(scripted)) return scripted;
    const left = remaining.get(`${token} ${key}`) ?? [...scripted];
    remaining.set(`${token} ${key}`, left);
    return (left.length > 1 ? left.shift() : left[0]) ?? notFound;
  });
  onTestFinished(async () => server[Symbol.asyncDispose]());
  const clock = createFakeClock();
  const logs: string[] = [];
  const metrics = new Registry();
  const dead: [string, UnauthorizedReason][] = [];
  const refreshed: string[] = [];
  const postponed: PostponeReason[] = [];
  const connections = options.connections ?? Object.keys(views).map((token) => connection(token.replace('token-', '')));
  const source = createNotionSource({
    connectionsOf: (workspaceId) => connections.filter((known) => known.workspaceId === workspaceId),
    tokens: {
      get: async ({ connectionId }) => ({ kind: 'token', token: `token-${connectionId}` }),
      refresh: async ({ connectionId }) => {
        refreshed.push(connectionId);
        return { kind: 'token', token: `token-${connectionId}-fresh` };
      },
      ...options.tokens,
    },
    budget: createRateBudget({ requestsPerMinute: options.requestsPerMinute, clock }),
    onPostponed: (by) => postponed.push(by),
    notionApiUrl: server.url,
    logger: createLogger({ service: 'test', level: 'trace', destination: { write: (line) => logs.push(line) } }),
    metrics,
    onUnauthorized: async (useless, reason) => {
      dead.push([useless.connectionId, reason]);
      await options.onUnauthorized?.(useless);
    },
    deadlineMs: options.deadlineMs,
    clock,
    random: () => 1,
  });
  return {
    source,
    server,
    clock,
    logs,
    metrics,
    dead,
    refreshed,
    postponed,
    calls: () => server.requests.map(({ token, path }) => `${token} ${path.slice(path.lastIndexOf('/') + 1)}`),
    fetch: (asking = {}, signal = new AbortController().signal) =>
      source.fetchDatabase({ workspaceId: 'tenant-1', databaseId, ...asking }, signal),
  };
}

export const ok = (body: unknown): Reply => ({ status: 200, body });
export const throttled = notionError(429, 'rate_limited', { reason: 'public_api_request_rate_limit', retryAfter: '30' });
