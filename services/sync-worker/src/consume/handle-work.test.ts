import { tracingOff } from '@notion-mirror/service-kit/tracing/tracing';
import { createProcessSpans } from '@notion-mirror/worker/process-spans';
import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { databaseKind } from '@notion-mirror/domain/entities/database';
import { nextRev } from '@notion-mirror/domain/write-rule';
import type { LogRecord } from '@notion-mirror/event-log/log-record';
import type { RecordStore, StoredRecord, WriteResult } from '@notion-mirror/mirror-store/records/record-store';
import type { DatabaseOutline } from '@notion-mirror/mirror-store/entities/database';
import { StoreUnavailableError } from '@notion-mirror/mirror-store/errors';
import type { FetchOutcome } from '@notion-mirror/notion-source/notion-source';
import { describe, expect, test } from 'vitest';
import { createDatabaseSync, type DatabaseSyncDependencies } from '../databases/sync-databases.ts';
import { createStaleAnswers, databaseEdits } from './stale-answers.ts';
import { createWorkHandler, type SyncOutcome, type HandlerDependencies, type OutcomeDetail } from './handle-work.ts';

/** One tenant's Notion and mirror, in memory. Both map databases to their data sources. */
function world() {
  const notion = new Map<string, readonly string[]>();
  const mirror = new Map<string, StoredRecord<DatabaseOutline>>();
  const reports: { eventId: string; outcome: SyncOutcome; coalescedInto: string | undefined }[] = [];
  const saved: (number | undefined)[] = [];
  const ways: Pick<OutcomeDetail, 'trail' | 'attempts' | 'waitedMs'>[] = [];
  const parked: string[] = [];
  const retrying: string[] = [];
  const fetched: string[] = [];
  const asked: unknown[] = [];
  /** Data sources looked up at Notion. */
  const located: string[] = [];
  /** Databases that were followed, each with its data sources at that time; and the holders of data sources before. */
  const followed: [databaseId: string, sources: readonly string[]][] = [];
  const holders = new Map<string, string>();
  const store = { isUnavailable: false, rejects: false };
  const listedAsActive = { is: false };
  /** Runs between a fetch and its write. */
  const afterFetch: { run: (databaseId: string) => Promise<void> } = { run: () => Promise.resolve() };
  let outcome: FetchOutcome | null = null;

  const write = (
    databaseId: string,
    expected: StoredRecord<DatabaseOutline> | null,
    next: Omit<StoredRecord<DatabaseOutline>, 'rev'>,
  ): Promise<WriteResult> => {
    if (store.rejects) return Promise.resolve({ kind: 'rejected', message: 'too large' });
    if ((mirror.get(databaseId)?.rev ?? 0) !== (expected?.rev ?? 0)) return Promise.resolve({ kind: 'conflict' });
    mirror.set(databaseId, { ...next, rev: nextRev(expected) });
    return Promise.resolve({ kind: 'written' });
  };
  const records: Pick<RecordStore<DatabaseContent, DatabaseOutline>, 'read' | 'recall' | 'writeLive' | 'writeTombstone'> = {
    recall: () => null,
    read: ({ id: databaseId }) =>
      store.isUnavailable ? Promise.reject(new StoreUnavailableError('unavailable')) : Promise.resolve(mirror.get(databaseId) ?? null),
    writeLive: ({ id: databaseId, expected, content, asOf, connectionId }) =>
      write(databaseId, expected, {
        asOf: asOf.getTime(),
        syncedAt: asOf.getTime(),
        source: 'fetch',
        live: true,
        dataSourceIds: content.dataSources.map(({ id }) => id),
        connectionId,
        removed: null,
      }),
    writeTombstone: ({ id: databaseId, expected, asOf, source, reason, eventId }) =>
      write(databaseId, expected, {
        asOf: asOf.getTime(),
        syncedAt: asOf.getTime(),
        source,
        live: false,
        dataSourceIds: [],
        connectionId: null,
        removed: { at: asOf, reason, eventId },
      }),
  };
  const databases: DatabaseSyncDependencies = {
    records,
    databasesListing: (_workspaceId, dataSourceId) =>
      Promise.resolve([...mirror].filter(([, record]) => record.dataSourceIds.includes(dataSourceId)).map(([id]) => id)),
    notion: {
      async fetchDatabase({ databaseId, preferConnectionId, accessibleBy, attempt, onAnswer }) {
        fetched.push(databaseId);
        asked.push({ preferConnectionId, accessibleBy, attempt });
        const sources = notion.get(databaseId);
        const said = outcome ?? (sources === undefined ? ({ kind: 'inaccessible' } as const) : live(sources));
        for (const requestId of [`request-of-${databaseId}`, null]) onAnswer?.(requestId);
        await afterFetch.run(databaseId);
        return said;
      },
      databaseOfDataSource: ({ dataSourceId }) => {
        located.push(dataSourceId);
        const holder = [...notion].find(([, sources]) => sources.includes(dataSourceId))?.[0];
        return Promise.resolve(holder === undefined ? { kind: 'not_found' } : { kind: 'database', databaseId: holder });
      },
    },
    staleAnswers: createStaleAnswers(databaseEdits, () => 1_000_000),
    followed: {
      follow: (_event, databaseId) => Promise.resolve(void followed.push([databaseId, mirror.get(databaseId)?.dataSourceIds ?? []])),
      holderOf: (_workspaceId, dataSourceId) => Promise.resolve(holders.get(dataSourceId) ?? null),
    },
    toleranceMs: 10_000,
    now: () => 1_000_000,
  };
  const deps: HandlerDependencies = {
    spans: createProcessSpans({ tracing: tracingOff, topic: 'events', group: 'test' }),
    entities: [{ kind: databaseKind, sync: createDatabaseSync(databases).sync }],
    now: () => 1_000_000,
    recheckConnections: () => Promise.resolve(listedAsActive.is),
    retrying: ({ item }) => void retrying.push(item.eventId),
    park: (events) => Promise.resolve(void parked.push(...events.map((one) => one.event.eventId))),
    report: ({ item: { eventId } }, what, { coalescedInto, callsSaved, trail, attempts, waitedMs }) => {
      reports.push({ eventId, outcome: what, coalescedInto });
      saved.push(callsSaved);
      ways.push({ trail, attempts, waitedMs });
    },
  };
  const handle = createWorkHandler(deps);
  const handleRecords = (attempt: number, items: readonly { item: DatabaseEvent; record: LogRecord }[]) =>
    handle({
      lane: 'acme',
      task: 'task',
      items: items.map((one) => ({ ...one, takenAt: 999_900 })),
      attempt,
      signal: new AbortController().signal,
    });
  return {
    notion,
    mirror,
    reports,
    saved,
    ways,
    parked,
    retrying,
    fetched,
    asked,
    located,
    followed,
    holders,
    store,
    afterFetch,
    listedAsActive,
    notionSays: (said: FetchOutcome | null) => (outcome = said),
    handleRecords,
    handle: (...events: DatabaseEvent[]) =>
      handleRecords(
        1,
        events.map((item) => ({ item, record: noRecord })),
      ),
  };
}

const noRecord: LogRecord = { topic: 't', partition: 0, offset: 0n, timestamp: 0, key: null, value: null, headers: {} };

function recordNaming(bots: string): LogRecord {
  return { ...noRecord, headers: { 'mirror-accessible-by': bots } };
}

function live(sources: readonly string[], lastEditedTime: Date | null = null): FetchOutcome {
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
    lastEditedTime,
    dataSources: sources.map((id) => ({ id, name: id, accessible: false })),
    raw: { database: {}, dataSources: [] },
  };
  return { kind: 'live', content, connectionId: 'c1' };
}

function event(eventId: string, given: Partial<DatabaseEvent> = {}): DatabaseEvent {
  return {
    eventId,
    kind: 'sync',
    type: 'database.content_updated',
    workspaceId: 'acme',
    connectionId: 'c1',
    providerConfigKey: 'notion',
    notionWorkspaceId: 'n1',
    databaseId: 'A',
    dataSourceId: null,
    pageId: null,
    occurredAt: new Date(999_000),
    receivedAt: new Date(999_500),
    origin: 'nango',
    ...given,
  };
}

describe('the sync worker', () => {
  test('reports the calls to Notion that each event saved', async () => {
    const { notion, handle, fetched, saved } = world();
    notion.set('A', ['s1', 's2']);
    await handle(event('e1'), event('e2'), event('e3'));
    // Covered by the fetch that began at 1,000,000, later by more than the tolerance.
    await handle(event('e4', { receivedAt: new Date(900_000) }));
    expect(fetched).toEqual(['A']);
    expect(saved).toEqual([3, 3, undefined, 3]);
  });

  test('reports the path of each event to its outcome', async () => {
    const { notion, handle, handleRecords, ways } = world();
    notion.set('A', ['s1']);
    const record = { databaseId: 'A', pageId: null, asOf: new Date(1_000_000), ms: expect.any(Number) };
    await handleRecords(3, [{ item: event('e1'), record: noRecord }]);
    await handle(event('e2', { receivedAt: new Date(900_000) }));
    await handle(event('e3', { databaseId: null, dataSourceId: 's1' }));
    notion.delete('A');
    await handle(event('e4'));
    await handle(event('e5', { databaseId: null, dataSourceId: 'nowhere' }));
    const fetch = { requestId: 'request-of-A', calls: 2, ms: expect.any(Number) };
    expect(ways).toEqual([
      { attempts: 3, waitedMs: 100, trail: { fetch, record: { ...record, rev: 1 }, isUnannounced: false } },
      { attempts: 1, waitedMs: 100, trail: { fetch: null, record: { ...record, rev: 1, ms: null }, isUnannounced: false } },
      { attempts: 1, waitedMs: 100, trail: { fetch, record: { ...record, rev: 2 }, isUnannounced: false } },
      { attempts: 1, waitedMs: 100, trail: { fetch, record: { ...record, rev: 3 }, isUnannounced: false } },
      { attempts: 1, waitedMs: 100, trail: null },
    ]);
  });

  test('an edit found by a comparison is unannounced, unless the last fetch may have seen it', async () => {
    const { mirror, notionSays, handle, ways } = world();
    const seenAt = 500_000;
    const find = async (editedAt: number, given: Partial<DatabaseEvent>) => {
      mirror.set('A', {
        rev: 1,
        asOf: seenAt,
        syncedAt: seenAt,
        source: 'fetch',
        live: true,
        dataSourceIds: [],
        connectionId: 'c1',
        removed: null,
      });
      notionSays(live([], new Date(editedAt)));
      await handle(event('e', given));
      return ways.at(-1)?.trail?.isUnannounced;
    };
    expect(await find(seenAt + 10_001, { origin: 'reconcile' })).toBe(true);
    expect(await find(seenAt + 10_001, { origin: 'operator' })).toBe(true);
    expect(await find(seenAt + 10_001, { origin: 'nango' })).toBe(false);
    expect(await find(seenAt + 10_000, { origin: 'reconcile' })).toBe(false);
  });

  test('events waiting for one database share one fetch, and each gets its outcome', async () => {
    const { notion, handle, fetched, reports } = world();
    notion.set('A', []);
    expect(await handle(event('e1'), event('e2', { receivedAt: new Date(999_700) }), event('e3'))).toEqual({ kind: 'done' });
    expect(fetched).toEqual(['A']);
    expect(reports).toEqual([
      { eventId: 'e1', outcome: 'written', coalescedInto: 'e2' },
      { eventId: 'e2', outcome: 'written', coalescedInto: undefined },
      { eventId: 'e3', outcome: 'written', coalescedInto: 'e2' },
    ]);
  });

  test('an event about a data source finds its database in the mirror, without a lookup at Notion', async () => {
    const { notion, handle, fetched, located, mirror } = world();
    notion.set('A', ['s1']);
    await handle(event('e1'));
    await handle(event('e2', { databaseId: null, dataSourceId: 's1', type: 'data_source.schema_updated' }));
    expect(fetched).toEqual(['A', 'A']);
    expect(located).toEqual([]);
    expect(mirror.get('A')?.rev).toBe(2);
  });

  test('the database of a data source missing from the mirror is looked up at Notion', async () => {
    const { notion, handle, mirror } = world();
    notion.set('A', ['s1']);
    await handle(event('e1', { databaseId: null, dataSourceId: 's1', type: 'data_source.created' }));
    expect(mirror.get('A')?.live).toBe(true);
  });

  test('a hint that is a page, not a database, leaves no tombstone', async () => {
    const { notion, handle, mirror } = world();
    notion.set('A', ['s1']);
    await handle(event('e1', { databaseId: 'page', dataSourceId: 's1', type: 'data_source.created' }));
    expect([...mirror.keys()]).toEqual(['A']);
  });

  // Each event about a linked view, or about a database that had become a page, became a dead letter.
  test('an id that Notion cannot show as a database is ignored, and its mirrored document is removed', async () => {
    const refusal = { class: 'unreadable', code: 'validation_error', message: 'It is a linked database.' } as const;
    const { handle, reports, mirror, notion, notionSays } = world();
    notionSays({ kind: 'inaccessible', refusal });
    expect(await handle(event('e1'))).toEqual({ kind: 'done' });
    expect(await handle(event('e2'))).toEqual({ kind: 'done' });
    expect(reports.map(({ outcome }) => outcome)).toEqual(['ignored', 'ignored']);
    expect(mirror.get('A')).toMatchObject({ live: false });
    notionSays(null);
    notion.set('A', ['s1']);
    await handle(event('e3'));
    notionSays({ kind: 'inaccessible', refusal });
    await handle(event('e4'));
    expect(reports.slice(2).map(({ outcome }) => outcome)).toEqual(['written', 'removed']);
    expect(mirror.get('A')).toMatchObject({ live: false, removed: { reason: 'inaccessible' } });
  });

  test('a data source in no database is ignored', async () => {
    const { handle, reports, mirror } = world();
    expect(await handle(event('e1', { databaseId: null, dataSourceId: 'gone' }))).toEqual({ kind: 'done' });
    expect(reports).toMatchObject([{ eventId: 'e1', outcome: 'ignored' }]);
    expect(mirror.size).toBe(0);
  });

  test('a move of a data source updates both its old and its new database', async () => {
    const { notion, handle, mirror } = world();
    notion.set('A', ['s1']).set('B', []);
    await handle(event('e1'));
    notion.set('A', []).set('B', ['s1']);
    await handle(event('e2', { databaseId: 'B', dataSourceId: 's1', type: 'data_source.moved' }));
    expect(mirror.get('A')?.dataSourceIds).toEqual([]);
    expect(mirror.get('B')?.dataSourceIds).toEqual(['s1']);
  });

  test('a move of a data source updates its new database while Notion still shows it in the old one too', async () => {
    const { notion, handle, mirror } = world();
    notion.set('A', ['s1']).set('B', []);
    await handle(event('e1'));
    notion.set('B', ['s1']);
    const moved = event('e2', { databaseId: 'B', dataSourceId: 's1', type: 'data_source.moved' });
    await handle(moved, event('e3', { databaseId: null, dataSourceId: 's1', type: 'data_source.schema_updated' }));
    expect(mirror.get('B')?.dataSourceIds).toEqual(['s1']);
  });

  test('a moved data source is looked up at Notion even if its old database still shows it and the event names a page', async () => {
    const { notion, handle, mirror } = world();
    notion.set('A', ['s1']);
    await handle(event('e1'));
    notion.clear();
    notion.set('B', ['s1']).set('A', ['s1']);
    await handle(event('e2', { databaseId: 'page', dataSourceId: 's1', type: 'data_source.moved' }));
    expect(mirror.get('B')?.dataSourceIds).toEqual(['s1']);
  });

  test('a data source that moves out of sight of all connections leaves its old database', async () => {
    const { notion, handle, mirror } = world();
    notion.set('A', ['s1', 's2']);
    await handle(event('e1'));
    notion.set('A', ['s2']);
    await handle(event('e2', { databaseId: 'hidden', dataSourceId: 's1', type: 'data_source.moved' }));
    expect([...mirror]).toMatchObject([['A', { live: true, dataSourceIds: ['s2'] }]]);
  });

  test('a deleted data source updates its database, whatever parent the event names', async () => {
    const { notion, handle, mirror, located, reports } = world();
    notion.set('A', ['s1', 's2']);
    await handle(event('e1'));
    notion.set('A', ['s2']);
    await handle(event('e2', { databaseId: null, dataSourceId: 's1', type: 'data_source.deleted' }));
    expect(mirror.get('A')).toMatchObject({ live: true, dataSourceIds: ['s2'] });
    expect(reports.at(-1)).toMatchObject({ eventId: 'e2', outcome: 'written' });
    expect(located).toEqual([]);
  });

  test('a fetch that began before a move and is written after it does not leave the data source in two databases', async () => {
    const { notion, handle, mirror, afterFetch } = world();
    notion.set('A', ['s1']).set('B', []);
    afterFetch.run = async (databaseId) => {
      if (databaseId !== 'A') return;
      afterFetch.run = () => Promise.resolve();
      notion.set('A', []).set('B', ['s1']);
      await handle(event('e2', { databaseId: 'B', dataSourceId: 's1', type: 'data_source.moved' }));
    };
    await handle(event('e1'));
    expect(mirror.get('A')?.dataSourceIds).toEqual([]);
    expect(mirror.get('B')?.dataSourceIds).toEqual(['s1']);
  });

  test("fetches with the bots of all waiting events, the newest event's connection and the number of attempts", async () => {
    const { notion, handleRecords, asked } = world();
    notion.set('A', []);
    await handleRecords(3, [
      { item: event('e1', { connectionId: 'c1' }), record: recordNaming('bot-1,bot-2') },
      { item: event('e2', { connectionId: 'c2' }), record: recordNaming('bot-2,bot-3') },
    ]);
    expect(asked).toEqual([{ preferConnectionId: 'c2', accessibleBy: ['bot-1', 'bot-2', 'bot-3'], attempt: 3 }]);
  });

  test('content that conflicts with a newer write is fetched again', async () => {
    const { notion, mirror, handle, fetched, afterFetch, reports } = world();
    notion.set('A', []);
    await handle(event('e1'));
    afterFetch.run = async () => {
      afterFetch.run = () => Promise.resolve();
      notion.delete('A');
      await handle(event('e2'));
    };
    await handle(event('e3'));
    expect(fetched).toEqual(['A', 'A', 'A', 'A']);
    expect(reports.at(-1)).toMatchObject({ eventId: 'e3', outcome: 'removed' });
    expect(mirror.get('A')).toMatchObject({ rev: 3, live: false });
  });

  test('a tombstone that conflicts with a newer write is fetched again', async () => {
    const { notion, mirror, handle, fetched, afterFetch, reports } = world();
    afterFetch.run = async () => {
      afterFetch.run = () => Promise.resolve();
      notion.set('A', ['s1']);
      await handle(event('e1'));
    };
    await handle(event('e2'));
    expect(fetched).toEqual(['A', 'A', 'A']);
    expect(reports.at(-1)).toMatchObject({ eventId: 'e2', outcome: 'written' });
    expect(mirror.get('A')).toMatchObject({ rev: 2, live: true, dataSourceIds: ['s1'] });
  });

  test('the lane waits while MongoDB is unavailable, and no event gets an outcome', async () => {
    const { handle, store, reports } = world();
    store.isUnavailable = true;
    const outcome = await handle(event('e1'));
    expect(outcome).toMatchObject({ kind: 'retry', scope: 'lane', failure: { class: 'dependency', code: 'mongodb_unavailable' } });
    expect(outcome.kind === 'retry' && outcome.at).toBeGreaterThan(1_000_000);
    expect(reports).toEqual([]);
  });

  test.each([true, false])('a document that MongoDB can never store makes a dead letter (live: %s)', async (isLive) => {
    const { notion, handle, store, reports } = world();
    if (isLive) notion.set('A', []);
    store.rejects = true;
    expect(await handle(event('e1'))).toMatchObject({ kind: 'dead', failure: { class: 'unwritable', message: 'too large' } });
    expect(reports).toEqual([]);
  });

  test('events without an active connection are parked, neither lost nor dead letters', async () => {
    const { handle, notionSays, parked, reports } = world();
    notionSays({ kind: 'no_active_connection', statuses: ['paused'] });
    expect(await handle(event('e1'))).toEqual({ kind: 'done' });
    expect(parked).toEqual(['e1']);
    expect(reports).toMatchObject([{ outcome: 'parked' }]);
  });

  test('a connection listed as active but refused is retried with a backoff, not in a tight loop', async () => {
    const { handle, notionSays, listedAsActive, parked } = world();
    notionSays({ kind: 'no_active_connection', statuses: ['unauthorized'] });
    listedAsActive.is = true;
    const outcome = await handle(event('e1'));
    expect(outcome).toMatchObject({ kind: 'retry', scope: 'task' });
    expect(outcome.kind === 'retry' && outcome.at).toBeGreaterThan(1_000_000);
    expect(parked).toEqual([]);
  });

  test('a throttled connection stops the lane until it may call again', async () => {
    const { handle, notionSays, reports } = world();
    const failure = { class: 'rate_limited', code: 'window', message: 'later' } as const;
    notionSays({ kind: 'retry', at: 5_000_000, scope: 'connection', failure });
    expect(await handle(event('e1'))).toEqual({ kind: 'retry', at: 5_000_000, scope: 'lane', failure });
    expect(reports).toEqual([]);
  });

  test('a failing event is reported as retrying, an event whose whole tenant waits is not', async () => {
    const { handle, notionSays, retrying } = world();
    const failure = { class: 'server', code: 'internal_server_error', message: 'status 500' } as const;
    notionSays({ kind: 'retry', at: 2_000_000, scope: 'connection', failure });
    await handle(event('e1'));
    expect(retrying).toEqual([]);
    notionSays({ kind: 'retry', at: 2_000_000, scope: 'request', failure });
    await handle(event('e2'), event('e3'));
    expect(retrying).toEqual(['e2', 'e3']);
  });

  test('a database is followed after every sync, also if nothing was written', async () => {
    const { notion, handle, followed } = world();
    notion.set('A', ['s1']);
    await handle(event('e1'));
    await handle(event('e2', { receivedAt: new Date(900_000) }));
    notion.delete('A');
    await handle(event('e3'));
    expect(followed).toEqual([
      ['A', ['s1']],
      ['A', ['s1']],
      ['A', []],
    ]);
  });

  // Otherwise the rows of a data source that moves would be removed, and scanned again in the other database.
  test('after a move, both databases are followed when both are written, and the new one first', async () => {
    const { notion, handle, followed } = world();
    notion.set('A', ['s1']).set('B', []);
    await handle(event('e1'));
    followed.length = 0;
    notion.set('A', []).set('B', ['s1']);
    await handle(event('e2', { databaseId: 'B', dataSourceId: 's1', type: 'data_source.moved' }));
    expect(followed).toEqual([
      ['B', ['s1']],
      ['A', []],
    ]);
  });

  // After a crash in between, the database no longer lists the data source, so nothing else leads to it.
  test('the database that a data source was in is followed, even if an earlier attempt has synced it', async () => {
    const { notion, handle, followed, holders, mirror } = world();
    notion.set('A', ['s1', 's2']);
    await handle(event('e1'));
    followed.length = 0;
    mirror.set('A', { ...mirror.get('A')!, dataSourceIds: ['s2'] });
    notion.set('A', ['s2']);
    holders.set('s1', 'A');
    await handle(event('e2', { databaseId: null, dataSourceId: 's1', type: 'data_source.deleted' }));
    expect(followed).toEqual([['A', ['s2']]]);
  });

  test('no database is followed while the task is to be repeated', async () => {
    const { notion, handle, notionSays, followed, afterFetch } = world();
    notion.set('A', ['s1']).set('B', []);
    await handle(event('e1'));
    followed.length = 0;
    notion.set('A', []).set('B', ['s1']);
    afterFetch.run = async () => {
      const failure = { class: 'server', code: 'internal_server_error', message: 'status 500' } as const;
      notionSays({ kind: 'retry', at: 2_000_000, scope: 'request', failure });
    };
    const moved = event('e2', { databaseId: 'B', dataSourceId: 's1', type: 'data_source.moved' });
    expect(await handle(moved)).toMatchObject({ kind: 'retry' });
    expect(followed).toEqual([]);
  });

  test('an answer that is older than the event is fetched again later, once, and the wait is no failure', async () => {
    const { handle, notionSays, reports, retrying, mirror } = world();
    notionSays(live([], new Date(0)));
    const stale = event('e1', { type: 'data_source.schema_updated', occurredAt: new Date(999_000) });
    expect(await handle(stale)).toMatchObject({ kind: 'retry', at: 1_005_000, scope: 'task', failure: { class: 'stale' } });
    expect([mirror.size, reports.length, retrying.length]).toEqual([0, 0, 0]);
    expect(await handle(stale)).toEqual({ kind: 'done' });
    expect(reports).toMatchObject([{ eventId: 'e1', outcome: 'written' }]);
  });

  test('an event that can never succeed is a dead letter', async () => {
    const { handle, notionSays } = world();
    const failure = { class: 'restricted', code: 'restricted_resource', message: 'no' } as const;
    notionSays({ kind: 'failed', failure });
    expect(await handle(event('e1'))).toEqual({ kind: 'dead', failure });
  });
});
