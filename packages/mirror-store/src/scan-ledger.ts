import type { Db, Filter } from 'mongodb';
import {
  changeContents,
  idOfContents,
  openContents,
  type ContentsDocument,
  type DataSourceRef,
  type Scan,
  type StoredProgress,
} from './contents-document.ts';
import { orUnavailable } from './errors.ts';
import { inTurn } from './in-turn.ts';
import { afterScan, nextScan, nextScanAt, type ScanResults } from './scan-plan.ts';
import type { ScanLag } from './scan-wishes.ts';

export type { ScanFinding } from './scan-plan.ts';

/** A scan claimed by a worker. */
export interface ScanClaim extends DataSourceRef, Scan {
  readonly databaseId: string;
  readonly worker: string;
  /** When the last scan that ended began; null: none has. */
  readonly scannedAt: Date | null;
  /** Failed attempts at this scan. */
  readonly failures: number;
  /** As in the document. */
  readonly unlisted: readonly string[];
  /** The connections of the last scan of all rows; null: not known. */
  readonly connections: readonly string[] | null;
}

/**
 * The scans of all data sources: which are due, and who runs them. A claim is exclusive until it expires; the next worker resumes the scan where
 * its progress was stored last. Whatever a claim does after it was lost has no effect. All reject with a `StoreUnavailableError` when MongoDB is unavailable.
 */
export interface ScanLedger {
  /** Data sources with a due and unclaimed scan, longest due first, read as they are iterated. */
  due(): AsyncIterable<DataSourceRef>;
  /** Null: no scan may begin now, or another worker has claimed it. */
  claim(ref: DataSourceRef, worker: string, leaseMs: number): Promise<ScanClaim | null>;
  /** False: it is claimed by another worker, or not wanted any more. */
  renew(claim: ScanClaim, leaseMs: number): Promise<boolean>;
  /** Whether the claim still holds. */
  holds(claim: ScanClaim): Promise<boolean>;
  /** Stores where to resume; null: at the beginning. False: the claim is lost. */
  save(claim: ScanClaim, progress: StoredProgress | null): Promise<boolean>;
  /** Records a scan that ended. Wishes that it was too early for stay. */
  complete(claim: ScanClaim, results: ScanResults): Promise<void>;
  /** Records a failure: no worker may claim the scan for `waitMs`. `isIncomplete`: the rows cannot be scanned as things are, and the state says so. */
  fail(claim: ScanClaim, failure: string, waitMs: number, isIncomplete: boolean): Promise<void>;
  /** Gives up an unfinished scan, so that another worker may claim it now. It queues again behind all that are due. */
  release(claim: ScanClaim): Promise<void>;
  /** Makes the due scans of a tenant due at `at`, unless another wish comes before. */
  postpone(workspaceId: string, at: Date): Promise<void>;
  /** The last complete scan of each data source that is not off, oldest first, read as they are iterated; null (not yet) comes first. */
  completions(): AsyncIterable<{ readonly workspaceId: string; readonly followedAt: Date; readonly completeAsOf: Date | null }>;
  /** The tenant of each data source that is incomplete. */
  incomplete(): Promise<string[]>;
}

export function openScanLedger(db: Db, lag: ScanLag, now: () => Date = () => new Date()): ScanLedger {
  const contents = openContents(db);
  const later = (ms: number) => new Date(now().getTime() + ms);

  const unclaimed = () => ({ claimedUntil: now(), claimedBy: null });
  const change = (claim: ScanClaim, decide: (document: ContentsDocument) => Partial<ContentsDocument>) =>
    changeContents(contents, claim, (document) => (isMine(document, claim) ? decide(document) : null));

  return {
    due: () =>
      inTurn(
        contents.find(dueAt(now()), { projection: { _id: 0, workspaceId: 1, dataSourceId: 1 } }).sort({ dueAt: 1 }),
        ({ workspaceId, dataSourceId }) => ({ workspaceId, dataSourceId }),
        'scans could not be read',
      ),

    claim: (ref, worker, leaseMs) =>
      orUnavailable('a scan could not be claimed', async () => {
        const at = now();
        const claimed = await changeContents(contents, ref, (document) => {
          if (document.dueAt === null || document.dueAt > at || document.claimedUntil > at) return null;
          const hold = { claimedUntil: later(leaseMs), claimedBy: worker };
          if (document.scan !== null) return hold;
          const scan = nextScan(document, at, lag);
          // It is too early, which who wanted it could not know.
          return scan === null ? { dueAt: nextScanAt(document, lag) } : { ...hold, scan, wanted: null };
        });
        if (claimed === null || claimed.scan === null || claimed.claimedBy !== worker) return null;
        const { workspaceId, dataSourceId, databaseId, scan, last, failures, unlisted = [], connections = null } = claimed;
        return {
          workspaceId,
          dataSourceId,
          databaseId,
          worker,
          ...scan,
          scannedAt: last?.startedAt ?? null,
          failures,
          unlisted,
          connections,
        };
      }),

    renew: (claim, leaseMs) => update(claim, { claimedUntil: later(leaseMs) }),
    save: (claim, progress) => update(claim, { 'scan.progress': progress }),
    holds: (claim) =>
      orUnavailable('a scan could not be read', async () => (await contents.countDocuments(mine(claim), { limit: 1 })) === 1),

    complete: (claim, results) =>
      orUnavailable('a scan could not be recorded', async () => {
        await change(claim, (document) => ({ ...afterScan(document, claim, results, lag), ...unclaimed() }));
      }),

    fail: (claim, failure, waitMs, isIncomplete) =>
      orUnavailable('the failure of a scan could not be recorded', async () => {
        await change(claim, ({ scan }) => ({
          // Only a scan of all rows can tell that the reason is gone.
          ...(isIncomplete ? { state: 'incomplete', reason: failure, scan: scan && { ...scan, depth: 'all' } } : {}),
          ...unclaimed(),
          claimedUntil: later(waitMs),
          dueAt: now(),
          failure,
          failures: claim.failures + 1,
        }));
      }),

    release: (claim) =>
      orUnavailable('a scan could not be released', async () => {
        await change(claim, () => ({ ...unclaimed(), dueAt: now() }));
      }),

    postpone: (workspaceId, at) =>
      orUnavailable('scans could not be postponed', async () => {
        await contents.updateMany({ ...dueAt(now()), workspaceId }, { $set: { dueAt: at }, $inc: { rev: 1 } });
      }),

    completions: () =>
      inTurn(
        contents
          .find({ state: { $ne: 'off' } }, { projection: { _id: 0, workspaceId: 1, followedAt: 1, completeAsOf: 1 } })
          .sort({ completeAsOf: 1 }),
        ({ workspaceId, followedAt, completeAsOf }) => ({ workspaceId, followedAt, completeAsOf }),
        'scans could not be read',
      ),

    incomplete: () =>
      orUnavailable('scans could not be read', async () => {
        const found = await contents.find({ state: 'incomplete' }, { projection: { workspaceId: 1 } }).toArray();
        return found.map(({ workspaceId }) => workspaceId);
      }),
  };

  function update(
    claim: ScanClaim,
    set: { readonly claimedUntil: Date } | { readonly 'scan.progress': StoredProgress | null },
  ): Promise<boolean> {
    return orUnavailable('the claim of a scan could not be updated', async () => {
      const { matchedCount } = await contents.updateOne(mine(claim), { $set: set });
      return matchedCount === 1;
    });
  }
}

function dueAt(now: Date): Filter<ContentsDocument> {
  return { dueAt: { $lte: now }, claimedUntil: { $lte: now } };
}

function isMine({ claimedBy, scan }: ContentsDocument, { worker, startedAt }: ScanClaim): boolean {
  return claimedBy === worker && scan?.startedAt.getTime() === startedAt.getTime();
}

function mine({ worker, startedAt, ...ref }: ScanClaim): Filter<ContentsDocument> {
  return { _id: idOfContents(ref), claimedBy: worker, 'scan.startedAt': startedAt };
}
