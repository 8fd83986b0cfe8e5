import type { Connection } from '@notion-mirror/domain/connection';
import type { JsonObject } from '@notion-mirror/domain/database-content';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { FoundDataSource } from '@notion-mirror/notion-source/database-document';
import { SearchError } from '@notion-mirror/notion-source/data-source-search';
import type { DataSourceLook, LookOutcome } from '@notion-mirror/notion-source/notion-source';
import type { EventEnd } from '../consume/awaited-events.ts';
import { describe, expect, it } from 'vitest';
import type { Clock } from '@notion-mirror/service-kit/async/clock';
import { compareDatabases, type DatabaseComparisonDependencies } from '../databases/compare-databases.ts';
import { sweepTenant } from './sweep.ts';

const connection = (connectionId: string): Connection => ({
  connectionId,
  providerConfigKey: 'notion',
  workspaceId: 'acme',
  notionWorkspaceId: '13950b26-c203-4f3b-b97d-93ec06319565',
  botId: null,
  status: 'active',
  statusReason: null,
  token: null,
  createdAt: new Date(0),
  updatedAt: new Date(0),
});

const edited = '2026-11-25T11:00:00.000Z';
const sourceAnswer = (id: string, changes: JsonObject = {}): JsonObject => ({
  object: 'data_source',
  id,
  last_edited_time: edited,
  ...changes,
});
const containerAnswer = (id: string, changes: JsonObject = {}): JsonObject => ({ object: 'database', id, title: [], ...changes });
const shown = (id: string, changes: JsonObject & { last_edited_time?: string } = {}): FoundDataSource => {
  const raw = sourceAnswer(`${id}-source`, changes);
  return { databaseId: id, dataSourceId: `${id}-source`, lastEditedTime: new Date(changes.last_edited_time ?? edited), raw };
};

interface Scene {
  readonly connections?: readonly Connection[];
  /** Mirrored databases, with one source each, last fetched by connection `a`. */
  readonly held?: readonly string[];
  /** Search results by connection. */
  readonly search?: Readonly<Record<string, readonly FoundDataSource[]>>;
  /** Connections whose search fails after its results. */
  readonly failingSearches?: readonly string[];
  /** Of a list, one outcome per attempt; the last one repeats. */
  readonly looks?: Readonly<Record<string, LookOutcome | readonly LookOutcome[]>>;
  readonly sourceLooks?: Readonly<Record<string, DataSourceLook>>;
  readonly seenBy?: Readonly<Record<string, string>>;
  readonly sync?: (event: DatabaseEvent) => Promise<EventEnd | void>;
  readonly spareAt?: () => number | null;
}

async function sweep(scene: Scene, order: { depth?: 'search' | 'full'; acceptRemovals?: boolean } = {}) {
  const events: DatabaseEvent[] = [];
  const slept: number[] = [];
  const held = scene.held ?? [];
  const looked: string[] = [];
  let time = Date.parse('2026-11-25T12:00:00Z');
  const clock: Clock = {
    now: () => time,
    async sleep(ms) {
      slept.push(ms);
      time += Math.max(0, ms);
    },
  };
  const databases: DatabaseComparisonDependencies = {
    ...clock,
    notion: {
      async *searchDataSources({ connectionId }) {
        yield scene.search?.[connectionId] ?? held.map((id) => shown(id));
        if (scene.failingSearches?.includes(connectionId) === true) throw new SearchError(refusal);
      },
      async lookAtDatabase({ databaseId, attempt = 1 }) {
        looked.push(databaseId);
        const given = [scene.looks?.[databaseId] ?? []].flat();
        const answer = given[Math.min(attempt, given.length) - 1];
        return answer ?? { kind: 'live', raw: containerAnswer(databaseId), dataSourceIds: [`${databaseId}-source`] };
      },
      async lookAtDataSource({ dataSourceId }) {
        looked.push(dataSourceId);
        return scene.sourceLooks?.[dataSourceId] ?? { kind: 'live', raw: sourceAnswer(dataSourceId) };
      },
    },
    held: {
      list: async () =>
        held.map((databaseId) => ({
          databaseId,
          connectionId: scene.seenBy?.[databaseId] ?? 'a',
          searchable: [`${databaseId}-source`],
        })),
      answers: async (_workspaceId, ids) =>
        new Map(
          ids
            .filter((id) => held.includes(id))
            .map((id) => [id, { database: containerAnswer(id), dataSources: new Map([[`${id}-source`, sourceAnswer(`${id}-source`)]]) }]),
        ),
    },
  };
  const report = await sweepTenant(
    {
      ...clock,
      activeConnections: () => scene.connections ?? [connection('a')],
      notion: { spareAt: scene.spareAt ?? (() => null) },
      entities: [{ compare: (tools) => compareDatabases(databases, tools) }],
      async sync(event) {
        const end = await scene.sync?.(event);
        events.push(event);
        return end ?? 'handled';
      },
    },
    {
      workspaceId: 'acme',
      id: 'sweep-1',
      depth: order.depth ?? 'full',
      isRequested: false,
      acceptRemovals: order.acceptRemovals ?? false,
      trace,
      traceOfNext: () => trace,
    },
    new AbortController().signal,
  );
  return {
    report,
    events,
    slept,
    looked,
    synced: events.map(({ databaseId, dataSourceId }) => databaseId ?? `${dataSourceId}`).toSorted(),
  };
}

const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';

const refusal = { class: 'restricted', code: 'restricted_resource', message: 'status 403' } as const;
const fails: LookOutcome = {
  kind: 'retry',
  at: Date.parse('2026-11-25T12:00:01Z'),
  scope: 'request',
  failure: { class: 'server', code: 'internal_server_error', message: 'status 500' },
};

/** The mirror has `d1`, and search shows it with these changes. */
const showing = (changes: JsonObject & { last_edited_time?: string }): Scene => ({ held: ['d1'], search: { a: [shown('d1', changes)] } });

describe('a sweep', () => {
  it('appends nothing when nothing differs', async () => {
    const { report, synced } = await sweep({ held: ['d1', 'd2'] });
    expect(synced).toEqual([]);
    expect(report).toEqual({ held: 2, found: 2, events: {}, removals: 0, stopped: false });
  });

  it('appends one event for each database that differs, whatever the difference', async () => {
    const { report, events, synced } = await sweep({
      held: ['same', 'source', 'moved', 'unlisted', 'trashed'],
      search: {
        a: [
          shown('same'),
          shown('source', { last_edited_time: '2026-11-25T11:30:00.000Z' }),
          shown('moved'),
          shown('new'),
          shown('new'),
          { ...shown('nowhere'), databaseId: null },
        ],
      },
      looks: {
        moved: { kind: 'live', raw: containerAnswer('moved', { parent: { type: 'workspace', workspace: true } }), dataSourceIds: [] },
        trashed: { kind: 'trashed' },
      },
    });
    expect(synced).toEqual(['moved', 'new', 'nowhere-source', 'source', 'trashed', 'unlisted']);
    expect(report.events).toEqual({ missing: 2, source_changed: 1, container_changed: 1, not_in_search: 1, gone: 1 });
    expect(events[0]).toMatchObject({ origin: 'reconcile', kind: 'sync', workspaceId: 'acme', connectionId: 'a' });
  });

  it('detects a change within the same minute, and ignores an outdated search result', async () => {
    expect((await sweep(showing({ title: [{ plain_text: 'New' }] }))).synced).toEqual(['d1']);
    expect((await sweep(showing({ title: [{ plain_text: 'Old' }], last_edited_time: '2026-11-25T10:59:00.000Z' }))).synced).toEqual([]);
  });

  it('compares a document only with the results of the connection that last fetched it', async () => {
    const connections = [connection('a'), connection('b')];
    const search = { a: [shown('d1')], b: [shown('d1', { properties: {} }), shown('d2')] };
    expect((await sweep({ connections, held: ['d1'], search })).synced).toEqual(['d2']);
    expect((await sweep({ connections: [connection('b')], held: ['d1'], search })).synced).toEqual(['d1', 'd2']);
  });

  it('at depth `search` ignores absence and checks no mirrored database', async () => {
    const looks = { d1: { kind: 'gone' } } as const;
    expect((await sweep({ held: ['d1'], search: { a: [] }, looks }, { depth: 'search' })).synced).toEqual([]);
  });

  it('stops before too many removals, but appends its other events', async () => {
    const held = Array.from({ length: 10 }, (_, index) => `d${index}`);
    const looks = { d1: { kind: 'gone' }, d2: { kind: 'trashed' }, d3: { kind: 'gone' } } as const;
    const search = { a: [...held.filter((id) => !(id in looks)), 'new'].map((id) => shown(id)) };
    const stopped = await sweep({ held, looks, search });
    expect(stopped.synced).toEqual(['new']);
    expect(stopped.report).toMatchObject({ removals: 3, stopped: true });
    const accepted = await sweep({ held, looks, search }, { acceptRemovals: true });
    expect(accepted.synced).toEqual(['d1', 'd2', 'd3', 'new']);
    expect(accepted.report).toMatchObject({ removals: 3, stopped: false, events: { gone: 3 } });
  });

  it('has at most three events in flight, and none while the rate budget has nothing to spare', async () => {
    let inFlight = 0;
    let most = 0;
    const waits = [Date.parse('2026-11-25T12:00:30Z'), null];
    const { synced, slept } = await sweep({
      search: { a: Array.from({ length: 20 }, (_, index) => shown(`d${index}`)) },
      async sync() {
        inFlight += 1;
        most = Math.max(most, inFlight);
        await new Promise((resolve) => setImmediate(resolve));
        inFlight -= 1;
      },
      spareAt: () => waits.shift() ?? null,
    });
    expect(synced).toHaveLength(20);
    expect(most).toBe(3);
    expect(slept).toEqual([30_000]);
  });

  // Found by the fault suite in an earlier form: the rejection had no listener yet, and the worker ended.
  it('fails when an append fails, but only after all its events in flight have ended', async () => {
    const refused = new Error('not acknowledged');
    let inFlight = 0;
    const failing = sweep({
      search: { a: Array.from({ length: 20 }, (_, index) => shown(`d${index}`)) },
      async sync({ databaseId }) {
        inFlight += 1;
        await new Promise((resolve) => setImmediate(resolve));
        inFlight -= 1;
        if (databaseId === 'd1') throw refused;
      },
    });
    await expect(failing).rejects.toBe(refused);
    expect(inFlight).toBe(0);
  });

  describe('that fails in part', () => {
    // Search was forbidden to one of two connections, and the tenant was never compared.
    it('uses the results of the other connections, and names the failed search', async () => {
      const connections = [connection('a'), connection('b')];
      const search = { a: [], b: [shown('d1', { properties: {} }), shown('new')] };
      const seenBy = { d1: 'b' };
      const { synced, report } = await sweep({ connections, held: ['d1'], seenBy, search, failingSearches: ['a'] });
      expect(synced).toEqual(['d1', 'new']);
      expect(report.incomplete).toEqual({
        searches: [{ connectionId: 'a', because: 'search of data sources: status 403' }],
        uncompared: 0,
        databases: [],
      });
    });

    // The cursor of a long search was refused, and lost renames were never repaired.
    it('compares each mirrored data source individually when the search was not read to the end', async () => {
      const { synced, report, looked } = await sweep({
        held: ['shown', 'same', 'container', 'source', 'vanished'],
        search: { a: [shown('shown')] },
        failingSearches: ['a'],
        looks: { container: { kind: 'live', raw: containerAnswer('container', { title: ['New'] }), dataSourceIds: [] } },
        sourceLooks: {
          'source-source': { kind: 'live', raw: sourceAnswer('source-source', { properties: {} }) },
          'vanished-source': { kind: 'gone' },
        },
      });
      expect(synced).toEqual(['container', 'source', 'vanished']);
      expect(report.events).toEqual({ container_changed: 1, source_changed: 2 });
      expect(looked).not.toContain('shown-source');
    });

    it('counts absence from a complete search, even if another search failed', async () => {
      const connections = [connection('a'), connection('b')];
      const scene = { connections, held: ['of-a', 'of-b'], seenBy: { 'of-b': 'b' }, search: { a: [], b: [] }, failingSearches: ['b'] };
      const { report, synced } = await sweep(scene);
      expect(synced).toEqual(['of-a']);
      expect(report.events).toEqual({ not_in_search: 1 });
    });

    // One database always answered 500, and those after it were never compared.
    it('compares all other databases before it retries a failing one, and names the failing one', async () => {
      const { synced, report, looked, slept } = await sweep({
        held: ['bad', 'changed', 'worse'],
        looks: {
          bad: fails,
          worse: fails,
          changed: { kind: 'live', raw: containerAnswer('changed', { title: ['New'] }), dataSourceIds: [] },
        },
      });
      expect(synced).toEqual(['changed']);
      expect(looked.slice(0, 3)).toEqual(['bad', 'changed', 'worse']);
      expect(report.incomplete).toEqual({
        searches: [],
        uncompared: 2,
        databases: [
          { databaseId: 'bad', because: 'status 500' },
          { databaseId: 'worse', because: 'status 500' },
        ],
      });
      expect(slept.length).toBeLessThan(5);
    });

    it('is complete when a retry succeeds', async () => {
      const { report, synced } = await sweep({
        held: ['late', 'other'],
        looks: { late: [fails, { kind: 'live', raw: containerAnswer('late', { title: ['New'] }), dataSourceIds: [] }] },
      });
      expect(synced).toEqual(['late']);
      expect(report).not.toHaveProperty('incomplete');
    });

    it('names a database that no connection may read, and is incomplete', async () => {
      const { report } = await sweep({ held: ['forbidden', 'd2'], looks: { forbidden: { kind: 'failed', failure: refusal } } });
      expect(report.incomplete).toMatchObject({ databases: [{ databaseId: 'forbidden', because: 'status 403' }] });
    });

    it('gives up when Notion answers no request at all', async () => {
      const held = Array.from({ length: 100 }, (_, index) => `d${index}`);
      const scene = { held, search: { a: [] }, failingSearches: ['a'], looks: Object.fromEntries(held.map((id) => [id, fails])) };
      await expect(sweep(scene)).rejects.toThrow('Notion does not answer: status 500');
    });

    it('ends, to make room for other tenants, when no call is allowed for minutes', async () => {
      const throttled = { ...fails, at: Date.parse('2026-11-25T12:00:30Z'), scope: 'connection' } as const;
      const inTenMinutes = { ...throttled, at: Date.parse('2026-11-25T12:10:00Z') };
      await expect(sweep({ held: ['d1'], looks: { d1: inTenMinutes } })).rejects.toThrow('Notion does not answer');
      await expect(sweep({ search: { a: [shown('new')] }, spareAt: () => Date.parse('2026-11-25T12:10:00Z') })).rejects.toThrow(
        'the rate budget of the tenant is used up',
      );
    });

    // Databases whose fetches always failed occupied all of a sweep's in-flight events for 300 s each.
    it('leaves differences to the next sweep when too many of its events fail', async () => {
      const { events, report } = await sweep({
        search: { a: Array.from({ length: 100 }, (_, index) => shown(`d${index}`)) },
        sync: () => Promise.resolve('failing' as const),
      });
      expect(events.length).toBeGreaterThanOrEqual(50);
      expect(events.length).toBeLessThan(60);
      expect(report.incomplete?.uncompared).toBe(100 - events.length);
    });
  });

  it('fails without an active connection', async () => {
    await expect(sweep({ connections: [] })).rejects.toThrow('no connection of the tenant is active');
  });
});
