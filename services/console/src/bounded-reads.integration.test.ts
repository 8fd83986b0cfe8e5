import { createOutcomeKeeper } from '@notion-mirror/mirror-store/outcome-keeper';
import { until } from '@notion-mirror/event-log/testing/isolated-log';
import { openOperatorActions, operatorActionNames } from '@notion-mirror/mirror-store/operator-actions';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { rowStorage } from '@notion-mirror/mirror-store/entities/row';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { someContent } from '../../../packages/mirror-store/test/databases.ts';
import { someOutcome } from '../../../packages/mirror-store/test/outcomes.ts';
import { someRow } from '../../../packages/mirror-store/test/rows.ts';
import type { Paged } from './answers/common.ts';
import type { EventsAnswer } from './answers/events.ts';
import { openTestConsole, type RunningConsole, type TestConsole } from './testing/test-console.ts';

// MongoDB's profiler says what each read has examined.

const tenants = ['acme', 'globex', 'initech'];
const ofEach = 700;
const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const source = idOf(900_000);
const holder = idOf(3);

let tested: TestConsole;
let operator: RunningConsole;

beforeAll(async () => {
  tested = await openTestConsole(inject('stack'));
  operator = await tested.start({});
  const { db } = tested.mongo;
  const deps = { db, metrics: new Registry() };
  const [databases, rows] = [createRecordStore(databaseStorage, deps), createRecordStore(rowStorage, deps)];
  const written = { expected: null, connectionId: 'c', asOf: new Date(), lastEvent: null };
  const [accessible] = someContent().dataSources;
  for (const workspaceId of tenants) {
    await tested.connect({ workspaceId });
    const all = Array.from({ length: ofEach }, (_, n) => n);
    await Promise.all(
      all.map(async (n) => {
        const id = idOf(n);
        const dataSources = id === holder && accessible !== undefined ? [{ ...accessible, id: source }] : [];
        await databases.writeLive({ ...written, workspaceId, id, content: someContent({ title: `Plan ${n % 9}`, dataSources }) });
        const createdTime = new Date(Date.UTC(2026, 0, 1, 0, Math.floor(n / 30)));
        await rows.writeLive({ ...written, workspaceId, id, content: someRow({ databaseId: holder, dataSourceId: source, createdTime }) });
      }),
    );
  }
  const logger = createLogger({ service: 'test', level: 'silent' });
  const keeper = createOutcomeKeeper({ db, retentionMs: 3_600_000, logger, metrics: new Registry() });
  for (let n = 0; n < 3 * ofEach; n += 1) {
    const databaseId = idOf(n % ofEach);
    const outcome = n % 20 === 0 ? 'parked' : 'written';
    keeper.keep(someOutcome(`event-${n}`, { workspaceId: tenants[n % 3] ?? '', databaseId, outcome, record: null }));
  }
  await keeper.flush();
  await keeper.stop();
  const outcomes = db.collection('event_outcomes', { readConcern: { level: 'majority' } });
  await until(async () => (await outcomes.countDocuments()) === 3 * ofEach);
  const actions = openOperatorActions(db);
  for (let n = 0; n < ofEach; n += 1) {
    await actions.begin({
      at: new Date(),
      who: `operator-${n % 4}`,
      via: 'cli',
      action: operatorActionNames[n % 3] ?? 'rows.on',
      workspaceId: tenants[n % 3] ?? null,
      target: {},
      reason: null,
      version: '0',
    });
  }
  await db.command({ profile: 2 });
}, 180_000);
afterAll(async () => tested.close());

interface Profiled {
  readonly ns: string;
  readonly command: { readonly comment?: unknown; readonly maxTimeMS?: number };
  readonly docsExamined?: number;
  readonly keysExamined?: number;
  readonly nreturned?: number;
  readonly hasSortStage?: boolean;
  readonly planSummary?: string;
}

/** The reads of records, outcomes and actions since the last call. */
async function profiled(): Promise<Profiled[]> {
  const { db } = tested.mongo;
  const found = await db
    .collection<Profiled>('system.profile')
    .find({ op: 'query', ns: /\.(database_records|row_records|rows|event_outcomes|operator_actions)$/ })
    .toArray();
  await db.command({ profile: 0 });
  await db.collection('system.profile').drop();
  await db.command({ profile: 2 });
  return found;
}

const list = '/api/tenants/globex/databases';

test.each([
  ['databases by title', list],
  ['databases by a part of the title', `${list}?q=plan+7`],
  ['rows of a data source', `${list}/${holder}/rows`],
  ['events', '/api/events'],
  ['events of a tenant', '/api/events?tenant=globex'],
  ['events that need a look', '/api/events?needsLook=1'],
  ['events about one database', `/api/events?about=${idOf(5)}`],
  ['actions', '/api/audit'],
  ['actions of a tenant', '/api/audit?tenant=globex'],
  ['actions by one operator', '/api/audit?who=operator-1'],
  ['actions of one kind', '/api/audit?action=connections.pause'],
])('%s: a page, and the next one, look at no more than twice what they show', async (_name, path) => {
  await profiled();
  let next: string | null = null;
  for (let page = 0; page < 2; page += 1) {
    const cursor: string = next === null ? '' : `${path.includes('?') ? '&' : '?'}cursor=${next}`;
    ({ next } = await operator.get<Paged>(`${path}${cursor}`));
    if (next === null) break;
  }
  const reads = await profiled();
  expect(reads).not.toEqual([]);
  for (const { ns, command, docsExamined = 0, nreturned = 0, hasSortStage = false } of reads) {
    expect({ ns, comment: command.comment, maxTimeMS: command.maxTimeMS, sorts: hasSortStage }).toEqual({
      ns,
      comment: 'console',
      maxTimeMS: 2_000,
      sorts: false,
    });
    expect({ ns, isBounded: docsExamined <= 2 * nreturned + 2 }).toEqual({ ns, isBounded: true });
  }
});

test('the events of a tenant that need a look are found among those of all tenants that do, and no others', async () => {
  await profiled();
  const { events } = await operator.get<EventsAnswer>('/api/events?needsLook=1&tenant=globex');
  expect(events).toHaveLength(ofEach / 20);
  const reads = (await profiled()).filter(({ ns }) => ns.endsWith('.event_outcomes'));
  expect(reads.map(({ docsExamined }) => docsExamined)).toEqual([0, (3 * ofEach) / 20]);
});

test('a database whose tenant is not known is found by its id', async () => {
  await profiled();
  await operator.get(`/api/find?q=${idOf(7)}`);
  for (const { ns, docsExamined = 0 } of await profiled()) expect({ ns, isBounded: docsExamined <= 20 }).toEqual({ ns, isBounded: true });
});
