import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import { digestOfRow, type DigestedRecord } from '@notion-mirror/mirror-store/entities/row-records';
import type { WriteResult } from '@notion-mirror/mirror-store/records/record-store';
import type { FoundRow } from '@notion-mirror/notion-source/row-document';
import { RowQueryError, type AskForEditedRows, type EditedRequest } from '@notion-mirror/notion-source/row-query';
import { describe, expect, test } from 'vitest';
import { emptyRow } from '../../test/empty-row.ts';
import { connection } from '../../test/flooded-tenant.ts';
import { answerByQuery } from './answer-by-query.ts';

const minute = 60_000;
const [lagMs, toleranceMs] = [60_000, 10_000];
/** When the query begins. What was received before `seen` is settled by it. */
const startedAt = 1_000 * minute;
const seen = startedAt - lagMs - toleranceMs;
const asOf = startedAt - lagMs;

const contentOf = (title: string, given: Partial<RowContent> = {}): RowContent =>
  emptyRow({
    databaseId: 'D',
    dataSourceId: 'S',
    title,
    createdTime: new Date(0),
    lastEditedTime: new Date(990 * minute),
    raw: { title },
    ...given,
  });
const found = (id: string, title: string, given: Partial<FoundRow> = {}): FoundRow => ({
  id,
  createdTime: 0,
  isArchived: false,
  isInTrash: false,
  isCut: false,
  content: contentOf(title),
  ...given,
});
const recordOf = (title: string, given: Partial<DigestedRecord> = {}): DigestedRecord => ({
  rev: 3,
  asOf: 1,
  syncedAt: 1,
  source: 'fetch',
  live: true,
  connectionId: 'connection',
  removed: null,
  databaseId: 'D',
  dataSourceId: 'S',
  createdTime: new Date(0),
  digest: digestOfRow(contentOf(title)),
  ...given,
});
const eventOf = (pageId: string, given: Partial<DatabaseEvent> = {}): DatabaseEvent => ({
  eventId: `of-${pageId}`,
  kind: 'row_sync',
  type: 'page.properties_updated',
  workspaceId: 'acme',
  connectionId: 'connection',
  providerConfigKey: 'notion',
  notionWorkspaceId: 'n',
  databaseId: 'D',
  dataSourceId: 'S',
  pageId,
  occurredAt: new Date(995 * minute + 12_345),
  receivedAt: new Date(seen - 1),
  origin: 'notion',
  ...given,
});

type Answer = Awaited<ReturnType<AskForEditedRows>>;
const page = (rows: readonly FoundRow[], nextCursor: string | null = null, at = startedAt): Answer => ({
  kind: 'page',
  startedAt: at,
  rows,
  nextCursor,
  isIncomplete: false,
});

function scene(given: { readonly pages: readonly (Answer | Error)[]; readonly records?: Record<string, DigestedRecord> }) {
  const requests: EditedRequest[] = [];
  const written: {
    id: string;
    asOf: number;
    expected: number | undefined;
    lastEvent: string | undefined;
    title: string;
    seenBy: unknown;
  }[] = [];
  const results = new Map<string, WriteResult>();
  /** Whether the data source has a database, each time it is asked; off: an operator turned it off. */
  const parents: boolean[] = [];
  const off = { is: false };
  /** Data sources whose dependents were followed, and how many rows were written before. */
  const followed: string[] = [];
  const answer = (events: readonly DatabaseEvent[], signal = new AbortController().signal) =>
    answerByQuery(
      {
        lagMs,
        toleranceMs,
        notion: {
          queryEditedRows: () => (request) => {
            const reply = given.pages[requests.push(request) - 1] ?? page([]);
            return reply instanceof Error ? Promise.reject(reply) : Promise.resolve(reply);
          },
        },
        rowRecords: {
          read: (_, ids) => Promise.resolve(new Map(Object.entries(given.records ?? {}).filter(([id]) => ids.includes(id)))),
        },
        records: {
          writeLive(write) {
            const { id, content, expected, lastEvent, seenBy } = write;
            written.push({
              id,
              title: content.title,
              asOf: write.asOf.getTime(),
              expected: expected?.rev,
              lastEvent: lastEvent?.id,
              seenBy,
            });
            return Promise.resolve(results.get(id) ?? { kind: 'written' });
          },
        },
        parents: {
          has: () => Promise.resolve(parents.shift() ?? true),
          isOff: () => Promise.resolve(off.is),
          problemOf: () =>
            Promise.resolve((parents.shift() ?? true) ? null : { kind: 'removed', reason: 'database_removed', source: 'delete' }),
        },
        dependents: {
          followAll: (_, dataSourceId) => Promise.resolve(void followed.push(`${dataSourceId} after ${written.length}`)),
        },
      },
      {
        workspaceId: 'acme',
        dataSourceId: 'S',
        connection,
        events: Map.groupBy(events, ({ pageId }) => pageId ?? ''),
      },
      signal,
    );
  return { requests, written, results, parents, off, followed, answer };
}

describe('a returned row', () => {
  test('is written as of one lag before the query, and its event is settled', async () => {
    const { answer, written, requests } = scene({ pages: [page([found('a', 'new')])], records: { a: recordOf('old') } });
    const answers = await answer([eventOf('a')]);
    expect(written).toEqual([{ id: 'a', title: 'new', asOf, expected: 3, lastEvent: 'of-a', seenBy: 'query' }]);
    const query = { startedAt, lagMs, toleranceMs };
    expect([...answers]).toEqual([['a', { kind: 'settled', outcome: 'written', query, record: { rev: 4, asOf } }]]);
    // The minute of the oldest event, and one before.
    expect(requests).toEqual([{ partition: 'live', since: 994 * minute, cursor: null, pageSize: 100 }]);
  });

  test('is written again if it is the same, since a late delete must not erase it', async () => {
    const { answer, written } = scene({ pages: [page([found('a', 'same')])], records: { a: recordOf('same') } });
    await answer([eventOf('a')]);
    expect(written).toMatchObject([{ id: 'a', asOf }]);
  });

  test('is kept if it was fetched since', async () => {
    const { answer, written } = scene({ pages: [page([found('a', 'older')])], records: { a: recordOf('newer', { asOf: startedAt }) } });
    expect((await answer([eventOf('a')])).get('a')).toMatchObject({
      kind: 'settled',
      outcome: 'skipped',
      record: { rev: 3, asOf: startedAt },
    });
    expect(written).toEqual([]);
  });

  test('is left alone if none of its events is settled by the query', async () => {
    const { answer, written } = scene({ pages: [page([found('a', 'new')])] });
    expect(await answer([eventOf('a', { receivedAt: new Date(seen) })])).toEqual(new Map());
    expect(written).toEqual([]);
  });

  test('is written for the newest event that is settled', async () => {
    const { answer, written } = scene({ pages: [page([found('a', 'new')])], records: { a: recordOf('old') } });
    const times = { old: seen - 5, 'newest-settled': seen - 2, 'too-new': seen + 5 };
    await answer(Object.entries(times).map(([eventId, time]) => eventOf('a', { eventId, receivedAt: new Date(time) })));
    expect(written).toMatchObject([{ lastEvent: 'newest-settled' }]);
  });

  test('that no event waits for is not touched', async () => {
    const { answer, written } = scene({ pages: [page([found('other', 'new'), found('a', 'new')])] });
    await answer([eventOf('a')]);
    expect(written.map(({ id }) => id)).toEqual(['a']);
  });

  test('whose record was written recently says when another query could answer', async () => {
    const syncedAt = asOf - toleranceMs;
    const { answer, written } = scene({ pages: [page([found('a', 'new')])], records: { a: recordOf('old', { syncedAt }) } });
    expect([...(await answer([eventOf('a')]))]).toEqual([['a', { kind: 'recent', at: syncedAt + lagMs + toleranceMs + 1 }]]);
    expect(written).toEqual([]);
  });

  test.each<[string, Partial<FoundRow>]>([
    ['in the trash', { isInTrash: true }],
    ['with a value cut off', { isCut: true }],
  ])('%s has no answer: it is read singly', async (_, given) => {
    const { answer, written } = scene({ pages: [page([found('a', 'new', given)])], records: { a: recordOf('old') } });
    expect([await answer([eventOf('a')]), written]).toEqual([new Map(), []]);
  });

  test.each<WriteResult>([{ kind: 'conflict' }, { kind: 'rejected', message: 'too large' }])(
    'has no answer if its write is %o: it is read singly',
    async (result) => {
      const { answer, results } = scene({ pages: [page([found('a', 'new')])], records: { a: recordOf('old') } });
      results.set('a', result);
      expect(await answer([eventOf('a')])).toEqual(new Map());
    },
  );
});

describe('the parent of rows', () => {
  test('is checked before anything is written', async () => {
    const { answer, parents, requests } = scene({ pages: [page([found('a', 'new')])] });
    parents.push(false);
    expect([await answer([eventOf('a')]), requests]).toEqual([new Map(), []]);
  });

  test('is not asked for rows that an operator turned off', async () => {
    const { answer, off, requests } = scene({ pages: [page([found('a', 'new')])] });
    off.is = true;
    expect([await answer([eventOf('a')]), requests]).toEqual([new Map(), []]);
  });

  // The removal of the data source had passed already, and nothing removed the row.
  test('is checked again after rows were inserted or moved in: they are read singly if it has gone', async () => {
    const records = { known: recordOf('old'), moved: recordOf('old', { dataSourceId: 'T' }) };
    const { answer, parents } = scene({ pages: [page(['new', 'known', 'moved'].map((id) => found(id, 'title')))], records });
    parents.push(true, false);
    expect([...(await answer(['new', 'known', 'moved'].map((id) => eventOf(id)))).keys()]).toEqual(['known']);
  });
});

test('what depends on the rows is followed once, before the first change is written', async () => {
  const records = { same: recordOf('title'), a: recordOf('old'), b: recordOf('old') };
  const { answer, followed } = scene({
    pages: [
      page([found('same', 'title')], 'c1'),
      page([found('a', 'title')], 'c2'),
      page([found('b', 'title')], 'c3'),
      page([found('new', 'title')], 'c4'),
    ],
    records,
  });
  await answer(['same', 'a', 'b', 'new'].map((id) => eventOf(id)));
  expect(followed).toEqual(['S after 1']);
});

const rows = (...ids: string[]) => ids.map((id) => found(id, 'title'));

describe('the query', () => {
  const all = Array.from({ length: 60 }, (_, index) => eventOf(`row-${index}`));

  test('goes on until all rows have an answer, as of its first page', async () => {
    const { answer, written, requests } = scene({
      pages: [page(rows('row-0'), 'c1'), page(rows('row-1'), 'c2', startedAt + 30_000), page(rows('row-2'), 'c3')],
    });
    await answer(all.slice(0, 3));
    expect(requests.map(({ cursor }) => cursor)).toEqual([null, 'c1', 'c2']);
    expect(written.map((write) => write.asOf)).toEqual([asOf, asOf, asOf]);
  });

  test('begins again at the minute that it has reached when it breaks off, with smaller pages when Notion is overloaded', async () => {
    const last = found('row-1', 'title', { content: contentOf('title', { lastEditedTime: new Date(996 * minute) }) });
    const later = startedAt + 5_000;
    const { answer, written, requests } = scene({
      pages: [
        page([last], 'c1'),
        { kind: 'overloaded' },
        page(rows('row-2'), 'c2', later),
        { kind: 'cursor_refused' },
        page([], null, later),
      ],
    });
    await answer(all);
    const request = { partition: 'live', since: 996 * minute } as const;
    expect(requests.slice(2)).toEqual([
      { ...request, cursor: null, pageSize: 50 },
      { ...request, cursor: 'c2', pageSize: 50 },
      { ...request, cursor: null, pageSize: 50 },
    ]);
    expect(written.map((write) => write.asOf)).toEqual([asOf, later - lagMs]);
  });

  test('is given up when it takes more calls than a quarter of the single reads', async () => {
    const { answer, requests } = scene({ pages: Array.from({ length: 100 }, (_, index) => page([], `c${index}`)) });
    await answer(all);
    expect(requests).toHaveLength(15);
  });

  test('that fails leaves the rows without an answer, but not those before', async () => {
    const refusal = new RowQueryError('refused', { class: 'gone', code: 'object_not_found', message: '' });
    const { answer } = scene({ pages: [page(rows('row-3'), 'c1'), refusal] });
    expect([...(await answer(all)).keys()]).toEqual(['row-3']);
  });

  test('does not answer a row twice that was edited meanwhile', async () => {
    const { answer, written } = scene({ pages: [page(rows('row-1'), 'c1'), page(rows('row-1'), null)] });
    await answer(all);
    expect(written).toHaveLength(1);
  });

  test('ends with the worker', async () => {
    const stopping = new AbortController();
    const { answer } = scene({ pages: [new RowQueryError('aborted', { class: 'network', code: 'aborted', message: '' })] });
    stopping.abort(new Error('stopping'));
    await expect(answer(all, stopping.signal)).rejects.toThrow('stopping');
  });

  test('lets the failures of the store through', async () => {
    const { answer } = scene({ pages: [new TypeError('a bug')] });
    await expect(answer(all)).rejects.toThrow('a bug');
  });
});
