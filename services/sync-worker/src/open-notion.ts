import type { ConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { tokenReader } from '@notion-mirror/mirror-store/token-cipher';
import { createNotionSource, type NotionSource } from '@notion-mirror/notion-source/notion-source';
import { createRateBudget } from '@notion-mirror/notion-source/rate-budget';
import { createTokenSource } from '@notion-mirror/notion-source/token-source';
import { systemClock } from '@notion-mirror/service-kit/async/clock';
import type { Config } from '@notion-mirror/service-kit/config';
import type { Worker } from '@notion-mirror/worker/run-worker';

/** Connections whose use of the budget is reported. */
const mostReported = 100;

/** Notion through the tenants' connections. A connection that Notion refuses is marked unauthorized and makes no more calls. */
export function openNotion(
  { logger, metrics, tracing, db, countCall, countPostponed, reportNotion }: Worker,
  config: Config<'sync-worker'>,
  connections: ConnectionDirectory,
): NotionSource {
  const store = createConnectionStore(db);
  const budget = createRateBudget({ requestsPerMinute: config.notionRequestsPerMinute, clock: systemClock, onCall: countCall });
  reportNotion(() => {
    const { busiest, ...all } = budget.use(mostReported);
    return {
      ...all,
      busiest: busiest.map(({ connectionId, calls, limit, windowEndsAt, heldUntil }) => ({
        connectionId,
        workspaceId: connections.byId(connectionId)?.workspaceId ?? null,
        calls,
        limit,
        windowEndsAt: windowEndsAt === null ? null : new Date(windowEndsAt),
        heldUntil: heldUntil === null ? null : new Date(heldUntil),
      })),
    };
  });
  return createNotionSource({
    connectionsOf: (workspaceId) => connections.ofWorkspace(workspaceId),
    tokens: createTokenSource({
      nango: config.nango,
      decrypt: tokenReader(config.encryptionKey),
      logger,
      metrics,
      tracing,
      ttlMs: config.tokenMs,
    }),
    budget,
    onPostponed: countPostponed,
    notionApiUrl: config.notionApiUrl,
    deadlineMs: config.notionTimeoutMs,
    logger,
    metrics,
    tracing,
    onUnauthorized: async (connection, reason) => {
      // Also when Nango knows no such connection: with a key of another Nango environment every tenant gets that answer, and nothing may be lost then.
      const change = await store.markUnauthorized(connection, reason);
      await connections.refresh({ connectionId: connection.connectionId });
      logger.warn({ connectionId: connection.connectionId, reason, status: change.kind }, 'Notion refuses a connection');
    },
  });
}
