import { MongoServerError, type Db } from 'mongodb';
import { openCollection } from './collections.ts';
import { duplicateKey, orUnavailable, unavailable } from './errors.ts';

/** A tenant with an active connection. `activation`: when the newest of them became active, its `updatedAt`. */
export interface ActiveTenant {
  readonly workspaceId: string;
  readonly activation: Date;
}

/** A sweep that somebody has taken. */
export interface SweepClaim extends ActiveTenant {
  readonly worker: string;
  /** When it was due. */
  readonly dueAt: Date;
  /** When the last sweep that came to its end began; null: there was none. */
  readonly lastStartedAt: Date | null;
  /** What an operator asked for; null: nobody did. */
  readonly request: SweepRequest | null;
  /** Sweeps that failed since one came to its end. */
  readonly failures: number;
}

export interface SweepRequest {
  readonly at: Date;
  /** However many databases it would remove. */
  readonly acceptRemovals: boolean;
}

/** What a sweep came to. */
export interface SweepReport {
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly depth: 'search' | 'full';
  /** Live databases of the mirror when it began, and data sources that Notion's search showed. */
  readonly held: number;
  readonly found: number;
  /** Sync events appended, by why. */
  readonly events: Readonly<Record<string, number>>;
  /** Databases that Notion no longer shows. Above what a sweep removes by itself, it has stopped before them. */
  readonly removals: number;
  readonly stopped: boolean;
}

export interface SweepStatus {
  readonly workspaceId: string;
  readonly dueAt: Date;
  /** Until when somebody has it, or nobody takes it because it failed. */
  readonly claimedUntil: Date;
  readonly claimedBy: string | null;
  readonly failures: number;
  readonly failure: string | null;
  readonly request: SweepRequest | null;
  readonly completedAt: Date | null;
  readonly last: SweepReport | null;
}

/**
 * When each tenant is to be compared with Notion, who does it now, and what came of it. One document for each tenant: whoever claims it has
 * it until the claim runs out, however many workers ask. All reject with a `StoreUnavailableError` when MongoDB is away.
 */
export interface SweepLedger {
  /** Those that are due, longest first: their time has come, or a connection has become active since they were claimed last. */
  due(tenants: readonly ActiveTenant[]): Promise<ActiveTenant[]>;
  /** Null: it is not due any more, or somebody has it. */
  claim(tenant: ActiveTenant, worker: string, leaseMs: number): Promise<SweepClaim | null>;
  /** False: somebody else has it by now. */
  renew(claim: SweepClaim, leaseMs: number): Promise<boolean>;
  /** It came to its end; the next is due at `nextAt`, or now if an operator has asked meanwhile. */
  complete(claim: SweepClaim, report: SweepReport, nextAt: Date): Promise<void>;
  /** It failed: nobody takes it for `waitMs`. */
  putOff(claim: SweepClaim, failure: string, waitMs: number): Promise<void>;
  /** It was not finished, and somebody else may do it now. */
  release(claim: SweepClaim): Promise<void>;
  /** An operator wants it now. Resolves to the time of the request; null: nothing is known of the tenant. */
  request(workspaceId: string, request: { readonly acceptRemovals: boolean }): Promise<Date | null>;
  list(workspaceId?: string): Promise<SweepStatus[]>;
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
  readonly lastStartedAt: Date | null;
  readonly completedAt: Date | null;
  readonly last: SweepReport | null;
}

export function createSweepLedger(db: Db): SweepLedger {
  const sweeps = openCollection<SweepDocument>(db, 'sweeps');

  return {
    due: (tenants) =>
      orUnavailable('sweeps could not be read', async () => {
        const _id = { $in: tenants.map(({ workspaceId }) => workspaceId) };
        const found = await sweeps.find({ _id }, { projection: { activation: 1, dueAt: 1, claimedUntil: 1, claimedBy: 1 } }).toArray();
        const known = new Map(found.map((document) => [document._id, document]));
        const now = Date.now();
        return tenants
          .map((tenant) => ({ tenant, at: dueSince(tenant, known.get(tenant.workspaceId)) }))
          .filter(({ at }) => at <= now)
          .toSorted((a, b) => a.at - b.at)
          .map(({ tenant }) => tenant);
      }),

    async claim({ workspaceId, activation }, worker, leaseMs) {
      const now = new Date();
      // One that was put off is not put off any more when a connection becomes active.
      const anew = { activation: { $lt: activation }, $or: [{ claimedUntil: { $lte: now } }, { claimedBy: null }] };
      const free = { _id: workspaceId, $or: [{ claimedUntil: { $lte: now }, dueAt: { $lte: now } }, anew] };
      try {
        const claimed = await sweeps.findOneAndUpdate(
          free,
          {
            $set: { claimedUntil: later(leaseMs), claimedBy: worker },
            $max: { activation },
            // Due until it is complete, whoever claims it: the activation alone says so only once.
            $min: { dueAt: now },
            $setOnInsert: { failures: 0, failure: null, request: null, lastStartedAt: null, completedAt: null, last: null },
          },
          { upsert: true, returnDocument: 'after' },
        );
        if (claimed === null) return null;
        const { dueAt, lastStartedAt, request, failures } = claimed;
        return { workspaceId, activation: claimed.activation, worker, dueAt, lastStartedAt, request, failures };
      } catch (error) {
        // The document is there and not free.
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
              claimedUntil: now,
              claimedBy: null,
              failures: 0,
              failure: null,
              lastStartedAt: report.startedAt,
              last: { $literal: report },
              ...(report.stopped ? {} : { completedAt: report.endedAt }),
            },
          },
        ]);
      }),

    putOff: (claim, failure, waitMs) =>
      orUnavailable('a sweep could not be put off', async () => {
        const set = { claimedUntil: later(waitMs), claimedBy: null, failure, failures: claim.failures + 1 };
        await sweeps.updateOne(mine(claim), { $set: set });
      }),

    release: (claim) =>
      orUnavailable('a sweep could not be released', async () => {
        await sweeps.updateOne(mine(claim), { $set: { claimedUntil: new Date(), claimedBy: null } });
      }),

    request: (workspaceId, { acceptRemovals }) =>
      orUnavailable('a sweep could not be asked for', async () => {
        const now = new Date();
        // One that was put off since it failed is not put off for an operator.
        const claimedUntil = { $cond: [{ $eq: ['$claimedBy', null] }, now, '$claimedUntil'] };
        const set = { request: { at: now, acceptRemovals }, dueAt: { $min: ['$dueAt', now] }, claimedUntil, failures: 0, failure: null };
        const asked = await sweeps.updateOne({ _id: workspaceId }, [{ $set: set }]);
        return asked.matchedCount === 1 ? now : null;
      }),

    list: (workspaceId) =>
      orUnavailable('sweeps could not be read', async () => {
        const found = await sweeps
          .find(workspaceId === undefined ? {} : { _id: workspaceId })
          .sort({ _id: 1 })
          .toArray();
        return found.map(({ _id, activation: _activation, lastStartedAt: _lastStartedAt, ...status }) => ({ workspaceId: _id, ...status }));
      }),
  };
}

/** The document, if the claim still holds. */
function mine({ workspaceId, worker }: SweepClaim): { _id: string; claimedBy: string } {
  return { _id: workspaceId, claimedBy: worker };
}

/** Since when a tenant is due, or from when it will be; epoch milliseconds. */
function dueSince(
  { activation }: ActiveTenant,
  known: Pick<SweepDocument, 'activation' | 'dueAt' | 'claimedUntil' | 'claimedBy'> | undefined,
): number {
  if (known === undefined) return 0;
  const { dueAt, claimedUntil, claimedBy } = known;
  if (known.activation < activation) return claimedBy === null ? 0 : claimedUntil.getTime();
  return Math.max(dueAt.getTime(), claimedUntil.getTime());
}

function later(ms: number): Date {
  return new Date(Date.now() + ms);
}
