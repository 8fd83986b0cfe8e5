import type { LaneConsumer } from '@notion-mirror/event-log/lanes/lane-consumer';
import { openConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import { registerSilence } from '@notion-mirror/mirror-store/tenant-signs';
import type { Config } from '@notion-mirror/service-kit/config';
import type { Worker } from '@notion-mirror/worker/run-worker';
import { startConnections } from './connections/start-connections.ts';
import { startConsumer } from './consume/start-consumer.ts';
import { openDatabases } from './databases/open-databases.ts';
import type { AnyMirrored } from './mirrored-entity.ts';
import { openNotion } from './open-notion.ts';
import { startRowsReadiness } from './rows/start-rows-readiness.ts';
import { startScans } from './rows/start-scans.ts';
import { startStateLog } from './state-log/start-state-log.ts';
import { startSweeps } from './sweep/start-sweeps.ts';

/** Starts the parts of a sync-worker for these kinds of entities. Resolves to its consumer. */
export async function startSyncWorker(
  worker: Worker,
  config: Config<'sync-worker'>,
  mirrored: readonly AnyMirrored[],
): Promise<LaneConsumer> {
  const { logger, metrics, scope, db, available } = worker;
  // None until the consumer knows its partitions.
  const connections = await available('the connections', () => openConnectionDirectory({ db, tenants: null, logger, metrics }));
  scope.onStop('connections', () => connections.close());
  registerSilence(metrics, db, config.silenceMs);
  const notion = openNotion(worker, config, connections);
  const areRowsReady = await startRowsReadiness(worker, config);
  const databases = openDatabases(worker, notion);
  const entities = mirrored.map((one) => one.open(worker, notion, config, databases));
  // Parts stop in reverse order, so the consumer's last writes are still appended to the state log.
  startStateLog(worker, mirrored);
  const { consumer, awaitedEvents } = startConsumer(worker, { connections, entities, floodEvents: config.floodEvents });
  const owns = (workspaceId: string) => consumer.owns(workspaceId);
  startConnections(worker, { connections, notion, owns, nango: config.nango, tenantOfConnection: config.tenantOfConnection });
  startSweeps(worker, { connections, notion, entities, owns, awaitedEvents, intervalMs: config.reconcileIntervalMs });
  if (config.rows === 'on') startScans(worker, config, { connections, notion, databases, owns, isReady: areRowsReady });
  return consumer;
}
