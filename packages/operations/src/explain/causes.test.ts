import type { Connection } from '@notion-mirror/domain/connection';
import { databaseKind } from '@notion-mirror/domain/entities/database';
import { rowKind } from '@notion-mirror/domain/entities/row';
import type { RemovalReason } from '@notion-mirror/domain/write-rule';
import type { SourceContents, SourceScan } from '@notion-mirror/mirror-store/contents-reports';
import { noWayKnown, type EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import { describe, expect, test } from 'vitest';
import type { ExplainFacts, TenantFacts } from './facts.ts';
import { causesOf } from './causes.ts';
import type { RowFacts } from './row-facts.ts';
import { someOutcome } from '../../../mirror-store/test/outcomes.ts';

const now = new Date('2026-01-02T00:00:00Z');
const later = new Date('2026-01-02T00:10:00Z');

const connection = (status: Connection['status'], connectionId = 'c1'): Connection => ({
  connectionId,
  providerConfigKey: 'notion',
  workspaceId: 'acme',
  notionWorkspaceId: 'n1',
  botId: null,
  status,
  statusReason: null,
  token: null,
  createdAt: now,
  updatedAt: now,
});

const record = { rev: 1, asOf: 0, syncedAt: 0, source: 'fetch', live: true, dataSourceIds: [], connectionId: 'c1', removed: null } as const;
const tenant: TenantFacts = {
  workspaceId: 'acme',
  connections: [connection('active')],
  record,
  waiting: [],
  backlog: null,
  notion: { kind: 'equal' },
  row: null,
  schemaChanges: null,
};
const facts: ExplainFacts = {
  subject: 'd1',
  kind: databaseKind,
  id: 'd1',
  tenants: [tenant],
  allTenants: 7,
  outcomes: [],
  parked: [],
  spooled: [],
  deadLetters: [],
  workers: [{ service: 'sync-worker', at: now }],
  rows: 'on',
};

const codesOf = (given: Partial<TenantFacts>, more: Partial<ExplainFacts> = {}) =>
  causesOf({ ...facts, tenants: [{ ...tenant, ...given }], ...more }, now).map(({ code }) => code);

const held = (errorClass: string, until: Date) => ({
  workspaceId: 'acme',
  waiting: 3,
  oldestAt: now,
  held: { until, class: errorClass, code: 'pause', message: 'wait' },
});
const waiting = {
  service: 'sync-worker',
  eventId: 'e1',
  origin: 'nango',
  receivedAt: now,
  partition: 3,
  offset: 7n,
  appendedAt: now,
  target: { databaseId: 'd1', pageId: null },
  ahead: 2,
} as const;

const outcome = someOutcome('e1', { ...noWayKnown, type: 'database.created', occurredAt: now, receivedAt: now, at: now });

describe('causes', () => {
  test('an entity that is equal in both has none', () => {
    expect(codesOf({})).toEqual([]);
  });

  test.each<[string, string[], Partial<TenantFacts>, Partial<ExplainFacts>?]>([
    ['no connection', ['no_connection'], { connections: [], notion: null }],
    ['one active connection among several is enough', [], { connections: [connection('deleted', 'c0'), connection('active')] }],
    [
      'of several inactive connections, the one that the customer can fix is named',
      ['connection_unauthorized'],
      { connections: [connection('deleted'), connection('unauthorized')] },
    ],
    ['throttled', ['rate_limited'], { backlog: held('rate_limited', later) }],
    ['throttled until a moment ago', [], { backlog: held('rate_limited', now) }],
    ['MongoDB unavailable', ['held'], { backlog: held('dependency', later) }],
    ['worker behind', ['waiting_in_log'], { waiting: [waiting], notion: { kind: 'differs' } }],
    ['event waiting without a worker', ['waiting_in_log', 'no_worker'], { waiting: [{ ...waiting, service: 'delete-worker' }] }],
    ['Notion throttles us', ['rate_limited'], { notion: { kind: 'rate_limited', until: later, message: 'slow' } }],
    ['Notion refuses', ['notion_refuses'], { notion: { kind: 'unanswered', message: 'restricted' } }],
    ['MongoDB cannot hold it', ['unstorable'], { notion: { kind: 'unstorable', message: 'the document has 17.0 MiB' } }],
    ['no database by that id', ['not_a_database'], { record: null, notion: { kind: 'no_database', message: 'It is a page.' } }],
    ['a page that is no row', ['not_a_row'], { record: null, notion: { kind: 'moved_away' } }],
    ['a token died just now', ['connection_unauthorized'], { notion: { kind: 'no_active_connection' } }],
    ['no event arrived', ['no_event'], { record: null, notion: { kind: 'differs' } }],
    ['its record was lost', ['no_record'], { record: null, notion: { kind: 'differs' } }, { outcomes: [outcome] }],
    ['an event is missing', ['stale'], { notion: { kind: 'differs' } }],
    [
      'deleted, and Notion was not asked',
      ['deleted'],
      { record: { ...record, live: false, removed: { at: now, reason: 'deleted', eventId: 'e1' } }, notion: null },
    ],
  ])('%s', (_name, codes, given, more) => {
    expect(codesOf(given, more)).toEqual(codes);
  });

  test('without asking Notion, the last outcome can say that the id is no database', () => {
    const outcomes = [{ ...outcome, outcome: 'ignored', reason: 'not_a_database' }];
    expect(codesOf({ record: null, notion: null }, { outcomes })).toEqual(['not_a_database']);
  });

  test.each([
    ['unsupported_event_type', 'unsupported_type'],
    ['linked_database', 'linked_database'],
    ['rows_not_ready', 'rows_not_ready'],
    ['no_active_connection', 'no_connection'],
  ])('a webhook that the ingress ignored as %s', (reason, code) => {
    const outcomes = [{ ...outcome, service: 'ingress' as const, outcome: 'ignored', reason }];
    expect(codesOf({}, { outcomes, tenants: [] })).toEqual([code]);
  });

  test('a webhook that came while its connection was paused needs no other connection', () => {
    const outcomes = [{ ...outcome, service: 'ingress' as const, outcome: 'ignored', reason: 'no_active_connection', connectionId: 'c1' }];
    const found = causesOf({ ...facts, outcomes, tenants: [{ ...tenant, connections: [connection('paused', 'c1')], notion: null }] }, now);
    expect(found).toMatchObject([{ code: 'no_connection', remedy: null }, { code: 'connection_paused' }]);
    expect(found[0]?.text).toContain('the connection c1 is paused');
  });

  test.each([
    [1, /; 1 event waits\.$/],
    [2, /; 2 events wait\.$/],
  ])('says how many events wait: %d', (count, text) => {
    const backlog = { ...held('rate_limited', later), waiting: count };
    expect(causesOf({ ...facts, tenants: [{ ...tenant, backlog }] }, now)[0]?.text).toMatch(text);
  });

  describe('of a row', () => {
    const contents: SourceContents = {
      workspaceId: 'acme',
      databaseId: 'd1',
      dataSourceId: 's1',
      state: 'complete',
      reason: null,
      rows: { live: 3, archived: 0 },
      completeAsOf: now,
      truncated: [],
      last: null,
      wanted: null,
      failures: 0,
      failure: null,
      dueAt: null,
      nextFullAt: null,
      scan: null,
    };
    const row: RowFacts = {
      databaseId: 'd1',
      dataSourceId: 's1',
      createdTime: now,
      isArchived: false,
      database: { live: true, hasSource: true },
      contents,
      withheld: [],
    };
    const ofRow = (given: Partial<TenantFacts>, home: Partial<RowFacts> = {}, more: Partial<ExplainFacts> = {}) =>
      codesOf({ row: { ...row, ...home }, ...given }, { kind: rowKind, id: 'p1', subject: 'p1', ...more });
    const missing = { record: null, notion: { kind: 'differs' } } as const;
    const erased = (reason: RemovalReason) => ({
      record: { ...record, live: false, removed: { at: now, reason, eventId: 'e1' } },
      notion: null,
    });
    const source = (change: Partial<SourceContents>) => ({ contents: { ...contents, ...change } });
    const scan: SourceScan = {
      startedAt: now,
      depth: 'all',
      wish: { reasons: ['first_backfill'], depth: 'all', at: now, raisesAll: false, dueAt: now, firstAt: now, allAt: now },
      isClaimed: true,
      rows: 7,
      failed: [{ pageId: 'p1', because: 'too large' }],
    };
    const deferred: EventOutcome = { ...outcome, pageId: 'p1', kind: 'row_sync', outcome: 'deferred', reason: 'scan_wanted', at: now };
    const last = { startedAt: later, endedAt: later, depth: 'all', calls: 1, returned: 1, written: 1, readSingly: 0 } as const;

    test.each<[string, string[], Partial<TenantFacts>, Partial<RowFacts>, Partial<ExplainFacts>?]>([
      ['equal, even if archived', [], {}, { isArchived: true }],
      ['in a complete data source: its event was lost', ['no_event'], missing, {}],
      ['not shared', ['not_shared'], { record: null, notion: { kind: 'inaccessible' } }, { dataSourceId: null, contents: null }],
      ['in the trash', ['trashed'], { record: null, notion: { kind: 'trashed' } }, {}],
      ['moved to another page', ['not_a_row'], { record: null, notion: { kind: 'moved_away' } }, {}],
      ['of an unknown database', ['database_not_mirrored'], missing, { database: null, contents: null }],
      ['of a removed database', ['database_not_mirrored'], missing, { database: { live: false, hasSource: false }, contents: null }],
      [
        'of a data source that has left',
        ['database_not_mirrored'],
        missing,
        { database: { live: true, hasSource: false }, contents: null },
      ],
      ['while rows are off', ['rows_off'], missing, { contents: null }, { rows: 'off' }],
      ['of a data source that is off', ['rows_off'], missing, source({ state: 'off' })],
      ['before its data source is followed', ['scan_unfinished'], missing, { contents: null }],
      [
        'before the first scan has ended',
        ['scan_unfinished'],
        missing,
        source({ state: 'scanning', completeAsOf: null, scan: { ...scan, failed: [] } }),
      ],
      ['that a running scan could not write', ['row_not_written'], missing, source({ scan })],
      [
        'that the last scan could not write',
        ['row_not_written'],
        missing,
        source({ state: 'incomplete', reason: 'a row was not written: p1 (too large)' }),
      ],
      ['of an incomplete data source', ['rows_incomplete'], missing, source({ state: 'incomplete', reason: 'another was not written' })],
      [
        'created in a truncated minute',
        ['truncated_minute'],
        missing,
        source({ state: 'incomplete', reason: 'too many', truncated: [{ partition: 'live', minute: now, atLeast: 10_000 }] }),
      ],
      [
        'created in another minute',
        ['rows_incomplete'],
        missing,
        source({ state: 'incomplete', reason: 'too many', truncated: [{ partition: 'live', minute: later, atLeast: 10_000 }] }),
      ],
      ['left to a scan', ['deferred'], { notion: { kind: 'differs' } }, {}, { outcomes: [deferred] }],
      ['left to a scan that has ended', ['stale'], { notion: { kind: 'differs' } }, source({ last }), { outcomes: [deferred] }],
      ['stale', ['stale'], { notion: { kind: 'differs' } }, {}],
      ['that no query lists', ['template_page'], { record: { ...record, isListed: false }, notion: { kind: 'differs' } }, {}],
      ['that no query lists, without asking Notion', ['template_page'], { record: { ...record, isListed: false }, notion: null }, {}],
      ['deleted, without asking Notion', ['deleted'], erased('deleted'), {}],
      ['trashed, without asking Notion', ['trashed'], erased('trashed'), {}],
      ['unshared, without asking Notion', ['not_shared'], erased('inaccessible'), {}],
      ['moved away, without asking Notion', ['not_a_row'], erased('moved_away'), {}],
      [
        'of a removed database, without asking Notion',
        ['database_not_mirrored'],
        erased('database_removed'),
        { database: { live: false, hasSource: false }, contents: null },
      ],
    ])('%s', (_name, codes, given, home, more) => {
      expect(ofRow(given, home, more)).toEqual(codes);
    });
  });

  test('an event among very many was left to a comparison with Notion', () => {
    const outcomes = [{ ...outcome, outcome: 'deferred', reason: 'sweep_wanted' }];
    expect(codesOf({ notion: { kind: 'differs' } }, { outcomes })).toEqual(['deferred']);
    expect(codesOf({ notion: { kind: 'equal' } }, { outcomes })).toEqual([]);
  });

  test('without any facts, the number of tenants decides between unknown tenant and no connection', () => {
    expect(causesOf({ ...facts, tenants: [] }, now)).toMatchObject([
      { code: 'tenant_unknown', text: expect.stringContaining('7 tenants') },
    ]);
    expect(causesOf({ ...facts, tenants: [], allTenants: 0 }, now)).toMatchObject([{ code: 'no_connection' }]);
  });
});
