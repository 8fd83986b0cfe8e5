import type { Partition } from '@notion-mirror/domain/row-scan';
import type { FoundRow } from '@notion-mirror/notion-source/row-document';
import type { AskForEditedRows } from '@notion-mirror/notion-source/row-query';

export interface EditedQuery {
  readonly partition: Partition;
  /** Epoch milliseconds. */
  readonly since: number;
  /** Calls that it may take; more end it as `too_many`. */
  readonly mostCalls: number;
}

/** `startedAt`: when the query began, epoch milliseconds. */
export interface EditedPage {
  readonly startedAt: number;
  readonly rows: readonly FoundRow[];
}

/** `too_many`: it may take no more calls, or more rows were edited in one minute than a query returns. `stuck`: it does not get ahead. */
export type EditedRowsEnd = 'read' | 'too_many' | 'stuck';

const maxPageSize = 100;
const minPageSize = 10;
/** How often it begins again without having got ahead. */
const mostRestarts = 5;
const minuteMs = 60_000;

/**
 * The rows of one partition that were edited since a time, page by page. A query that breaks off, or at which the caller passes `again`, begins again at
 * the minute that it has reached: rows come in order of their last edit, and one that is edited meanwhile comes again. Rejects with RowQueryError.
 */
export async function* editedRows(
  ask: AskForEditedRows,
  { partition, since, mostCalls }: EditedQuery,
): AsyncGenerator<EditedPage, EditedRowsEnd, 'again' | undefined> {
  let from = since;
  let pageSize = maxPageSize;
  let calls = 0;
  for (let restarts = 0; restarts <= mostRestarts;) {
    const cursors = new Set<string>();
    let cursor: string | null = null;
    let startedAt: number | null = null;
    let isIncomplete = false;
    let reached = from;
    for (;;) {
      if (calls === mostCalls) return 'too_many';
      calls += 1;
      const page = await ask({ partition, since: from, cursor, pageSize });
      if (page.kind === 'overloaded') pageSize = Math.max(minPageSize, Math.floor(pageSize / 2));
      if (page.kind !== 'page') break;
      startedAt ??= page.startedAt;
      isIncomplete ||= page.isIncomplete;
      if ((yield { startedAt, rows: page.rows }) === 'again') break;
      for (const { content } of page.rows) reached = Math.max(reached, minuteOf(content.lastEditedTime));
      cursor = page.nextCursor;
      if (cursor === null && !isIncomplete) return 'read';
      if (cursor === null && reached <= from) return 'too_many';
      if (cursor === null || cursors.has(cursor)) break;
      cursors.add(cursor);
    }
    restarts = reached > from ? 0 : restarts + 1;
    from = reached;
  }
  return 'stuck';
}

function minuteOf(time: Date | null): number {
  return time === null ? Number.NEGATIVE_INFINITY : startOfMinute(time.getTime());
}

export function startOfMinute(time: number): number {
  return Math.floor(time / minuteMs) * minuteMs;
}
