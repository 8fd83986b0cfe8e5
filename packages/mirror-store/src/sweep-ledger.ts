import { MongoServerError, type Db, type Filter, type FindCursor } from 'mongodb';
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
  /** When the first of the incomplete sweeps began that were not followed by a complete one; null: the last one was complete. */
  readonly incompleteSince: Date | null;
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
  /** What could not be compared; not there when everything was. */
  readonly incomplete?: IncompleteSweep;
}

/** Why a sweep has not compared everything. All else was compared. */
export interface IncompleteSweep {
  /** Connections whose search could not be read to its end: what only they see and the mirror lacks may have been missed. */
  readonly searches: readonly { readonly connectionId: string; readonly because: string }[];
  /** How many databases could not be compared, and the first of them. */
  readonly uncompared: number;
  readonly databases: readonly { readonly databaseId: string; readonly because: string }[];
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
  /** The newest request that a sweep has answered: every one until then is answered. Null: none was. */
  readonly answered: Date | null;
  readonly completedAt: Date | null;
  readonly last: SweepReport | null;
}

/**
 * When each tenant is to be compared with Notion, who does it now, and what came of it. One document for each tenant: whoever claims it has
 * it until the claim runs out, however many workers ask. All reject with a `StoreUnavailableError` when MongoDB is away.
 */
export interface SweepLedger {
  /**
   * Those whose time has come and whom nobody has, longest first, one after the other as they are asked for. What it costs follows from how many those are, not from how many
   * tenants there are: a tenant whose newest activation the ledger does not know is not among them.
   */
  due(): AsyncIterable<string>;
  /** Which of these tenants the ledger does not know, or not with this activation: they are due at once. `free`: nobody has them now. */
  newlyActive(tenants: readonly ActiveTenant[]): Promise<{ readonly free: ActiveTenant[]; readonly taken: ActiveTenant[] }>;
  /** None of its connections is active: its time comes again at `at`, unless an operator wants it, or one becomes active. */
  postpone(workspaceIds: readonly string[], at: Date): Promise<void>;
  /** Null: it is not due any more, or somebody has it. */
  claim(tenant: ActiveTenant, worker: string, leaseMs: number): Promise<SweepClaim | null>;
  /** False: somebody else has it by now. */
  renew(claim: SweepClaim, leaseMs: number): Promise<boolean>;
  /** It came to its end, if perhaps an incomplete one; the next is due at `nextAt`, or now if an operator has asked meanwhile. */
  complete(claim: SweepClaim, report: SweepReport, nextAt: Date): Promise<void>;
  /** It failed: nobody takes it for `waitMs`. */
  putOff(claim: SweepClaim, failure: string, waitMs: number): Promise<void>;
  /** It was not finished, and somebody else may do it now. */
  release(claim: SweepClaim): Promise<void>;
  /**
   * An operator wants it now. Resolves to the time of the request, MongoDB's and later than that of any before; null: nothing is known of the tenant. A sweep that begins
   * after it answers it, and those that wait with it; removals that one of them accepts are accepted. While a sweep is under way it may be the one that
   * answers what waits: an acceptance from before does not pass to the next.
   */
  request(workspaceId: string, request: { readonly acceptRemovals: boolean }): Promise<Date | null>;
  list(workspaceId?: string): Promise<SweepStatus[]>;
  /** When each was compared completely, longest ago first, one after the other as they are asked for; null first: not yet. */
  completions(): AsyncIterable<{ readonly workspaceId: string; readonly completedAt: Date | null }>;
  /** Those whose last sweep stopped before it removed too much. */
  stopped(): Promise<string[]>;
  /** Those whose last sweep could not compare everything. */
  incomplete(): Promise<string[]>;
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
  /** Not there in a document of an earlier version. */
  readonly answered?: Date | null;
  readonly lastStartedAt: Date | null;
  readonly completedAt: Date | null;
  readonly last: SweepReport | null;
  /** Not there in a document of an earlier version. */
  readonly incompleteSince?: Date | null;
}

/** Ids in one query. */
const askedAtOnce = 10_000;

export function createSweepLedger(db: Db): SweepLedger {
  const sweeps = openCollection<SweepDocument>(db, 'sweeps');

  return {
    due: () => inTurn(sweeps.find(dueNow(), { projection: { _id: 1 } }).sort({ dueAt: 1 }), ({ _id }) => _id),

    newlyActive: (tenants) =>
      orUnavailable('sweeps could not be read', async () => {
        const free: ActiveTenant[] = [];
        const taken: ActiveTenant[] = [];
        for (let from = 0; from < tenants.length; from += askedAtOnce) {
          const some = tenants.slice(from, from + askedAtOnce);
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
        const { dueAt, lastStartedAt, request, failures, incompleteSince = null } = claimed;
        return { workspaceId, activation: claimed.activation, worker, dueAt, lastStartedAt, request, failures, incompleteSince };
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
        const isUnclaimed = { $eq: ['$claimedBy', null] };
        const claimedUntil = { $cond: [isUnclaimed, now, '$claimedUntil'] };
        // One clock, whoever asks, and never the time of another request: it is by this time that a request knows its answer.
        const at = { $max: ['$$NOW', { $add: ['$request.at', 1] }, { $add: ['$answered', 1] }] };
        // What one accepts that still waits, a later one that does not speak of it takes not back.
        const acceptedBefore = { $and: [isUnclaimed, { $eq: ['$request.acceptRemovals', true] }] };
        const request = { at, acceptRemovals: acceptRemovals || acceptedBefore };
        const set = { request, dueAt: { $min: ['$dueAt', now] }, claimedUntil, failures: 0, failure: null };
        const options = { returnDocument: 'after', projection: { request: 1 } } as const;
        const asked = await sweeps.findOneAndUpdate({ _id: workspaceId }, [{ $set: set }], options);
        return asked?.request?.at ?? null;
      }),

    list: (workspaceId) =>
      orUnavailable('sweeps could not be read', async () => {
        const found = await sweeps
          .find(workspaceId === undefined ? {} : { _id: workspaceId })
          .sort({ _id: 1 })
          .toArray();
        return found.map(({ _id, activation: _activation, lastStartedAt: _lastStartedAt, incompleteSince: _since, ...status }) => ({
          workspaceId: _id,
          ...status,
          answered: status.answered ?? null,
        }));
      }),

    completions: () =>
      inTurn(sweeps.find({}, { projection: { completedAt: 1 } }).sort({ completedAt: 1 }), ({ _id, completedAt }) => ({
        workspaceId: _id,
        completedAt,
      })),

    stopped: () => idsOf({ 'last.stopped': true }),
    incomplete: () => idsOf({ incompleteSince: { $gt: new Date(0) } }),
  };

  async function idsOf(filter: Filter<SweepDocument>): Promise<string[]> {
    return orUnavailable('sweeps could not be read', async () => {
      const found = await sweeps.find(filter, { projection: { _id: 1 } }).toArray();
      return found.map(({ _id }) => _id);
    });
  }
}

/** The document, if the claim still holds. */
function mine({ workspaceId, worker }: SweepClaim): { _id: string; claimedBy: string } {
  return { _id: workspaceId, claimedBy: worker };
}

function dueNow(): { dueAt: { $lte: Date }; claimedUntil: { $lte: Date } } {
  const now = new Date();
  return { dueAt: { $lte: now }, claimedUntil: { $lte: now } };
}

async function* inTurn<D, T>(cursor: FindCursor<D>, of: (document: D) => T): AsyncGenerator<T> {
  try {
    for await (const document of cursor) yield of(document);
  } catch (error) {
    throw unavailable('sweeps could not be read', error);
  } finally {
    await cursor.close();
  }
}

function later(ms: number): Date {
  return new Date(Date.now() + ms);
}
