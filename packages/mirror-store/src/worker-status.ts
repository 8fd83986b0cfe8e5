import { settlesBefore } from '@notion-mirror/service-kit/async/deadline';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { randomUUID } from 'node:crypto';
import type { Db } from 'mongodb';
import { setTimeout as delay } from 'node:timers/promises';
import { openCollection } from './collections.ts';
import { orUnavailable } from './errors.ts';
import { writeMinutes, type WorkerMinute } from './minutes.ts';
import { pageReads } from './page-reads.ts';
import type { WorkCounts } from './work-counts.ts';

/** The backlog of one tenant in one worker. */
export interface TenantBacklog {
  readonly workspaceId: string;
  readonly waiting: number;
  /** When the oldest record was appended to the log. */
  readonly oldestAt: Date;
  /** Nothing of the tenant runs before `until`. */
  readonly held: { readonly until: Date; readonly class: string; readonly code: string; readonly message: string } | null;
}

/** A worker's status, written every few seconds, since workers cannot be queried. */
export interface WorkerStatus {
  readonly service: string;
  readonly at: Date;
  readonly partitions: readonly number[];
  /** Running calls of the handler, and waiting records. */
  readonly running: number;
  readonly waiting: number;
  readonly tenants: number;
  /** When the oldest unfinished record was appended. */
  readonly oldestAt: Date | null;
  /** Held tenants, then those with the longest-waiting records; a bounded list, not all. */
  readonly backlog: readonly TenantBacklog[];
  /** Of about the last minute: `seconds` are its length. Absent: the worker is of an earlier version. */
  readonly lastMinute?: WorkCounts & { readonly seconds: number };
  /** Absent: the worker makes no calls, or is of an earlier version. */
  readonly notion?: NotionUse;
}

/** How much of the budgets of calls is used by the connections that have made calls lately, or may make none. */
export interface NotionUse {
  readonly connections: number;
  /** Calls of their last 60 s, and how many were allowed. */
  readonly calls: number;
  readonly limit: number;
  /** The first hundred, those that have used the largest part first. */
  readonly busiest: readonly ConnectionUse[];
}

export interface ConnectionUse {
  readonly connectionId: string;
  /** Null: the connection is not known any more. */
  readonly workspaceId: string | null;
  /** Calls of the window of 60 s, and how many it may have now. */
  readonly calls: number;
  readonly limit: number;
  /** When the first of these calls no longer counts; null: there is none. */
  readonly windowEndsAt: Date | null;
  /** Notion has asked to wait until then. */
  readonly heldUntil: Date | null;
}

/** What a worker can do that a worker of version 0.1.0 cannot. `rows`: it handles events about rows. */
export type WorkerCapability = 'rows';

interface StatusDocument extends WorkerStatus {
  readonly _id: string;
  /** Missing: the worker is of version 0.1.0. */
  readonly capabilities?: readonly WorkerCapability[];
  readonly expiresAt: Date;
}

const everyMs = 2_000;
/** MongoDB may take another minute to remove one, so readers check `at`. */
const expiresMs = 60_000;
const aliveMs = 15_000;
const maxTenants = 100;
const maxUnwritten = 60;

/** The statuses of workers that reported recently. Rejects with a `StoreUnavailableError`. */
export function liveWorkers(db: Db, now: Date): Promise<WorkerStatus[]> {
  const statuses = openCollection<StatusDocument>(db, 'workerStatus');
  return orUnavailable('the workers could not be read', async () =>
    statuses
      .find<WorkerStatus>(
        { at: { $gt: new Date(now.getTime() - aliveMs) } },
        { ...pageReads, projection: { _id: 0, capabilities: 0, expiresAt: 0 } },
      )
      .sort({ service: 1, _id: 1 })
      .toArray(),
  );
}

/**
 * Whether workers of both kinds have reported and all that have can do this. A status counts until MongoDB removes it: its worker may be alive and
 * merely unable to write. Rejects with a `StoreUnavailableError`.
 */
export function everyWorkerCan(db: Db, capability: WorkerCapability): Promise<boolean> {
  const statuses = openCollection<StatusDocument>(db, 'workerStatus');
  return orUnavailable('the workers could not be read', async () => {
    const found = await statuses.find({}, { projection: { service: 1, capabilities: 1 } }).toArray();
    const hasReported = (name: string) => found.some(({ service }) => service === name);
    return (
      found.every(({ capabilities }) => capabilities?.includes(capability) === true) &&
      hasReported('sync-worker') &&
      hasReported('delete-worker')
    );
  });
}

/** Writes the status of this process until it is stopped, then removes it; and what it did, each minute. A failed write does not affect the worker. */
export function startWorkerReports(deps: {
  readonly db: Db;
  readonly service: string;
  readonly capabilities: readonly WorkerCapability[];
  readonly sample: {
    state(): { partitions: readonly number[]; running: number; waiting: number; lanes: number; oldestAt: number | null };
    readonly backlog: (limit: number) => readonly {
      readonly lane: string;
      readonly waiting: number;
      readonly oldestAt: number;
      readonly held: { readonly until: number; readonly failure: { class: string; code: string; message: string } } | null;
    }[];
  };
  readonly work: {
    lastMinute(): NonNullable<WorkerStatus['lastMinute']>;
    takeMinutes(isLast?: boolean): readonly Omit<WorkerMinute, 'service'>[];
  };
  /** Null: it makes no calls to Notion. */
  readonly notion: (() => NotionUse) | null;
  readonly logger: Logger;
}): { stop(): Promise<void> } {
  const { service, capabilities, sample, work, notion, logger } = deps;
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
    const done = { lastMinute: work.lastMinute(), ...(notion === null ? {} : { notion: notion() }) };
    return { service, capabilities, at, expiresAt: new Date(at.getTime() + expiresMs), ...own, backlog, ...done };
  }

  /** Minutes that could not be written wait for the next attempt. */
  let unwritten: WorkerMinute[] = [];
  async function writeWork(isLast: boolean): Promise<void> {
    unwritten = [...unwritten, ...work.takeMinutes(isLast).map((minute) => ({ service, ...minute }))].slice(-maxUnwritten);
    await writeMinutes(deps.db, _id, unwritten);
    unwritten = [];
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await statuses.replaceOne({ _id }, status(new Date()), { upsert: true });
        await writeWork(false);
      } catch (error) {
        logger.debug({ err: error }, 'cannot write the status');
      }
      await delay(everyMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    }
    await writeWork(true).catch(() => {});
    await statuses.deleteOne({ _id }).catch(() => {});
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      await settlesBefore(running, Date.now() + 500);
    },
  };
}

/** Reduces a failure to the shown fields. */
function named(failure: { class: string; code: string; message: string }): { class: string; code: string; message: string } {
  return { class: failure.class, code: failure.code, message: failure.message };
}
