import type { Db } from 'mongodb';
import {
  idOfContents,
  openContents,
  type ContentsDocument,
  type ContentsState,
  type DataSourceRef,
  type FailedRow,
  type Scan,
  type StoredProgress,
} from './contents-document.ts';
import { orUnavailable } from './errors.ts';
import { pageReads } from './page-reads.ts';

/** What `data_source_contents` says of all tenants. */
export interface ContentsSummary {
  /** Data sources by state. */
  readonly states: Readonly<Record<ContentsState, number>>;
  /** Of the last complete scans. */
  readonly rows: { readonly live: number; readonly archived: number };
  /** Of the data sources that were complete once and are not off; null: there are none. */
  readonly oldestCompleteAsOf: Date | null;
}

/** The document of a data source as an operator sees it. */
export interface SourceContents extends Pick<
  ContentsDocument,
  | 'workspaceId'
  | 'databaseId'
  | 'dataSourceId'
  | 'state'
  | 'reason'
  | 'rows'
  | 'completeAsOf'
  | 'truncated'
  | 'last'
  | 'wanted'
  | 'failures'
  | 'failure'
  | 'dueAt'
  | 'nextFullAt'
> {
  /** The scan that runs (`isClaimed`) or was interrupted. */
  readonly scan: SourceScan | null;
}

export interface SourceScan extends Pick<Scan, 'startedAt' | 'depth' | 'wish'> {
  readonly isClaimed: boolean;
  /** Rows that it has read so far; those that it read through several connections count once for each. */
  readonly rows: number;
  /** Rows that could not be written so far. */
  readonly failed: readonly FailedRow[];
}

/** `id`: of a data source or of a database. */
export interface ContentsQuery {
  readonly workspaceId?: string;
  readonly id?: string;
  readonly states?: readonly ContentsState[];
}

/** All reject with a `StoreUnavailableError` when MongoDB is unavailable. */
export interface ContentsReports {
  summary(): Promise<ContentsSummary>;
  /** The number of a tenant's data sources by state. */
  states(workspaceId: string): Promise<ContentsSummary['states']>;
  /** In order of tenant and data source. */
  list(query: ContentsQuery, limit: number): Promise<SourceContents[]>;
  /** Null: the mirror has no such data source. */
  read(source: DataSourceRef): Promise<SourceContents | null>;
}

interface StateCount {
  readonly _id: ContentsState;
  readonly sources: number;
  readonly live: number;
  readonly archived: number;
  readonly oldest: Date | null;
}

export function openContentsReports(db: Db): ContentsReports {
  const contents = openContents(db);
  return {
    summary: () =>
      orUnavailable('the data sources could not be counted', async () => {
        // The condition, which all meet, and the order let the index answer.
        const all = { $match: { state: { $gte: '' } } };
        const group = {
          $group: {
            _id: '$state',
            sources: { $sum: 1 },
            live: { $sum: '$rows.live' },
            archived: { $sum: '$rows.archived' },
            oldest: { $min: '$completeAsOf' },
          },
        };
        const counts = await contents.aggregate<StateCount>([all, group], pageReads).toArray();
        const of = (state: ContentsState): number => counts.find(({ _id }) => _id === state)?.sources ?? 0;
        const sum = (field: 'live' | 'archived'): number => counts.reduce((total, count) => total + count[field], 0);
        const oldest = counts.flatMap((count) => (count._id === 'off' || count.oldest === null ? [] : [count.oldest.getTime()]));
        return {
          states: { complete: of('complete'), scanning: of('scanning'), incomplete: of('incomplete'), off: of('off') },
          rows: { live: sum('live'), archived: sum('archived') },
          oldestCompleteAsOf: oldest.length === 0 ? null : new Date(Math.min(...oldest)),
        };
      }),

    states: (workspaceId) =>
      orUnavailable('the data sources could not be counted', async () => {
        const counts = await contents
          .aggregate<{ _id: ContentsState; sources: number }>(
            [{ $match: { workspaceId } }, { $group: { _id: '$state', sources: { $sum: 1 } } }],
            pageReads,
          )
          .toArray();
        const of = (state: ContentsState): number => counts.find(({ _id }) => _id === state)?.sources ?? 0;
        return { complete: of('complete'), scanning: of('scanning'), incomplete: of('incomplete'), off: of('off') };
      }),

    list: ({ workspaceId, id, states }, limit) =>
      orUnavailable('the data sources could not be read', async () => {
        const filter = {
          ...(workspaceId === undefined ? {} : { workspaceId }),
          // The id of the document, where it is known: a tenant may have very many.
          ...(id === undefined
            ? {}
            : {
                $or: [
                  workspaceId === undefined ? { dataSourceId: id } : { _id: idOfContents({ workspaceId, dataSourceId: id }) },
                  { databaseId: id },
                ],
              }),
          ...(states === undefined ? {} : { state: { $in: [...states] } }),
        };
        return (await contents.find(filter, pageReads).sort({ _id: 1 }).limit(limit).toArray()).map(reported);
      }),

    read: (source) =>
      orUnavailable('a data source could not be read', async () => {
        const found = await contents.findOne({ _id: idOfContents(source) }, pageReads);
        return found && reported(found);
      }),
  };
}

function reported(document: ContentsDocument): SourceContents {
  const { workspaceId, databaseId, dataSourceId, state, reason, rows, completeAsOf, truncated, last, wanted } = document;
  const { failures, failure, dueAt, nextFullAt, claimedBy } = document;
  const source = { workspaceId, databaseId, dataSourceId };
  const shown = { state, reason, rows, completeAsOf, truncated, last, wanted, failures, failure, dueAt, nextFullAt };
  return { ...source, ...shown, scan: document.scan && scanOf(document.scan, claimedBy !== null) };
}

function scanOf({ startedAt, depth, wish, progress }: Scan, isClaimed: boolean): SourceScan {
  return { startedAt, depth, wish, isClaimed, rows: rowsReadBy(progress), failed: progress?.failed ?? [] };
}

function rowsReadBy(progress: StoredProgress | null): number {
  return (progress?.passes ?? []).reduce((sum, pass) => {
    const { live, archived } = pass.end?.rows ?? pass.progress?.rows ?? { live: 0, archived: 0 };
    return sum + live + archived;
  }, 0);
}
