import type { FailedRow, StoredProgress } from '@notion-mirror/mirror-store/contents-document';

/** What a scan has done since it began or was resumed. */
export interface ScanCounts {
  /** Queries. */
  calls: number;
  /** Rows that they returned. */
  returned: number;
  written: number;
  readSingly: number;
}

/** What a scan collects, apart from the rows that it writes. */
export interface ScanNotes {
  readonly counts: ScanCounts;
  /** Rows that no connection can read; they are removed at the end. */
  readonly unreadable: ReadonlySet<string>;
  /** Rows that were not written, with the reason. */
  readonly failed: ReadonlyMap<string, string>;
  /** Rows that no query has listed, although Notion shows each by itself. */
  readonly unlisted: ReadonlySet<string>;
  /** False: there are so many unreadable rows that an operator is to decide, and no more are read. */
  mayRemove(): boolean;
  /** A row was settled: by a write, or by a single read. */
  settled(pageId: string): void;
  failedFor(pageId: string, because: string): void;
  foundUnreadable(pageId: string): Promise<void>;
  foundUnlisted(pageId: string): void;
  /** A row differs from what the mirror has. To be awaited before it is written. */
  changed(): Promise<void>;
  stored(): Pick<StoredProgress, 'unreadable' | 'failed' | 'unlisted'>;
}

/** More are not named. */
const mostFailed = 1_000;
/** More are noted by later scans. */
const mostUnlisted = 1_000;

/**
 * `needsOperator`: whether so many unreadable rows are too many. `onFirstChange`: called once. `progress`: of the interrupted scan that this one
 * resumes.
 */
export async function createScanNotes(
  counts: ScanCounts,
  needsOperator: (unreadable: number) => Promise<boolean>,
  onFirstChange: () => Promise<void>,
  progress: Pick<StoredProgress, 'unreadable' | 'failed' | 'unlisted'> | null,
): Promise<ScanNotes> {
  const unreadable = new Set(progress?.unreadable);
  const failed = new Map(progress?.failed.map(({ pageId, because }) => [pageId, because]));
  const unlisted = new Set(progress?.unlisted);
  let isStopped = await needsOperator(unreadable.size);
  let change: Promise<void> | null = null;
  return {
    counts,
    unreadable,
    failed,
    unlisted,
    mayRemove: () => !isStopped,
    settled(pageId) {
      unreadable.delete(pageId);
      failed.delete(pageId);
    },
    failedFor(pageId, because) {
      if (failed.size < mostFailed) failed.set(pageId, because);
    },
    async foundUnreadable(pageId) {
      unreadable.add(pageId);
      isStopped ||= await needsOperator(unreadable.size);
    },
    foundUnlisted(pageId) {
      if (unlisted.size < mostUnlisted) unlisted.add(pageId);
    },
    changed: () => (change ??= onFirstChange()),
    stored: () => ({
      unreadable: [...unreadable],
      failed: [...failed].map(([pageId, because]): FailedRow => ({ pageId, because })),
      unlisted: [...unlisted],
    }),
  };
}
