import { tracingOff } from '@notion-mirror/service-kit/tracing/tracing';
import { createProcessSpans } from '@notion-mirror/worker/process-spans';
import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { databaseKind } from '@notion-mirror/domain/entities/database';
import { rowKind } from '@notion-mirror/domain/entities/row';
import { decideRowDelete } from '@notion-mirror/domain/query-rule';
import type { DatabaseOutline } from '@notion-mirror/mirror-store/entities/database';
import { decideDelete, nextRev } from '@notion-mirror/domain/write-rule';
import type { LogRecord } from '@notion-mirror/event-log/log-record';
import { PublishError } from '@notion-mirror/event-log/publisher';
import type { RecordStore, StoredRecord, WriteResult } from '@notion-mirror/mirror-store/records/record-store';
import { StoreUnavailableError } from '@notion-mirror/mirror-store/errors';
import { describe, expect, test } from 'vitest';
import { createWorkHandler, type HandlerDependencies, type OutcomeDetail } from './handle-work.ts';
import { recheckOf } from './recheck-event.ts';

type DatabaseRecord = StoredRecord<DatabaseOutline>;

const occurredAt = new Date(1_000_000);
const receivedAt = new Date(1_001_000);
const toleranceMs = 10_000;
const now = 2_000_000;

/** One tenant's mirror in memory. */
function world(rows: 'on' | 'off' = 'on') {
  /** The outcomes reported each time when it was noted that rows are missed. */
  const missed: string[][] = [];
  const mirror = new Map<string, DatabaseRecord>();
  const outcomes: string[] = [];
  const ways: OutcomeDetail[] = [];
  /** What ran, in order, after a removal: the cause, the database, and the outcomes reported until then. */
  const cascades: unknown[] = [];
  const rechecks: { eventId: string; accessibleBy: readonly string[] }[] = [];
  const state = { store: 'works' as 'works' | 'fails', log: 'works' as 'works' | 'fails' };
  /** Runs between a read and the write that follows it. */
  const afterRead = { run: () => {} };

  const write = (databaseId: string, expected: DatabaseRecord | null, next: Omit<DatabaseRecord, 'rev'>): Promise<WriteResult> => {
    if ((mirror.get(databaseId)?.rev ?? 0) !== (expected?.rev ?? 0)) return Promise.resolve({ kind: 'conflict' });
    mirror.set(databaseId, { ...next, rev: nextRev(expected) });
    return Promise.resolve({ kind: 'written' });
  };
  const records: Pick<RecordStore<DatabaseContent, DatabaseOutline>, 'read' | 'writeTombstone' | 'touch'> = {
    async read({ id: databaseId }) {
      if (state.store === 'fails') throw new StoreUnavailableError('unavailable');
      const record = mirror.get(databaseId) ?? null;
      afterRead.run();
      return record;
    },
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
    touch: ({ id: databaseId, expected }) => write(databaseId, expected, expected as DatabaseRecord),
  };
  const deps: HandlerDependencies = {
    spans: createProcessSpans({ tracing: tracingOff, topic: 'events', group: 'test' }),
    entities: [
      { kind: rowKind, decide: decideRowDelete, records, afterRemoval: null },
      {
        kind: databaseKind,
        decide: decideDelete,
        records,
        async afterRemoval(cause, databaseId) {
          if (state.log === 'fails') throw new PublishError('deadline', 'unavailable');
          cascades.push([cause.eventId, databaseId, [...outcomes]]);
        },
      },
    ],
    missedRows:
      rows === 'on'
        ? null
        : {
            async note() {
              if (state.store === 'fails') throw new StoreUnavailableError('unavailable');
              missed.push([...outcomes]);
            },
          },
    async recheck(event, accessibleBy) {
      if (state.log === 'fails') throw new PublishError('deadline', 'unavailable');
      rechecks.push({ eventId: event.eventId, accessibleBy });
    },
    report: ({ item: { eventId } }, outcome, detail) => {
      outcomes.push(`${eventId} ${outcome}`);
      ways.push(detail);
    },
    toleranceMs,
    now: () => now,
  };
  const handle = createWorkHandler(deps);
  return {
    mirror,
    outcomes,
    ways,
    missed,
    rechecks,
    cascades,
    state,
    afterRead,
    handle: (...events: DatabaseEvent[]) =>
      handle({
        lane: 'acme',
        task: 'task',
        items: events.map((item) => ({ item, record: recordNaming('bot-1,bot-2'), takenAt: now - 250 })),
        attempt: 1,
        signal: new AbortController().signal,
      }),
  };
}

function recordNaming(bots: string): LogRecord {
  return { topic: 't', partition: 0, offset: 0n, timestamp: 0, key: null, value: null, headers: { 'mirror-accessible-by': bots } };
}

function deletion(eventId: string, given: Partial<DatabaseEvent> = {}): DatabaseEvent {
  return {
    eventId,
    kind: 'delete',
    type: 'database.deleted',
    workspaceId: 'acme',
    connectionId: 'c1',
    providerConfigKey: 'notion',
    notionWorkspaceId: 'n1',
    databaseId: 'A',
    dataSourceId: null,
    pageId: null,
    occurredAt,
    receivedAt,
    origin: 'nango',
    ...given,
  };
}

/** A live record from a fetch that began at `asOf`. */
function live(asOf: number): DatabaseRecord {
  return { rev: 7, asOf, syncedAt: asOf, source: 'fetch', live: true, dataSourceIds: ['s1'], connectionId: 'c1', removed: null };
}

const tombstone = {
  asOf: receivedAt.getTime(),
  source: 'delete',
  live: false,
  dataSourceIds: [],
  removed: { reason: 'deleted', eventId: 'e1' },
};

describe('the delete worker', () => {
  test('erases content fetched before the delete; no sync skips the tombstone', async () => {
    const { mirror, handle, outcomes } = world();
    mirror.set('A', live(occurredAt.getTime() - toleranceMs - 1));
    expect(await handle(deletion('e1'))).toEqual({ kind: 'done' });
    expect(mirror.get('A')).toMatchObject({ rev: 8, ...tombstone });
    expect(outcomes).toEqual(['e1 removed']);
  });

  test('reports how each event reached its outcome', async () => {
    const { mirror, handle, ways } = world();
    const asOf = occurredAt.getTime() - toleranceMs - 1;
    mirror.set('A', live(asOf));
    await handle(deletion('e1'));
    await handle(deletion('e2', { receivedAt: new Date(1_002_000) }));
    mirror.set('A', live(receivedAt.getTime()));
    await handle(deletion('e3'));
    const way = { attempts: 1, waitedMs: 250, reason: null };
    const record = { databaseId: 'A', pageId: null, asOf: receivedAt, ms: expect.any(Number) };
    expect(ways).toEqual([
      { ...way, record: { ...record, rev: 8 } },
      { ...way, record: { ...record, rev: 9 } },
      { ...way, record: null },
    ]);
  });

  test('leaves a tombstone where there was no record, and reports it as missing', async () => {
    const { mirror, handle, outcomes } = world();
    expect(await handle(deletion('e1'))).toEqual({ kind: 'done' });
    expect(mirror.get('A')).toMatchObject({ rev: 1, ...tombstone });
    expect(outcomes).toEqual(['e1 missing']);
  });

  test('raises the revision of a tombstone, so that a sync in flight notices', async () => {
    const { mirror, handle, outcomes } = world();
    await handle(deletion('e1'));
    expect(await handle(deletion('e2'))).toEqual({ kind: 'done' });
    expect(mirror.get('A')).toMatchObject({ rev: 2, ...tombstone });
    expect(outcomes).toEqual(['e1 missing', 'e2 already_removed']);
  });

  test('ignores a delete when a later fetch saw the database restored', async () => {
    const { mirror, handle, outcomes, rechecks } = world();
    const record = live(receivedAt.getTime() + toleranceMs + 1);
    mirror.set('A', record);
    expect(await handle(deletion('e1'))).toEqual({ kind: 'done' });
    expect(mirror.get('A')).toEqual(record);
    expect([outcomes, rechecks]).toEqual([['e1 stale'], []]);
  });

  test.each([occurredAt.getTime() - toleranceMs, receivedAt.getTime() + toleranceMs])(
    'rechecks a delete that may be older or newer than the fetch at %i, through the bots it names',
    async (asOf) => {
      const { mirror, handle, outcomes, rechecks } = world();
      mirror.set('A', live(asOf));
      expect(await handle(deletion('e1'))).toEqual({ kind: 'done' });
      expect(mirror.get('A')).toEqual(live(asOf));
      expect(rechecks).toEqual([{ eventId: 'e1', accessibleBy: ['bot-1', 'bot-2'] }]);
      expect(outcomes).toEqual(['e1 rechecking']);
    },
  );

  test('decides again when the record was written since it was read', async () => {
    const { mirror, handle, outcomes, rechecks, afterRead } = world();
    mirror.set('A', live(0));
    const fetchedSince = { ...live(receivedAt.getTime()), rev: 8 };
    afterRead.run = () => {
      mirror.set('A', fetchedSince);
    };
    await handle(deletion('e1'));
    expect(mirror.get('A')).toEqual(fetchedSince);
    expect(rechecks).toHaveLength(1);
    expect(outcomes).toEqual(['e1 rechecking']);
  });

  test.each(['store', 'log'] as const)('while the %s is unavailable the lane waits, and the event has no outcome', async (part) => {
    const { mirror, handle, outcomes, state } = world();
    mirror.set('A', live(receivedAt.getTime()));
    state[part] = 'fails';
    const outcome = await handle(deletion('e1'));
    expect(outcome).toMatchObject({ kind: 'retry', scope: 'lane', failure: { class: 'dependency' } });
    expect(outcome.kind === 'retry' && outcome.at).toBeGreaterThan(now);
    expect(outcomes).toEqual([]);
  });

  test('a delete that names no database is a dead letter', async () => {
    const { handle } = world();
    expect(await handle(deletion('e1', { databaseId: null }))).toMatchObject({ kind: 'dead', failure: { code: 'no_database_id' } });
  });

  test('what goes with a database goes before its delete counts as handled, also when the database was gone already', async () => {
    const { mirror, handle, cascades } = world();
    mirror.set('A', live(0));
    await handle(deletion('e1'), deletion('e2'));
    await handle(deletion('e3', { databaseId: 'B' }));
    expect(cascades).toEqual([
      ['e1', 'A', []],
      ['e2', 'A', ['e1 removed']],
      ['e3', 'B', ['e1 removed', 'e2 already_removed']],
    ]);
  });

  test('nothing goes with a database that may be alive', async () => {
    const { mirror, handle, cascades } = world();
    mirror.set('A', live(receivedAt.getTime() + toleranceMs + 1));
    mirror.set('B', live(receivedAt.getTime()));
    await handle(deletion('e1'));
    await handle(deletion('e2', { databaseId: 'B' }));
    expect(cascades).toEqual([]);
  });

  test('a database whose data sources could not be announced has no outcome; the retry announces them', async () => {
    const { mirror, handle, outcomes, cascades, state } = world();
    mirror.set('A', live(0));
    state.log = 'fails';
    expect(await handle(deletion('e1'))).toMatchObject({ kind: 'retry', failure: { code: 'append_failed' } });
    expect(outcomes).toEqual([]);
    state.log = 'works';
    expect(await handle(deletion('e1'))).toEqual({ kind: 'done' });
    expect([outcomes, cascades]).toEqual([['e1 already_removed'], [['e1', 'A', []]]]);
  });
});

describe('a delete of a row', () => {
  const row = { kind: 'row_delete', type: 'page.deleted', pageId: 'P', databaseId: 'A', dataSourceId: 's1' } as const;
  const elsewhere = { ...row, databaseId: null, dataSourceId: null };
  const long = occurredAt.getTime() - toleranceMs - 1;

  test('erases the row, and leaves its database alone', async () => {
    const { mirror, handle, outcomes, ways, cascades } = world();
    mirror.set('A', live(long));
    mirror.set('P', live(long));
    expect(await handle(deletion('e1', row))).toEqual({ kind: 'done' });
    expect(mirror.get('P')).toMatchObject({ rev: 8, ...tombstone });
    expect(mirror.get('A')).toEqual(live(long));
    expect(ways).toMatchObject([{ record: { databaseId: null, pageId: 'P', rev: 8 }, reason: null }]);
    expect([outcomes, cascades]).toEqual([['e1 removed'], []]);
  });

  test('a row of a query that was written after the delete happened is rechecked, however old its asOf', async () => {
    const { mirror, handle, outcomes, rechecks } = world();
    mirror.set('P', { ...live(long), syncedAt: occurredAt.getTime() });
    await handle(deletion('e1', row));
    expect(mirror.get('P')).toMatchObject({ live: true, rev: 7 });
    expect(outcomes).toEqual(['e1 rechecking']);
    expect(rechecks).toEqual([{ eventId: 'e1', accessibleBy: ['bot-1', 'bot-2'] }]);
  });

  test('of a database leaves a tombstone for a row that the mirror has not seen', async () => {
    const { mirror, handle, outcomes } = world();
    await handle(deletion('e1', row));
    expect(mirror.get('P')).toMatchObject({ rev: 1, ...tombstone });
    expect(outcomes).toEqual(['e1 missing']);
  });

  test('of a page elsewhere leaves no tombstone: most pages of a workspace are no rows', async () => {
    const { mirror, handle, outcomes, ways } = world();
    expect(await handle(deletion('e1', elsewhere))).toEqual({ kind: 'done' });
    expect(mirror.size).toBe(0);
    expect(outcomes).toEqual(['e1 ignored']);
    expect(ways).toMatchObject([{ record: null, reason: 'not_a_row' }]);
  });

  test('of a page that has left its data source acts on the record that the mirror still has', async () => {
    const { mirror, handle, outcomes } = world();
    mirror.set('P', live(long));
    await handle(deletion('e1', elsewhere), deletion('e2', elsewhere));
    expect(mirror.get('P')).toMatchObject({ rev: 9, ...tombstone });
    expect(outcomes).toEqual(['e1 removed', 'e2 already_removed']);
  });

  test('is ignored while rows are off, once it is noted that it is missed; a delete of a database is not', async () => {
    const { mirror, handle, outcomes, ways, missed, state } = world('off');
    state.store = 'fails';
    expect(await handle(deletion('e1', row))).toMatchObject({ kind: 'retry', failure: { code: 'mongodb_unavailable' } });
    expect(outcomes).toEqual([]);
    state.store = 'works';
    mirror.set('P', live(long));
    await handle(deletion('e1', row), deletion('e2'));
    expect(mirror.get('P')).toEqual(live(long));
    expect(outcomes).toEqual(['e1 ignored', 'e2 missing']);
    expect(ways).toMatchObject([{ record: null, reason: 'rows_off' }, { reason: null }]);
    expect(missed).toEqual([[]]);
  });

  test('that names no page is a dead letter', async () => {
    const { handle } = world();
    expect(await handle(deletion('e1', { ...row, pageId: null }))).toMatchObject({ kind: 'dead', failure: { code: 'no_row_id' } });
  });
});

test('a recheck is a sync event received now, with the same id for a repeated delete', () => {
  const event = deletion('e1');
  const expected = { ...event, eventId: 'e1:recheck', kind: 'sync', origin: 'recheck', receivedAt: new Date(now) };
  expect(recheckOf(event, new Date(now))).toEqual(expected);
});

test('a recheck of a row is a sync event for the row', () => {
  const event = deletion('e1', { kind: 'row_delete', pageId: 'P' });
  expect(recheckOf(event, new Date(now))).toMatchObject({ eventId: 'e1:recheck', kind: 'row_sync', pageId: 'P', origin: 'recheck' });
});
