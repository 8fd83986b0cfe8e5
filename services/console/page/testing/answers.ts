import type {
  AdmitAnswer,
  CancelAnswer,
  CompareAnswer,
  FetchAnswer,
  ReplayDiffAnswer,
  StatusChangeAnswer,
} from '../../src/answers/acting.ts';
import type { ActionLine, AuditAnswer } from '../../src/answers/audit.ts';
import type { CheckAnswer } from '../../src/answers/check.ts';
import type { DatabaseAnswer, DatabaseLine, DatabasesAnswer, HistoryAnswer, RawAnswer } from '../../src/answers/databases.ts';
import type { DeadLettersAnswer, LetterAnswer, LetterCause, LetterLine, LettersAnswer } from '../../src/answers/dead-letters.ts';
import type { ConfigAnswer, DoctorAnswer } from '../../src/answers/doctor.ts';
import type { EventAnswer, EventLine, EventsAnswer } from '../../src/answers/events.ts';
import type { Explanation } from '../../src/answers/explain.ts';
import type { FindAnswer } from '../../src/answers/find.ts';
import type { JobAnswer } from '../../src/answers/jobs.ts';
import type { ActionState, Me } from '../../src/answers/me.ts';
import type { PlanAnswer, ReplayPlanAnswer } from '../../src/answers/plans.ts';
import type { ReplayAnswer, ReplayLine, ReplaysAnswer } from '../../src/answers/replays.ts';
import type { Cell, Contents, RowAnswer, RowLine, RowsAnswer } from '../../src/answers/rows.ts';
import type { ConnectionUse, HistoryOfWork, StatusAnswer } from '../../src/answers/status.ts';
import type { Sweep, SweepsAnswer } from '../../src/answers/sweeps.ts';
import type { ConnectionLine, TenantAnswer, TenantLine, TenantsAnswer } from '../../src/answers/tenants.ts';

/** When everything here was answered. The page's clock can be set to it. */
export const now = Date.parse('2026-11-30T12:00:00Z');
const ago = (seconds: number) => new Date(now - seconds * 1_000).toISOString();
const later = (seconds: number) => ago(-seconds);

export const databaseId = '248104cd-477e-80fd-b757-e945d38000bd';
export const sourceId = '263104cd-477e-804b-8c32-000b2fcd241a';
export const pageId = '0f3b2c1d-5a6e-4b7c-8d9e-0a1b2c3d4e5f';
export const traceId = '0af7651916cd43dd8448eb211c80319c';
export const eventId = '367cba44-b6f3-4c92-81e7-6a2e9659efd4';

const allowed: ActionState = { allowed: true };
const refused = (why: string): ActionState => ({ allowed: false, why });
const viewer = refused('You may look, and not act: this needs the role operator.');

export const me: Me = {
  name: 'ada',
  role: 'operator',
  access: 'tokens',
  content: true,
  version: '0.1.0',
  actions: {
    signOut: allowed,
    check: allowed,
    fetch: allowed,
    compare: allowed,
    pause: allowed,
    admit: allowed,
    redrive: allowed,
    drop: allowed,
    replay: allowed,
    replaySwitch: allowed,
  },
};

/** As a viewer in a console that only reads. */
export const readOnly: Me = {
  ...me,
  role: 'viewer',
  content: false,
  actions: {
    signOut: allowed,
    check: refused('A viewer cannot spend calls to Notion: ask an operator.'),
    fetch: viewer,
    compare: viewer,
    pause: viewer,
    admit: viewer,
    redrive: viewer,
    drop: viewer,
    replay: viewer,
    replaySwitch: viewer,
  },
};

export function eventLine(n: number, fields: Partial<EventLine> = {}): EventLine {
  return {
    id: `665f00000000000000${String(n).padStart(6, '0')}`,
    eventId,
    at: ago(n),
    receivedAt: ago(n + 0.03),
    totalMs: 30 + n,
    workspaceId: 'acme',
    databaseId,
    dataSourceId: sourceId,
    pageId: null,
    title: 'Roadmap 🚀',
    kind: 'sync',
    type: 'data_source.schema_updated',
    origin: 'nango',
    service: 'sync-worker',
    outcome: 'written',
    reason: null,
    failure: null,
    place: { partition: 7, offset: 1_000 + n },
    coalescedInto: null,
    needsLook: false,
    isUnannounced: false,
    trace: { traceId, isSampled: true, url: `https://traces.example/trace/${traceId}` },
    ...fields,
  };
}

const someEvents: readonly EventLine[] = [
  eventLine(1),
  eventLine(2, { pageId, title: 'Plant kale', kind: 'row_sync', type: 'page.properties_updated' }),
  eventLine(3, { outcome: 'parked', reason: 'connection_paused', needsLook: true, workspaceId: 'globex', databaseId: null, title: null }),
  eventLine(4, {
    outcome: 'dead_letter',
    needsLook: true,
    failure: { class: 'poison', code: 'undecodable', message: 'not a record of ours' },
    workspaceId: null,
  }),
  eventLine(5, { origin: 'reconcile', type: 'database.missing', isUnannounced: true, service: 'delete-worker', outcome: 'removed' }),
];

export const events: EventsAnswer = { events: someEvents, next: 'more', searchedTo: ago(600), keptDays: 14 };

export const freshTenant: TenantLine = {
  workspaceId: 'acme',
  state: 'active',
  freshness: 'second',
  connections: { active: 1, unauthorized: 0, paused: 0, deleted: 0 },
  databases: 41,
  waiting: 0,
  oldestAt: null,
  held: null,
  lastWebhookAt: ago(2),
  isSilent: false,
  comparedAt: ago(3_600),
};

const worst: TenantLine = {
  ...freshTenant,
  workspaceId: 'globex',
  state: 'unauthorized',
  freshness: 'held',
  waiting: 12,
  oldestAt: ago(4_000),
  held: { until: later(40), class: 'wait', code: 'rate_limited', message: 'Notion answers 429' },
  isSilent: true,
  comparedAt: null,
};

export const tenants: TenantsAnswer = {
  tenants: [worst, freshTenant],
  total: 2,
  leftToYou: [{ connectionId: 'c-1', providerConfigKey: 'notion', notedAt: ago(100), problem: 'two tenants are named' }],
  next: null,
};

const sweep: Sweep = {
  workspaceId: 'acme',
  state: 'stopped',
  completedAt: ago(90_000),
  dueAt: later(600),
  failures: 1,
  failure: 'the search could not be read',
  last: {
    startedAt: ago(3_620),
    endedAt: ago(3_600),
    depth: 'full',
    held: 41,
    found: 12,
    events: { missing: 2, stale: 1 },
    removals: 29,
    stopped: true,
    incomplete: {
      searches: [{ connectionId: 'c-1', because: 'a page of the search was refused' }],
      uncompared: 1,
      databases: [{ databaseId, because: 'Notion answered 500' }],
    },
  },
};

const contents: Contents = {
  workspaceId: 'acme',
  databaseId,
  dataSourceId: sourceId,
  state: 'incomplete',
  reason: '3 rows could not be written',
  rows: { live: 4_180, archived: 25 },
  completeAsOf: ago(7_000),
  truncated: [],
  scan: null,
  wanted: null,
  last: null,
  failures: 0,
  failure: null,
  dueAt: null,
  nextFullAt: later(60_000),
};

export const connection: ConnectionLine = {
  connectionId: 'c-1',
  providerConfigKey: 'notion',
  workspaceId: 'acme',
  notionWorkspaceId: '5a6e0000-0000-4000-8000-000000000001',
  botId: null,
  status: 'active',
  statusReason: null,
  tokenHeldBy: 'nango',
  createdAt: ago(900_000),
  updatedAt: ago(900_000),
};

const use: ConnectionUse = {
  connectionId: 'c-1',
  workspaceId: 'acme',
  calls: 151,
  limit: 180,
  windowEndsAt: later(12),
  heldUntil: null,
};

export const tenant: TenantAnswer = {
  tenant: freshTenant,
  text: 'All 41 databases are mirrored; nothing waits.',
  connections: [connection],
  notion: [use],
  sweep,
  parked: 0,
  rows: { dataSources: { complete: 40, scanning: 1, incomplete: 1, off: 0 }, incomplete: [contents] },
};

/** An hour; of its first minutes nothing is known. */
export const work: HistoryOfWork = {
  minutes: Array.from({ length: 60 }, (_, n) =>
    n < 9
      ? null
      : {
          at: ago((60 - n) * 60),
          events: 600 + 60 * (n % 7),
          documents: 500 + 30 * (n % 5),
          calls: 400 + 40 * (n % 6),
          limited: n % 20 === 0 ? 2 : 0,
          freshness: { p50Ms: 30 + n, p95Ms: 200 + 9 * n },
        },
  ),
  limits: [
    { kind: 'refused', reason: 'public_api_request_rate_limit', count: 5, text: "the connection's limit" },
    { kind: 'refused', reason: 'service_overload', count: 1, text: 'Notion is overloaded (529)' },
    { kind: 'postponed', reason: 'window', count: 40, text: "the connection's budget of 60 s was used up" },
  ],
};

const figures = {
  seconds: 60,
  eventsPerSecond: 12.4,
  documentsPerSecond: 9.1,
  freshness: { p50Ms: 30, p95Ms: 340 },
  notionCallsPerMinute: 512,
  limitedPerMinute: 3,
  callsSavedPerMinute: 88,
};

export const status: StatusAnswer = {
  at: ago(0),
  tenants: { active: 2, paused: 0, unauthorized: 1, deleted: 0 },
  connections: { active: 2, paused: 0, unauthorized: 1, deleted: 0 },
  groups: [
    { service: 'sync-worker', workers: 2, lag: 12, oldestAt: ago(4), lagSeconds: 4, running: 3, waiting: 9 },
    { service: 'delete-worker', workers: 0, lag: 0, oldestAt: null, lagSeconds: 0, running: 0, waiting: 0 },
  ],
  pending: [],
  held: [],
  deadLetters: 3,
  spooled: 0,
  parked: 1,
  silent: [],
  rows: {
    mirrored: 4_205,
    dataSources: { complete: 40, scanning: 1, incomplete: 1, off: 0 },
    rows: { live: 4_180, archived: 25 },
    oldestCompleteAsOf: ago(7_000),
    incomplete: [],
  },
  notion: {
    connections: 2,
    calls: 160,
    limit: 360,
    busiest: [use, { ...use, connectionId: 'c-2', workspaceId: 'globex', calls: 9, limit: 90, heldUntil: later(8) }],
    limits: [{ kind: 'refused', reason: 'public_api_request_rate_limit', count: 3, text: "the connection's limit" }],
  },
  headline: {
    level: 'bad',
    text: '2 things need you.',
    needs: [
      { code: 'no_worker', level: 'bad', text: 'No delete-worker runs: removals wait.', since: ago(70), to: '/' },
      { code: 'unauthorized', level: 'warning', text: '1 tenant must reconnect.', since: null, to: '/tenants?state=unauthorized' },
    ],
  },
  figures,
  freshness: { second: 2, ten_seconds: 0, minute: 0, more: 0, held: 1 },
  worst: [worst],
  latest: someEvents,
  unavailable: [],
};

const line: DatabaseLine = {
  workspaceId: 'acme',
  databaseId,
  title: 'Roadmap 🚀',
  dataSources: [{ dataSourceId: sourceId, name: 'Tasks' }],
  rev: 41,
  asOf: ago(2),
  lastEditedTime: ago(3),
  removed: null,
};

export const removedDatabase: DatabaseLine = {
  ...line,
  databaseId: pageId,
  title: null,
  removed: { at: ago(90), reason: 'trashed', eventId, until: later(90_000) },
};

export const databases: DatabasesAnswer = {
  databases: [line, removedDatabase],
  next: null,
};

export const database: DatabaseAnswer = {
  database: line,
  content: {
    description: 'What we build next.',
    url: 'https://www.notion.so/248104cd477e80fdb757e945d38000bd',
    publicUrl: null,
    icon: { type: 'emoji', emoji: '🚀' },
    isInline: false,
    isLocked: true,
    createdTime: ago(900_000),
    lastEditedTime: ago(3),
    parent: { type: 'page_id', id: pageId },
    sources: [
      {
        dataSourceId: sourceId,
        name: 'Tasks',
        refused: null,
        inTrash: false,
        url: null,
        properties: [
          { id: 'title', name: 'Name', type: 'title', description: null, options: [], relation: null, config: {} },
          {
            id: 'fk%5EY',
            name: 'Status',
            type: 'status',
            description: 'How far it is',
            options: [
              { id: 'a', name: 'In progress', color: 'blue' },
              { id: 'b', name: 'Done', color: 'green' },
            ],
            relation: null,
            config: {},
          },
          {
            id: 'Rel%3A',
            name: 'Garden',
            type: 'relation',
            description: null,
            options: [],
            relation: { dataSourceId: sourceId, databaseId, title: 'Roadmap' },
            config: {},
          },
          {
            id: 'Rel2',
            name: 'Elsewhere',
            type: 'relation',
            description: null,
            options: [],
            relation: { dataSourceId: pageId, databaseId: null, title: null },
            config: {},
          },
        ],
        contents,
      },
      { dataSourceId: pageId, name: null, refused: 'restricted_resource', inTrash: false, url: null, properties: null, contents: null },
    ],
  },
  source: 'fetch',
  connectionId: 'c-1',
  syncedAt: ago(2),
  lastEvent: { id: eventId, type: 'data_source.schema_updated', occurredAt: ago(3) },
  parents: [
    { kind: 'database', id: sourceId, title: 'Garden', databaseId: null },
    { kind: 'row', id: pageId, title: 'Plant kale 1', databaseId: sourceId },
  ],
  children: [{ kind: 'database', id: sourceId, title: 'Sprints', databaseId: null }],
  use: {
    mongosh: `db.databases.findOne({ _id: 'acme:${databaseId}' })`,
    mongoshRows: `db.rows.find({ workspaceId: 'acme', dataSourceId: '${sourceId}' })`,
    mirror: `mirror explain ${databaseId} --workspace-id acme`,
  },
};

export const raw: RawAnswer = { raw: { object: 'database', id: databaseId }, document: { _id: `acme:${databaseId}`, rev: 41 } };

export const history: HistoryAnswer = {
  changes: [
    {
      dataSourceId: sourceId,
      at: ago(60),
      asOf: ago(60),
      rev: 40,
      event: { id: eventId, type: 'data_source.schema_updated', occurredAt: ago(61) },
      isTooLarge: false,
      changes: [{ kind: 'renamed', propertyId: 'fk%5EY', property: 'Status', text: 'renamed from "State"', old: 'State', new: 'Status' }],
    },
  ],
  hasMore: true,
  keptDays: 400,
};

const cell = (text: string, value: Cell['value'], fields: Partial<Cell> = {}): Cell => ({
  text,
  value,
  resultType: null,
  links: [],
  isCut: false,
  ...fields,
});

export const columns: RowsAnswer['columns'] = [
  { id: 'title', name: 'Name', type: 'title' },
  { id: 'fk%5EY', name: 'Status', type: 'status' },
  { id: 'tags', name: 'Tags', type: 'multi_select' },
  { id: 'due', name: 'Due', type: 'date' },
  { id: 'cost', name: 'Cost', type: 'number' },
  { id: 'done', name: 'Done', type: 'checkbox' },
  { id: 'Rel%3A', name: 'Garden', type: 'relation' },
  { id: 'url', name: 'Link', type: 'url' },
  { id: 'files', name: 'Files', type: 'files' },
];

export function rowLine(n: number, fields: Partial<RowLine> = {}): RowLine {
  return {
    pageId: `${pageId.slice(0, -6)}${String(n).padStart(6, '0')}`,
    title: `Plant kale ${n}`,
    url: null,
    isArchived: n === 2,
    createdTime: ago(9_000),
    lastEditedTime: ago(90),
    cells: [
      cell(`Plant kale ${n}`, `Plant kale ${n}`),
      cell('In progress', 'In progress'),
      cell('green, leafy', ['green', 'leafy']),
      cell('2026-12-01', { start: '2026-12-01', end: null, timeZone: null }),
      cell('42', 42),
      cell('true', true),
      cell('Beds', [pageId], {
        links: [
          { pageId, title: 'Beds' },
          { pageId: sourceId, title: null },
        ],
        isCut: true,
      }),
      cell('https://example.org/kale', 'https://example.org/kale'),
      cell('plan.pdf', [{ name: 'plan.pdf', kind: 'external', url: 'https://example.org/plan.pdf' }]),
    ],
    ...fields,
  };
}

export const rows: RowsAnswer = { dataSourceId: sourceId, columns, rows: [rowLine(1), rowLine(2)], contents, next: null };

export const row: RowAnswer = {
  workspaceId: 'acme',
  pageId,
  databaseId,
  dataSourceId: sourceId,
  rev: 3,
  asOf: ago(40),
  removed: null,
  row: { columns, line: rowLine(1) },
  parents: [{ kind: 'database', id: databaseId, title: 'Roadmap 🚀', databaseId: null }],
  children: [{ kind: 'database', id: sourceId, title: 'Harvests', databaseId: null }],
  raw: { object: 'page' },
  document: { _id: `acme:${pageId}` },
};

export const event: EventAnswer = {
  event: {
    ...eventLine(1),
    connectionId: 'c-1',
    occurredAt: ago(3),
    appendedAt: ago(1.02),
    waitedMs: 2,
    attempts: 1,
    fetch: { requestId: 'b0e6a7a0-0000-4000-8000-000000000001', calls: 2, ms: 20 },
    record: { databaseId, pageId: null, rev: 41, asOf: ago(1), ms: 4 },
    state: { partition: 1, offset: 88 },
    scanTrace: null,
  },
  timeline: {
    from: ago(3),
    totalMs: 1_031,
    ownMs: 31,
    parts: [
      { kind: 'notion', startMs: 0, ms: 1_000, text: 'until its webhook came' },
      { kind: 'append', startMs: 1_000, ms: 3, text: 'appended to partition 7' },
      { kind: 'log', startMs: 1_003, ms: 2, text: 'read by the sync-worker' },
      { kind: 'lane', startMs: 1_005, ms: 2, text: 'its turn' },
      { kind: 'fetch', startMs: 1_007, ms: 20, text: '2 calls to Notion' },
      { kind: 'write', startMs: 1_027, ms: 4, text: 'rev 41' },
    ],
    isCut: false,
  },
  repeats: [eventLine(9)],
  leader: eventLine(8),
  others: [pageId],
  words: ['received from nango', 'written as rev 41'],
};

export const explanation: Explanation = {
  subject: databaseId,
  kind: 'database',
  id: databaseId,
  asking: [],
  causes: [{ code: 'waiting_in_log', workspaceId: 'acme', text: 'An event about it waits.', remedy: 'mirror status' }],
  tenants: [
    {
      workspaceId: 'acme',
      connections: [{ connectionId: 'c-1', status: 'active' }],
      mirrored: { live: true, rev: 41, asOf: ago(2) },
      notion: 'equal',
      row: null,
      schemaChanges: [],
    },
  ],
  events: [event.event],
};

export const letterLine: LetterLine = {
  ref: '3:17',
  class: 'poison',
  code: 'undecodable',
  message: 'the record is no event of ours',
  service: 'sync-worker',
  attempts: 3,
  firstFailedAt: ago(500),
  failedAt: ago(400),
  workspaceId: 'acme',
  eventId,
  eventType: 'page.created',
  route: null,
  redrives: 1,
  settled: null,
};

export const cause: LetterCause = {
  class: 'poison',
  code: 'undecodable',
  service: 'sync-worker',
  count: 3,
  settled: 0,
  oldest: ago(900),
  newest: ago(400),
  message: letterLine.message,
  tenants: 1,
};

export const deadLetters: DeadLettersAnswer = { letters: 3, tenants: 1, causes: [cause] };

export const letters: LettersAnswer = { letters: [letterLine], next: null };

export const letter: LetterAnswer = {
  letter: {
    ...letterLine,
    headers: { 'dlq.class': 'poison', 'dlq.code': 'undecodable' },
    value: { bytes: 12, event: null, problem: 'no Avro record', preview: { text: 'hello ······', hex: '68 65 6c 6c 6f', isCut: true } },
  },
};

const replayLine: ReplayLine = {
  id: 'b2a0c0de-0000-4000-8000-000000000001',
  source: 'states',
  into: 'shadow',
  workspaceId: null,
  databaseId: null,
  since: null,
  status: 'done',
  startedAt: ago(900),
  updatedAt: ago(300),
  offsetsDone: 90,
  offsets: 100,
  counts: { restored: 80, tombstones: 10 },
};

export const replays: ReplaysAnswer = { replays: [replayLine], next: null };
export const replay: ReplayAnswer = {
  replay: replayLine,
  partitions: [
    { topic: 'notion.database-states', partition: 0, from: 0, next: 90, to: 100 },
    { topic: null, partition: 1, from: 5, next: 5, to: 5 },
  ],
};

export const sweeps: SweepsAnswer = {
  sweeps: [sweep, { ...sweep, workspaceId: 'globex', state: 'waiting', failure: null, last: null }],
  counts: { stopped: 1, failing: 0, incomplete: 0, running: 0, waiting: 1 },
  next: null,
};

const action: ActionLine = {
  id: '665f00000000000000000001',
  at: ago(900),
  endedAt: ago(890),
  who: 'ann@example.com',
  via: 'cli',
  action: 'dead_letters.redrive',
  workspaceId: 'acme',
  target: { class: 'poison', code: 'unknown_schema', letters: ['3:17', '3:21'], planned: 2, tenants: 1 },
  reason: 'ticket 4711',
  outcome: 'done',
  isJob: false,
  counts: { redriven: 2, stayed: 0, remaining: 0 },
  failure: null,
  version: '0.1.0',
};

export const audit: AuditAnswer = {
  actions: [
    action,
    {
      ...action,
      id: '665f00000000000000000002',
      via: 'console',
      action: 'replay.run',
      workspaceId: null,
      outcome: 'begun',
      isJob: true,
      endedAt: null,
      counts: {},
    },
    { ...action, id: '665f00000000000000000003', action: 'connections.resume', outcome: 'failed', failure: 'not_possible', reason: null },
  ],
  next: 'more',
};

export const doctor: DoctorAnswer = {
  problems: 1,
  warnings: 1,
  checks: [
    { id: 'reachable', area: 'kafka', status: 'ok', detail: '127.0.0.1:9092 answers in 3 ms', remedy: null },
    { id: 'groups', area: 'kafka', status: 'problem', detail: 'no delete-worker', remedy: 'start one' },
    { id: 'settings', area: 'configuration', status: 'warning', detail: 'tokens are not encrypted', remedy: 'set MIRROR_TOKEN_KEY' },
  ],
};

export const config: ConfigAnswer = {
  settings: [{ variable: 'MIRROR_KAFKA_BROKERS', origin: 'environment', shown: '127.0.0.1:9092' }],
  problems: [],
  unknown: ['MIRROR_TYPO'],
  advice: [{ text: 'tokens are not encrypted', remedy: 'set MIRROR_TOKEN_KEY' }],
};

export const check: CheckAnswer = {
  at: ago(0),
  ms: 420,
  notionCalls: 2,
  verdict: 'different',
  text: 'The mirror differs from Notion.',
  differences: [
    {
      kind: 'stale',
      databaseId,
      pageId: null,
      because: 'edited since',
      problem: null,
      fields: [{ path: 'title', mirror: '"Roadmap"', notion: null }],
      moreFields: 2,
    },
  ],
  problems: ['one data source was refused'],
  rows: [{ dataSourceId: sourceId, live: 4_180, archived: 25, compared: null, why: 'rows are compared by mirror verify --rows' }],
};

export const found: FindAnswer = {
  hits: [
    { kind: 'tenant', workspaceId: 'acme', id: 'acme', title: null, to: '/t/acme' },
    { kind: 'database', workspaceId: 'acme', id: databaseId, title: 'Roadmap 🚀', to: `/t/acme/d/${databaseId}` },
  ],
};

export const plan: PlanAnswer = {
  id: 'plan-1',
  action: 'redrive',
  expiresAt: later(600),
  letters: 120,
  tenants: 2,
  causes: [{ ...cause, count: 120, tenants: 2 }],
  byTenant: [
    { workspaceId: 'acme', letters: 100 },
    { workspaceId: 'globex', letters: 19 },
    { workspaceId: null, letters: 1 },
  ],
  moreTenants: 0,
  targets: [{ target: 'notion.sync', letters: 120 }],
  heldBack: [{ reason: 'they came back from five redrives', letters: 3 }],
  settled: 1,
  notionCalls: 240,
  confirmCount: true,
};

export const job: JobAnswer = {
  id: '665f00000000000000000009',
  action: 'dead_letters.redrive',
  who: 'ada',
  via: 'console',
  reason: 'ticket 4711',
  state: 'running',
  startedAt: ago(20),
  endedAt: null,
  planned: 120,
  done: 40,
  left: 80,
  failed: 0,
  cameBack: { letters: 0, causes: [] },
  canary: { letters: 5, until: null },
  watchesUntil: null,
  perSecond: 50,
  failure: null,
  counts: { redriven: 40 },
  replayId: null,
  canStop: true,
  canContinue: false,
};

/** In each state. */
export const jobs = {
  running: job,
  'waiting for the canary': { ...job, state: 'waiting', done: 5, left: 115, canary: { letters: 5, until: later(40) } },
  'watching what comes back': { ...job, state: 'waiting', done: 120, left: 0, watchesUntil: later(40) },
  interrupted: { ...job, state: 'interrupted', canStop: false },
  'stopped by an operator': { ...job, state: 'stopped', endedAt: ago(1), canStop: false, canContinue: true },
  'stopped by its canary': {
    ...job,
    state: 'stopped',
    endedAt: ago(1),
    done: 5,
    left: 115,
    cameBack: { letters: 2, causes: [{ ...cause, count: 2, message: '' }] },
    failure: { code: 'came_back', message: '2 of the first 5 letters came back.', remedy: 'Fix the cause, then continue.' },
    canStop: false,
    canContinue: true,
  },
  done: { ...job, state: 'done', endedAt: ago(1), done: 120, left: 0, canStop: false },
  failed: {
    ...job,
    action: 'replay.run',
    state: 'failed',
    endedAt: ago(1),
    canary: null,
    perSecond: null,
    failure: { code: 'kafka_unavailable', message: 'Kafka does not answer.', remedy: null },
    replayId: replayLine.id,
    canStop: false,
  },
} as const satisfies Readonly<Record<string, JobAnswer>>;

export const replayPlan: ReplayPlanAnswer = {
  id: 'plan-2',
  action: 'replay',
  expiresAt: later(600),
  source: 'events',
  into: 'mirror',
  workspaceId: 'acme',
  databaseId: null,
  since: ago(7_200),
  partitions: 8,
  records: 12_400,
  fetches: { targets: 41, rows: 4_180, tenants: 1, withoutConnection: 2 },
  notionCalls: 130,
  estimatedSeconds: 95,
};

export const replayDiff: ReplayDiffAnswer = {
  at: ago(1),
  freshUntil: later(599),
  shadow: 90,
  counts: { only_in_mirror: 1, only_in_shadow: 0, other_content: 1 },
  differences: [
    { kind: 'only_in_mirror', id: `acme:${databaseId}`, fields: [] },
    { kind: 'other_content', id: `acme:${pageId}`, fields: ['title', 'rev'] },
  ],
};

const actionId = '665f00000000000000000010';
export const compared: CompareAnswer = { actionId, sweep: { ...sweep, dueAt: ago(0) } };
export const statusChange: StatusChangeAnswer = {
  actionId,
  outcome: 'changed',
  connection: { ...connection, status: 'paused', statusReason: 'ticket 4711' },
};
export const admitted: AdmitAnswer = { actionId, outcome: 'added', connection: { ...connection, workspaceId: 'initech' } };
export const fetched: FetchAnswer = { actionId, appended: 1, check };
export const cancelled: CancelAnswer = { actionId, replay: { ...replayLine, status: 'cancelled' } };
