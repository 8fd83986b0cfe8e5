import type { Connection } from '@notion-mirror/domain/connection';
import { contentDifferences } from '@notion-mirror/domain/content-differences';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import { scanLimits } from '@notion-mirror/domain/row-scan';
import { startNotionEmulator, type NotionEmulator } from '@notion-mirror/emulators/notion/emulator';
import { silent } from '@notion-mirror/event-log/testing/isolated-log';
import type { ContentsDocument } from '@notion-mirror/mirror-store/contents-document';
import { openDataSourceContents, type DataSourceContents, type ScanWish } from '@notion-mirror/mirror-store/data-source-contents';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { createDatabasesListing } from '@notion-mirror/mirror-store/entities/database-sources';
import { rowStorage } from '@notion-mirror/mirror-store/entities/row';
import { openRowRecords } from '@notion-mirror/mirror-store/entities/row-records';
import { initMongo } from '@notion-mirror/mirror-store/init';
import { fieldsOf, openMirroredDocuments } from '@notion-mirror/mirror-store/records/mirrored-documents';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { openRowsOff } from '@notion-mirror/mirror-store/rows-off';
import { openScanLedger, type ScanClaim, type ScanLedger } from '@notion-mirror/mirror-store/scan-ledger';
import { createNotionSource, type NotionSource } from '@notion-mirror/notion-source/notion-source';
import { createRateBudget } from '@notion-mirror/notion-source/rate-budget';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { createStaleAnswers } from '@notion-mirror/sync-worker/consume/stale-answers';
import { createReadRowSingly } from '@notion-mirror/sync-worker/rows/read-row-singly';
import { createRowParents } from '@notion-mirror/sync-worker/rows/row-parents';
import { runScan, type ScanOutcome } from '@notion-mirror/sync-worker/rows/run-scan';
import type { ScanDependencies } from '@notion-mirror/sync-worker/rows/scan-run';
import { createRowSync } from '@notion-mirror/sync-worker/rows/sync-row';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../packages/mirror-store/test/mongo.ts';

// Scans through the real source of rows, over HTTP, into a real MongoDB. The clock is the test's, for Notion and the mirror: a lag of a minute takes no time.

const second = 1_000;
const minute = 60 * second;
const lag = { lagMs: minute, toleranceMs: 10 * second };
const settleMs = 70 * second + 1;
const limits = { ...scanLimits, cap: 40, maxPageSize: 20 };

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
let notion: NotionEmulator;
let contents: DataSourceContents;
let ledger: ScanLedger;
let time = 0;
const clock = {
  now: () => time,
  async sleep(ms: number) {
    time += Math.max(0, ms);
    await new Promise((resolve) => setImmediate(resolve));
  },
};
const now = () => new Date(time);

beforeAll(async () => {
  mongo = await openTestDatabase();
  await initMongo(mongo.db, { storages: [databaseStorage, rowStorage], tombstoneTtlMs: 3_600_000, schemaHistoryMs: 3_600_000 });
  notion = await startNotionEmulator({ seed: 'scans', clock: clock.now, timestamps: 'minute' });
  contents = openDataSourceContents(mongo.db, now);
  ledger = openScanLedger(mongo.db, lag, now);
});
afterAll(async () => {
  await notion.stop();
  await mongo.drop();
});
beforeEach(async () => {
  time = Date.parse('2026-11-30T12:00:00.000Z');
  notion.reset();
  notion.faults.clear();
  notion.settings.change({ rows: { resultLimit: limits.cap, lagMs: [0, 0], shortPageProbability: 0, cursorLifeMs: null } });
  for (const name of ['row_records', 'database_records', 'data_source_contents']) await mongo.db.collection(name).deleteMany({});
});

type Cells = Readonly<Record<string, unknown>>;
const text = (content: string) => [{ text: { content } }];
const titled = (content: string): Cells => ({ Name: { title: text(content) } });
const at = (minutes: number) => new Date(time + minutes * minute).toISOString();
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

/** A tenant with one database in Notion and in the mirror, its rows not yet. */
async function tenant({ properties = {}, connections = 1 }: { properties?: Cells; connections?: number } = {}) {
  const { id: notionWorkspaceId, owner } = notion.createWorkspace({ name: 'Acme' });
  const { id: pageId } = notion.createPage({ workspaceId: notionWorkspaceId, title: 'Home' });
  const integration = notion.createIntegration({ name: 'Mirror' });
  const bots = numbers(connections).map((index) => {
    const ownerId = index === 0 ? owner.id : notion.createPerson({ workspaceId: notionWorkspaceId, name: 'Colleague' }).id;
    const bot = notion.installBot({ workspaceId: notionWorkspaceId, integrationId: integration.id, ownerId });
    notion.share({ botId: bot.id, id: pageId });
    return bot;
  });
  const asOwner = async (method: string, path: string, body: object) => {
    const headers = { authorization: `Bearer ${owner.token}`, 'notion-version': '2026-03-11', 'content-type': 'application/json' };
    const response = await fetch(`${notion.url}/v1/${path}`, { method, headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { readonly id: string; readonly data_sources: readonly { readonly id: string }[] };
  };
  const create = async (title: string, given: Cells) => {
    const parent = { type: 'page_id', page_id: pageId };
    const initial = { properties: { Name: { title: {} }, ...given } };
    const { id, data_sources: sources } = await asOwner('POST', 'databases', { parent, title: text(title), initial_data_source: initial });
    return { databaseId: id, dataSourceId: sources[0]?.id ?? '' };
  };
  const { databaseId, dataSourceId } = await create('Tasks', properties);

  const metrics = new Registry();
  const active: Connection[] = bots.map(({ id: botId }, index) => ({
    connectionId: `c${index + 1}`,
    providerConfigKey: 'notion',
    workspaceId: 'acme',
    notionWorkspaceId,
    botId,
    status: 'active',
    statusReason: null,
    token: null,
    createdAt: now(),
    updatedAt: now(),
  }));
  const tokenOf = ({ connectionId }: Connection) => bots[Number(connectionId.slice(1)) - 1]?.token ?? '';
  const source: NotionSource = createNotionSource({
    connectionsOf: () => active,
    tokens: {
      get: async (connection) => ({ kind: 'token', token: tokenOf(connection) }),
      refresh: async (connection) => ({ kind: 'token', token: tokenOf(connection) }),
    },
    budget: createRateBudget({ requestsPerMinute: 1_000_000, clock }),
    notionApiUrl: notion.url,
    logger: silent,
    metrics,
    onUnauthorized: async () => {},
    clock,
  });
  const { db } = mongo;
  const never = new AbortController().signal;
  const databases = createRecordStore(databaseStorage, { db, metrics, now });
  const fetched = await source.fetchDatabase({ workspaceId: 'acme', databaseId }, never);
  if (fetched.kind !== 'live') throw new Error(`the database is ${fetched.kind}`);
  const { content, connectionId } = fetched;
  await databases.writeLive({ workspaceId: 'acme', id: databaseId, expected: null, content, connectionId, asOf: now(), lastEvent: null });
  await contents.follow({ workspaceId: 'acme', databaseId }, [{ dataSourceId, schema: 'a' }]);

  const records = createRecordStore(rowStorage, { db, metrics, now });
  const rowsOff = openRowsOff(db);
  const parents = createRowParents({
    databasesListing: createDatabasesListing({ db, metrics, trashed: 'does not count' }),
    databaseRecords: databases,
    syncDatabase: () => Promise.reject(new Error('the database is known')),
    rowsOff,
  });
  const dependents = { existFor: () => Promise.resolve(false), followAll: () => Promise.resolve() };
  const documents = openMirroredDocuments(db, rowStorage);
  const sync = { parents, documents, staleAnswers: createStaleAnswers(new Set(), clock.now), toleranceMs: lag.toleranceMs, now: clock.now };
  const deps: ScanDependencies = {
    notion: source,
    rows: openRowRecords(db),
    records,
    parents,
    rowsOff,
    dependents,
    readRowSingly: createReadRowSingly({ openSync: (over) => createRowSync({ ...sync, ...over }), records, notion: source, dependents }),
    announceGone: () => Promise.reject(new Error('the database is known')),
    activeConnections: () => active,
    limits,
    ...lag,
    clock,
  };
  const ref = { workspaceId: 'acme', dataSourceId };

  async function runClaimed(claim: ScanClaim, signal: AbortSignal) {
    const counts = { calls: 0, returned: 0, written: 0, readSingly: 0 };
    const save = async (progress: Parameters<ScanLedger['save']>[1]) => {
      signal.throwIfAborted();
      if (!(await ledger.save(claim, progress))) throw new Error('the claim is lost');
    };
    const outcome = await runScan(deps, claim, { counts, save, mustPause: () => false }, signal);
    if (outcome.kind === 'ended') {
      const { depth, finding } = outcome;
      const report = { startedAt: claim.startedAt, endedAt: now(), depth, ...counts };
      const asked = active.map((one) => one.connectionId);
      await ledger.complete({ ...claim, depth }, { finding, report, nextFullAt: new Date(time + 1440 * minute), connections: asked });
    }
    return { outcome, counts };
  }

  return {
    ...ref,
    databaseId,
    notionWorkspaceId,
    bots,
    active,
    asOwner,
    create,
    source,
    parents,
    runClaimed,
    claim: (worker = 'w1') => ledger.claim(ref, worker, minute),
    /** Runs the scan that is due. */
    async scan(
      signal = never,
    ): Promise<{ readonly outcome: ScanOutcome; readonly counts: { readonly written: number; readonly readSingly: number } }> {
      const claim = await ledger.claim(ref, 'w1', minute);
      if (claim === null) throw new Error('no scan is due');
      return runClaimed(claim, signal);
    },
    want: (change: Partial<ScanWish> = {}) =>
      contents.want(ref, { reasons: ['operator'], depth: 'all', at: now(), raisesAll: false, dueAt: now(), ...change }),
    contents: () => db.collection<ContentsDocument>('data_source_contents').findOne({ _id: `acme:${dataSourceId}` }),
    rowIds: async () =>
      (await db.collection<{ _id: string; pageId: string }>('rows').find({ dataSourceId }).toArray())
        .map(({ pageId: id }) => id)
        .toSorted(),
    revs: async () => {
      const found = await db.collection<{ _id: string; rev: number }>('row_records').find({ dataSourceId }).toArray();
      return Object.fromEntries(found.map(({ _id, rev }) => [_id, rev]));
    },
    removed: async (id: string) =>
      (await db.collection<{ _id: string; removed?: { reason: string } }>('row_records').findOne({ _id: `acme:${id}` }))?.removed?.reason,
    /** Differences of the mirror from Notion: from the answers themselves, and from what single reads make of them. */
    async differences(bot = bots[0]) {
      const mirrored = openMirroredDocuments(db, rowStorage);
      const truth = notion.rowTruth({ workspaceId: notionWorkspaceId, botId: bot?.id, dataSourceId });
      const found: unknown[] = [];
      for (const { page } of truth) {
        const id = idOf(page);
        const { fields } = await mirrored.read({ workspaceId: 'acme', id }).then((document) => document ?? { fields: null });
        if (fields === null) {
          found.push(`${id} is missing`);
          continue;
        }
        const read = await source.fetchRow({ workspaceId: 'acme', pageId: id }, never);
        const expected = read.kind === 'live' ? fieldsOf<RowContent>(rowStorage, { workspaceId: 'acme', id }, read.content) : {};
        found.push(...contentDifferences({ raw: fields['raw'] }, { raw: page }), ...contentDifferences(fields, expected));
      }
      return { found, rows: truth.length };
    },
  };
}

function idOf(page: object): string {
  return 'id' in page && typeof page.id === 'string' ? page.id : '';
}

type Tenant = Awaited<ReturnType<typeof tenant>>;

async function completeOf(acme: Tenant): Promise<unknown> {
  const { state, rows, completeAsOf, reason } = (await acme.contents()) ?? {};
  return { state, rows, completeAsOf, reason };
}

test('a backfill is complete and equal field by field, whatever the queries suffer, and the next scan writes nothing', async () => {
  const acme = await tenant({
    properties: {
      Text: { rich_text: {} },
      N: { number: {} },
      Done: { checkbox: {} },
      Stage: { select: { options: [{ name: 'New' }, { name: 'Old' }] } },
      Tags: { multi_select: { options: [{ name: 'x' }, { name: 'y' }] } },
      When: { date: {} },
      Files: { files: {} },
      Id: { unique_id: { prefix: 'T' } },
      Twice: { formula: { expression: 'prop("N") * 2' } },
      Made: { created_time: {} },
    },
  });
  const others = await acme.create('Others', {});
  const { ids: otherIds } = notion.createRows({
    dataSourceId: others.dataSourceId,
    rows: numbers(30).map((n) => ({ properties: titled(`o${n}`) })),
  });
  await acme.asOwner('PATCH', `data_sources/${acme.dataSourceId}`, {
    properties: { Links: { relation: { data_source_id: others.dataSourceId, single_property: {} } } },
  });
  const cells = (n: number): Cells => ({
    ...titled(n % 7 === 0 ? '' : `Row ${n} 🥬`),
    Text: { rich_text: text(`text ${n}`) },
    N: { number: n % 5 === 0 ? null : n / 4 },
    Done: { checkbox: n % 2 === 0 },
    Stage: { select: n % 3 === 0 ? null : { name: 'New' } },
    Tags: { multi_select: [{ name: 'y' }, { name: 'x' }] },
    When: { date: n % 4 === 0 ? null : { start: '2026-01-31T09:00:00.000+01:00' } },
    Files: { files: [{ name: 'a', file_upload: { id: `upload-${n}` } }] },
    Links: { relation: (n % 50 === 0 ? otherIds : otherIds.slice(0, 2)).map((id) => ({ id })) },
  });
  const { ids } = notion.createRows({
    dataSourceId: acme.dataSourceId,
    rows: numbers(230).map((n) => ({ properties: cells(n), createdTime: at(Math.floor(n / 6) - 500) })),
  });
  notion.archiveRows({ ids: ids.filter((_, n) => n % 9 === 0), archived: true });
  time += 10 * minute;
  notion.settings.change({ rows: { lagMs: [0, 50 * second], shortPageProbability: 0.3, cursorLifeMs: 40 * second } });
  const path = '/v1/data_sources/*/query';
  notion.faults.inject({ kind: 'service_unavailable', path, skip: 4, count: 3 });
  notion.faults.inject({ kind: 'gateway_timeout', path, pageSizeOver: 5, skip: 15, count: 2 });
  notion.faults.inject({ kind: 'repeated_cursor', path, withCursor: true, skip: 12, count: 1 });

  const startedAt = time;
  const { outcome } = await acme.scan();
  expect(outcome).toMatchObject({ kind: 'ended', finding: { kind: 'complete', rows: { live: 204, archived: 26 } } });
  expect(await completeOf(acme)).toEqual({
    state: 'complete',
    rows: { live: 204, archived: 26 },
    completeAsOf: new Date(startedAt - minute),
    reason: null,
  });
  expect(await acme.differences()).toEqual({ found: [], rows: 230 });

  time += 10 * minute;
  const before = await acme.revs();
  await acme.want();
  time += settleMs;
  const again = await acme.scan();
  // Values that Notion cuts off are read in every scan.
  expect(again.counts).toMatchObject({ written: 0, readSingly: 5 });
  const changed = Object.entries(await acme.revs()).filter(([id, rev]) => before[id] !== rev);
  expect(changed).toHaveLength(5);
});

test('a scan that is broken off anywhere is resumed by another worker, and ends as complete as one that was not', async () => {
  const acme = await tenant();
  notion.createRows({
    dataSourceId: acme.dataSourceId,
    rows: numbers(150).map((n) => ({ properties: titled(`Row ${n}`), createdTime: at(Math.floor(n / 4) - 100) })),
  });
  time += 10 * minute;
  const breaks = [1, 3, 6, 4, 9, 7, 2, 5];
  let last: unknown;
  for (const [attempt, calls] of [...breaks, Infinity].entries()) {
    const claim = await acme.claim(`w${attempt}`);
    if (claim === null) throw new Error('the scan cannot be resumed');
    const broken = new AbortController();
    notion.calls.reset();
    const watching = setInterval(() => {
      if (notion.calls.recent().length >= calls) broken.abort(new Error('killed'));
    }, 1);
    last = await acme.runClaimed(claim, broken.signal).catch((error: unknown) => error);
    clearInterval(watching);
    if (!broken.signal.aborted) break;
    // Its lease expires.
    time += minute;
  }
  expect(last).toMatchObject({ outcome: { finding: { kind: 'complete', rows: { live: 150, archived: 0 } } } });
  const { counts } = last as Awaited<ReturnType<Tenant['scan']>>;
  // The last worker did only what was left.
  expect(counts.written).toBeLessThan(150);
  expect(await acme.differences()).toEqual({ found: [], rows: 150 });
  expect(await acme.contents()).toMatchObject({ state: 'complete', scan: null });
});

test('a renamed option changes every row: the scan begins one lag after the wish, and the wish is fulfilled', async () => {
  const acme = await tenant({ properties: { Stage: { select: { options: [{ name: 'New' }] } } } });
  const rows = numbers(60).map((n) => ({
    properties: { ...titled(`Row ${n}`), Stage: { select: { name: 'New' } } },
    createdTime: at(n - 100),
  }));
  notion.createRows({ dataSourceId: acme.dataSourceId, rows });
  notion.settings.change({ rows: { lagMs: [55 * second, 60 * second] } });
  time += 10 * minute;
  await acme.scan();
  time += settleMs;
  notion.renameOption({ dataSourceId: acme.dataSourceId, property: 'Stage', from: 'New', to: 'Fresh' });
  await contents.follow({ workspaceId: 'acme', databaseId: acme.databaseId }, [{ dataSourceId: acme.dataSourceId, schema: 'b' }]);
  expect(await acme.claim()).toBeNull();
  time += settleMs;
  const { counts } = await acme.scan();
  expect(counts).toMatchObject({ written: 60, readSingly: 0 });
  expect(await acme.differences()).toEqual({ found: [], rows: 60 });
  expect(await acme.contents()).toMatchObject({ wanted: null, state: 'complete' });
});

test('a wish that comes while a scan runs stays for the next', async () => {
  const acme = await tenant();
  const { ids } = notion.createRows({
    dataSourceId: acme.dataSourceId,
    rows: numbers(10).map((n) => ({ properties: titled(`Row ${n}`), createdTime: at(n - 50) })),
  });
  const claim = await acme.claim();
  notion.editRows({ ids: ids.slice(0, 3), properties: titled('edited') });
  await acme.want();
  await acme.runClaimed(claim!, new AbortController().signal);
  expect(await acme.contents()).toMatchObject({
    state: 'complete',
    wanted: { reasons: expect.arrayContaining(['operator']), depth: 'all' },
  });
  time += settleMs;
  await acme.scan();
  expect(await acme.differences()).toEqual({ found: [], rows: 10 });
  expect(await acme.contents()).toMatchObject({ wanted: null });
});

test('rows that answer 404 go if they are few; if they are many, all stay until an operator accepts it', async () => {
  const acme = await tenant();
  const { ids } = notion.createRows({
    dataSourceId: acme.dataSourceId,
    rows: numbers(60).map((n) => ({ properties: titled(`Row ${n}`), createdTime: at(n - 100) })),
  });
  time += minute;
  await acme.scan();
  const [first = '', second2 = ''] = ids;
  notion.deletePermanently({ id: first });
  await acme.asOwner('PATCH', `pages/${second2}`, { in_trash: true });
  await acme.want();
  time += 2 * settleMs;
  await acme.scan();
  expect([await acme.removed(first), await acme.removed(second2)]).toEqual(['inaccessible', 'trashed']);
  expect(await acme.rowIds()).toHaveLength(58);

  for (const id of ids.slice(10, 40)) notion.unshare({ botId: acme.bots[0]?.id ?? '', id });
  await acme.want();
  time += 2 * settleMs;
  await acme.scan();
  expect(await acme.contents()).toMatchObject({ state: 'incomplete', reason: expect.stringContaining('--accept-removals') });
  expect(await acme.rowIds()).toHaveLength(58);

  await acme.want({ acceptsRemovals: true });
  time += 2 * settleMs;
  await acme.scan();
  expect(await acme.contents()).toMatchObject({ state: 'complete', reason: null, rows: { live: 28, archived: 0 } });
  expect(await acme.rowIds()).toHaveLength(28);
});

test('each of two connections shows what it sees, and a row goes only if none shows it', async () => {
  const acme = await tenant({ connections: 2 });
  const { ids } = notion.createRows({
    dataSourceId: acme.dataSourceId,
    rows: numbers(40).map((n) => ({ properties: titled(`Row ${n}`), createdTime: at(n - 100) })),
  });
  const [one, two] = acme.bots.map(({ id }) => id) as [string, string];
  for (const id of ids.slice(0, 10)) notion.unshare({ botId: one, id });
  for (const id of ids.slice(10, 20)) notion.unshare({ botId: two, id });
  time += minute;
  await acme.scan();
  expect(await acme.contents()).toMatchObject({ state: 'complete', rows: { live: 40, archived: 0 } });
  for (const bot of acme.bots) expect((await acme.differences(bot)).found).toEqual([]);

  // The first connection loses its last rows to the second, and both lose one.
  for (const id of ids.slice(20, 25)) notion.unshare({ botId: one, id });
  notion.unshare({ botId: two, id: ids[0] ?? '' });
  await acme.want();
  time += 2 * settleMs;
  await acme.scan();
  expect(await acme.rowIds()).toEqual(ids.slice(1).toSorted());
  expect(await acme.removed(ids[0] ?? '')).toBe('inaccessible');

  // One that does not see the data source any more takes no part; what it fetched is compared by the other.
  notion.unshare({ botId: one, id: acme.databaseId });
  notion.editRows({ ids: ids.slice(30), properties: titled('edited') });
  await acme.want();
  time += 2 * settleMs;
  await acme.scan();
  expect((await acme.differences(acme.bots[1])).found).toEqual([]);
  notion.unshare({ botId: two, id: acme.databaseId });
  await acme.want();
  time += 2 * settleMs;
  const { outcome } = await acme.scan();
  expect(outcome).toMatchObject({ kind: 'stopped', isIncomplete: true, because: expect.stringContaining('404') });
});

test('a minute with more rows than a query returns is reported, and none of its rows is removed', async () => {
  const acme = await tenant();
  const full = at(-50);
  const { ids } = notion.createRows({
    dataSourceId: acme.dataSourceId,
    rows: [
      ...numbers(50).map((n) => ({ properties: titled(`Row ${n}`), createdTime: full })),
      ...numbers(5).map((n) => ({ properties: titled(`Other ${n}`), createdTime: at(n - 10) })),
    ],
  });
  time += minute;
  await acme.scan();
  expect(await acme.contents()).toMatchObject({
    state: 'incomplete',
    truncated: [{ partition: 'live', minute: new Date(full), atLeast: 40 }],
    rows: null,
    completeAsOf: null,
    reason: expect.stringContaining('more rows were created in one minute'),
  });
  expect(await acme.rowIds()).toHaveLength(45);
  // Notion shows others of that minute now: the mirror keeps those that it has.
  notion.archiveRows({ ids: ids.slice(0, 5), archived: true });
  await acme.want();
  time += 2 * settleMs;
  await acme.scan();
  expect((await acme.rowIds()).length).toBeGreaterThanOrEqual(50);
});

test('what was edited is found by a few calls; a row that went is left to a scan of all rows', async () => {
  const acme = await tenant();
  const { ids } = notion.createRows({
    dataSourceId: acme.dataSourceId,
    rows: numbers(100).map((n) => ({ properties: titled(`Row ${n}`), createdTime: at(n - 300) })),
  });
  time += minute;
  await acme.scan();
  time += 60 * minute;
  notion.editRows({ ids: ids.slice(50, 60), properties: titled('edited') });
  await acme.asOwner('PATCH', `pages/${ids[0]}`, { in_trash: true });
  await acme.want({ depth: 'edited', reasons: ['sweep'] });
  time += 2 * settleMs;
  notion.calls.reset();
  const { counts, outcome } = await acme.scan();
  expect([outcome, counts.written]).toEqual([{ kind: 'ended', depth: 'edited', finding: { kind: 'edited' } }, 10]);
  expect(notion.calls.recent()).toHaveLength(2);
  expect(await acme.differences()).toEqual({ found: [], rows: 99 });
  expect(await acme.rowIds()).toHaveLength(100);
});

test('a flood is answered: every row is raised above the time of its events', async () => {
  const acme = await tenant();
  notion.createRows({
    dataSourceId: acme.dataSourceId,
    rows: numbers(30).map((n) => ({ properties: titled(`Row ${n}`), createdTime: at(n - 100) })),
  });
  time += minute;
  await acme.scan();
  time += 10 * minute;
  await acme.want({ reasons: ['flood'], raisesAll: true });
  const wishedAt = time;
  time += settleMs;
  const { counts } = await acme.scan();
  expect(counts).toMatchObject({ written: 30, readSingly: 0 });
  const raised = await mongo.db.collection('row_records').countDocuments({ asOf: { $gt: new Date(wishedAt + lag.toleranceMs) }, rev: 2 });
  expect(raised).toBe(30);
});

test('a template page is hidden after two complete scans, and no longer read by each scan', async () => {
  const acme = await tenant();
  const { ids } = notion.createRows({
    dataSourceId: acme.dataSourceId,
    rows: numbers(50).map((n) => ({ properties: titled(`Row ${n}`), createdTime: at(Math.floor(n / 4) - 100) })),
  });
  const { id: template } = notion.createTemplate({ dataSourceId: acme.dataSourceId, properties: titled('Template') });
  time += 10 * minute;
  expect((await acme.scan()).outcome).toMatchObject({ finding: { kind: 'complete', rows: { live: 50, archived: 0 } } });
  // As its event does.
  const { content } = (await acme.source.fetchRow({ workspaceId: 'acme', pageId: template }, new AbortController().signal)) as {
    readonly content: RowContent;
  };
  const key = { workspaceId: 'acme', id: template, expected: null, connectionId: 'c1', asOf: now(), lastEvent: null };
  await createRecordStore(rowStorage, { db: mongo.db, metrics: new Registry(), now }).writeLive({ ...key, content });
  const singleReads: number[] = [];
  for (const isShown of [true, true, false, false]) {
    expect((await acme.rowIds()).includes(template)).toBe(isShown);
    expect((await acme.contents())?.rows).toEqual({ live: 50, archived: 0 });
    time += 10 * minute;
    await acme.want({ reasons: ['sweep'] });
    time += settleMs;
    singleReads.push((await acme.scan()).counts.readSingly);
  }
  expect(singleReads).toEqual([1, 1, 0, 0]);
  expect(await acme.rowIds()).toEqual(ids.toSorted());
});

test.each([
  [{ Id: { unique_id: { prefix: 'T' } } }, 'complete', []],
  [{}, 'incomplete', ['live', 'archived']],
])('an import of more rows in one minute than a query returns, with the properties %o: %s', async (properties, state, truncated) => {
  const acme = await tenant({ properties });
  const { ids } = notion.createRows({
    dataSourceId: acme.dataSourceId,
    rows: numbers(130).map((n) => ({ properties: titled(`Row ${n}`), createdTime: at(n < 120 ? -50 : n - 160) })),
  });
  notion.archiveRows({ ids: ids.slice(0, 50), archived: true });
  notion.settings.change({ rows: { shortPageProbability: 0.2 } });
  notion.faults.inject({ kind: 'service_unavailable', path: '/v1/data_sources/*/query', skip: 9, count: 2 });
  time += 10 * minute;
  await acme.scan();
  const found = await acme.contents();
  expect([found?.state, found?.truncated.map(({ partition }) => partition)]).toEqual([state, truncated]);
  const { found: differences } = await acme.differences();
  expect(differences.length > 0).toBe(state === 'incomplete');
});
