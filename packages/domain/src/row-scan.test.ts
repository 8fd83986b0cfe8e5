import { array, assert, asyncProperty, boolean, constantFrom, integer, nat, record, uniqueArray } from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createFakeNotion,
  minute,
  minuteOf,
  partitionOf,
  type FakeNotion,
  type Mirrored,
  type NotionRow,
  type Trouble,
} from '../test/scanned-notion.ts';
import {
  scanLimits,
  scanRows,
  type PageRequest,
  type Partition,
  type RowRange,
  type ScanEnd,
  type ScanLimits,
  type ScanProgress,
  type ScanStep,
} from './row-scan.ts';

interface Result {
  readonly end: ScanEnd;
  readonly steps: readonly ScanStep<NotionRow, Mirrored>[];
  readonly progress: ScanProgress | null;
}

interface Scan {
  readonly notion: FakeNotion;
  readonly mirror: Map<string, Mirrored>;
  readonly limits?: Partial<ScanLimits>;
  readonly progress?: ScanProgress | null;
  /** Ends after so many steps, as a crash does. */
  readonly steps?: number;
}

/** Runs a scan and does to the mirror what each step says. `end`: null when it was ended from outside. */
async function run({
  notion,
  mirror,
  limits = {},
  progress = null,
  steps: atMost = Infinity,
}: Scan): Promise<Omit<Result, 'end'> & { end: ScanEnd | null }> {
  const source = {
    ask: (request: PageRequest) => notion.ask(request),
    mirrored: (range: RowRange) => mirroredRows(mirror, range),
    isSame: (known: Mirrored, row: NotionRow) => !row.isInTrash && known.content === row.content && known.isArchived === row.isArchived,
  };
  const steps: ScanStep<NotionRow, Mirrored>[] = [];
  let last = progress;
  const scan = scanRows(source, progress, { ...scanLimits, ...limits });
  while (steps.length < atMost) {
    const { done, value } = await scan.next();
    if (done === true) return { end: value, steps, progress: last };
    steps.push(value);
    if (value.kind === 'progress') last = JSON.parse(JSON.stringify(value.progress)) as ScanProgress;
    if (value.kind === 'absent') for (const { id } of value.rows) mirror.delete(id);
    if (value.kind !== 'rows') continue;
    for (const row of value.rows) {
      if (row.isInTrash) mirror.delete(row.id);
      else mirror.set(row.id, mirrored(row));
    }
  }
  return { end: null, steps, progress: last };
}

async function runToEnd(scan: Scan): Promise<Result> {
  const { end, ...rest } = await run(scan);
  if (end === null) throw new Error('not ended');
  return { end, ...rest };
}

function mirrored({ id, createdTime, isArchived, content }: NotionRow): Mirrored {
  return { id, createdTime: Math.floor(createdTime / minute) * minute, isArchived, content };
}

async function* mirroredRows(mirror: ReadonlyMap<string, Mirrored>, { partition, from, until }: RowRange): AsyncGenerator<Mirrored> {
  const rows = [...mirror.values()].filter(
    ({ createdTime, isArchived }) =>
      isArchived === (partition === 'archived') && createdTime >= (from ?? createdTime) && createdTime < (until ?? Infinity),
  );
  yield* rows.toSorted((a, b) => a.createdTime - b.createdTime || (a.id < b.id ? -1 : 1));
}

/** More rows of one minute than are returned. */
const numbered = (count: number, valueOf: (index: number) => number | null = (index) => 10 * index): NotionRow[] =>
  rowsAt(Array.from({ length: count }, () => 1)).map((row, index) => ({ ...row, number: { property: 'ID', value: valueOf(index) } }));

function rowsAt(minutes: readonly number[]): NotionRow[] {
  return minutes.map((at, index) => ({
    id: `row ${index}`,
    createdTime: at * minute + index,
    isArchived: false,
    isInTrash: false,
    content: 1,
  }));
}

const mirrorOf = (rows: readonly NotionRow[]) => new Map(rows.map((row) => [row.id, mirrored(row)]));
const windowsOf = ({ requests }: FakeNotion) =>
  requests.filter(({ cursor }) => cursor === null).map(({ partition, from, until, pageSize }) => [partition, from, until, pageSize]);

describe('any rows in Notion and in the mirror', () => {
  const kinds = [
    'equal',
    'different',
    'new',
    'gone',
    'archived meanwhile',
    'unarchived meanwhile',
    'trashed',
    'trashed and unknown',
  ] as const;
  const troubles: readonly Trouble[] = ['none', 'none', 'none', 'overloaded', 'cursor_refused', 'cursor_repeated', 'short', 'rows_again'];
  const scans = record({
    rows: uniqueArray(
      record({
        id: nat(9999),
        at: nat(6 * minute),
        isArchived: boolean(),
        kind: constantFrom(...kinds),
        isNumbered: constantFrom(true, true, true, true, true, true, true, false),
      }),
      {
        selector: ({ id }) => id,
        maxLength: 40,
        size: 'max',
      },
    ),
    numbers: boolean(),
    cap: integer({ min: 1, max: 12 }),
    knowsCap: boolean(),
    pageSize: integer({ min: 2, max: 8 }),
    held: integer({ min: 1, max: 6 }),
    troubles: array(constantFrom(...troubles), { maxLength: 40, size: 'max' }),
    crashes: array(integer({ min: 1, max: 12 }), { maxLength: 4 }),
  });

  test('exactly the differences are handed out, whatever fails, and wherever the scan is resumed', async () => {
    const property = asyncProperty(scans, async ({ rows, numbers, cap, knowsCap, pageSize, held, troubles: sequence, crashes }) => {
      const all = rows.map(({ id, at, isArchived, kind, isNumbered }) => ({
        kind,
        row: {
          id: `row ${id}`,
          createdTime: at,
          isArchived: kind === 'archived meanwhile' || (kind !== 'unarchived meanwhile' && isArchived),
          isInTrash: kind.startsWith('trashed'),
          content: 2,
          ...(numbers ? { number: { property: 'ID', value: isNumbered ? id : null } } : {}),
        },
      }));
      const inNotion = all.filter(({ kind }) => kind !== 'gone').map(({ row }) => row);
      const mirror = new Map(
        all
          .filter(({ kind }) => kind !== 'new' && kind !== 'trashed and unknown')
          .map(({ kind, row }) => [
            row.id,
            mirrored({
              ...row,
              content: kind === 'different' ? 1 : 2,
              isArchived: kind.endsWith('meanwhile') ? !row.isArchived : row.isArchived,
            }),
          ]),
      );
      const notion = createFakeNotion(inNotion, cap, sequence);
      const limits = { cap: knowsCap ? cap : 1000, maxPageSize: pageSize, minPageSize: 1, held, restarts: 3 };

      const expected = new Map(inNotion.filter((row) => !row.isInTrash).map((row) => [row.id, mirrored(row)]));
      const before = new Map(mirror);
      const handedOut = new Set<string>();
      const absent: Mirrored[] = [];

      let end: ScanEnd | null = null;
      let progress: ScanProgress | null = null;
      for (let turn = 0; end?.kind !== 'ended'; turn += 1) {
        const result = await run({ notion, mirror, limits, progress, steps: crashes[turn] ?? Infinity });
        ({ end, progress } = result);
        for (const step of result.steps) {
          if (step.kind === 'absent') absent.push(...step.rows);
          if (step.kind !== 'progress') for (const { id } of step.rows) handedOut.add(id);
        }
      }

      // A minute whose rows all have numbers is read by these, unless the queries get nowhere or a range holds one row.
      const isProvable = (partition: Partition, at: number) =>
        numbers && cap > 1 && inNotion.every((row) => partitionOf(row) !== partition || minuteOf(row) !== at || row.number?.value !== null);
      const mayFail = sequence.filter((trouble) => trouble === 'cursor_repeated').length > limits.restarts;
      // A minute with as many rows as the cap may be truncated, one with more is. What it should look like is not known: nothing goes from it.
      const { truncated } = end;
      const returned = (partition: Partition, at: number) =>
        inNotion.filter((row) => partitionOf(row) === partition && minuteOf(row) === at).length;
      for (const one of truncated) expect(returned(one.partition, one.minute)).toBeGreaterThanOrEqual(cap);
      for (const row of inNotion) {
        if (returned(partitionOf(row), minuteOf(row)) <= cap) continue;
        const found = truncated.filter((one) => one.partition === partitionOf(row) && one.minute === minuteOf(row));
        const isProven = isProvable(partitionOf(row), minuteOf(row));
        expect(isProven && mayFail ? [0, 1] : [isProven ? 0 : 1]).toContain(found.length);
        for (const { atLeast } of found) expect(atLeast).toBeGreaterThanOrEqual(cap);
      }
      expect(new Set(truncated.map((one) => JSON.stringify(one))).size).toBe(truncated.length);
      expect(end.isComplete).toBe(truncated.length === 0);

      // All else is handed out if it differs, and only then, unless it came again.
      const isTruncated = (row: { createdTime: number }) => truncated.some((one) => one.minute === minuteOf(row));
      expect(absent.filter((row) => expected.has(row.id) || isTruncated(row))).toEqual([]);
      const clear = <Row extends { id: string; createdTime: number }>(ones: ReadonlyMap<string, Row>) =>
        [...ones.values()].filter((row) => !isTruncated(row)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
      expect(clear(mirror)).toEqual(clear(expected));
      const isRight = ({ kind, row }: (typeof all)[number]) =>
        isTruncated(row)
          ? mirror.has(row.id) || !before.has(row.id) || row.isInTrash
          : handedOut.has(row.id) === (kind !== 'equal') || notion.again.has(row.id);
      expect(all.filter((one) => !isRight(one))).toEqual([]);
      const countOf = (isArchived: boolean) => [...expected.values()].filter((row) => row.isArchived === isArchived).length;
      const counts = { live: countOf(false), archived: countOf(true) };
      expect(end.isComplete ? end.rows : counts).toEqual(counts);
    });
    await assert(property, { seed: 20_261_130, numRuns: 4_000 });
  });
});

describe('one scan', () => {
  test('both partitions are read in windows that begin at the minute of the last row at the cap', async () => {
    const rows = [...rowsAt([0, 1, 1, 2, 3]), ...rowsAt([0, 2]).map((row) => ({ ...row, id: `archived ${row.id}`, isArchived: true }))];
    const notion = createFakeNotion(rows, 3, []);
    const { end, steps } = await runToEnd({ notion, mirror: new Map(), limits: { cap: 3, maxPageSize: 2 } });
    expect(windowsOf(notion)).toEqual([
      ['live', null, null, 2],
      ['archived', null, minute, 2],
      ['live', minute, null, 2],
      ['archived', minute, 2 * minute, 2],
      ['live', 2 * minute, null, 2],
      ['archived', 2 * minute, null, 2],
    ]);
    expect(steps.flatMap((step) => (step.kind === 'progress' ? [step.progress] : []))).toEqual([
      { startedAt: 1_000_001, from: minute, rows: { live: 1, archived: 1 }, truncated: [] },
      { startedAt: 1_000_001, from: 2 * minute, rows: { live: 3, archived: 1 }, truncated: [] },
    ]);
    expect(end).toEqual({ kind: 'ended', isComplete: true, startedAt: 1_000_001, rows: { live: 5, archived: 2 }, truncated: [] });
  });

  test('a minute with more rows than the cap is truncated, and the scan continues after it', async () => {
    const rows = rowsAt([0, 1, 1, 1, 1, 2]);
    const mirror = mirrorOf([...rows, { ...rows[1]!, id: 'not returned' }, { ...rows[0]!, id: 'gone' }]);
    const { end, steps } = await runToEnd({ notion: createFakeNotion(rows, 3, []), mirror, limits: { cap: 3 } });
    expect(end).toMatchObject({ kind: 'ended', isComplete: false, truncated: [{ partition: 'live', minute, atLeast: 3 }] });
    expect(steps.flatMap((step) => (step.kind === 'absent' ? step.rows.map(({ id }) => id) : []))).toEqual(['gone']);
  });

  test('a minute with more rows than the cap is read by ranges of their numbers', async () => {
    const rows = [...rowsAt([0]).map((row) => ({ ...row, id: 'first', number: { property: 'ID', value: 999 } })), ...numbered(7)];
    const mirror = mirrorOf([...rows.slice(0, 3), { ...rows[1]!, id: 'gone' }]);
    const notion = createFakeNotion(rows, 3, []);
    const { end, steps } = await runToEnd({ notion, mirror, limits: { cap: 3, maxPageSize: 2 } });
    expect(end).toMatchObject({ kind: 'ended', isComplete: true, rows: { live: 8, archived: 0 }, truncated: [] });
    expect(steps.flatMap((step) => (step.kind === 'absent' ? step.rows.map(({ id }) => id) : []))).toEqual(['gone']);
    expect(mirror).toEqual(mirrorOf(rows));
    const ranges = notion.requests.flatMap(({ numbered: order, from, cursor }) => (order && cursor === null ? [[from, order.from]] : []));
    expect(ranges).toEqual([null, null, 20, 40, 60].map((number) => [minute, number]));
  });

  test.each<[string, NotionRow[]]>([
    ['a row without a number', numbered(7, (index) => (index === 6 ? null : index))],
    ['numbers that many rows share', numbered(7, () => 5)],
    ['no numbers', rowsAt([1, 1, 1, 1, 1, 1, 1])],
  ])('a minute with %s is truncated', async (_, rows) => {
    const mirror = mirrorOf([{ ...rows[0]!, id: 'kept' }]);
    const { end } = await runToEnd({ notion: createFakeNotion(rows, 3, []), mirror, limits: { cap: 3 } });
    expect(end).toMatchObject({ isComplete: false, truncated: [{ partition: 'live', minute }] });
    expect(mirror.has('kept')).toBe(true);
  });

  test('a minute with a row without a number is truncated, also if the order of numbers shows it at neither end', async () => {
    const rows = numbered(7, (index) => (index === 1 ? null : index));
    const notion = createFakeNotion(rows, 3, []);
    const numberedOnly = createFakeNotion(
      rows.filter(({ number }) => number?.value !== null),
      3,
      [],
    );
    const ask: FakeNotion['ask'] = (request) => (request.numbered ? numberedOnly : notion).ask(request);
    const { end } = await runToEnd({ notion: { ...notion, ask }, mirror: new Map(), limits: { cap: 3 } });
    expect(end).toMatchObject({ kind: 'ended', isComplete: false, truncated: [{ partition: 'live', minute }] });
  });

  test.each<[string, (page: NotionRow[]) => NotionRow[] | null]>([
    ['is refused', () => null],
    ['comes in another order', (page) => page.toReversed()],
  ])('a minute is truncated when the order of numbers %s', async (_, change) => {
    const notion = createFakeNotion(numbered(7), 3, []);
    const ask: FakeNotion['ask'] = async (request) => {
      const page = await notion.ask(request);
      const rows = request.numbered?.direction === 'ascending' && page.kind === 'page' ? change([...page.rows]) : [];
      if (rows === null) return { kind: 'cursor_refused' };
      return page.kind === 'page' && rows.length > 0 ? { ...page, rows } : page;
    };
    const { end } = await runToEnd({ notion: { ...notion, ask }, mirror: new Map(), limits: { cap: 3 } });
    expect(end).toMatchObject({ kind: 'ended', truncated: [{ partition: 'live', minute, atLeast: 3 }] });
  });

  test('ranges of numbers that are broken off go on at the number that they had reached, and end as stuck if they get nowhere', async () => {
    const troubles: Trouble[] = ['none', 'none', 'none', 'none', 'none', 'overloaded', 'none', 'cursor_refused', 'none', 'cursor_repeated'];
    const mirror = new Map<string, Mirrored>();
    const limits = { cap: 4, maxPageSize: 2, minPageSize: 1 };
    expect((await runToEnd({ notion: createFakeNotion(numbered(9), 4, troubles), mirror, limits })).end).toMatchObject({
      isComplete: true,
    });
    expect(mirror.size).toBe(9);
    const notion = createFakeNotion(numbered(9), 4, []);
    const ask: FakeNotion['ask'] = (request) => (request.numbered ? Promise.resolve({ kind: 'overloaded' }) : notion.ask(request));
    const { end } = await runToEnd({ notion: { ...notion, ask }, mirror: new Map(), limits });
    expect(end).toEqual({ kind: 'stuck', reason: 'overloaded' });
  });

  test('a range of numbers in which a cursor comes again proves nothing', async () => {
    const rows = numbered(9);
    const notion = createFakeNotion(rows, 4, []);
    let isRepeated = false;
    const ask: FakeNotion['ask'] = async (request) => {
      const page = await notion.ask(request);
      if (isRepeated || page.kind !== 'page' || request.cursor === null || request.numbered?.from !== 30) return page;
      isRepeated = true;
      return { ...page, rows: page.rows.slice(1), nextCursor: request.cursor };
    };
    const limits = { cap: 4, maxPageSize: 2 };
    const { end, steps } = await runToEnd({ notion: { ...notion, ask }, mirror: mirrorOf(rows), limits });
    expect([isRepeated, steps.filter(({ kind }) => kind !== 'progress')]).toEqual([true, []]);
    expect(end).toMatchObject({ isComplete: true, rows: { live: 9 } });
  });

  test('a result as long as the cap counts as cut off, even if it does not say so', async () => {
    const rows = rowsAt([0, 1, 2, 3]);
    const notion = createFakeNotion(rows, 3, []);
    const ask = async (request: PageRequest) => ({ ...(await notion.ask(request)), isIncomplete: false });
    const { end, steps } = await runToEnd({ notion: { ...notion, ask }, mirror: mirrorOf(rows), limits: { cap: 3 } });
    expect(steps.filter(({ kind }) => kind !== 'progress')).toEqual([]);
    expect(end).toMatchObject({ isComplete: true, rows: { live: 4 } });
  });

  test('every step names when its query began, not its page', async () => {
    const rows = rowsAt([0, 1, 2, 3]);
    const mirror = mirrorOf([{ ...rows[0]!, id: 'gone' }]);
    const { steps } = await runToEnd({ notion: createFakeNotion(rows, 10, []), mirror, limits: { maxPageSize: 2 } });
    expect(steps.map((step) => step.kind !== 'progress' && [step.kind, step.startedAt, step.rows.length])).toEqual([
      ['rows', 1_000_001, 2],
      ['rows', 1_000_001, 2],
      ['absent', 1_000_001, 1],
    ]);
  });

  test('an overload halves the page size, down to the least; it grows back with each query that gets to its end', async () => {
    const overloads = Array.from({ length: 4 }, (): Trouble => 'overloaded');
    const notion = createFakeNotion(rowsAt([0, 1, 2, 3, 4]), 2, overloads);
    await runToEnd({ notion, mirror: new Map(), limits: { cap: 2 } });
    expect(notion.requests.slice(0, 10).map(({ pageSize }) => pageSize)).toEqual([100, 50, 25, 12, 10, 20, 40, 80, 100, 100]);
  });

  test.each(['overloaded', 'cursor_refused'] as const)(
    '%s: what was read counts, and the next window begins where the query ended',
    async (trouble) => {
      const notion = createFakeNotion(rowsAt([0, 1, 2, 3, 4]), 10, ['none', 'none', trouble]);
      await runToEnd({ notion, mirror: new Map(), limits: { maxPageSize: 2, minPageSize: 1 } });
      expect(windowsOf(notion).map(([partition, from, until]) => [partition, from, until])).toEqual([
        ['live', null, null],
        ['archived', null, 3 * minute],
        ['live', 3 * minute, null],
        ['archived', 3 * minute, null],
      ]);
    },
  );

  test('after a cursor that was given before the query is asked again from its start, and what it missed is not absent', async () => {
    const rows = rowsAt([0, 1, 2, 3, 4]);
    const notion = createFakeNotion(rows, 10, ['none', 'cursor_repeated']);
    const { end, steps } = await runToEnd({ notion, mirror: mirrorOf(rows), limits: { maxPageSize: 2 } });
    expect(windowsOf(notion).map(([partition, from, until]) => [partition, from, until])).toEqual([
      ['live', null, null],
      ['live', null, null],
      ['archived', null, null],
    ]);
    expect([end.kind, steps]).toEqual(['ended', []]);
  });

  test.each([
    ['overloaded', 'overloaded'],
    ['cursor_repeated', 'cursor_repeated'],
  ] as const)('%s without end: stuck', async (trouble, reason) => {
    const troubles = Array.from({ length: 100 }, (): Trouble => trouble);
    const notion = createFakeNotion(rowsAt([0, 0, 0, 0]), 10, troubles);
    const { end } = await runToEnd({ notion, mirror: new Map(), limits: { maxPageSize: 2, minPageSize: 1, restarts: 2 } });
    expect(end).toEqual({ kind: 'stuck', reason });
  });

  test('a row that moves in before the place of the query is handed out, and is not absent', async () => {
    const [first, second, restored, last] = rowsAt([1, 2, 0, 3]);
    const pages = [[first!, second!], [restored!, last!], []];
    const ask = async () => {
      const rows = pages.shift() ?? [];
      return { kind: 'page' as const, startedAt: 1, rows, nextCursor: pages.length === 2 ? 'next' : null, isIncomplete: false };
    };
    const mirror = mirrorOf([first!, second!, restored!, last!]);
    const { steps } = await runToEnd({ notion: { requests: [], again: new Set(), ask }, mirror });
    expect(steps).toEqual([{ kind: 'rows', startedAt: 1, rows: [restored] }]);
  });

  test('rows outside the range that was asked for are left to their own window', async () => {
    const rows = [...rowsAt([0, 1, 2, 3]), ...rowsAt([0, 5, 6]).map((row) => ({ ...row, id: `archived ${row.id}`, isArchived: true }))];
    const notion = createFakeNotion(rows, 3, ['none', 'none', 'none', 'cursor_refused']);
    const ask = (request: PageRequest) => notion.ask({ ...request, until: null });
    const mirror = new Map<string, Mirrored>();
    const { end } = await runToEnd({ notion: { ...notion, ask }, mirror, limits: { cap: 3, maxPageSize: 2 } });
    expect(mirror).toEqual(mirrorOf(rows));
    expect(end).toMatchObject({ isComplete: true, rows: { live: 4, archived: 3 } });
  });

  test.each([
    ['a page out of order', rowsAt([1, 0]), false],
    ['a cut result without rows', [], true],
  ])('%s proves nothing', async (_, rows, isIncomplete) => {
    const ask = async () => ({ kind: 'page' as const, startedAt: 1, rows, nextCursor: null, isIncomplete });
    const { end } = await runToEnd({ notion: { requests: [], again: new Set(), ask }, mirror: new Map() });
    expect(end).toEqual({ kind: 'stuck', reason: 'contradictory' });
  });

  test('memory is bounded: many absent rows end a window early', async () => {
    const mirror = mirrorOf(rowsAt(Array.from({ length: 1000 }, (_, index) => Math.floor(index / 10))));
    const { end, steps } = await runToEnd({ notion: createFakeNotion([], 10, []), mirror, limits: { held: 50 } });
    const sizes = steps.flatMap((step) => (step.kind === 'absent' ? [step.rows.length] : []));
    expect([end.kind, sizes.length, Math.max(...sizes)]).toEqual(['ended', 20, 50]);
  });
});
