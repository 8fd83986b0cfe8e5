import type { Partition, ScanProgress } from '@notion-mirror/domain/row-scan';
import type { Collection, Db } from 'mongodb';
import { openCollection } from './collections.ts';
import type { ScanDepth, WantedScan } from './scan-wishes.ts';

export interface DataSourceRef {
  /** Our tenant. */
  readonly workspaceId: string;
  readonly dataSourceId: string;
}

/**
 * - `scanning`: its rows have never been seen completely, or not since it came back or MIRROR_ROWS was off.
 * - `complete`: they have, as of `completeAsOf`. It stays so while the next scan runs.
 * - `incomplete`: the last scan of all rows says why it does not know them all, or a scan cannot read them.
 * - `off`: an operator turned its rows off.
 */
export type ContentsState = 'scanning' | 'complete' | 'incomplete' | 'off';

/** `live`: without archived rows. */
export type RowCounts = Readonly<Record<Partition, number>>;

/** More rows were created in the minute than Notion returns. */
export interface TruncatedRows {
  readonly partition: Partition;
  readonly minute: Date;
  readonly atLeast: number;
}

/** The scan through one connection. `end`: null until all rows that it shows were read. */
export interface PassProgress {
  readonly connectionId: string;
  readonly progress: ScanProgress | null;
  readonly end: Pick<ScanProgress, 'rows' | 'truncated'> | null;
}

/** A row that was not written, and why, in an operator's words. */
export interface FailedRow {
  readonly pageId: string;
  readonly because: string;
}

/** What an interrupted scan of all rows knows. */
export interface StoredProgress {
  /** The tenant's active connections when it began. */
  readonly connections: readonly string[];
  readonly passes: readonly PassProgress[];
  /** Rows that no connection can read. They are removed at the end, if they are not too many. */
  readonly unreadable: readonly string[];
  readonly failed: readonly FailedRow[];
  /** Ids of rows that no query of the scan has listed, although Notion shows each by itself. */
  readonly unlisted?: readonly string[];
}

export interface Scan {
  /** When it began (our clock), before its first query. */
  readonly startedAt: Date;
  readonly depth: ScanDepth;
  /** The wishes that it is for. */
  readonly wish: WantedScan;
  /** Null: nothing yet, or there is nothing to resume (depth `edited`). */
  readonly progress: StoredProgress | null;
}

/** A scan that ended, complete or not. */
export interface ScanReport {
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly depth: ScanDepth;
  /** Queries, rows that they returned, rows written from them, and rows read singly, since it began or was last resumed. */
  readonly calls: number;
  readonly returned: number;
  readonly written: number;
  readonly readSingly: number;
}

/** The document of a data source; `docs/data-model.md` describes it for readers. */
export interface ContentsDocument extends DataSourceRef {
  /** `workspaceId:dataSourceId`. */
  readonly _id: string;
  readonly databaseId: string;
  readonly state: ContentsState;
  /** Of the last complete scan. */
  readonly rows: RowCounts | null;
  readonly completeAsOf: Date | null;
  readonly truncated: readonly TruncatedRows[];
  /** For an operator; null unless it is incomplete. */
  readonly reason: string | null;
  /** Ids of rows that the last complete scan did not list, although Notion shows them. If the next one does not either, readers see them no more. */
  readonly unlisted?: readonly string[];
  /** The tenant's active connections when the last scan of all rows began. Absent: not known. */
  readonly connections?: readonly string[];
  /** Runs, or was interrupted. */
  readonly scan: Scan | null;
  readonly wanted: WantedScan | null;
  readonly last: ScanReport | null;
  /** Failed attempts at the scan, and why the last of them failed. */
  readonly failures: number;
  readonly failure: string | null;
  /** The last schema that a scan was wanted for. */
  readonly schema: string | null;
  /** Since when the mirror follows its rows without having missed events. */
  readonly followedAt: Date;
  /** When a scan may begin, at the earliest; null: none is wanted. */
  readonly dueAt: Date | null;
  /** When the next regular scan of all rows is due, and when the last one of all rows began. */
  readonly nextFullAt: Date | null;
  readonly fullAt: Date | null;
  /** Until then a changed schema alone is no reason for another scan. */
  readonly schemaDueAt: Date | null;
  /** Until then rows that others depend on alone are no reason for another scan. Absent: there was no scan for them. */
  readonly dependencyDueAt?: Date;
  /** End of the current claim, or of the wait after a failure. */
  readonly claimedUntil: Date;
  readonly claimedBy: string | null;
  /** Raised by every change but a renewed claim and stored progress. */
  readonly rev: number;
}

export function idOfContents({ workspaceId, dataSourceId }: DataSourceRef): string {
  return `${workspaceId}:${dataSourceId}`;
}

export function openContents(db: Db): Collection<ContentsDocument> {
  return openCollection<ContentsDocument>(db, 'dataSourceContents');
}

/**
 * Changes a document as `decide` says: null for no change. Decides again when it was changed meanwhile. Resolves to the changed document; null:
 * there is none, or nothing was changed.
 */
export async function changeContents(
  contents: Collection<ContentsDocument>,
  ref: DataSourceRef,
  decide: (document: ContentsDocument) => Partial<ContentsDocument> | null,
): Promise<ContentsDocument | null> {
  const _id = idOfContents(ref);
  for (;;) {
    const document = await contents.findOne({ _id });
    const changes = document === null ? null : decide(document);
    if (document === null || changes === null) return null;
    const changed = { ...changes, rev: document.rev + 1 };
    const { matchedCount } = await contents.updateOne({ _id, rev: document.rev }, { $set: changed });
    if (matchedCount === 1) return { ...document, ...changed };
  }
}
