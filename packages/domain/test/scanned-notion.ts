import type { PageAnswer, PageRequest, Partition, RowRange, ScannedRow } from '../src/row-scan.ts';

/** A data source in Notion: created times are kept to the millisecond and shown as whole minutes, and rows of one minute come in any order. */

export interface NotionRow extends ScannedRow {
  readonly content: number;
}

export interface Mirrored {
  readonly id: string;
  readonly createdTime: number;
  readonly isArchived: boolean;
  readonly content: number;
}

export const minute = 60_000;

/** What goes wrong with a request: nothing, an overload, a dead cursor, a cursor given before, an answer with fewer rows, or with rows given before. */
export type Trouble = 'none' | 'overloaded' | 'cursor_refused' | 'cursor_repeated' | 'short' | 'rows_again';

export interface FakeNotion {
  readonly requests: PageRequest[];
  /** Ids of rows that were returned twice by one query. */
  readonly again: ReadonlySet<string>;
  ask(request: PageRequest): Promise<PageAnswer<NotionRow>>;
}

/** `troubles`: one for each request, then none. */
export function createFakeNotion(rows: readonly NotionRow[], cap: number, troubles: readonly Trouble[]): FakeNotion {
  const requests: PageRequest[] = [];
  const again = new Set<string>();
  let time = 1_000_000;
  return {
    requests,
    again,
    ask: async (request) => {
      const trouble = troubles[requests.length] ?? 'none';
      requests.push(request);
      time += 1;
      if (trouble === 'overloaded') return { kind: 'overloaded' };
      if (trouble === 'cursor_refused' && request.cursor !== null) return { kind: 'cursor_refused' };
      const found = ordered(rowsOf(rows, request), request);
      const result = found.slice(0, cap);
      const at = request.cursor === null ? 0 : Number(request.cursor.split('@')[1]);
      const end = at + (trouble === 'short' ? Math.floor(request.pageSize / 2) : request.pageSize);
      const start = trouble === 'rows_again' ? Math.max(0, at - 3) : at;
      for (const { id } of result.slice(start, at)) again.add(id);
      const page = result.slice(start, end);
      const isRepeated = trouble === 'cursor_repeated' && request.cursor !== null;
      // A cursor is good for its query only: what it names is counted by the request that it came from.
      const nextCursor = isRepeated ? request.cursor : end < result.length ? `${requests.length}@${end}` : null;
      // Only some pages of a cut result need say so.
      const isIncomplete = found.length > cap && (at === 0 || requests.length % 2 === 0);
      return { kind: 'page', startedAt: time, rows: page.map(shown), nextCursor, isIncomplete };
    },
  };
}

export function partitionOf({ isArchived, isInTrash }: ScannedRow): Partition {
  return isArchived || isInTrash ? 'archived' : 'live';
}

export function minuteOf({ createdTime }: { readonly createdTime: number }): number {
  return Math.floor(createdTime / minute) * minute;
}

function rowsOf(rows: readonly NotionRow[], { partition, from, until }: RowRange): NotionRow[] {
  const isWithin = ({ createdTime }: NotionRow) =>
    createdTime >= (from ?? createdTime) && createdTime < (until ?? Number.POSITIVE_INFINITY);
  return rows.filter((row) => partitionOf(row) === partition && isWithin(row)).toSorted((a, b) => a.createdTime - b.createdTime);
}

/** Rows without a number come last in ascending order, and pass no bound. */
function ordered(rows: NotionRow[], { numbered }: PageRequest): NotionRow[] {
  if (numbered === undefined) return rows;
  const { from, direction } = numbered;
  const numberOf = ({ number }: NotionRow) => number?.value ?? Number.POSITIVE_INFINITY;
  const found = rows.filter((row) => from === null || (numberOf(row) >= from && Number.isFinite(numberOf(row))));
  const ascending = found.toSorted((a, b) => numberOf(a) - numberOf(b));
  return direction === 'ascending' ? ascending : ascending.toReversed();
}

function shown(row: NotionRow): NotionRow {
  return { ...row, createdTime: minuteOf(row) };
}
