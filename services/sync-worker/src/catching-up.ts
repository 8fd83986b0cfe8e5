import type { Connection } from '@notion-mirror/domain/connection';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { ConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import type { FullSyncLedger } from '@notion-mirror/mirror-store/full-sync-ledger';
import type { ParkedEvents } from '@notion-mirror/mirror-store/parked-events';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { setTimeout as delay } from 'node:timers/promises';
import { appendFullSync, type FullSyncDependencies } from './full-sync.ts';

export interface CatchingUp {
  /** Something may be due now: a connection became active, or an event was parked. */
  nudge(): void;
  stop(): Promise<void>;
}

/** Longer than a full sync takes, but for the largest tenants; then two workers do it, which costs only calls. */
const leaseMs = 10 * 60_000;
const putOffMs = 60_000;
/** What no change announces: a lease that ran out, an event that was parked while its connection became active. */
const everyMs = 30_000;
/** Full syncs of different tenants beside each other. */
const atOnce = 8;

/**
 * Brings tenants up to date whose connection has become active: their parked events are appended again, and all their databases are synced
 * in full, since the ingress ignored their webhooks meanwhile. Every sync-worker runs one of these; the ledger keeps them apart.
 */
export function startCatchingUp(
  deps: Omit<FullSyncDependencies, 'append'> & {
    readonly connections: Pick<ConnectionDirectory, 'activeByWorkspace' | 'allActive' | 'onChange'>;
    readonly parked: Pick<ParkedEvents, 'workspaces' | 'release'>;
    readonly ledger: FullSyncLedger;
    readonly append: (event: DatabaseEvent, accessibleBy: readonly string[]) => Promise<void>;
    readonly logger: Logger;
  },
): CatchingUp {
  const { connections, parked, ledger, append, logger } = deps;
  const stopping = new AbortController();
  let nudged = false;
  let wake: (() => void) | null = null;

  const nudge = (): void => {
    nudged = true;
    wake?.();
  };
  const unsubscribe = connections.onChange(({ connection }) => {
    if (connection?.status === 'active') nudge();
  });

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      nudged = false;
      try {
        await releaseParked();
        await syncInFull();
      } catch (error) {
        if (!stopping.signal.aborted) logger.warn({ err: error }, 'catching up is put off');
      }
      if (nudged) continue;
      const woken = new Promise<void>((resolve) => (wake = resolve));
      await Promise.race([woken, delay(everyMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {})]);
    }
  }

  async function releaseParked(): Promise<void> {
    for (const workspaceId of await parked.workspaces()) {
      if (stopping.signal.aborted) return;
      if (connections.activeByWorkspace(workspaceId).length === 0) continue;
      const released = await parked.release(workspaceId, append);
      if (released > 0) logger.info({ workspaceId, events: released }, 'parked events appended again');
    }
  }

  async function syncInFull(): Promise<void> {
    const queue = await ledger.due(connections.allActive());
    const worker = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined && !stopping.signal.aborted; next = queue.shift()) await syncOne(next);
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, queue.length) }, worker));
  }

  async function syncOne(connection: Connection): Promise<void> {
    const { connectionId, workspaceId } = connection;
    if (!(await ledger.claim(connection, leaseMs))) return;
    try {
      const fullSync = { ...deps, append: (event: DatabaseEvent) => append(event, []) };
      const events = await appendFullSync(fullSync, connection, connection.updatedAt.toISOString(), stopping.signal);
      await ledger.complete(connection, events);
      logger.info({ connectionId, workspaceId, events }, 'full sync appended');
    } catch (error) {
      await ledger.putOff(connection, stopping.signal.aborted ? 0 : putOffMs);
      if (!stopping.signal.aborted) logger.warn({ err: error, connectionId, workspaceId }, 'a full sync is put off');
    }
  }

  const running = run();
  return {
    nudge,
    async stop() {
      unsubscribe();
      stopping.abort();
      wake?.();
      await running;
    },
  };
}
