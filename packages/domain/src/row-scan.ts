import { readMinute, type MinuteEnd, type NumberedRequest } from './numbered-minute.ts';

/**
 * The scan of a data source: compares every row that Notion has with every row of the mirror, and says whether that was all. It asks for pages
 * and reads the mirror's rows through functions; it writes nothing and knows no clock.
 *
 * Rows are compared in windows of created time, which never changes. A query returns at most 10,000 rows, so a window ends at the minute of the
 * last row that was read, and the next one begins there: that minute is read again. A minute with more rows is read by ranges of their numbers, if they have any. Within a window the live partition is read first, then the
 * archived one. A scan cannot resume at a cursor, so its durable progress is the start of a window.
 *
 * Notion rounds created times down to the minute and does not say how it sorts within one, so within a minute rows are matched by id. In memory
 * are one page of Notion's rows, the mirror's rows of one minute, the ids of Notion's rows of that minute, and at most `limits.held` absent rows.
 * `docs/rows.md` says what the scan proves.
 */

export type Partition = 'live' | 'archived';

/** A row that a query returned. Its own flags say what it is, not the partition in which it was found. */
export interface ScannedRow {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly createdTime: number;
  readonly isArchived: boolean;
  readonly isInTrash: boolean;
  /** Of the property that numbers the rows of the data source. `value`: null if the row has none. Absent: there is no such property. */
  readonly number?: { readonly property: string; readonly value: number | null };
}

/** A live record of the mirror: whatever `isSame` needs, and no more, since those of one minute are held together. */
export interface MirroredRow {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly createdTime: number;
}

/** Rows of one partition, created at `from` or later and before `until`. Both are whole minutes, in milliseconds since the epoch; null: no bound. */
export interface RowRange {
  readonly partition: Partition;
  readonly from: number | null;
  readonly until: number | null;
}

/** The order of the numbers instead of that of created time. `from`: only rows with this number or a higher one; null: also rows without a number. */
export interface NumberedOrder {
  readonly property: string;
  readonly from: number | null;
  readonly direction: 'ascending' | 'descending';
}

/** A page of the rows in the range, in order of created time. `cursor`: null for the first page. */
export interface PageRequest extends RowRange {
  readonly numbered?: NumberedOrder;
  readonly cursor: string | null;
  readonly pageSize: number;
}

export type PageAnswer<Row> =
  | {
      readonly kind: 'page';
      /** When the page was asked for (our clock), milliseconds since the epoch. */
      readonly startedAt: number;
      readonly rows: readonly Row[];
      /** Null when Notion says that there is no more. A page may hold fewer rows than asked for, or none, and have a successor. */
      readonly nextCursor: string | null;
      /** `request_status` is `incomplete`: the result ends at the cap. */
      readonly isIncomplete: boolean;
    }
  /** 503 or 504. The next request follows at once, so the source backs off before it returns this. */
  | { readonly kind: 'overloaded' }
  /** Without a cursor: the order of numbers is refused. */
  | { readonly kind: 'cursor_refused' };

export interface ScanSource<Row extends ScannedRow, Mirrored extends MirroredRow> {
  /** Rejects for any other failure; the scan then rejects, too. */
  readonly ask: (request: PageRequest) => Promise<PageAnswer<Row>>;
  /** The live records of the range (`partition` is their `isArchived`), in order of created time. Read lazily, while the query lasts. */
  readonly mirrored: (range: RowRange) => AsyncIterable<Mirrored>;
  /** Whether the record holds the content of the row. A scan that answers a flood says false of each, so that all are handed out. */
  readonly isSame: (mirrored: Mirrored, row: Row) => boolean;
}

/** More rows were created in the minute than one query returns: some are unknown, and no row of the minute is handed out as absent. */
export interface TruncatedMinute {
  readonly partition: Partition;
  /** Milliseconds since the epoch. */
  readonly minute: number;
  /** How many rows were returned. */
  readonly atLeast: number;
}

/** Where a scan resumes; plain JSON. */
export interface ScanProgress {
  /** When the scan's first query began (our clock), milliseconds since the epoch. */
  readonly startedAt: number;
  /** The start of the next window. */
  readonly from: number;
  /** Rows of finished windows by their own flags, without those in the trash. A row that moved from one partition to the other while its window was read may count twice. */
  readonly rows: Readonly<Record<Partition, number>>;
  readonly truncated: readonly TruncatedMinute[];
}

/**
 * The caller applies each step before it asks for the next one: the mirror's rows that are read later should show it.
 * `startedAt`: when the query began, that is, when its first page was asked for, milliseconds since the epoch. Later pages may be from a snapshot.
 */
export type ScanStep<Row, Mirrored> =
  /** New in the mirror, or different from what it holds. */
  | { readonly kind: 'rows'; readonly startedAt: number; readonly rows: readonly Row[] }
  /** Not returned in either partition of a finished window. That proves nothing: each is read singly. */
  | { readonly kind: 'absent'; readonly startedAt: number; readonly rows: readonly Mirrored[] }
  | { readonly kind: 'progress'; readonly progress: ScanProgress };

export type StuckReason = 'overloaded' | 'cursor_refused' | 'cursor_repeated' | 'contradictory';

/**
 * `ended`: every window was read to its end. `isComplete`: no minute was truncated either, so every row that Notion had one lag before
 * `startedAt` was handed out, or is equal in the mirror. `stuck`: the same window failed too often; the last progress remains valid.
 */
export type ScanEnd =
  | ({ readonly kind: 'ended'; readonly isComplete: boolean } & Omit<ScanProgress, 'from'>)
  | { readonly kind: 'stuck'; readonly reason: StuckReason };

export interface ScanLimits {
  /** Rows that one query returns at most. */
  readonly cap: number;
  readonly maxPageSize: number;
  readonly minPageSize: number;
  /** Absent rows held until their window ends. More end the window early. */
  readonly held: number;
  /** How often a window is read again from its start without progress. Restarts with a smaller page size do not count. */
  readonly restarts: number;
}

export const scanLimits: ScanLimits = { cap: 10_000, maxPageSize: 100, minPageSize: 10, held: 10_000, restarts: 5 };

const minuteMs = 60_000;

/** `progress`: where an earlier scan got to; null: begin. Rejects with what the source rejects with. */
export async function* scanRows<Row extends ScannedRow, Mirrored extends MirroredRow>(
  source: ScanSource<Row, Mirrored>,
  progress: ScanProgress | null,
  limits: ScanLimits = scanLimits,
): AsyncGenerator<ScanStep<Row, Mirrored>, ScanEnd> {
  const pace = { pageSize: limits.maxPageSize };
  let { startedAt, from, rows, truncated }: Omit<ScanProgress, 'startedAt' | 'from'> & { startedAt: number | null; from: number | null } =
    progress ?? { startedAt: null, from: null, rows: { live: 0, archived: 0 }, truncated: [] };
  for (;;) {
    const live = yield* readPass(source, { partition: 'live', from, until: null }, new Map(), pace, limits);
    if (live.kind === 'stuck') return live;
    // What the archived partition returns was not absent.
    const absent = new Map(live.absent.map((row) => [row.id, row]));
    const archived = yield* readPass(source, { partition: 'archived', from, until: live.until }, absent, pace, limits);
    if (archived.kind === 'stuck') return archived;

    const { until } = archived;
    const isWithin = (time: number) => until === null || time < until;
    startedAt ??= live.startedAt;
    const counted = [...live.counts, ...archived.counts].filter(({ minute }) => isWithin(minute));
    rows = {
      live: counted.reduce((sum, count) => sum + count.live, rows.live),
      archived: counted.reduce((sum, count) => sum + count.archived, rows.archived),
    };
    const unread = [live, archived].flatMap((pass) => (pass.truncated === null ? [] : [pass.truncated]));
    truncated = [...truncated, ...unread];
    const gone = unread.length > 0 ? [] : [...absent.values(), ...archived.absent].filter((row) => isWithin(row.createdTime));
    if (gone.length > 0) yield { kind: 'absent', startedAt: live.startedAt, rows: gone };
    if (until === null) return { kind: 'ended', isComplete: truncated.length === 0, startedAt, rows, truncated };
    from = until;
    yield { kind: 'progress', progress: { startedAt, from, rows, truncated } };
  }
}

interface MinuteCount {
  readonly minute: number;
  live: number;
  archived: number;
}

/** One partition of a window, read up to `until`: the end of the range, or an earlier minute, but later than its start. */
interface Pass<Mirrored> {
  readonly kind: 'read';
  readonly startedAt: number;
  readonly until: number | null;
  readonly absent: readonly Mirrored[];
  readonly counts: readonly MinuteCount[];
  readonly truncated: TruncatedMinute | null;
}

interface Stuck {
  readonly kind: 'stuck';
  readonly reason: StuckReason;
}

const stuck = (reason: StuckReason): Stuck => ({ kind: 'stuck', reason });

interface Pace {
  pageSize: number;
}

/** Reads a partition by one query; if that made no progress, by another from the same start. */
async function* readPass<Row extends ScannedRow, Mirrored extends MirroredRow>(
  source: ScanSource<Row, Mirrored>,
  range: RowRange,
  absentElsewhere: Map<string, Mirrored>,
  pace: Pace,
  limits: ScanLimits,
): AsyncGenerator<ScanStep<Row, Mirrored>, Pass<Mirrored> | Stuck> {
  let restarts = 0;
  for (;;) {
    const { pageSize } = pace;
    const join = createJoin(source, range, limits.held);
    try {
      const result = yield* readQuery(source, range, join, absentElsewhere, pace, limits);
      if (result.kind === 'read' || restarts >= limits.restarts) return result;
    } finally {
      await join.close();
    }
    if (pace.pageSize === pageSize) restarts += 1;
  }
}

/**
 * What was read before an overload or a refused cursor is good: the pass ends at the minute that it had reached. Otherwise it would never end when
 * cursors live for less time than a window takes. After a repeated cursor, or a page out of order, nothing that was read proves anything.
 */
async function* readQuery<Row extends ScannedRow, Mirrored extends MirroredRow>(
  source: ScanSource<Row, Mirrored>,
  range: RowRange,
  join: Join<Row, Mirrored>,
  absentElsewhere: Map<string, Mirrored>,
  pace: Pace,
  limits: ScanLimits,
): AsyncGenerator<ScanStep<Row, Mirrored>, Pass<Mirrored> | Stuck> {
  const { cap, minPageSize, maxPageSize } = limits;
  const { partition, from, until } = range;
  const { pageSize } = pace;
  const cursors = new Set<string>();
  let cursor: string | null = null;
  let startedAt: number | null = null;
  let isIncomplete = false;
  /** What numbers all rows so far; null: some have no number. */
  let numbering: string | null | undefined;
  do {
    const page: PageAnswer<Row> = await source.ask({ ...range, cursor, pageSize });
    if (page.kind === 'overloaded') slowDown();
    if (page.kind !== 'page') return startedAt !== null && join.isPast(from) ? join.passUntil(join.minute(), startedAt) : stuck(page.kind);
    startedAt ??= page.startedAt;
    // Not every page of such a result must say so.
    isIncomplete ||= page.isIncomplete;
    const rows: Row[] = [];
    let end: 'contradictory' | 'full' | null = null;
    let last = Number.NEGATIVE_INFINITY;
    for (const row of page.rows) {
      const minute = minuteOf(row);
      if (minute < (from ?? minute) || minute >= (until ?? Number.POSITIVE_INFINITY)) continue;
      if (minute < last) end = 'contradictory';
      else if (minute > join.minute() && !(await join.goOnTo(minute))) end = 'full';
      if (end !== null) break;
      last = minute;
      const property = numberingOf(row);
      numbering = numbering === undefined || numbering === property ? property : null;
      absentElsewhere.delete(row.id);
      if (join.isNews(row)) rows.push(row);
    }
    if (rows.length > 0) yield { kind: 'rows', startedAt, rows };
    if (end === 'contradictory') return stuck(end);
    if (end === 'full') return join.passUntil(join.minute(), startedAt);
    cursor = page.nextCursor;
    if (cursor !== null && cursors.has(cursor)) return stuck('cursor_repeated');
    if (cursor !== null) cursors.add(cursor);
  } while (cursor !== null);

  pace.pageSize = Math.min(maxPageSize, pageSize * 2);
  // A result as long as the cap may have been cut even if it does not say so.
  if (!isIncomplete && join.size() < cap) {
    const isAll = await join.goOnTo(Number.POSITIVE_INFINITY);
    return join.passUntil(isAll ? until : join.minute(), startedAt);
  }
  if (join.isPast(from)) return join.passUntil(join.minute(), startedAt);
  if (from === null || join.minute() !== from) return stuck('contradictory');
  const nextMinute = from + minuteMs;
  const minute: MinuteEnd =
    numbering === undefined || numbering === null ? 'unproven' : yield* readMinute({ ask: askWithin, take }, numbering, limits);
  if (minute === 'overloaded' || minute === 'cursor_refused') return stuck(minute);
  if (minute === 'whole') {
    await join.goOnTo(nextMinute);
    return join.passUntil(nextMinute, startedAt);
  }
  const truncated = { partition, minute: from, atLeast: join.endMinute() };
  return { ...join.passUntil(nextMinute, startedAt), truncated };

  function slowDown(): void {
    pace.pageSize = Math.max(minPageSize, Math.floor(pace.pageSize / 2));
  }

  async function askWithin(request: NumberedRequest): Promise<PageAnswer<Row>> {
    const minuteRange = { partition, from, until: from === null ? null : from + minuteMs };
    const page = await source.ask({ ...minuteRange, ...request, pageSize: pace.pageSize });
    if (page.kind === 'overloaded') slowDown();
    return page.kind === 'page' ? { ...page, rows: page.rows.filter((row) => minuteOf(row) === from) } : page;
  }

  function take(rows: readonly Row[]): Row[] {
    for (const { id } of rows) absentElsewhere.delete(id);
    return rows.filter((row) => join.isNews(row));
  }
}

function numberingOf({ number }: ScannedRow): string | null {
  return number === undefined || number.value === null ? null : number.property;
}

/** Compares the rows of one query with the mirror's, minute by minute. */
interface Join<Row, Mirrored> {
  /** The minute that it is in; before the first row -Infinity. */
  minute(): number;
  /** Whether all rows of some minutes from `from` on have been compared. */
  isPast(from: number | null): boolean;
  /** Rows of Notion so far, each counted once. */
  size(): number;
  /** What is left of the mirror's rows before the minute is absent. False: those are too many, and it has stopped at an earlier minute. */
  goOnTo(minute: number): Promise<boolean>;
  /** Whether the row is new or different. A row of an earlier minute, which comes again when earlier rows have moved in, always counts as news. */
  isNews(row: Row): boolean;
  /** Counts the rows of the minute that it is in; returns how many these are. */
  endMinute(): number;
  passUntil(until: number | null, startedAt: number): Pass<Mirrored>;
  close(): Promise<void>;
}

function createJoin<Row extends ScannedRow, Mirrored extends MirroredRow>(
  source: ScanSource<Row, Mirrored>,
  range: RowRange,
  held: number,
): Join<Row, Mirrored> {
  const mirrored = source.mirrored(range)[Symbol.asyncIterator]();
  let next: IteratorResult<Mirrored, unknown> | null = null;
  let minute = Number.NEGATIVE_INFINITY;
  /** The mirror's rows of the minute that Notion has not returned so far. */
  const unmatched = new Map<string, Mirrored>();
  const seen = new Set<string>();
  const absent = new Map<string, Mirrored>();
  let lastAbsent = Number.NEGATIVE_INFINITY;
  const counts: MinuteCount[] = [];
  let count: Omit<MinuteCount, 'minute'> = { live: 0, archived: 0 };
  let size = 0;

  function endMinute(): number {
    const rows = seen.size;
    if (rows > 0) counts.push({ minute, ...count });
    count = { live: 0, archived: 0 };
    seen.clear();
    return rows;
  }

  return {
    minute: () => minute,
    isPast: (from) => minute > (from ?? Number.NEGATIVE_INFINITY),
    size: () => size,
    async goOnTo(wanted) {
      endMinute();
      for (const [id, row] of unmatched) absent.set(id, row);
      if (unmatched.size > 0) lastAbsent = minute;
      unmatched.clear();
      for (;;) {
        next ??= await mirrored.next();
        if (next.done === true || minuteOf(next.value) > wanted) break;
        const row = next.value;
        const at = minuteOf(row);
        next = null;
        if (at === wanted) {
          unmatched.set(row.id, row);
          continue;
        }
        if (absent.size >= held && at > lastAbsent) {
          minute = at;
          return false;
        }
        absent.set(row.id, row);
        lastAbsent = at;
      }
      minute = wanted;
      return true;
    },
    isNews(row) {
      if (minuteOf(row) < minute) {
        absent.delete(row.id);
        return true;
      }
      if (seen.has(row.id)) return false;
      seen.add(row.id);
      size += 1;
      if (!row.isInTrash) count[row.isArchived ? 'archived' : 'live'] += 1;
      const known = unmatched.get(row.id);
      unmatched.delete(row.id);
      return known === undefined || !source.isSame(known, row);
    },
    endMinute,
    passUntil: (until, startedAt) => ({ kind: 'read', startedAt, until, absent: [...absent.values()], counts, truncated: null }),
    async close() {
      await mirrored.return?.();
    },
  };
}

function minuteOf({ createdTime }: Pick<MirroredRow, 'createdTime'>): number {
  return Math.floor(createdTime / minuteMs) * minuteMs;
}
