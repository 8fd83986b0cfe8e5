import type { ConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import { createSweepLedger } from '@notion-mirror/mirror-store/sweep-ledger';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import type { Worker } from '@notion-mirror/worker/run-worker';
import type { AwaitedEvents } from '../consume/awaited-events.ts';
import type { OpenEntity } from '../mirrored-entity.ts';
import { startReconciler } from './reconciler.ts';

/** Compares each tenant with Notion on a schedule. Differences become events, which this worker's consumer handles. */
export function startSweeps(
  worker: Worker,
  parts: {
    readonly connections: ConnectionDirectory;
    readonly notion: NotionSource;
    readonly entities: readonly OpenEntity[];
    /** Whether this worker consumes the tenant's events. */
    readonly owns: (workspaceId: string) => boolean;
    readonly awaitedEvents: AwaitedEvents;
    readonly intervalMs: number;
  },
): void {
  const { logger, metrics, tracing, db } = worker;
  const { connections, notion, entities, owns, awaitedEvents, intervalMs } = parts;
  const reconciler = startReconciler({
    connections,
    ledger: createSweepLedger(db),
    owns,
    notion,
    entities,
    sync: (event, signal) => awaitedEvents.appendAndWait(event, signal),
    intervalMs,
    now: Date.now,
    tracing,
    logger,
    metrics,
  });
  worker.onStopBriefly('reconciler', reconciler);
}
