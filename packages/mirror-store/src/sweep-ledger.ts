import { MongoServerError, type Db, type Filter } from 'mongodb';
import { openCollection } from './collections.ts';
import { duplicateKey, orUnavailable, unavailable } from './errors.ts';
import { inTurn } from './in-turn.ts';
import { pageReads } from './page-reads.ts';

/** A tenant with an active connection. `activation`: `updatedAt` of the most recently activated one. */
export interface ActiveTenant {
  readonly workspaceId: string;
  readonly activation: Date;
}

/** A sweep claimed by a worker. */
export interface SweepClaim extends ActiveTenant {
  readonly worker: string;
  /** When it was due. */
  readonly dueAt: Date;
  /** The start of the last finished sweep; null: there was none. */
  readonly lastStartedAt: Date | null;
  /** An operator's request; null: none. */
  readonly request: SweepRequest | null;
  /** Failed sweeps since the last finished one. */
  readonly failures: number;
  /** The start of the first of the incomplete sweeps since the last complete one; null: the last one was complete. */
  readonly incompleteSince: Date | null;
}

export interface SweepRequest {
  readonly at: Date;
  /** Whether it may remove any number of databases. */
  readonly acceptRemovals: boolean;
  /** The trace that was named to the events that are left to the sweep. Absent: none are. */
  readonly trace?: string;
}

/** The result of a sweep. */
export interface SweepReport {
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly depth: 'search' | 'full';
  /** Live databases of the mirror at its start, and data sources shown by Notion's search. */
  readonly held: number;
  readonly found: number;
  /** Sync events appended, by reason. */
  readonly events: Readonly<Record<string, number>>;
  /** Databases that Notion no longer shows. Above the limit for automatic removals, the sweep stopped before removing them. */
  readonly removals: number;
  readonly stopped: boolean;
  /** What could not be compared; absent when everything was. */
  readonly incomplete?: IncompleteSweep;
}

/** Why a sweep has not compared everything. Everything else was compared. */
export interface IncompleteSweep {
  /** Connections whose search could not be read to its end: databases that only they see and that the mirror lacks may have been missed. */
  readonly searches: readonly { readonly connectionId: string; readonly because: string }[];
  /** The number of databases that could not be compared, and the first of them. */
  readonly uncompared: number;
  readonly databases: readonly { readonly databaseId: string; readonly because: string }[];
}

export interface SweepStatus {
  readonly workspaceId: string;
  readonly dueAt: Date;
  /** End of the current claim, or of the wait after a failure. */
  readonly claimedUntil: Date;
  readonly claimedBy: string | null;
  readonly failures: number;
  readonly failure: string | null;
  readonly request: SweepRequest | null;
  /** The time of the newest answered request; all earlier ones are answered too. Null: none was. */
  readonly answered: Date | null;
  readonly completedAt: Date | null;
  readonly last: SweepReport | null;
}

/**
 * For each tenant the time of its next comparison with Notion, the current claim, and the last result, in one document per tenant. A claim
 * is exclusive until it expires, however many workers try. All reject with a `StoreUnavailableError` when MongoDB is unavailable.
 */
export interface SweepLedger {
  /**
   * Due and unclaimed tenants, longest due first, read as they are iterated. The cost depends on the number of due tenants, not of all
   * tenants. A tenant whose newest activation the ledger does not know is not included.
   */
  due(): AsyncIterable<string>;
  /** Those of the tenants that the ledger does not know, or not with this activation: they are due at once. `free`: unclaimed now. */
  newlyActive(tenants: readonly ActiveTenant[]): Promise<{ readonly free: ActiveTenant[]; readonly taken: ActiveTenant[] }>;
  /** For tenants without an active connection: makes them due at `at`, unless an operator requests a sweep or a connection becomes active. */
  postpone(workspaceIds: readonly string[], at: Date): Promise<void>;
  /** Null: it is no longer due, or another worker has claimed it. */
  claim(tenant: ActiveTenant, worker: string, leaseMs: number): Promise<SweepClaim | null>;
  /** False: another worker has claimed it since. */
  renew(claim: SweepClaim, leaseMs: number): Promise<boolean>;
  /** Records a finished, possibly incomplete sweep; the next is due at `nextAt`, or now if an operator has requested one meanwhile. */
  complete(claim: SweepClaim, report: SweepReport, nextAt: Date): Promise<void>;
  /** Records a failure: no worker may claim it for `waitMs`. */
  recordFailure(claim: SweepClaim, failure: string, waitMs: number): Promise<void>;
  /** Gives up an unfinished sweep, so that another worker may claim it now. */
  release(claim: SweepClaim): Promise<void>;
  /**
   * Requests a sweep now, for an operator. Resolves to the time of the request, by MongoDB's clock and later than any earlier one; null: the
   * tenant is unknown. A sweep that begins after it answers it and all waiting requests; removals are accepted if one of those requests accepts
   * them. A running sweep may be the one that answers the waiting requests, so an earlier acceptance does not carry over to the next.
   */
  request(workspaceId: string, request: { readonly acceptRemovals: boolean }): Promise<Date | null>;
  /**
   * Requests a sweep now that answers events. Resolves to the trace that it will belong to: `trace`, unless an earlier request that is not answered yet has
   * named one; null: the tenant is unknown.
   */
  requestForEvents(workspaceId: string, trace: string): Promise<string | null>;
  /** Makes every tenant due whose last sweep began before `since`. */
  outdate(since: Date): Promise<void>;
  list(workspaceId?: string): Promise<SweepStatus[]>;
  /** Of these tenants, in no order. */
  of(workspaceIds: readonly string[]): Promise<SweepStatus[]>;
  /** What each tenant's sweep is like, without its report. */
  brief(): Promise<readonly BriefSweep[]>;
  /** The last complete comparison of each tenant, oldest first, read as they are iterated; null (not yet) comes first. */
  completions(): AsyncIterable<{ readonly workspaceId: string; readonly completedAt: Date | null }>;
  /** Tenants whose last sweep stopped before removing too much, and how many they are. */
  stopped(): Promise<string[]>;
  countStopped(): Promise<number>;
  /** Tenants whose last sweep could not compare everything. */
  incomplete(): Promise<string[]>;
}

export interface BriefSweep extends Pick<SweepStatus, 'workspaceId' | 'claimedBy' | 'failures' | 'completedAt'> {
  readonly isStopped: boolean;
  readonly isIncomplete: boolean;
}

interface SweepDocument {
  /** workspaceId */
  readonly _id: string;
  readonly activation: Date;
  readonly dueAt: Date;
  readonly claimedUntil: Date;
  readonly claimedBy: string | null;
  readonly failures: number;
  readonly failure: string | null;
  readonly request: SweepRequest | null;
  /** Absent in documents of an earlier version. */
  readonly answered?: Date | null;
  readonly lastStartedAt: Date | null;
  readonly completedAt: Date | null;
  readonly last: SweepReport | null;
  /** Absent in documents of an earlier version. */
  readonly incompleteSince?: Date | null;
}

/** Ids per query. */
const idsPerQuery = 10_000;

export function createSweepLedger(db: Db): SweepLedger {
  const sweeps = openCollection<SweepDocument>(db, 'sweeps');

  function ask(workspaceId: string, acceptRemovals: boolean, trace?: string): Promise<SweepRequest | null> {
    return orUnavailable('a sweep could not be requested', async () => {
      const now = new Date();
      // A request ends the wait after a failure.
      const isUnclaimed = { $eq: ['$claimedBy', null] };
      const claimedUntil = { $cond: [isUnclaimed, now, '$claimedUntil'] };
      // MongoDB's clock only, and never the time of another request: a request recognises its answer by this time.
      const at = { $max: ['$$NOW', { $add: ['$request.at', 1] }, { $add: ['$answered', 1] }] };
      // A later request without an acceptance does not revoke that of a waiting one.
      const acceptedBefore = { $and: [isUnclaimed, { $eq: ['$request.acceptRemovals', true] }] };
      // Without one, that of a waiting request stays.
      const traced = trace === undefined ? {} : { trace: { $ifNull: ['$request.trace', { $literal: trace }] } };
      const asking = { at, acceptRemovals: acceptRemovals || acceptedBefore, ...traced };
      const set = { request: asking, dueAt: { $min: ['$dueAt', now] }, claimedUntil, failures: 0, failure: null };
      const options = { returnDocument: 'after', projection: { request: 1 } } as const;
      const asked = await sweeps.findOneAndUpdate({ _id: workspaceId }, [{ $set: set }], options);
      return asked?.request ?? null;
    });
  }

  return {
    due: () => inTurn(sweeps.find(dueNow(), { projection: { _id: 1 } }).sort({ dueAt: 1 }), ({ _id }) => _id, unreadable),

    newlyActive: (tenants) =>
      orUnavailable(unreadable, async () => {
        const free: ActiveTenant[] = [];
        const taken: ActiveTenant[] = [];
        for (let from = 0; from < tenants.length; from += idsPerQuery) {
          const some = tenants.slice(from, from + idsPerQuery);
          const _id = { $in: some.map(({ workspaceId }) => workspaceId) };
          const found = await sweeps.find({ _id }, { projection: { activation: 1, claimedUntil: 1, claimedBy: 1 } }).toArray();
          const known = new Map(found.map((document) => [document._id, document]));
          const now = new Date();
          for (const tenant of some) {
            const document = known.get(tenant.workspaceId);
            if (document !== undefined && document.activation >= tenant.activation) continue;
            const isFree = document === undefined || document.claimedBy === null || document.claimedUntil <= now;
            (isFree ? free : taken).push(tenant);
          }
        }
        return { free, taken };
      }),

    postpone: (workspaceIds, at) =>
      orUnavailable('sweeps could not be postponed', async () => {
        if (workspaceIds.length === 0) return;
        await sweeps.updateMany({ _id: { $in: [...workspaceIds] }, ...dueNow(), request: null }, { $set: { dueAt: at } });
      }),

    async claim({ workspaceId, activation }, worker, leaseMs) {
      const now = new Date();
      // A newly active connection ends the wait after a failure.
      const reactivated = { activation: { $lt: activation }, $or: [{ claimedUntil: { $lte: now } }, { claimedBy: null }] };
      const free = { _id: workspaceId, $or: [{ claimedUntil: { $lte: now }, dueAt: { $lte: now } }, reactivated] };
      try {
        const claimed = await sweeps.findOneAndUpdate(
          free,
          {
            $set: { claimedUntil: later(leaseMs), claimedBy: worker },
            $max: { activation },
            // Stays due until a sweep completes: the activation alone makes it due only once.
            $min: { dueAt: now },
            $setOnInsert: { failures: 0, failure: null, request: null, lastStartedAt: null, completedAt: null, last: null },
          },
          { upsert: true, returnDocument: 'after' },
        );
        if (claimed === null) return null;
        const { dueAt, lastStartedAt, request, failures, incompleteSince = null } = claimed;
        return { workspaceId, activation: claimed.activation, worker, dueAt, lastStartedAt, request, failures, incompleteSince };
      } catch (error) {
        // The document exists and is not free.
        if (error instanceof MongoServerError && error.code === duplicateKey) return null;
        throw unavailable('a sweep could not be claimed', error);
      }
    },

    renew: (claim, leaseMs) =>
      orUnavailable('a claim could not be renewed', async () => {
        const renewed = await sweeps.updateOne(mine(claim), { $set: { claimedUntil: later(leaseMs) } });
        return renewed.matchedCount === 1;
      }),

    complete: (claim, report, nextAt) =>
      orUnavailable('a sweep could not be recorded', async () => {
        const askedMeanwhile = { $gt: ['$request.at', claim.request?.at ?? new Date(0)] };
        const now = new Date();
        await sweeps.updateOne(mine(claim), [
          {
            $set: {
              dueAt: { $cond: [askedMeanwhile, now, nextAt] },
              request: { $cond: [askedMeanwhile, '$request', null] },
              ...(claim.request === null ? {} : { answered: claim.request.at }),
              claimedUntil: now,
              claimedBy: null,
              failures: 0,
              failure: null,
              lastStartedAt: report.startedAt,
              last: { $literal: report },
              incompleteSince: report.incomplete === undefined ? null : (claim.incompleteSince ?? report.startedAt),
              ...(report.stopped || report.incomplete !== undefined ? {} : { completedAt: report.endedAt }),
            },
          },
        ]);
      }),

    recordFailure: (claim, failure, waitMs) =>
      orUnavailable('the failure of a sweep could not be recorded', async () => {
        const set = { claimedUntil: later(waitMs), claimedBy: null, failure, failures: claim.failures + 1 };
        await sweeps.updateOne(mine(claim), { $set: set });
      }),

    release: (claim) =>
      orUnavailable('a sweep could not be released', async () => {
        await sweeps.updateOne(mine(claim), { $set: { claimedUntil: new Date(), claimedBy: null } });
      }),

    request: async (workspaceId, { acceptRemovals }) => (await ask(workspaceId, acceptRemovals))?.at ?? null,
    requestForEvents: async (workspaceId, trace) => (await ask(workspaceId, false, trace))?.trace ?? null,

    outdate: (since) =>
      orUnavailable('sweeps could not be made due', async () => {
        const now = new Date();
        await sweeps.updateMany({ lastStartedAt: { $lt: since }, dueAt: { $gt: now } }, { $set: { dueAt: now } });
      }),

    list: (workspaceId) =>
      orUnavailable(unreadable, async () => {
        const found = await sweeps
          .find(workspaceId === undefined ? {} : { _id: workspaceId })
          .sort({ _id: 1 })
          .toArray();
        return found.map(statusOf);
      }),

    of: (workspaceIds) =>
      orUnavailable(unreadable, async () => {
        const found = await sweeps.find({ _id: { $in: [...workspaceIds] } }, pageReads).toArray();
        return found.map(statusOf);
      }),

    brief: () =>
      orUnavailable(unreadable, async () => {
        const projection = { claimedBy: 1, failures: 1, completedAt: 1, 'last.stopped': 1, incompleteSince: 1 } as const;
        // By a condition that all meet, the index has every field.
        const found = await sweeps.find({ _id: { $gte: '' } }, { ...pageReads, projection, sort: { _id: 1 } }).toArray();
        return found.map(({ _id, claimedBy, failures, completedAt, last, incompleteSince = null }) => ({
          workspaceId: _id,
          claimedBy,
          failures,
          completedAt,
          isStopped: last?.stopped === true,
          isIncomplete: incompleteSince !== null,
        }));
      }),

    completions: () =>
      inTurn(
        sweeps.find({}, { projection: { completedAt: 1 } }).sort({ completedAt: 1 }),
        ({ _id, completedAt }) => ({ workspaceId: _id, completedAt }),
        unreadable,
      ),

    stopped: () => idsOf({ 'last.stopped': true }),
    countStopped: () => orUnavailable(unreadable, () => sweeps.countDocuments({ 'last.stopped': true }, pageReads)),
    incomplete: () => idsOf({ incompleteSince: { $gt: new Date(0) } }),
  };

  async function idsOf(filter: Filter<SweepDocument>): Promise<string[]> {
    return orUnavailable(unreadable, async () => {
      const found = await sweeps.find(filter, { projection: { _id: 1 } }).toArray();
      return found.map(({ _id }) => _id);
    });
  }
}

const unreadable = 'sweeps could not be read';

function statusOf(document: SweepDocument): SweepStatus {
  const { _id, activation: _activation, lastStartedAt: _lastStartedAt, incompleteSince: _since, ...status } = document;
  return { workspaceId: _id, ...status, answered: status.answered ?? null };
}

/** A filter for the document, if the claim still holds. */
function mine({ workspaceId, worker }: SweepClaim): { _id: string; claimedBy: string } {
  return { _id: workspaceId, claimedBy: worker };
}

function dueNow(): { dueAt: { $lte: Date }; claimedUntil: { $lte: Date } } {
  const now = new Date();
  return { dueAt: { $lte: now }, claimedUntil: { $lte: now } };
}

function later(ms: number): Date {
  return new Date(Date.now() + ms);
}
