import type { Logger } from '@notion-mirror/service-kit/logger';
import { randomUUID } from 'node:crypto';
import type { Db } from 'mongodb';
import { setTimeout as delay } from 'node:timers/promises';
import { openCollection } from './collections.ts';
import { orUnavailable } from './errors.ts';

/** What waits for one tenant in one worker. Times of what only the worker knows. */
export interface TenantBacklog {
  readonly workspaceId: string;
  readonly waiting: number;
  /** When the oldest was appended to the log. */
  readonly oldestAt: Date;
  /** Nothing of the tenant runs before `until`. */
  readonly held: { readonly until: Date; readonly class: string; readonly code: string; readonly message: string } | null;
}

/** What a worker says of itself every few seconds, since nobody can ask it. */
export interface WorkerStatus {
  readonly service: string;
  readonly at: Date;
  readonly partitions: readonly number[];
  /** Calls of the handler that run, and records that wait. */
  readonly running: number;
  readonly waiting: number;
  readonly tenants: number;
  /** When the oldest record that is not done was appended. */
  readonly oldestAt: Date | null;
  /** The tenants that are held, then those whose records wait longest; not all. */
  readonly backlog: readonly TenantBacklog[];
}

interface StatusDocument extends WorkerStatus {
  readonly _id: string;
  readonly expiresAt: Date;
}

const everyMs = 2_000;
/** MongoDB takes up to a minute more to remove one; whoever reads looks at `at`. */
const expiresMs = 60_000;
const aliveMs = 15_000;
const maxTenants = 100;

/** Those of workers that live, as far as anybody knows. Rejects with a `StoreUnavailableError`. */
export function liveWorkers(db: Db, now: Date): Promise<WorkerStatus[]> {
  const statuses = openCollection<StatusDocument>(db, 'workerStatus');
  return orUnavailable('the workers could not be read', async () =>
    statuses
      .find<WorkerStatus>({ at: { $gt: new Date(now.getTime() - aliveMs) } }, { projection: { _id: 0, expiresAt: 0 } })
      .sort({ service: 1, _id: 1 })
      .toArray(),
  );
}

/** Writes the status of this process until it is stopped, and removes it then. Failing to is no failure of the worker's. */
export function startWorkerReports(deps: {
  readonly db: Db;
  readonly service: string;
  readonly sample: {
    state(): { partitions: readonly number[]; running: number; waiting: number; lanes: number; oldestAt: number | null };
    readonly backlog: (limit: number) => readonly {
      readonly lane: string;
      readonly waiting: number;
      readonly oldestAt: number;
      readonly held: { readonly until: number; readonly failure: { class: string; code: string; message: string } } | null;
    }[];
  };
  readonly logger: Logger;
}): { stop(): Promise<void> } {
  const { service, sample, logger } = deps;
  const statuses = openCollection<StatusDocument>(deps.db, 'workerStatus');
  const _id = `${service}:${randomUUID()}`;
  const stopping = new AbortController();

  function status(at: Date): Omit<StatusDocument, '_id'> {
    const { partitions, running, waiting, lanes, oldestAt } = sample.state();
    const backlog = sample.backlog(maxTenants).map(({ lane, waiting: records, oldestAt: oldest, held }) => ({
      workspaceId: lane,
      waiting: records,
      oldestAt: new Date(oldest),
      held: held === null ? null : { until: new Date(held.until), ...named(held.failure) },
    }));
    const own = { partitions: [...partitions], running, waiting, tenants: lanes, oldestAt: oldestAt === null ? null : new Date(oldestAt) };
    return { service, at, expiresAt: new Date(at.getTime() + expiresMs), ...own, backlog };
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await statuses.replaceOne({ _id }, status(new Date()), { upsert: true });
      } catch (error) {
        logger.debug({ err: error }, 'the status could not be written');
      }
      await delay(everyMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    }
    await statuses.deleteOne({ _id }).catch(() => {});
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      await Promise.race([running, delay(500, undefined, { ref: false })]);
    },
  };
}

/** A failure may know more than is shown. */
function named(failure: { class: string; code: string; message: string }): { class: string; code: string; message: string } {
  return { class: failure.class, code: failure.code, message: failure.message };
}
