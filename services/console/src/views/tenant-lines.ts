import type { Mongo } from '@notion-mirror/mirror-store/client';
import { createSweepLedger } from '@notion-mirror/mirror-store/sweep-ledger';
import { lastWebhooks } from '@notion-mirror/mirror-store/tenant-signs';
import type { TenantSummary } from '@notion-mirror/operations/tenants/tenant-summary';
import type { TenantLine } from '../answers/tenants.ts';

/** Tenants as the page lists them. */
export interface TenantLines {
  /** In the same order: the shown ones only, since each takes a part of two reads. */
  of(tenants: readonly TenantSummary[], silent: ReadonlySet<string>): Promise<TenantLine[]>;
}

export function createTenantLines(db: Mongo['db'], redact: (text: string) => string): TenantLines {
  const sweeps = createSweepLedger(db);
  return {
    async of(tenants, silent) {
      const ids = tenants.map(({ workspaceId }) => workspaceId);
      if (ids.length === 0) return [];
      const [found, webhooks] = await Promise.all([sweeps.of(ids), lastWebhooks(db, ids)]);
      const byTenant = new Map(found.map((sweep) => [sweep.workspaceId, sweep]));
      return tenants.map(({ workspaceId, state, freshness, connections, waiting, oldestAt, held }) => {
        const sweep = byTenant.get(workspaceId);
        return {
          workspaceId,
          state,
          freshness,
          connections,
          databases: sweep?.last?.held ?? null,
          waiting,
          oldestAt: oldestAt?.toISOString() ?? null,
          held: held && { ...held, message: redact(held.message), until: held.until.toISOString() },
          lastWebhookAt: webhooks.get(workspaceId)?.toISOString() ?? null,
          isSilent: silent.has(workspaceId),
          comparedAt: sweep?.completedAt?.toISOString() ?? null,
        };
      });
    },
  };
}
