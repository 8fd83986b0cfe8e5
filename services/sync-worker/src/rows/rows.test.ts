import { tracingOff } from '@notion-mirror/service-kit/tracing/tracing';
import { createProcessSpans } from '@notion-mirror/worker/process-spans';
import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import { rowKind } from '@notion-mirror/domain/entities/row';
import { nextRev } from '@notion-mirror/domain/write-rule';
import type { ScanWish } from '@notion-mirror/mirror-store/data-source-contents';
import { StoreUnavailableError } from '@notion-mirror/mirror-store/errors';
import { databaseStorage, type DatabaseOutline } from '@notion-mirror/mirror-store/entities/database';
import { rowStorage } from '@notion-mirror/mirror-store/entities/row';
import type { EntityStorage } from '@notion-mirror/mirror-store/entity-storage';
import type { RecordStore, StoredRecord, WriteResult } from '@notion-mirror/mirror-store/records/record-store';
import { fieldsOf } from '@notion-mirror/mirror-store/records/mirrored-documents';
import type { Dependents, RowChange } from '@notion-mirror/worker/dependents';
import type { FetchOutcome, RowOutcome } from '@notion-mirror/notion-source/notion-source';
import { describe, expect, test } from 'vitest';
import { emptyRow } from '../../test/empty-row.ts';
import { createStaleAnswers, rowEdits } from '../consume/stale-answers.ts';
import { createWorkHandler, type OutcomeDetail, type SyncOutcome } from '../consume/handle-work.ts';
import { createDatabaseSync } from '../databases/sync-databases.ts';
import { removeRows } from './remove-rows.ts';
import { createRowParents } from './row-parents.ts';
import { rows } from './rows.ts';
import { createRowSync } from './sync-row.ts';

const now = 1_000_000;
const toleranceMs = 10_000;

type Written = Parameters<RecordStore<unknown, object>['writeLive']>[0] | Parameters<RecordStore<unknown, object>['writeTombstone']>[0];
type Store<Content, Outline extends object> = Pick<RecordStore<Content, Outline>, 'read' | 'recall' | 'writeLive' | 'writeTombstone'>;

/** The records of one tenant, in memory, with the last write of each. */
function memory<Content, Outline extends object>(storage: Pick<EntityStorage<Content, Outline>, 'outlineOf' | 'outlineOfContent'>) {
  const records = new Map<string, StoredRecord<Outline>>();
  const writes = new Map<string, Written>();
  /** Runs before or after each write. */
  const hooks = { before: (_id: string): void => {}, after: (_id: string): void => {} };
  const put = (write: Written, record: Omit<StoredRecord, 'rev'> & Outline): WriteResult => {
    const { id, expected } = write;
    hooks.before(id);
    if ((records.get(id)?.rev ?? 0) !== (expected?.rev ?? 0)) return { kind: 'conflict' };
    records.set(id, { ...record, rev: nextRev(expected) });
    writes.set(id, write);
    hooks.after(id);
    return { kind: 'written' };
  };
  const store: Store<Content, Outline> = {
    recall: () => null,
    read: ({ id }) => Promise.resolve(records.get(id) ?? null),
    writeLive: async (write) => {
      const { content, asOf, connectionId } = write;
      const times = { asOf: asOf.getTime(), syncedAt: now };
      return put(write, { ...times, source: 'fetch', live: true, connectionId, removed: null, ...storage.outlineOfContent(content) });
    },
    writeTombstone: async (write) => {
      const { asOf, source, reason, eventId } = write;
      const removed = { at: asOf, reason, eventId };
      return put(write, {
        asOf: asOf.getTime(),
        syncedAt: now,
        source,
        live: false,
        connectionId: null,
        removed,
        ...storage.outlineOf({ _id: '' }),
      });
    },
  };
  return { records, writes, hooks, store };
}

/** One tenant's Notion and mirror. `pages`: rows by page id; `databases`: the data sources of each. */
function world() {
  const pages = new Map<string, RowOutcome>();
  const databases = new Map<string, readonly string[]>();
  const mirroredRows = memory(rowStorage);
  const mirroredDatabases = memory(databaseStorage);
  const calls: string[] = [];
  const followed: string[] = [];
  const wishes: ScanWish[] = [];
  const forgotten: string[] = [];
  /** Data sources with a document. */
  const known = new Set(['S']);
  /** Data sources on whose rows others depend, the changes of rows that were followed, and the removals. */
  const dependedOn = new Set<string>();
  const changes: RowChange[] = [];
  const followedRemovals: string[] = [];
  const atFollow = { run: (): void => {} };
  const reports: { eventId: string; outcome: SyncOutcome; detail: OutcomeDetail }[] = [];
  const said: { database: FetchOutcome | null } = { database: null };

  const databasesListing = (_workspaceId: string, dataSourceId: string) =>
    Promise.resolve(
      [...mirroredDatabases.records].filter(([, { dataSourceIds }]) => dataSourceIds.includes(dataSourceId)).map(([id]) => id),
    );
  const follow = (_event: DatabaseEvent, databaseId: string) => Promise.resolve(void followed.push(databaseId));
  const databaseSync = createDatabaseSync({
    records: mirroredDatabases.store,
    databasesListing,
    notion: {
      fetchDatabase: ({ databaseId }) => {
        calls.push(databaseId);
        const sources = databases.get(databaseId);
        return Promise.resolve(said.database ?? (sources === undefined ? { kind: 'inaccessible' } : databaseWith(sources)));
      },
      databaseOfDataSource: () => Promise.resolve({ kind: 'not_found' }),
    },
    staleAnswers: createStaleAnswers(new Set(), () => now),
    followed: { follow, holderOf: () => Promise.resolve(null) },
    toleranceMs,
    now: () => now,
  });
  const dependents: Pick<Dependents, 'existFor' | 'follow' | 'followAll'> = {
    existFor: (_workspaceId, dataSourceId) => Promise.resolve(dependedOn.has(dataSourceId)),
    follow: async (_cause, change) => {
      changes.push(change);
      atFollow.run();
    },
    followAll: (_workspaceId, dataSourceId) => Promise.resolve(void followedRemovals.push(dataSourceId)),
  };
  /** Data sources that are off, and those that are known to be: a while later. */
  const off = { now: new Set<string>(), known: new Set<string>() };
  const parents = createRowParents({
    databasesListing,
    databaseRecords: mirroredDatabases.store,
    syncDatabase: databaseSync.syncOne,
    rowsOff: {
      isOff: ({ dataSourceId }) => Promise.resolve(off.known.has(dataSourceId)),
      isOffNow: ({ dataSourceId }) => Promise.resolve(off.now.has(dataSourceId)),
    },
  });
  const syncRow = createRowSync({
    records: mirroredRows.store,
    notion: {
      fetchRow: ({ pageId }) => {
        calls.push(pageId);
        return Promise.resolve(pages.get(pageId) ?? { kind: 'inaccessible' });
      },
    },
    parents,
    staleAnswers: createStaleAnswers(rowEdits, () => now),
    dependents,
    documents: {
      read: ({ workspaceId, id }) => {
        const write = mirroredRows.writes.get(id);
        const content = write !== undefined && 'content' in write ? (write.content as RowContent) : null;
        const fields = content === null ? null : fieldsOf(rowStorage, { workspaceId, id }, content);
        return Promise.resolve({ fields, version: '', connectionId: null, problem: null });
      },
    },
    toleranceMs,
    now: () => now,
  });
  const handle = createWorkHandler({
    spans: createProcessSpans({ tracing: tracingOff, topic: 'events', group: 'test' }),
    entities: [{ kind: rowKind, sync: (work, newest) => syncRow(work, newest, newest.pageId ?? '') }],
    now: () => now,
    recheckConnections: () => Promise.resolve(false),
    retrying: () => {},
    park: () => Promise.resolve(),
    report: ({ item: { eventId } }, outcome, detail) => void reports.push({ eventId, outcome, detail }),
  });
  const atForget = { run: (): void => {} };
  const change = (id: string, given: Pick<StoredRecord<DatabaseOutline>, 'source' | 'live' | 'dataSourceIds' | 'removed'>) => {
    const { rev = 0 } = mirroredDatabases.records.get(id) ?? {};
    mirroredDatabases.records.set(id, { rev: rev + 1, asOf: now, syncedAt: now, connectionId: null, ...given });
  };
  const record = { topic: 't', partition: 0, offset: 0n, timestamp: 0, key: null, value: null, headers: {} };
  return {
    pages,
    databases,
    mirroredRows,
    mirroredDatabases,
    calls,
    followed,
    wishes,
    forgotten,
    known,
    off,
    reports,
    dependedOn,
    changes,
    followedRemovals,
    atFollow,
    said,
    /** Puts databases into the mirror, as `database.created` would. */
    mirror: async (given: Record<string, readonly string[]>) => {
      for (const [id, sources] of Object.entries(given)) {
        databases.set(id, sources);
        await databaseSync.syncOne({ workspaceId: 'acme', id, event: eventOf('init'), accessibleBy: [], attempt: 1 }, never);
      }
      calls.length = 0;
      followed.length = 0;
    },
    removeDatabase: (id: string) =>
      change(id, { source: 'delete', live: false, dataSourceIds: [], removed: { at: new Date(now), reason: 'deleted', eventId: 'x' } }),
    restoreDatabase: (id: string, dataSourceIds: readonly string[]) =>
      change(id, { source: 'fetch', live: true, dataSourceIds, removed: null }),
    atForget,
    handle: (...events: DatabaseEvent[]) =>
      handle({
        lane: 'acme',
        task: 'task',
        items: events.map((item) => ({ item, record, takenAt: now })),
        attempt: 1,
        signal: never,
      }),
    removeRows: (signal = never) =>
      removeRows(
        {
          records: mirroredRows.store,
          liveRowsOf: ({ dataSourceId }, limit) =>
            Promise.resolve(
              [...mirroredRows.records]
                .filter(([, row]) => row.live && row.dataSourceId === dataSourceId)
                .slice(0, limit)
                .map(([id, row]) => ({ id, record: row })),
            ),
          parents,
          dependents,
          contents: {
            want: ({ dataSourceId }, wish) => {
              if (known.has(dataSourceId)) wishes.push(wish);
              return Promise.resolve(known.has(dataSourceId));
            },
            async forget({ dataSourceId }) {
              atForget.run();
              forgotten.push(dataSourceId);
            },
          },
          followHolders: async (event, dataSourceId) => {
            for (const databaseId of await databasesListing('acme', dataSourceId)) await follow(event, databaseId);
          },
          scanAfterMs: 70_000,
          tracing: tracingOff,
          now: () => now,
        },
        { ...eventOf('cascade', { pageId: null }), databaseId: 'D', dataSourceId: 'S' },
        signal,
      ),
  };
}

const never = new AbortController().signal;

function rowIn(dataSourceId: string, given: Partial<RowContent> = {}): RowOutcome {
  return { kind: 'live', content: emptyRow({ databaseId: 'D', dataSourceId, ...given }), connectionId: 'c1' };
}

function databaseWith(sources: readonly string[]): FetchOutcome {
  const content: DatabaseContent = {
    title: '',
    description: '',
    url: null,
    publicUrl: null,
    icon: null,
    cover: null,
    parent: { type: 'workspace', id: null },
    isInline: false,
    isLocked: false,
    createdTime: null,
    lastEditedTime: null,
    dataSources: sources.map((id) => ({ id, name: id, accessible: false })),
    raw: { database: {}, dataSources: [] },
  };
  return { kind: 'live', content, connectionId: 'c1' };
}

function eventOf(eventId: string, given: Partial<DatabaseEvent> = {}): DatabaseEvent {
  return {
    eventId,
    kind: 'row_sync',
    type: 'page.content_updated',
    workspaceId: 'acme',
    connectionId: 'c1',
    providerConfigKey: 'notion',
    notionWorkspaceId: 'n1',
    databaseId: 'D',
    dataSourceId: 'S',
    pageId: 'p',
    occurredAt: new Date(999_000),
    receivedAt: new Date(999_500),
    origin: 'nango',
    ...given,
  };
}

const failure = { class: 'server', code: 'internal_server_error', message: 'status 500' } as const;

describe('a row', () => {
  test('is written as its page was seen', async () => {
    const { pages, mirror, handle, mirroredRows, calls, reports } = world();
    await mirror({ D: ['S'] });
    pages.set('p', rowIn('S'));
    expect(await handle(eventOf('e1'))).toEqual({ kind: 'done' });
    expect(mirroredRows.writes.get('p')).toMatchObject({ seenBy: 'page', lastEvent: { id: 'e1' }, content: { dataSourceId: 'S' } });
    expect(calls).toEqual(['p']);
    expect(reports).toMatchObject([{ eventId: 'e1', outcome: 'written', detail: { trail: { record: { pageId: 'p', rev: 1 } } } }]);
  });

  test('of a data source that is off is ignored without a call', async () => {
    const { pages, mirror, handle, mirroredRows, calls, reports, off } = world();
    await mirror({ D: ['S'] });
    pages.set('p', rowIn('S'));
    off.known.add('S');
    await handle(eventOf('e1'));
    expect([mirroredRows.records.size, calls]).toEqual([0, []]);
    expect(reports).toMatchObject([{ outcome: 'ignored', detail: { reason: 'rows_off' } }]);
  });

  // Otherwise a fetch in flight would bring back a row that was just erased.
  test('of a data source that was turned off a moment ago is removed after its insertion, and the database is not asked for', async () => {
    const { pages, mirror, handle, mirroredRows, calls, off } = world();
    await mirror({ D: ['S'] });
    pages.set('p', rowIn('S'));
    off.now.add('S');
    await handle(eventOf('e1'));
    expect(mirroredRows.records.get('p')).toMatchObject({ live: false, source: 'delete', removed: { reason: 'data_source_removed' } });
    expect(calls).toEqual(['p']);
  });

  test.each<[string, RowOutcome, string]>([
    ['whose page has left its data source', { kind: 'moved_away', parent: { type: 'page_id', id: 'x' }, connectionId: 'c1' }, 'moved_away'],
    ['in the trash', { kind: 'trashed', connectionId: 'c1' }, 'trashed'],
    ['that no connection can read', { kind: 'inaccessible' }, 'inaccessible'],
  ])('%s is removed, and comes back', async (_, outcome, reason) => {
    const { pages, mirror, handle, mirroredRows } = world();
    await mirror({ D: ['S'] });
    pages.set('p', rowIn('S'));
    await handle(eventOf('e1'));
    pages.set('p', outcome);
    await handle(eventOf('e2', { type: 'page.moved', databaseId: null, dataSourceId: null }));
    expect(mirroredRows.records.get('p')).toMatchObject({ live: false, source: 'fetch', removed: { reason, eventId: 'e2' } });
    pages.set('p', rowIn('S'));
    await handle(eventOf('e3'));
    expect(mirroredRows.records.get('p')).toMatchObject({ live: true, rev: 3 });
  });

  test('that moves to another data source stays live, whatever parent the event names', async () => {
    const { pages, mirror, handle, mirroredRows } = world();
    await mirror({ D: ['S'], E: ['T'] });
    pages.set('p', rowIn('S'));
    await handle(eventOf('e1'));
    pages.set('p', rowIn('T', { databaseId: 'E' }));
    await handle(eventOf('e2', { type: 'page.moved' }));
    expect(mirroredRows.records.get('p')).toMatchObject({ live: true, dataSourceId: 'T', rev: 2 });
  });

  test('shares one fetch with all of its waiting events, and they get one report', async () => {
    const { pages, mirror, handle, calls, reports } = world();
    await mirror({ D: ['S'] });
    pages.set('p', rowIn('S'));
    await handle(eventOf('e1'), eventOf('e2', { receivedAt: new Date(999_900) }), eventOf('e3'));
    expect(calls).toEqual(['p']);
    expect(reports).toMatchObject([{ eventId: 'e2', outcome: 'written', detail: { callsSaved: 2 } }]);
    expect(reports[0]?.detail.others?.map(({ item }) => item.eventId)).toEqual(['e1', 'e3']);
  });

  test('is not fetched when a later fetch covers the event', async () => {
    const { pages, mirror, handle, calls, reports } = world();
    await mirror({ D: ['S'] });
    pages.set('p', rowIn('S'));
    await handle(eventOf('e1'));
    await handle(eventOf('e2', { receivedAt: new Date(900_000) }));
    expect(calls).toEqual(['p']);
    expect(reports.map(({ outcome }) => outcome)).toEqual(['written', 'skipped']);
  });

  test.each([
    ['page.properties_updated', rowIn('S', { lastEditedTime: new Date(900_000) })],
    ['page.created', { kind: 'inaccessible' } as const],
  ])('is read again, once, if the answer to %s does not show it yet', async (type, outcome) => {
    const { pages, mirror, handle, mirroredRows, reports } = world();
    await mirror({ D: ['S'] });
    pages.set('p', outcome);
    const event = eventOf('e1', { type });
    expect(await handle(event)).toMatchObject({ kind: 'retry', at: now + 5_000, scope: 'task', failure: { class: 'stale' } });
    expect([mirroredRows.records.size, reports.length]).toEqual([0, 0]);
    expect(await handle(event)).toEqual({ kind: 'done' });
    expect(mirroredRows.records.size).toBe(1);
  });

  test('a page that is not there at an edit is not read again: it was unshared or deleted since', async () => {
    const { mirror, handle, mirroredRows } = world();
    await mirror({ D: ['S'] });
    expect(await handle(eventOf('e1', { type: 'page.properties_updated' }))).toEqual({ kind: 'done' });
    expect(mirroredRows.records.get('p')).toMatchObject({ live: false, removed: { reason: 'inaccessible' } });
  });
});

describe('the parent of a row', () => {
  test('a database that the mirror does not know is synced first, in the same task', async () => {
    const { pages, databases, handle, mirroredRows, mirroredDatabases, calls, followed } = world();
    databases.set('D', ['S']);
    pages.set('p', rowIn('S'));
    await handle(eventOf('e1'));
    expect(calls).toEqual(['p', 'D']);
    expect(followed).toEqual(['D']);
    expect(mirroredDatabases.records.get('D')).toMatchObject({ live: true });
    expect(mirroredRows.records.get('p')).toMatchObject({ live: true });
  });

  // The events of a new data source and of its first rows come in any order.
  test('a database that does not have the data source yet is synced first', async () => {
    const { pages, databases, mirror, handle, mirroredRows } = world();
    await mirror({ D: ['S'] });
    databases.set('D', ['S', 'T']);
    pages.set('p', rowIn('T'));
    await handle(eventOf('e1', { dataSourceId: 'T' }));
    expect(mirroredRows.records.get('p')).toMatchObject({ live: true, dataSourceId: 'T' });
  });

  test('a data source that the mirror has in another database is enough: its move is still to be handled', async () => {
    const { pages, mirror, handle, mirroredRows, calls } = world();
    await mirror({ C: ['S'] });
    pages.set('p', rowIn('S'));
    await handle(eventOf('e1'));
    expect(mirroredRows.records.get('p')).toMatchObject({ live: true });
    expect(calls).toEqual(['p']);
  });

  test('a database that no connection can read leaves a tombstone, so it is asked for once, and no row', async () => {
    const { pages, handle, mirroredRows, mirroredDatabases, calls } = world();
    pages.set('p', rowIn('S'));
    await handle(eventOf('e1'));
    await handle(eventOf('e2'));
    expect(calls).toEqual(['p', 'D', 'p']);
    expect(mirroredDatabases.records.get('D')).toMatchObject({ live: false });
    expect(mirroredRows.records.get('p')).toMatchObject({ live: false, removed: { reason: 'database_removed' } });
  });

  test('a database without the data source has no such row', async () => {
    const { pages, mirror, handle, mirroredRows } = world();
    await mirror({ D: ['S'] });
    pages.set('p', rowIn('T'));
    await handle(eventOf('e1'));
    expect(mirroredRows.records.get('p')).toMatchObject({ live: false, rev: 1, removed: { reason: 'data_source_removed' } });
  });

  // If it counted as a fetch of the page, a scan that begins when the database comes back would keep the tombstone.
  test('a tombstone for want of a parent does not count as a fetch', async () => {
    const { pages, mirror, removeDatabase, handle, mirroredRows, calls } = world();
    await mirror({ D: ['S'] });
    removeDatabase('D');
    pages.set('p', rowIn('S'));
    await handle(eventOf('e1'));
    expect(mirroredRows.records.get('p')).toMatchObject({ live: false, source: 'delete' });
    await mirror({ D: ['S'] });
    await handle(eventOf('e2', { receivedAt: new Date(900_000) }));
    expect(calls).toEqual(['p']);
    expect(mirroredRows.records.get('p')).toMatchObject({ live: true });
  });

  test('while the database cannot be read, the row waits', async () => {
    const { pages, handle, mirroredRows, said, reports } = world();
    pages.set('p', rowIn('S'));
    said.database = { kind: 'retry', at: 2_000_000, scope: 'request', failure };
    expect(await handle(eventOf('e1'))).toEqual({ kind: 'retry', at: 2_000_000, scope: 'task', failure });
    expect([mirroredRows.records.size, reports.length]).toEqual([0, 0]);
  });

  test.each<[string, (w: ReturnType<typeof world>) => Promise<unknown>]>([
    ['is new', () => Promise.resolve()],
    [
      'came from another data source',
      async ({ pages, handle }) => {
        pages.set('p', rowIn('T', { databaseId: 'E' }));
        await handle(eventOf('e0'));
      },
    ],
  ])('goes while the row is written: a row that %s goes, too', async (_, before) => {
    const w = world();
    const { pages, mirror, removeDatabase, handle, mirroredRows, reports } = w;
    await mirror({ D: ['S'], E: ['T'] });
    await before(w);
    pages.set('p', rowIn('S'));
    mirroredRows.hooks.after = () => {
      mirroredRows.hooks.after = () => {};
      removeDatabase('D');
    };
    await handle(eventOf('e1'));
    expect(mirroredRows.records.get('p')).toMatchObject({ live: false, source: 'delete', removed: { reason: 'database_removed' } });
    expect(reports.at(-1)).toMatchObject({
      outcome: 'removed',
      detail: { reason: 'database_removed', trail: { record: { pageId: 'p' } } },
    });
  });

  // The removal of the data source reads every row that was there before, so only a new one can come too late for it.
  test('is not checked again after a row is written that was there before', async () => {
    const { pages, mirror, removeDatabase, handle, mirroredRows } = world();
    await mirror({ D: ['S'] });
    pages.set('p', rowIn('S'));
    await handle(eventOf('e1'));
    mirroredRows.hooks.after = () => removeDatabase('D');
    await handle(eventOf('e2'));
    expect(mirroredRows.records.get('p')).toMatchObject({ live: true, rev: 2 });
  });

  test('is checked again even if the event is skipped: an earlier attempt may have ended before it could', async () => {
    const { pages, mirror, removeDatabase, handle, mirroredRows } = world();
    await mirror({ D: ['S'] });
    pages.set('p', rowIn('S'));
    await handle(eventOf('e1'));
    removeDatabase('D');
    await handle(eventOf('e1', { receivedAt: new Date(900_000) }));
    expect(mirroredRows.records.get('p')).toMatchObject({ live: false, removed: { reason: 'database_removed' } });
  });

  test('goes while the row moves elsewhere: the row stays', async () => {
    const { pages, mirror, removeDatabase, handle, mirroredRows } = world();
    await mirror({ D: ['S'], E: ['T'] });
    pages.set('p', rowIn('S'));
    mirroredRows.hooks.after = () => {
      mirroredRows.hooks.after = () => {};
      removeDatabase('D');
      const written = mirroredRows.records.get('p')!;
      mirroredRows.records.set('p', { ...written, rev: 2, databaseId: 'E', dataSourceId: 'T' });
    };
    await handle(eventOf('e1'));
    expect(mirroredRows.records.get('p')).toMatchObject({ live: true, dataSourceId: 'T', rev: 2 });
  });
});

/** A mirror with many rows in S, and one in T. */
async function full() {
  const w = world();
  await w.mirror({ D: ['S'], E: ['T'] });
  w.pages.set('other', rowIn('T', { databaseId: 'E' }));
  await w.handle(eventOf('e0', { pageId: 'other' }));
  for (let n = 0; n < 1_203; n += 1) {
    w.pages.set(`p${n}`, rowIn('S'));
    await w.handle(eventOf(`e${n}`, { pageId: `p${n}` }));
  }
  return w;
}
const live = ({ mirroredRows }: ReturnType<typeof world>) => [...mirroredRows.records].filter(([, row]) => row.live).map(([id]) => id);

describe('the removal of the rows of a data source', () => {
  test('leaves tombstones for all of them, forgets the data source, and says how many there were', async () => {
    const w = await full();
    w.removeDatabase('D');
    expect(await w.removeRows()).toMatchObject({ kind: 'settled', outcome: 'removed', reason: 'database_removed, rows: 1203' });
    expect(live(w)).toEqual(['other']);
    const left = { live: false, rev: 2, source: 'delete', removed: { reason: 'database_removed', eventId: 'cascade' } };
    expect(w.mirroredRows.records.get('p1202')).toMatchObject(left);
    expect([w.forgotten, w.wishes, w.followed]).toEqual([['S'], [], []]);
  });

  test('of a database that is still there names the data source', async () => {
    const w = await full();
    await w.mirror({ D: [] });
    expect(await w.removeRows()).toMatchObject({ reason: 'data_source_removed, rows: 1203' });
  });

  test('reads a row again that is written meanwhile', async () => {
    const w = await full();
    w.removeDatabase('D');
    w.mirroredRows.hooks.before = (id) => {
      w.mirroredRows.hooks.before = () => {};
      const record = w.mirroredRows.records.get(id)!;
      w.mirroredRows.records.set(id, { ...record, rev: record.rev + 1 });
    };
    expect(await w.removeRows()).toMatchObject({ reason: 'database_removed, rows: 1203' });
    expect(live(w)).toEqual(['other']);
  });

  test('leaves the rows of a data source that a database has, and wants a scan, since some may have gone before', async () => {
    const w = await full();
    expect(await w.removeRows()).toMatchObject({ outcome: 'skipped', reason: 'came_back' });
    expect(live(w)).toHaveLength(1_204);
    expect(w.wishes).toEqual([
      { reasons: ['came_back'], depth: 'all', at: new Date(now), raisesAll: false, dueAt: new Date(now + 70_000) },
    ]);
    expect(w.forgotten).toEqual([]);
  });

  test('wants a scan when the data source comes back meanwhile', async () => {
    const w = await full();
    w.removeDatabase('D');
    w.mirroredRows.hooks.after = (id) => {
      if (id === 'p1202') w.restoreDatabase('D', ['S']);
    };
    expect(await w.removeRows()).toMatchObject({ outcome: 'removed' });
    expect(w.wishes).toMatchObject([{ reasons: ['came_back'] }]);
    expect(w.forgotten).toEqual([]);
  });

  // The database that got it back found it still known, so wanted no scan.
  test('follows the database that gets the data source back just before it is forgotten', async () => {
    const w = await full();
    w.removeDatabase('D');
    w.atForget.run = () => w.restoreDatabase('D', ['S']);
    await w.removeRows();
    expect([w.forgotten, w.followed]).toEqual([['S'], ['D']]);
  });

  test('follows the database of a data source that has come back and is not known', async () => {
    const w = await full();
    w.known.clear();
    expect(await w.removeRows()).toMatchObject({ outcome: 'skipped' });
    expect(w.followed).toEqual(['D']);
  });

  test('ends early when the worker stops', async () => {
    const w = await full();
    w.removeDatabase('D');
    const stopping = new AbortController();
    w.mirroredRows.hooks.after = () => stopping.abort(new Error('stopping'));
    await expect(w.removeRows(stopping.signal)).rejects.toThrow('stopping');
    expect(w.forgotten).toEqual([]);
  });
});

function rowChange(change: Partial<RowChange>): RowChange {
  return {
    pageId: 'p',
    dataSourceIds: ['S'],
    isElsewhere: false,
    relinked: [],
    hop: 0,
    ...change,
  };
}
/** A world whose row `p` in S names `a` and `b`. */
async function related() {
  const w = world();
  await w.mirror({ D: ['S'], E: ['T'] });
  w.dependedOn.add('S');
  w.pages.set('p', rowIn('S', { related: ['a', 'b'] }));
  await w.handle(eventOf('e0'));
  const appeared = w.changes.splice(0);
  return { ...w, appeared };
}

describe('rows that depend on a row', () => {
  test('are followed when it appears, changes, moves and goes', async () => {
    const { pages, handle, changes, appeared } = await related();
    expect(appeared).toEqual([rowChange({ isElsewhere: true, relinked: ['a', 'b'] })]);
    pages.set('p', rowIn('S', { title: 'Changed', related: ['b', 'c'] }));
    await handle(eventOf('e1'));
    pages.set('p', rowIn('T', { databaseId: 'E', related: ['b', 'c'] }));
    await handle(eventOf('e2'));
    pages.set('p', { kind: 'trashed', connectionId: 'c1' });
    await handle(eventOf('e3'));
    expect(changes).toEqual([
      rowChange({ relinked: ['a', 'c'] }),
      rowChange({ dataSourceIds: ['S', 'T'], isElsewhere: true }),
      rowChange({ dataSourceIds: ['T'], isElsewhere: true }),
    ]);
  });

  test('are left alone when it is the same, or was not there and is not', async () => {
    const { pages, handle, changes } = await related();
    await handle(eventOf('e1'));
    pages.set('q', { kind: 'trashed', connectionId: 'c1' });
    await handle(eventOf('e2', { pageId: 'q' }));
    pages.set('p', { kind: 'retry', at: now, scope: 'request', failure });
    await handle(eventOf('e3'));
    expect(changes).toEqual([]);
  });

  test('are left alone when nothing depends on its data source', async () => {
    const { pages, handle, changes, dependedOn } = await related();
    dependedOn.clear();
    pages.set('p', rowIn('S', { title: 'Changed' }));
    await handle(eventOf('e1'));
    expect(changes).toEqual([]);
  });

  test('are followed as far as the nearest of the events that it is read for', async () => {
    const { pages, handle, changes } = await related();
    const dependency = (hop: number) => eventOf(`e:${hop}`, { type: `mirror.dependency.${hop}`, origin: 'dependency' });
    pages.set('p', rowIn('S', { title: '1' }));
    await handle(dependency(3), dependency(2));
    pages.set('p', rowIn('S', { title: '2' }));
    await handle(dependency(2), eventOf('e1'));
    expect(changes.map(({ hop }) => hop)).toEqual([2, 0]);
  });

  // Otherwise nothing would read them again after a crash in between: the repeated event finds nothing changed.
  test('are followed before the row is written', async () => {
    const { pages, handle, mirroredRows, atFollow } = await related();
    pages.set('p', rowIn('S', { title: 'Changed' }));
    const revs: (number | undefined)[] = [];
    atFollow.run = () => revs.push(mirroredRows.records.get('p')?.rev);
    await handle(eventOf('e1'));
    expect([...revs, mirroredRows.records.get('p')?.rev]).toEqual([1, 2]);
  });

  test('are followed when all rows of a data source go, before they do', async () => {
    const w = await related();
    w.removeDatabase('D');
    await w.removeRows();
    expect(w.followedRemovals).toEqual(['S']);
  });
});

test('without rows, their events are ignored, but not before it is noted that they are missed', async () => {
  const writes = [() => Promise.reject(new Error('unavailable')), () => Promise.resolve({})];
  const db = { collection: () => ({ updateOne: () => writes.shift()?.() }) };
  const entity = rows.open({ db } as never, {} as never, { rows: 'off' } as never, {} as never);
  await expect(entity.sync({} as never, eventOf('e1'))).rejects.toThrow(StoreUnavailableError);
  expect(await entity.sync({} as never, eventOf('e1'))).toMatchObject({ kind: 'settled', outcome: 'ignored', reason: 'rows_off' });
  expect(writes).toEqual([]);
});
