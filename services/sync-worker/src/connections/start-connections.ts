import type { ConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import { createConnectionNotices } from '@notion-mirror/mirror-store/connection-notices';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { createParkedEvents } from '@notion-mirror/mirror-store/parked-events';
import { nangoGrant } from '@notion-mirror/notion-source/nango-credentials';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import type { Config } from '@notion-mirror/service-kit/config';
import type { Worker } from '@notion-mirror/worker/run-worker';
import { startConnectionLifecycle } from './connection-lifecycle.ts';
import { startConnectionRecovery } from './connection-recovery.ts';

/** Keeps connections up to date with Nango, and reactivates them when Notion accepts their token again. */
export function startConnections(
  worker: Worker,
  parts: {
    readonly connections: ConnectionDirectory;
    readonly notion: NotionSource;
    /** Whether this worker gets the tenant's events. */
    readonly owns: (workspaceId: string) => boolean;
  } & Pick<Config<'sync-worker'>, 'nango' | 'tenantOfConnection'>,
): void {
  const { logger, metrics, db } = worker;
  const { connections, notion, owns } = parts;
  const { url, apiKey } = parts.nango;
  const store = createConnectionStore(db);
  const lifecycle = startConnectionLifecycle({
    notices: createConnectionNotices(db),
    store,
    parked: createParkedEvents(db),
    askNango: apiKey === null ? null : (connection) => nangoGrant({ url, apiKey }, connection, { deadlineMs: 10_000, now: Date.now }),
    rule: parts.tenantOfConnection,
    logger,
    metrics,
  });
  worker.onStopBriefly('connection lifecycle', lifecycle);
  const recovery = startConnectionRecovery({
    connections,
    store,
    probe: (connection, signal) => notion.probe(connection, signal),
    owns,
    now: Date.now,
    logger,
    metrics,
  });
  worker.onStopBriefly('connection recovery', recovery);
}
