import { MongoServerError, type Db } from 'mongodb';
import { changeContents, idOfContents, openContents, type ContentsDocument, type DataSourceRef, type Scan } from './contents-document.ts';
import { duplicateKey, orUnavailable } from './errors.ts';
import { isOutdated, wanting } from './scan-plan.ts';
import { openDecisions } from './rows-off.ts';
import { afterRebuild, firstBackfill, merged, wantedBy, type ScanWish } from './scan-wishes.ts';

export type { DataSourceRef } from './contents-document.ts';
export type { ScanDepth, ScanReason, ScanWish } from './scan-wishes.ts';

/** A data source of a live database, as its record shows it. `schema`: changes with its properties; null: the connection cannot read it. */
export interface FollowedSource {
  readonly dataSourceId: string;
  readonly schema: string | null;
}

/** For an operator, without what only a scan needs. */
export interface ContentsStatus extends Omit<
  ContentsDocument,
  '_id' | 'scan' | 'schema' | 'unlisted' | 'dependencyDueAt' | 'claimedBy' | 'rev'
> {
  /** The scan that runs or was interrupted. */
  readonly scan: (Pick<Scan, 'startedAt' | 'depth'> & { readonly isClaimed: boolean }) | null;
}

/**
 * What the mirror knows of the rows of each data source, as a whole: whether it has them all, and which scan is wanted. `scan-ledger.ts` hands out the
 * scans. All reject with a `StoreUnavailableError` when MongoDB is unavailable.
 */
export interface DataSourceContents {
  /**
   * Makes the documents of a database agree with its record: wants a scan of each source that is new here or whose schema is another. Resolves to
   * the data sources that the database no longer has: their rows are to be removed, then `forget` them. Safe to run again, so a crash in between is repaired.
   */
  follow(database: { readonly workspaceId: string; readonly databaseId: string }, sources: readonly FollowedSource[]): Promise<string[]>;
  /**
   * Adds to what is wanted; a running scan is not disturbed, except that the rows of a data source which `came_back` are scanned from the beginning. A
   * wish of an operator ends the wait after a failure. False: the mirror has no such data source, or an operator turned its rows off.
   */
  want(ref: DataSourceRef, wish: ScanWish): Promise<boolean>;
  /**
   * Of every data source whose rows were last read too early for what happened before `since`, when events were no longer missed: nothing is known any more,
   * and a scan of all rows is wanted (`rows_were_off`). Safe to run again. Resolves to the number of those that this changed.
   */
  outdate(since: Date, lagMs: number): Promise<number>;
  /** The database that the data source is in, as the documents say. Null: there is no document of it. */
  holderOf(ref: DataSourceRef): Promise<string | null>;
  /**
   * Ends its scans, and wants none any more, also when the data source goes and comes back; its rows are left to the caller. False: the mirror has no such data
   * source.
   */
  turnOff(ref: DataSourceRef): Promise<boolean>;
  /** Wants its first backfill. False: it is not off. */
  turnOn(ref: DataSourceRef): Promise<boolean>;
  /** The tenant's records were restored from the state log: none of its data sources counts as complete, and each is scanned at once, unless it is off. */
  wasRebuilt(workspaceId: string): Promise<void>;
  /** Of one tenant, or of all; in order of their ids. */
  list(workspaceId?: string): Promise<ContentsStatus[]>;
  /** Deletes the document of a data source that has been removed with its rows. */
  forget(ref: DataSourceRef): Promise<void>;
}

export function openDataSourceContents(db: Db, now: () => Date = () => new Date()): DataSourceContents {
  const contents = openContents(db);
  const decisions = openDecisions(db);

  async function add({ workspaceId, databaseId, dataSourceId, schema }: FollowedSource & DataSourceRef & { readonly databaseId: string }) {
    const at = now();
    const _id = idOfContents({ workspaceId, dataSourceId });
    const isOff = (await decisions.findOne({ _id }, { projection: { _id: 1 } })) !== null;
    const document: ContentsDocument = {
      _id,
      workspaceId,
      dataSourceId,
      databaseId,
      ...unknownRows,
      ...(isOff ? off : { state: 'scanning', wanted: firstBackfill(at), dueAt: at }),
      last: null,
      fullAt: null,
      schemaDueAt: null,
      schema,
      followedAt: at,
      claimedUntil: at,
      rev: 1,
    };
    try {
      await contents.insertOne(document);
    } catch (error) {
      // Another worker has added it meanwhile.
      if (!(error instanceof MongoServerError && error.code === duplicateKey)) throw error;
    }
  }

  return {
    follow: ({ workspaceId, databaseId }, sources) =>
      orUnavailable('the data sources could not be followed', async () => {
        const ids = sources.map(({ dataSourceId }) => idOfContents({ workspaceId, dataSourceId }));
        const known = await contents
          .find(
            { $or: [{ workspaceId, databaseId }, { _id: { $in: ids } }] },
            { projection: { dataSourceId: 1, databaseId: 1, schema: 1 } },
          )
          .toArray();
        for (const source of sources) {
          const document = known.find(({ dataSourceId }) => dataSourceId === source.dataSourceId);
          if (document === undefined) await add({ ...source, workspaceId, databaseId });
          else if (followed(document, databaseId, source) !== null) {
            await changeContents(contents, { workspaceId, dataSourceId: source.dataSourceId }, (current) => {
              const changes = followed(current, databaseId, source);
              if (changes === null || current.state === 'off') return changes;
              const reasons = [changes.databaseId === undefined ? ('schema_changed' as const) : ('moved' as const)];
              const at = now();
              // A scan may have failed because no database had the data source.
              const waits = changes.databaseId === undefined ? {} : withoutWait(current, at);
              return wanting(current, wantedBy({ reasons, depth: 'all', at, raisesAll: false, dueAt: at }), { ...changes, ...waits });
            });
          }
        }
        const listed = new Set(sources.map(({ dataSourceId }) => dataSourceId));
        return known
          .filter((one) => one.databaseId === databaseId && !listed.has(one.dataSourceId))
          .map(({ dataSourceId }) => dataSourceId);
      }),

    want: (ref, wish) =>
      orUnavailable('a scan could not be wanted', async () => {
        const changed = await changeContents(contents, ref, (current) => {
          if (current.state === 'off') return null;
          // Its rows were removed, also those that a scan had seen already.
          const begun = wish.reasons.includes('came_back') ? begunAgain(current, now()) : {};
          const waits = wish.reasons.includes('operator') ? withoutWait(current, now()) : {};
          return wanting(current, wantedBy(wish), { ...begun, ...waits });
        });
        return changed !== null;
      }),

    outdate: (since, lagMs) =>
      orUnavailable('the data sources could not be outdated', async () => {
        const bound = { $lt: new Date(since.getTime() + lagMs) };
        const tooEarly = contents.find(
          { state: { $ne: 'off' }, $or: [{ fullAt: bound }, { 'scan.startedAt': bound }] },
          { projection: { _id: 0, workspaceId: 1, dataSourceId: 1 } },
        );
        let count = 0;
        for await (const { workspaceId, dataSourceId } of tooEarly) {
          const changed = await changeContents(contents, { workspaceId, dataSourceId }, (current) => {
            if (!isOutdated(current, since, lagMs)) return null;
            const wish = wantedBy({ reasons: ['rows_were_off'], depth: 'all', at: since, raisesAll: false, dueAt: since });
            return wanting(current, wish, { ...begunAgain(current, now()), followedAt: now() });
          });
          if (changed !== null) count += 1;
        }
        return count;
      }),

    holderOf: (ref) =>
      orUnavailable('a data source could not be read', async () => {
        const found = await contents.findOne({ _id: idOfContents(ref) }, { projection: { databaseId: 1 } });
        return found?.databaseId ?? null;
      }),

    turnOff: (ref) =>
      orUnavailable('a data source could not be turned off', async () => {
        const _id = idOfContents(ref);
        if ((await contents.countDocuments({ _id }, { limit: 1 })) === 0) return false;
        const { workspaceId, dataSourceId } = ref;
        // First, so that nothing which begins now goes on.
        await decisions.updateOne({ _id }, { $setOnInsert: { workspaceId, dataSourceId, since: now() } }, { upsert: true });
        await changeContents(contents, ref, () => ({ ...unknownRows, ...off, schemaDueAt: null }));
        return true;
      }),

    turnOn: (ref) =>
      orUnavailable('a data source could not be turned on', async () => {
        await decisions.deleteOne({ _id: idOfContents(ref) });
        const changed = await changeContents(contents, ref, (current) => {
          if (current.state !== 'off') return null;
          const at = now();
          return { state: 'scanning', wanted: firstBackfill(at), dueAt: at, claimedUntil: at };
        });
        return changed !== null;
      }),

    wasRebuilt: (workspaceId) =>
      orUnavailable('the data sources could not be changed', async () => {
        const found = contents.find({ workspaceId, state: { $ne: 'off' } }, { projection: { dataSourceId: 1 } });
        for await (const { dataSourceId } of found) {
          await changeContents(contents, { workspaceId, dataSourceId }, (current) => {
            if (current.state === 'off') return null;
            const at = now();
            const begun = { state: 'incomplete' as const, reason: 'rebuilt: not scanned since', claimedUntil: at, dueAt: null };
            return wanting(current, afterRebuild(at), { ...unknownRows, ...begun });
          });
        }
      }),

    list: (workspaceId) =>
      orUnavailable('the data sources could not be read', async () => {
        const found = await contents
          .find(workspaceId === undefined ? {} : { workspaceId }, { projection: { 'scan.progress': 0, unlisted: 0, dependencyDueAt: 0 } })
          .sort({ _id: 1 })
          .toArray();
        return found.map(({ _id, ...document }) => statusOf(document));
      }),

    forget: (ref) =>
      orUnavailable('a data source could not be forgotten', async () => {
        await contents.deleteOne({ _id: idOfContents(ref) });
      }),
  };
}

/** Nothing is known of its rows, and no scan runs. */
const unknownRows = {
  rows: null,
  completeAsOf: null,
  truncated: [],
  reason: null,
  unlisted: [],
  scan: null,
  nextFullAt: null,
  failures: 0,
  failure: null,
  claimedBy: null,
} as const;

const off = { state: 'off', wanted: null, dueAt: null } as const;

/**
 * Its rows are to be scanned from the beginning: what a running scan was wanted for is wanted again. That scan has lost its claim, and a failure says nothing
 * any more, so neither is waited for.
 */
function begunAgain({ wanted, scan }: ContentsDocument, at: Date): Partial<ContentsDocument> {
  return { ...unknownRows, state: 'scanning', wanted: merged(wanted, scan?.wish ?? null), claimedUntil: at };
}

/** Ends the wait after a failure; a scan that runs keeps its claim. */
function withoutWait({ claimedBy }: ContentsDocument, at: Date): Partial<ContentsDocument> {
  return claimedBy === null ? { claimedUntil: at, failures: 0 } : {};
}

/** Null: the document agrees with the database's record. */
function followed(
  document: Pick<ContentsDocument, 'databaseId' | 'schema'>,
  databaseId: string,
  { schema }: FollowedSource,
): Partial<Pick<ContentsDocument, 'databaseId' | 'schema'>> | null {
  const isMoved = document.databaseId !== databaseId;
  const isChanged = schema !== null && document.schema !== schema;
  if (!isMoved && !isChanged) return null;
  return { ...(isMoved ? { databaseId } : {}), ...(isChanged ? { schema } : {}) };
}

function statusOf({ scan, schema: _schema, claimedBy, rev: _rev, ...status }: Omit<ContentsDocument, '_id'>): ContentsStatus {
  return { ...status, scan: scan && { startedAt: scan.startedAt, depth: scan.depth, isClaimed: claimedBy !== null } };
}
