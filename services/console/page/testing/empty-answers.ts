// What a console says on its first day: nothing is connected yet.
import * as demo from './answers.ts';
import type { StubAnswers } from './stub-server.ts';

const none = { active: 0, paused: 0, unauthorized: 0, deleted: 0 };
const noTables = { complete: 0, scanning: 0, incomplete: 0, off: 0 };

export const emptyAnswers: Partial<StubAnswers> = {
  status: {
    ...demo.status,
    tenants: none,
    connections: none,
    groups: null,
    deadLetters: null,
    parked: 0,
    rows: { mirrored: 0, dataSources: noTables, rows: { live: 0, archived: 0 }, oldestCompleteAsOf: null, incomplete: [] },
    headline: { level: 'good', text: 'Nothing is connected yet.', needs: [] },
    figures: { ...demo.status.figures, eventsPerSecond: 0, documentsPerSecond: 0, freshness: null },
    freshness: { second: 0, ten_seconds: 0, minute: 0, more: 0, held: 0 },
    worst: [],
    latest: [],
    unavailable: [{ server: 'kafka', message: 'Kafka does not answer.', remedy: 'mirror doctor' }],
  },
  tenants: { tenants: [], total: 0, leftToYou: [], next: null },
  tenant: {
    tenant: { ...demo.freshTenant, databases: null, lastWebhookAt: null, comparedAt: null },
    text: 'Nothing is mirrored yet.',
    connections: [],
    sweep: null,
    parked: 0,
    rows: { dataSources: noTables, incomplete: [] },
  },
  databases: { databases: [], next: null },
  database: {
    ...demo.database,
    database: { ...demo.removedDatabase, databaseId: demo.databaseId },
    content: null,
    lastEvent: null,
    parents: [],
    children: [],
    use: { ...demo.database.use, mongoshRows: null },
  },
  raw: { raw: null, document: { rev: 1 } },
  history: { changes: [], hasMore: false, keptDays: 400 },
  rows: { ...demo.rows, rows: [], contents: null },
  row: { ...demo.row, row: null, databaseId: null, removed: { at: demo.row.asOf, reason: 'trashed', eventId: null }, raw: null },
  events: { events: [], next: null, searchedTo: null, keptDays: 14 },
  event: {
    ...demo.event,
    repeats: [],
    leader: null,
    others: [],
    words: [],
    timeline: { ...demo.event.timeline, totalMs: 0, ownMs: 0, parts: [] },
  },
  explanation: { ...demo.explanation, id: null, causes: [], tenants: [], events: [] },
  deadLetters: { letters: 0, tenants: 0, causes: [] },
  letters: { letters: [], next: null },
  replays: { replays: [], next: null },
  sweeps: { sweeps: [], counts: { stopped: 0, failing: 0, incomplete: 0, running: 0, waiting: 0 }, next: null },
  audit: { actions: [], next: null },
  doctor: { problems: 0, warnings: 0, checks: [] },
  plan: { ...demo.plan, letters: 0, tenants: 0, causes: [], targets: [], heldBack: [], settled: 0, notionCalls: 0, confirmCount: false },
  replayPlan: { ...demo.replayPlan, records: 0, fetches: null, notionCalls: 0, estimatedSeconds: 0 },
  replayDiff: { ...demo.replayDiff, counts: { only_in_mirror: 0, only_in_shadow: 0, other_content: 0 }, differences: [] },
  config: { settings: [], problems: [], unknown: [], advice: [] },
  found: { hits: [] },
};
