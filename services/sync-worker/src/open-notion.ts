import type { ConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { tokenReader } from '@notion-mirror/mirror-store/token-cipher';
import { createNotionSource, type NotionSource } from '@notion-mirror/notion-source/notion-source';
import { createRateBudget } from '@notion-mirror/notion-source/rate-budget';
import { createTokenSource } from '@notion-mirror/notion-source/token-source';
import { systemClock } from '@notion-mirror/service-kit/async/clock';
import type { Config } from '@notion-mirror/service-kit/config';
import type { Worker } from '@notion-mirror/worker/run-worker';

/** Notion through the tenants' connections. A connection that Notion refuses is marked unauthorized and makes no more calls. */
export function openNotion(
  { logger, metrics, tracing, db }: Worker,
  config: Config<'sync-worker'>,
  connections: ConnectionDirectory,
): NotionSource {
  const store = createConnectionStore(db);
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
    budget: createRateBudget({ requestsPerMinute: config.notionRequestsPerMinute, clock: systemClock }),
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
