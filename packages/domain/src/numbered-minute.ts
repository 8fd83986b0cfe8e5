import type { NumberedOrder, PageAnswer, ScanLimits, ScannedRow, ScanStep } from './row-scan.ts';

export interface NumberedRequest {
  readonly numbered: NumberedOrder;
  readonly cursor: string | null;
}

export interface MinuteSource<Row extends ScannedRow> {
  /** Rows of the minute only. */
  readonly ask: (request: NumberedRequest) => Promise<PageAnswer<Row>>;
  /** Counts the rows of a page; returns those to hand out. */
  readonly take: (rows: readonly Row[]) => readonly Row[];
}

/**
 * `whole`: every row of the minute was read. `unproven`: some may be unknown. Otherwise Notion did not let the queries get ahead, and they may later.
 */
export type MinuteEnd = 'whole' | 'unproven' | 'overloaded' | 'cursor_refused';

interface RangeEnd {
  /** `cut`: at the cap, there are more. */
  readonly end: 'all' | 'cut' | 'cursor_repeated' | Exclude<MinuteEnd, 'whole'>;
  /** The highest number that was returned; at first where the range begins. */
  readonly reached: number | null;
}

/**
 * Reads a minute with more rows than one query returns by ranges of a number that each of them has, and no other: at the cap the next query begins at the last
 * number. That is all of them if every query ends, in order, and no row without a number shows: a range would leave those out, so both ends of the order are
 * seen first. Rejects with what `ask` rejects with.
 */
export async function* readMinute<Row extends ScannedRow>(
  source: MinuteSource<Row>,
  property: string,
  { cap, restarts: mostRestarts }: Pick<ScanLimits, 'cap' | 'restarts'>,
): AsyncGenerator<Extract<ScanStep<Row, never>, { kind: 'rows' }>, MinuteEnd> {
  const numberOf = ({ number }: Row): number | null => (number?.property === property ? number.value : null);
  let restarts = 0;
  let isChecked = false;
  let from: number | null = null;
  while (restarts <= mostRestarts) {
    if (!isChecked) {
      const last = await source.ask({ numbered: { property, from: null, direction: 'descending' }, cursor: null });
      if (last.kind === 'overloaded') restarts += 1;
      else if (last.kind !== 'page' || last.rows.some((row) => numberOf(row) === null)) return 'unproven';
      else isChecked = true;
      continue;
    }
    const { end, reached }: RangeEnd = yield* readRange(from);
    if (end === 'all') return 'whole';
    const isAhead: boolean = reached !== null && reached > (from ?? Number.NEGATIVE_INFINITY);
    if (end === 'unproven' || (end === 'cut' && !isAhead)) return 'unproven';
    if (end === 'cursor_repeated' || !isAhead) restarts += 1;
    else [restarts, from] = [0, reached];
    if (restarts > mostRestarts && end !== 'cursor_repeated' && end !== 'cut') return end;
  }
  return isChecked ? 'unproven' : 'overloaded';

  async function* readRange(begin: number | null): AsyncGenerator<Extract<ScanStep<Row, never>, { kind: 'rows' }>, RangeEnd> {
    const cursors = new Set<string>();
    const numbers = new Set<number>();
    let reached = begin;
    let cursor: string | null = null;
    let startedAt: number | null = null;
    let isIncomplete = false;
    do {
      const page: PageAnswer<Row> = await source.ask({ numbered: { property, from: begin, direction: 'ascending' }, cursor });
      if (page.kind === 'overloaded') return { end: page.kind, reached };
      // The first page has no cursor: it is the order, or the range, that Notion refuses.
      if (page.kind === 'cursor_refused') return { end: cursor === null ? 'unproven' : page.kind, reached };
      startedAt ??= page.startedAt;
      isIncomplete ||= page.isIncomplete;
      let before = begin ?? Number.NEGATIVE_INFINITY;
      for (const row of page.rows) {
        const number = numberOf(row);
        if (number === null || number < before) return { end: 'unproven', reached };
        before = number;
        numbers.add(number);
        reached = Math.max(reached ?? number, number);
      }
      const rows = source.take(page.rows);
      if (rows.length > 0) yield { kind: 'rows', startedAt, rows };
      cursor = page.nextCursor;
      if (cursor !== null && cursors.has(cursor)) return { end: 'cursor_repeated', reached };
      if (cursor !== null) cursors.add(cursor);
    } while (cursor !== null);
    return { end: isIncomplete || numbers.size >= cap ? 'cut' : 'all', reached };
  }
}
