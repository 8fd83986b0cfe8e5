import type { Connection } from '@notion-mirror/domain/connection';
import type { JsonObject } from '@notion-mirror/domain/database-content';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { FoundDataSource } from '@notion-mirror/notion-source/database-document';
import type { LookOutcome } from '@notion-mirror/notion-source/notion-source';
import { describe, expect, it } from 'vitest';
import { sweepTenant, type SweepDependencies } from './sweep.ts';

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
  /** Databases that the mirror holds, with one source each, seen by connection `a`. */
  readonly held?: readonly string[];
  /** What search shows each connection. */
  readonly search?: Readonly<Record<string, readonly FoundDataSource[]>>;
  readonly looks?: Readonly<Record<string, LookOutcome>>;
  readonly sync?: SweepDependencies['sync'];
  readonly spareAt?: () => number | null;
}

async function sweep(scene: Scene, order: { depth?: 'search' | 'full'; acceptRemovals?: boolean } = {}) {
  const events: DatabaseEvent[] = [];
  const slept: number[] = [];
  const held = scene.held ?? [];
  const report = await sweepTenant(
    {
      activeConnections: () => scene.connections ?? [connection('a')],
      notion: {
        async *searchDataSources({ connectionId }) {
          yield scene.search?.[connectionId] ?? held.map((id) => shown(id));
        },
        lookAtDatabase: async ({ databaseId }) =>
          scene.looks?.[databaseId] ?? { kind: 'live', raw: containerAnswer(databaseId), dataSourceIds: [`${databaseId}-source`] },
        spareAt: scene.spareAt ?? (() => null),
      },
      held: {
        list: async () => held.map((databaseId) => ({ databaseId, connectionId: 'a', searchable: [`${databaseId}-source`] })),
        answers: async (_workspaceId, ids) =>
          new Map(
            ids
              .filter((id) => held.includes(id))
              .map((id) => [id, { database: containerAnswer(id), dataSources: new Map([[`${id}-source`, sourceAnswer(`${id}-source`)]]) }]),
          ),
      },
      async sync(event, signal) {
        await scene.sync?.(event, signal);
        events.push(event);
      },
      now: () => Date.parse('2026-11-25T12:00:00Z'),
      sleep: async (ms) => void slept.push(ms),
    },
    { workspaceId: 'acme', id: 'sweep-1', depth: order.depth ?? 'full', acceptRemovals: order.acceptRemovals ?? false },
    new AbortController().signal,
  );
  return { report, events, slept, synced: events.map(({ databaseId, dataSourceId }) => databaseId ?? `${dataSourceId}`).toSorted() };
}

/** The mirror holds `d1`, and search shows it with these changes. */
const showing = (changes: JsonObject & { last_edited_time?: string }): Scene => ({ held: ['d1'], search: { a: [shown('d1', changes)] } });

describe('a sweep', () => {
  it('appends nothing when nothing differs', async () => {
    const { report, synced } = await sweep({ held: ['d1', 'd2'] });
    expect(synced).toEqual([]);
    expect(report).toEqual({ held: 2, found: 2, events: {}, removals: 0, stopped: false });
  });

  it('appends one event for each database that differs, whatever differs', async () => {
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

  it('sees a change within the same minute, and takes a search that is late for what it is', async () => {
    expect((await sweep(showing({ title: [{ plain_text: 'New' }] }))).synced).toEqual(['d1']);
    expect((await sweep(showing({ title: [{ plain_text: 'Old' }], last_edited_time: '2026-11-25T10:59:00.000Z' }))).synced).toEqual([]);
  });

  it('compares a document with what the connection shows that has seen it', async () => {
    const connections = [connection('a'), connection('b')];
    const search = { a: [shown('d1')], b: [shown('d1', { properties: {} }), shown('d2')] };
    expect((await sweep({ connections, held: ['d1'], search })).synced).toEqual(['d2']);
    expect((await sweep({ connections: [connection('b')], held: ['d1'], search })).synced).toEqual(['d1', 'd2']);
  });

  it('of depth `search` takes absence for nothing, and looks at nothing', async () => {
    const looks = { d1: { kind: 'gone' } } as const;
    expect((await sweep({ held: ['d1'], search: { a: [] }, looks }, { depth: 'search' })).synced).toEqual([]);
  });

  it('stops before the removals when there are too many, and not before what else it found', async () => {
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

  it('has three events under way at most, and none while the budget has nothing to spare', async () => {
    let underWay = 0;
    let most = 0;
    const waits = [Date.parse('2026-11-25T12:00:30Z'), null];
    const { synced, slept } = await sweep({
      search: { a: Array.from({ length: 20 }, (_, index) => shown(`d${index}`)) },
      async sync() {
        underWay += 1;
        most = Math.max(most, underWay);
        await new Promise((resolve) => setImmediate(resolve));
        underWay -= 1;
      },
      spareAt: () => waits.shift() ?? null,
    });
    expect(synced).toHaveLength(20);
    expect(most).toBe(3);
    expect(slept).toEqual([30_000]);
  });

  // Found by the fault suite in an earlier form: the rejection had no listener yet, and the worker ended.
  it('fails when an append fails, and only when nothing of it runs any more', async () => {
    const refused = new Error('not acknowledged');
    let underWay = 0;
    const failing = sweep({
      search: { a: Array.from({ length: 20 }, (_, index) => shown(`d${index}`)) },
      async sync({ databaseId }) {
        underWay += 1;
        await new Promise((resolve) => setImmediate(resolve));
        underWay -= 1;
        if (databaseId === 'd1') throw refused;
      },
    });
    await expect(failing).rejects.toBe(refused);
    expect(underWay).toBe(0);
  });

  it('fails without an active connection', async () => {
    await expect(sweep({ connections: [] })).rejects.toThrow('no connection of the tenant is active');
  });
});
