import { tracingOff, type Attributes } from '@notion-mirror/service-kit/tracing/tracing';
import { createProcessSpans, type ProcessSpans } from '@notion-mirror/worker/process-spans';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { Fate, WorkItem } from '@notion-mirror/event-log/lanes/work';
import { StoreUnavailableError } from '@notion-mirror/mirror-store/errors';
import { expect, test } from 'vitest';
import { createFloodHandler, fewRows, type RowFlood, type RowFloods } from './floods.ts';
import { createReadPace } from './read-pace.ts';

const now = 1_000_000;
const signal = new AbortController().signal;

function itemOf(eventId: string, given: Partial<DatabaseEvent> = {}): WorkItem<DatabaseEvent> {
  const item: DatabaseEvent = {
    eventId,
    kind: 'sync',
    type: 'database.content_updated',
    workspaceId: 'acme',
    connectionId: 'c',
    providerConfigKey: 'notion',
    notionWorkspaceId: 'n',
    databaseId: 'D',
    dataSourceId: null,
    pageId: null,
    occurredAt: new Date(now - 500),
    receivedAt: new Date(now - 500),
    origin: 'notion',
    ...given,
  };
  const record = { topic: 't', partition: 0, offset: 0n, timestamp: 0, key: null, value: null, headers: {} };
  return { item, record, takenAt: now - 100 };
}

function scene(given: { readonly sweep?: string | null | Error; readonly rowFloods?: RowFloods; readonly spans?: ProcessSpans } = {}) {
  const reports: [eventId: string, outcome: string, about: unknown][] = [];
  const sweeps: string[] = [];
  const asked: RowFlood[] = [];
  const time = { now };
  const floods = createFloodHandler({
    spans: given.spans ?? createProcessSpans({ tracing: tracingOff, topic: 'events', group: 'test' }),
    floodEvents: 10,
    async rowFloods(flood) {
      asked.push(flood);
      return (await given.rowFloods?.(flood)) ?? { ended: [], alone: [], until: null, gathers: false };
    },
    async wantSweep(workspaceId) {
      if (given.sweep instanceof Error) throw given.sweep;
      sweeps.push(workspaceId);
      return given.sweep === undefined ? 'trace of the sweep' : given.sweep;
    },
    report: ({ item }, outcome, { reason, coalescedInto, others, scanTrace }) =>
      void reports.push([
        item.eventId,
        outcome,
        { reason, coalescedInto, others: others?.map((other) => other.item.eventId), ...(scanTrace === undefined ? {} : { scanTrace }) },
      ]),
    now: () => time.now,
  });
  const handle = async (
    group: string,
    items: readonly WorkItem<DatabaseEvent>[],
    more: { readonly alone?: number; readonly isSurplus?: boolean } = {},
  ) => {
    const outcome = await floods.handle({ lane: 'acme', group, items, alone: 0, isSurplus: false, signal, ...more });
    const fates: Partial<Record<Fate, string[]>> = {};
    for (const item of items) (fates[outcome.fateOf(item)] ??= []).push(item.item.eventId);
    return { ...fates, until: outcome.until, gathers: outcome.gathers };
  };
  return { floods, reports, sweeps, asked, time, handle };
}

/** An event that was received so many milliseconds ago. */
const at = (eventId: string, ms: number, given: Partial<DatabaseEvent> = {}) =>
  itemOf(eventId, { ...given, receivedAt: new Date(now - ms) });
const row = (index: number, pageId: string) => itemOf(`e${index}`, { kind: 'row_sync', dataSourceId: 'S', pageId });
const range = (count: number) => Array.from({ length: count }, (_, index) => index);
const deferred = (reason: string, more: object = {}) => ({ reason, coalescedInto: undefined, others: undefined, ...more });

test('too many events about the databases of a tenant end when a sweep is wanted', async () => {
  const { handle, reports, sweeps } = scene();
  const items = range(10).map((index) => itemOf(`e${index}`, { databaseId: `D${index}` }));
  expect(await handle('databases', items)).toEqual({ done: items.map(({ item }) => item.eventId), until: null, gathers: false });
  expect(sweeps).toEqual(['acme']);
  const leftTo = deferred('sweep_wanted', { scanTrace: 'trace of the sweep' });
  expect(reports).toEqual(items.map(({ item }) => [item.eventId, 'deferred', leftTo]));
});

test('they run one by one when no sweep can be wanted', async () => {
  const { handle, reports } = scene({ sweep: null });
  const items = range(10).map((index) => itemOf(`e${index}`, { databaseId: `D${index}` }));
  expect(await handle('databases', items)).toMatchObject({ alone: items.map(({ item }) => item.eventId) });
  expect(reports).toEqual([]);
});

test('they wait, and nothing ends, while MongoDB is unavailable; any other error is thrown', async () => {
  const items = range(10).map((index) => itemOf(`e${index}`, { databaseId: `D${index}` }));
  const unavailable = scene({ sweep: new StoreUnavailableError('unavailable') });
  expect(await unavailable.handle('databases', items)).toMatchObject({ waits: { length: 10 }, until: now + 5_000, gathers: true });
  expect(unavailable.reports).toEqual([]);
  await expect(scene({ sweep: new TypeError('a bug') }).handle('databases', items)).rejects.toThrow('a bug');
});

test('of few databases, the newest event of each is left, and of each data source and move: its fetch answers the others', async () => {
  const { handle, reports, sweeps } = scene();
  const moved = { dataSourceId: 'S', type: 'data_source.moved' };
  const items = [
    ...range(7).map((index) => at(`old${index}`, 900 - index)),
    at('newest', 1),
    at('source', 800, { dataSourceId: 'S' }),
    at('moved', 900, moved),
    at('late', 100),
  ];
  expect(await handle('databases', items)).toMatchObject({ waits: ['newest', 'source', 'moved'], until: null });
  expect(reports.map(([eventId]) => eventId).toSorted()).toEqual(['late', ...range(7).map((index) => `old${index}`)]);
  expect(reports[0]).toEqual(['late', 'deferred', deferred('newer_event', { coalescedInto: 'newest' })]);
  expect(sweeps).toEqual([]);
});

test('events that a sweep or an operator waits for are handled by themselves', async () => {
  const { handle, reports } = scene();
  const origins = ['reconcile', 'operator'] as const;
  const items = [
    ...origins.map((origin) => itemOf(origin, { origin, databaseId: origin })),
    ...range(10).map((index) => itemOf(`e${index}`, { databaseId: `D${index}` })),
  ];
  expect(await handle('databases', items)).toMatchObject({ alone: ['reconcile', 'operator'], done: { length: 10 } });
  expect(reports).toHaveLength(10);
});

test('too many events of many rows are too much; of few rows, the newest event of each is left', async () => {
  const { handle, asked, reports, sweeps } = scene();
  await handle(
    'rows:S',
    range(10).map((index) => row(index, `p${index}`)),
  );
  await handle(
    'rows:S',
    range(10).map((index) => row(index, `p${index % 2}`)),
  );
  expect(asked.map(({ isTooMuch, items, dataSourceId }) => [dataSourceId, isTooMuch, items.length])).toEqual([
    ['S', true, 10],
    ['S', false, 2],
  ]);
  expect(asked[1]?.items.map(({ item }) => item.eventId)).toEqual(['e8', 'e9']);
  expect(reports).toEqual([
    ['e6', 'deferred', deferred('newer_event', { coalescedInto: 'e8', others: ['e4', 'e2', 'e0'] })],
    ['e7', 'deferred', deferred('newer_event', { coalescedInto: 'e9', others: ['e5', 'e3', 'e1'] })],
  ]);
  expect(sweeps).toEqual([]);
});

test('rows of a data source are too much, however few, when those of all data sources of their tenant are', async () => {
  const { handle, asked, reports } = scene();
  const isSurplus = true;
  await handle('rows:S', [row(0, 'p0'), row(1, 'p1'), row(2, 'p0')], { isSurplus });
  await handle('rows:S', [row(0, 'p0'), row(1, 'p0'), row(2, 'p0')], { isSurplus });
  expect(asked.map(({ isTooMuch, items }) => [isTooMuch, items.length])).toEqual([
    [true, 3],
    [false, 1],
  ]);
  expect(reports).toEqual([['e1', 'deferred', deferred('newer_event', { coalescedInto: 'e2', others: ['e0'] })]]);
});

test('the ends of rows are reported once for each row, with all of its events', async () => {
  const items = [1, 2, 3].map((index) => itemOf(`e${index}`, { kind: 'row_sync', dataSourceId: 'S', pageId: 'p' }));
  const [first, second, third] = items;
  const { handle, reports } = scene({
    rowFloods: () =>
      Promise.resolve({
        ended: [{ items: [second!, first!], outcome: 'written', callsSaved: 2, trail: null }],
        alone: [third!],
        until: 5,
        gathers: true,
      }),
  });
  expect(await handle('rows:S', items)).toEqual({ done: ['e1', 'e2'], alone: ['e3'], until: 5, gathers: true });
  expect(reports).toEqual([['e2', 'written', { reason: undefined, coalescedInto: undefined, others: ['e1'] }]]);
});

test('a flood has one span, which ends when events of it do, and into which they are answered', async () => {
  const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const ended: Attributes[] = [];
  const answeredBy: (string | undefined)[] = [];
  const spans: ProcessSpans = {
    start() {
      const all: Attributes[] = [];
      return { trace, set: (some) => void all.push(some), event() {}, keep() {}, end: () => void ended.push(...all) };
    },
    answered: () => undefined,
  };
  const asked: (string | undefined)[] = [];
  const floods = createFloodHandler({
    spans,
    floodEvents: 10,
    rowFloods({ items, trace: given }) {
      asked.push(given);
      const [first, second] = items;
      if (asked.length === 1) return Promise.resolve({ ended: [], alone: [], until: 5, gathers: true });
      return Promise.resolve({
        ended: [{ items: [first!, second!], outcome: 'written', trail: null }],
        alone: [],
        until: null,
        gathers: false,
      });
    },
    wantSweep: () => Promise.resolve('trace of the sweep'),
    report: (_event, _outcome, detail) => void answeredBy.push(detail.answeredBy),
    now: () => now,
  });
  const work = { lane: 'acme', group: 'rows:S', items: [row(1, 'P'), row(2, 'P')], alone: 0, isSurplus: false, signal };
  await floods.handle(work);
  expect([asked, ended, answeredBy]).toEqual([[trace], [], []]);
  await floods.handle(work);
  expect(ended).toEqual([{ 'notion_mirror.outcome': 'flood', 'notion_mirror.ended': 2 }]);
  expect(answeredBy).toEqual([trace]);
});

test('rows of a data source are many when more wait than a few, or as many have begun within a second', () => {
  const { floods, time, handle, asked } = scene();
  const turn = (group: string, ready = 1) => floods.isMany({ lane: 'acme', group, ready });
  expect([turn('rows:S', fewRows), turn('rows:S', fewRows + 1), turn('databases', 1_000)]).toEqual([false, true, false]);
  expect(range(fewRows).map(() => turn('rows:S'))).toEqual([...range(fewRows - 1).map(() => false), true]);
  expect([turn('rows:T'), floods.isMany({ lane: 'globex', group: 'rows:S', ready: 1 })]).toEqual([false, false]);
  void handle('rows:S', [row(1, 'P')], { alone: 7 });
  expect(asked).toMatchObject([{ begun: fewRows, queued: 7 }]);
  time.now += 1_000;
  expect(turn('rows:S')).toBe(false);
});

test('a pace forgets what began more than a second ago', () => {
  const time = { now };
  const pace = createReadPace(2, () => time.now);
  expect([pace.begin('acme', 'a'), pace.begin('acme', 'a'), pace.begin('acme', 'a')]).toEqual([true, true, false]);
  time.now += 999;
  expect([pace.begin('acme', 'b'), pace.begunLately('acme', 'a'), pace.begunLately('acme', 'c')]).toEqual([true, 2, 0]);
  time.now += 1;
  expect([pace.begunLately('acme', 'a'), pace.begunLately('acme', 'b')]).toEqual([0, 1]);
});
