import type { Connection } from '@notion-mirror/domain/connection';
import type { ConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import type { ConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { Counter, type Registry } from '@notion-mirror/service-kit/metrics';
import { startRepeating, type Repeating } from '@notion-mirror/service-kit/async/repeating';

const everyMs = 15_000;
const firstWaitMs = 60_000;
const longestWaitMs = 6 * 3_600_000;
const longestSpreadMs = 600_000;
/** After this only the customer or an operator can reactivate it. */
const givenUpMs = 30 * 24 * 3_600_000;
/** A connection refused again within this time of its reactivation is reactivated less soon, since each time costs a comparison of its tenant. */
const flappingMs = 3_600_000;
const atOnce = 4;

/**
 * Probes unauthorized connections, and reactivates them when Notion accepts their token, so that no operator is needed after an outage with 401s at Notion, or
 * after a wrong Nango key has been corrected. The interval between probes is about as long as the connection has been unauthorized: a minute at first, six
 * hours in the end, for 30 days. Each sync-worker does this for the tenants whose events it gets.
 */
export function startConnectionRecovery(deps: RecoveryDependencies): Repeating {
  return startRepeating({
    everyMs,
    turn: createRecoveryTurn(deps),
    onFailure: (error) => deps.logger.warn({ err: error }, 'cannot probe unauthorized connections; retrying'),
  });
}

export interface RecoveryDependencies {
  readonly connections: Pick<ConnectionDirectory, 'allUnauthorized'>;
  readonly store: Pick<ConnectionStore, 'readmit'>;
  readonly probe: NotionSource['probe'];
  /** Whether this worker gets the tenant's events. */
  readonly owns: (workspaceId: string) => boolean;
  readonly now: () => number;
  readonly random?: (() => number) | undefined;
  readonly logger: Logger;
  readonly metrics: Registry;
}

/** Each call probes the connections that are due. Rejects with the store's errors. */
export function createRecoveryTurn(deps: RecoveryDependencies): (signal: AbortSignal) => Promise<void> {
  const { connections, store, probe, owns, now, random = Math.random, logger } = deps;
  const probes = new Counter({
    registers: [deps.metrics],
    name: 'notion_mirror_connection_probes_total',
    help: 'Probes of unauthorized connections, by outcome; accepted: the connection is active again.',
    labelNames: ['outcome'],
  });
  /** When each connection is probed next, epoch milliseconds, within its current unauthorized period. */
  const nextAt = new Map<string, number>();
  const readmittedAt = new Map<string, number>();

  /** Wait from first seeing the connection, including at a start of this worker, until its first probe. Spreads out many connections. */
  function firstWait({ connectionId, updatedAt }: Connection): number {
    const isFlapping = now() - (readmittedAt.get(connectionId) ?? Number.NEGATIVE_INFINITY) < flappingMs;
    return (isFlapping ? flappingMs : firstWaitMs) + random() * Math.min(longestSpreadMs, now() - updatedAt.getTime());
  }

  function nextWait({ updatedAt }: Connection): number {
    return Math.min(longestWaitMs, Math.max(firstWaitMs, now() - updatedAt.getTime())) * (0.75 + random() / 2);
  }

  async function probeOne(connection: Connection, signal: AbortSignal): Promise<void> {
    const { connectionId, workspaceId } = connection;
    const outcome = await probe(connection, signal);
    if (signal.aborted) return;
    probes.inc({ outcome });
    logger.info({ connectionId, workspaceId, outcome }, 'unauthorized connection probed');
    if (outcome !== 'accepted') return void nextAt.set(keyOf(connection), now() + nextWait(connection));
    readmittedAt.set(connectionId, now());
    const change = await store.readmit(connection);
    if (change.kind === 'changed') logger.warn({ connectionId, workspaceId }, 'Notion accepts the connection again; it is active');
  }

  return async function turn(signal) {
    const found = connections
      .allUnauthorized()
      .filter(({ workspaceId, updatedAt }) => owns(workspaceId) && now() - updatedAt.getTime() < givenUpMs);
    const keys = new Set(found.map(keyOf));
    for (const key of nextAt.keys()) if (!keys.has(key)) nextAt.delete(key);
    for (const [connectionId, at] of readmittedAt) if (now() - at >= flappingMs) readmittedAt.delete(connectionId);
    for (const connection of found) if (!nextAt.has(keyOf(connection))) nextAt.set(keyOf(connection), now() + firstWait(connection));
    const due = found.filter((connection) => (nextAt.get(keyOf(connection)) ?? 0) <= now());
    while (due.length > 0 && !signal.aborted) await Promise.all(due.splice(0, atOnce).map((connection) => probeOne(connection, signal)));
  };
}

function keyOf({ connectionId, updatedAt }: Connection): string {
  return `${connectionId} ${updatedAt.getTime()}`;
}
