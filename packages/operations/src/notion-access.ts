import type { Connection } from '@notion-mirror/domain/connection';
import { tokenReader } from '@notion-mirror/mirror-store/token-cipher';
import { systemClock } from '@notion-mirror/service-kit/async/clock';
import { createNotionSource, type NotionSource } from '@notion-mirror/notion-source/notion-source';
import { createRateBudget } from '@notion-mirror/notion-source/rate-budget';
import { createTokenSource } from '@notion-mirror/notion-source/token-source';
import { Registry } from '@notion-mirror/service-kit/metrics';
import type { OperationContext } from './operation-context.ts';

export interface NotionAccess extends NotionSource {
  /** Connections that Notion or Nango has refused so far, with the reason. Their status is not changed: that is the worker's task. */
  readonly refused: ReadonlyMap<string, string>;
  /** The number of calls to Notion so far. */
  calls(): Promise<number>;
}

/** Notion as the sync-worker sees it through these connections, with a rate budget of its own. */
export function openNotion(
  { config, logger }: OperationContext,
  connections: readonly Connection[],
  requestsPerMinute: number,
): NotionAccess {
  const byTenant = Map.groupBy(connections, ({ workspaceId }) => workspaceId);
  const refused = new Map<string, string>();
  const metrics = new Registry();
  const source = createNotionSource({
    connectionsOf: (workspaceId) => byTenant.get(workspaceId) ?? [],
    tokens: createTokenSource({ nango: config.nango, decrypt: tokenReader(config.encryptionKey), logger, metrics, ttlMs: config.tokenMs }),
    budget: createRateBudget({ requestsPerMinute, clock: systemClock }),
    // No event competes for this budget.
    spareShare: 1,
    notionApiUrl: config.notionApiUrl,
    deadlineMs: config.notionTimeoutMs,
    logger,
    metrics,
    onUnauthorized: ({ connectionId }, reason) => {
      refused.set(connectionId, reason);
      return Promise.resolve();
    },
  });
  return {
    ...source,
    refused,
    async calls() {
      const requests = await metrics.getSingleMetric('notion_mirror_notion_requests_total')?.get();
      return requests?.values.reduce((sum, { value }) => sum + value, 0) ?? 0;
    },
  };
}
