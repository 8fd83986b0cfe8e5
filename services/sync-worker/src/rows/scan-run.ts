import type { Connection } from '@notion-mirror/domain/connection';
import { isSettledByQuery } from '@notion-mirror/domain/query-rule';
import type { PageAnswer, ScanLimits, TruncatedMinute } from '@notion-mirror/domain/row-scan';
import type { DataSourceRef, Scan, StoredProgress } from '@notion-mirror/mirror-store/contents-document';
import type { ScanReason } from '@notion-mirror/mirror-store/data-source-contents';
import { hopOfWish } from '@notion-mirror/mirror-store/scan-wishes';
import type { RowRecords } from '@notion-mirror/mirror-store/entities/row-records';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import type { FoundRow } from '@notion-mirror/notion-source/row-document';
import type { Clock } from '@notion-mirror/service-kit/async/clock';
import type { Dependents } from '@notion-mirror/worker/dependents';
import type { ReadRowSingly } from './read-row-singly.ts';
import { createScanAnswers, type AnswerDependencies, type ScanAnswers } from './scan-answers.ts';
import { needsOperator } from './scan-guard.ts';
import { createScanNotes, type ScanCounts, type ScanNotes } from './scan-notes.ts';
import { createPatience, type Patience } from './scan-patience.ts';
import { whyIncomplete } from './scan-reasons.ts';
import { createSingleReads } from './scan-single-reads.ts';
import type { ScanSpans } from './scan-spans.ts';

export interface ScanDependencies extends Omit<AnswerDependencies, 'now'> {
  readonly notion: Pick<NotionSource, 'queryRows' | 'queryEditedRows'>;
  readonly rows: RowRecords;
  readonly readRowSingly: ReadRowSingly;
  readonly dependents: Pick<Dependents, 'followAll'>;
  /** Appends an event to remove the rows of a data source that no live database of the mirror has. */
  readonly announceGone: (order: ScanOrder, connection: Connection, trace: string | undefined) => Promise<void>;
  /** The trace of the scan, and its spans; absent: it has none. */
  readonly trace?: string;
  readonly spans?: Pick<ScanSpans, 'ofPages'>;
  readonly activeConnections: (workspaceId: string) => readonly Connection[];
  readonly limits: ScanLimits;
  readonly clock: Clock;
}

/** A claimed scan. `scannedAt`: when the last scan began; null: there was none. */
export interface ScanOrder extends DataSourceRef, Scan {
  readonly databaseId: string;
  readonly scannedAt: Date | null;
  /** Rows that the last complete scan did not list, although Notion shows them. */
  readonly unlisted?: readonly string[];
  /** The tenant's active connections when the last scan of all rows began; null: not known. */
  readonly connections?: readonly string[] | null;
}

type Ask<Request> = (request: Request) => Promise<PageAnswer<FoundRow>>;

/** The parts of a scan that its queries share, through whichever connection. */
export interface ScanRun {
  readonly notes: ScanNotes;
  /** `scanned`: the connections that the scan goes through. */
  answersThrough(connection: Connection, scanned: readonly string[]): ThroughConnection;
  counted<Request>(ask: Ask<Request>): Ask<Request>;
  /** Removes the rows that no connection could read, unless one can now. */
  removeUnreadable(connection: Connection): Promise<void>;
  /**
   * To be called when the scan knows all rows: hides those from readers that it and the last complete scan did not list. Resolves to those that only this one
   * did not list.
   */
  hideUnlisted(): Promise<readonly string[]>;
  /** In an operator's words; null: the scan knows all rows. */
  whyIncomplete(truncated: readonly TruncatedMinute[]): Promise<string | null>;
}

interface ThroughConnection {
  readonly answers: ScanAnswers;
  readonly patience: Patience;
  /** Rejects with the signal's reason. */
  readonly waitForLag: () => Promise<void>;
}

/** `progress`: where it resumes; null: at the beginning. */
export async function openScanRun(
  deps: ScanDependencies,
  order: ScanOrder,
  counts: ScanCounts,
  progress: StoredProgress | null,
  signal: AbortSignal,
): Promise<ScanRun> {
  const { rows, records, readRowSingly, clock, lagMs, toleranceMs } = deps;
  const { workspaceId, dataSourceId, startedAt, wish } = order;
  const scanId = `scan-${startedAt.toISOString()}`;
  const query = { startedAt: startedAt.getTime(), lagMs, toleranceMs };
  let held: Promise<number> | null = null;
  const notes = await createScanNotes(
    counts,
    async (unreadable) => unreadable > 0 && needsOperator(unreadable, await heldRows()),
    async () => {
      if (concernsOthers(wish.reasons)) await deps.dependents.followAll(workspaceId, dataSourceId, hopOfWish(wish));
    },
    progress,
  );
  const readSingly = createSingleReads({ readRowSingly, clock }, { dataSourceId, scanId, notes }, signal);

  /** Counted when it is first needed. */
  async function heldRows(): Promise<number> {
    held ??= rows.count(order).then(({ live, archived }) => live + archived);
    return held;
  }

  /** The newest events that the scan's queries settle: those that are newer stay wanted. */
  function settlesUntil(): number {
    const receivedAt = wish.at.getTime();
    return isSettledByQuery(query, { receivedAt }) ? receivedAt : query.startedAt - lagMs - toleranceMs - 1;
  }

  return {
    notes,

    answersThrough(connection, scanned) {
      const patience = createPatience();
      const answers = createScanAnswers(
        { ...deps, now: clock.now },
        {
          source: order,
          scanId,
          connection,
          others: new Set(scanned.filter((id) => id !== connection.connectionId)),
          answersUntil: wish.raisesAll ? settlesUntil() : null,
          readsUnlisted: wish.raisesAll || wish.reasons.includes('operator'),
          notes,
          signal,
          readSingly: (reads) => readSingly(connection, reads, wish.acceptsRemovals === true ? 'remove' : 'keep'),
          mayRead: (reads) => patience.mayRead(reads),
        },
      );
      return {
        answers: deps.spans?.ofPages(answers, counts) ?? answers,
        patience,
        async waitForLag() {
          patience.waited();
          await clock.sleep(lagMs + toleranceMs + 1, signal);
          signal.throwIfAborted();
        },
      };
    },

    counted: (ask) => async (request) => {
      counts.calls += 1;
      const page = await ask(request);
      if (page.kind === 'page') counts.returned += page.rows.length;
      return page;
    },

    async removeUnreadable(connection) {
      if (!notes.mayRemove()) return;
      const asOf = query.startedAt - lagMs;
      const reads = [...notes.unreadable].map((id) => ({ id, event: { occurredAt: asOf, receivedAt: asOf } }));
      await readSingly(connection, reads, 'remove');
    },

    async hideUnlisted() {
      const known = new Set(order.unlisted);
      const news: string[] = [];
      for (const id of notes.unlisted) {
        const expected = known.has(id) ? await records.read({ workspaceId, id }) : null;
        if (expected?.live !== true || expected.dataSourceId !== dataSourceId) news.push(id);
        // After a conflict the next scan decides: a query may have listed it a moment ago.
        else if ((await records.setListed({ workspaceId, id, expected, isListed: false })).kind !== 'written') news.push(id);
      }
      return news;
    },

    async whyIncomplete(truncated) {
      return whyIncomplete(truncated, notes, { dataSourceId, held: notes.mayRemove() ? 0 : await heldRows() });
    },
  };
}

/** Whether rows that differ mean that others, which depend on them, may have changed in Notion, too. Not when the mirror sees the rows for the first time. */
function concernsOthers(reasons: readonly ScanReason[]): boolean {
  return !reasons.some((reason) => reason === 'first_backfill' || reason === 'rebuilt');
}
