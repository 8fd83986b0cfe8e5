import { applyQueried, type QueryWrite, type SingleRead } from '@notion-mirror/domain/apply-query';
import type { Connection } from '@notion-mirror/domain/connection';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import { asOfQuery } from '@notion-mirror/domain/query-rule';
import { decideSync, type EventTimes } from '@notion-mirror/domain/write-rule';
import type { DataSourceRef } from '@notion-mirror/mirror-store/contents-document';
import type { RowOutline } from '@notion-mirror/mirror-store/entities/row';
import { digestOfRow, type DigestedRecord, type DigestedRow, type RowRecords } from '@notion-mirror/mirror-store/entities/row-records';
import type { RecordStore, WriteResult } from '@notion-mirror/mirror-store/records/record-store';
import type { RowsOff } from '@notion-mirror/mirror-store/rows-off';
import type { FoundRow } from '@notion-mirror/notion-source/row-document';
import { removeRow } from './remove-row.ts';
import type { RowParents } from './row-parents.ts';
import type { ScanNotes } from './scan-notes.ts';

export interface AnswerDependencies {
  readonly rows: Pick<RowRecords, 'read'>;
  readonly records: Pick<RecordStore<RowContent, RowOutline>, 'read' | 'writeLive' | 'writeTombstone' | 'setListed'>;
  readonly parents: Pick<RowParents, 'has' | 'reasonFor'>;
  readonly rowsOff: Pick<RowsOff, 'isOffNow'>;
  readonly lagMs: number;
  readonly toleranceMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** A scan through one connection, for what its answers change. */
export interface AnsweredScan {
  readonly source: DataSourceRef & { readonly databaseId: string };
  readonly scanId: string;
  readonly connection: Connection;
  /** The other connections that the scan goes through: what they fetched last is theirs. */
  readonly others: ReadonlySet<string>;
  /** The time of the events that the scan answers, of every row; null: it answers none. Epoch milliseconds. */
  readonly answersUntil: number | null;
  /** Whether rows that no query lists are read however recently they were. */
  readonly readsUnlisted: boolean;
  readonly notes: ScanNotes;
  readonly signal: AbortSignal;
  /** Does all of these; what cannot be read is noted. */
  readonly readSingly: (reads: readonly SingleRead[]) => Promise<void>;
  /** Whether so many more single reads are acceptable for rows that were written recently. */
  readonly mayRead: (reads: number) => boolean;
}

/**
 * - `too_recent`: rows that were written recently differ from the answer, and are too many for single reads. The same is to be asked again after a lag.
 * - `gone`: no live database of the mirror has the data source any more, or an operator turned it off; nothing is left of what was inserted.
 */
export type Applied = 'applied' | 'too_recent' | 'gone';

export interface ScanAnswers {
  /** Whether the mirror holds the row as it was returned, and nothing is to be written. */
  readonly isSame: (record: Pick<DigestedRow, 'digest' | 'isListed'>, row: FoundRow) => boolean;
  /** `startedAt`: when the query began, epoch milliseconds. Rejects with the errors of the store and of the single reads. */
  applyRows(startedAt: number, rows: readonly FoundRow[]): Promise<Applied>;
  applyAbsent(startedAt: number, rows: readonly DigestedRow[]): Promise<Applied>;
}

/** No more are read once an operator is to decide. */
const absentAtOnce = 20;
/** How old what the mirror holds of a row that no query lists may become: readers do not see it. */
const unlistedMs = 7 * 86_400_000;
/** Notion rounds created times down to it. */
const minuteMs = 60_000;

/** A value that Notion cut off can change where the answer does not show it. */
function isSame({ digest }: Pick<DigestedRecord, 'digest'>, row: FoundRow): boolean {
  return !row.isCut && !row.isInTrash && digest !== null && digest === digestOfRow(row.content);
}

/** Changes the mirror as the answers of a scan's queries say, by the rule for lagging queries (`docs/rows.md`). */
export function createScanAnswers(deps: AnswerDependencies, scan: AnsweredScan): ScanAnswers {
  const { records, parents, rowsOff, lagMs, toleranceMs } = deps;
  const { source, scanId, connection, others, answersUntil, readsUnlisted, notes, signal, mayRead, readSingly } = scan;
  const { workspaceId, dataSourceId, databaseId } = source;

  /** Whether a live row of the data source belongs to another connection, so that this one neither changes nor removes it. */
  function isTheirs({ connectionId }: Pick<DigestedRow, 'connectionId'>): boolean {
    return connectionId !== null && others.has(connectionId);
  }

  /** A tombstone, or a row of another data source, belongs to no one here: its connection may not show the row, and then only this one can write it. */
  function isLeftToThem(record: DigestedRecord | undefined): boolean {
    return record !== undefined && isThere(record) && isTheirs(record);
  }

  /** A record that was fetched after the events answers them already, as when a window is read again. */
  function awaitedFor(record: DigestedRecord | undefined): EventTimes | null {
    if (answersUntil === null) return null;
    const event = { occurredAt: answersUntil, receivedAt: answersUntil };
    return record !== undefined && decideSync(record, event, toleranceMs) === 'skip' ? null : event;
  }

  async function write({ record, row, asOf }: QueryWrite<DigestedRecord, FoundRow>): Promise<WriteResult> {
    if (record === null || !isSame(record, row)) await notes.changed();
    const result = await records.writeLive({
      workspaceId,
      id: row.id,
      expected: record,
      content: row.content,
      connectionId: connection.connectionId,
      asOf: new Date(asOf),
      lastEvent: null,
      seenBy: 'query',
    });
    if (result.kind === 'written') {
      notes.counts.written += 1;
      notes.settled(row.id);
    }
    if (result.kind === 'rejected') notes.failedFor(row.id, result.message);
    return result;
  }

  function isThere(record: DigestedRecord | undefined): boolean {
    return record?.live === true && record.dataSourceId === dataSourceId;
  }

  /**
   * The removal of all rows of a data source removes those that it finds; those inserted meanwhile, or moved here from another one, may come too late
   * for it.
   */
  async function keepsInserted(ids: readonly string[]): Promise<boolean> {
    if (ids.length === 0) return true;
    const isOff = await rowsOff.isOffNow(source);
    if (!isOff && (await parents.has(workspaceId, dataSourceId))) return true;
    const reason = isOff ? 'data_source_removed' : await parents.reasonFor(workspaceId, databaseId);
    await Promise.all(ids.map((pageId) => removeRow(deps, { workspaceId, dataSourceId, pageId }, { reason, eventId: scanId }, signal)));
    return false;
  }

  async function apply(
    startedAt: number,
    answer: { readonly rows: readonly FoundRow[]; readonly absent: readonly string[] },
  ): Promise<Applied> {
    const query = { startedAt, lagMs, toleranceMs };
    // After the answer, so that what was written since is seen.
    const known = await deps.rows.read(workspaceId, [...answer.rows.map(({ id }) => id), ...answer.absent]);
    const isHidden = ({ id }: FoundRow) => known.get(id)?.isListed === false;
    const rows = answer.rows.filter((row) => isHidden(row) || !isLeftToThem(known.get(row.id)));
    const { absent } = answer;
    let isPostponed = false;
    const outcomes = await applyQueried<DigestedRecord, FoundRow, WriteResult>(
      {
        awaited: (id) => awaitedFor(known.get(id)),
        read: () => Promise.resolve(known),
        isSame,
        write: (writes) => Promise.all(writes.map(write)),
        async readSingly(reads) {
          isPostponed = absent.length === 0 && !mayRead(reads.length);
          if (!isPostponed) await readSingly(reads);
        },
      },
      { ...query, rows: rows.filter(({ isCut }) => !isCut), absent },
    );
    const inserted = outcomes.filter(({ id, written }) => written?.kind === 'written' && !isThere(known.get(id))).map(({ id }) => id);
    if (!(await keepsInserted(inserted))) return 'gone';
    if (isPostponed) return 'too_recent';
    const asOf = asOfQuery(query);
    await readSingly(rows.filter(({ isCut }) => isCut).map(({ id }) => ({ id, event: { occurredAt: asOf, receivedAt: asOf } })));
    for (const row of rows) if (isHidden(row) && !row.isInTrash) await show(row.id);
    return 'applied';
  }

  /** A query has listed the row again. */
  async function show(id: string): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const expected = await records.read({ workspaceId, id });
      if (expected?.isListed !== false || expected.dataSourceId !== dataSourceId) return;
      if ((await records.setListed({ workspaceId, id, expected, isListed: true })).kind === 'written') return;
    }
  }

  /** Notes those that were there before the query, which did not return them, and still are. */
  async function noteUnlisted(startedAt: number, rows: readonly DigestedRow[]): Promise<void> {
    const older = rows.filter((row) => row.isListed !== false && row.createdTime + minuteMs + toleranceMs < startedAt - lagMs);
    for (const { id } of older) {
      if (notes.unreadable.has(id) || notes.failed.has(id)) continue;
      const record = await records.read({ workspaceId, id });
      if (record?.live === true && record.dataSourceId === dataSourceId) notes.foundUnlisted(id);
    }
  }

  return {
    isSame: (record, row) => answersUntil === null && record.isListed !== false && isSame(record, row),
    applyRows: (startedAt, rows) => apply(startedAt, { rows, absent: [] }),
    async applyAbsent(startedAt, rows) {
      // No query is expected to return those, and readers do not see them, so the scan proves as much without them.
      const isExpected = ({ isListed, asOf }: DigestedRow) => isListed === false && !readsUnlisted && asOf > startedAt - unlistedMs;
      const ours = rows.filter((row) => !isTheirs(row) && !isExpected(row));
      for (let from = 0; from < ours.length && notes.mayRemove(); from += absentAtOnce) {
        const some = ours.slice(from, from + absentAtOnce);
        const applied = await apply(startedAt, { rows: [], absent: some.map(({ id }) => id) });
        if (applied !== 'applied') return applied;
        await noteUnlisted(startedAt, some);
      }
      return 'applied';
    },
  };
}
