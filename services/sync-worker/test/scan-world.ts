import type { Connection } from '@notion-mirror/domain/connection';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import type { PageAnswer, PageRequest, Partition, ScanLimits } from '@notion-mirror/domain/row-scan';
import { syncEventFor } from '@notion-mirror/domain/sync-event';
import { nextRev } from '@notion-mirror/domain/write-rule';
import type { StoredProgress } from '@notion-mirror/mirror-store/contents-document';
import { rowStorage, type RowOutline } from '@notion-mirror/mirror-store/entities/row';
import { digestOfRow, type DigestedRecord, type RowRecords } from '@notion-mirror/mirror-store/entities/row-records';
import { fieldsOf, type MirroredDocuments } from '@notion-mirror/mirror-store/records/mirrored-documents';
import type { RecordStore, StoredRecord, WriteResult } from '@notion-mirror/mirror-store/records/record-store';
import { wantedBy, type ScanWish } from '@notion-mirror/mirror-store/scan-wishes';
import type { NotionSource, RowOutcome } from '@notion-mirror/notion-source/notion-source';
import type { FoundRow } from '@notion-mirror/notion-source/row-document';
import type { EditedRequest } from '@notion-mirror/notion-source/row-query';
import { RowQueryError } from '@notion-mirror/notion-source/row-query';
import { someRow } from '../../../packages/mirror-store/test/rows.ts';
import { createStaleAnswers } from '../src/consume/stale-answers.ts';
import { createReadRowSingly } from '../src/rows/read-row-singly.ts';
import { createRowSync } from '../src/rows/sync-row.ts';
import type { RowParents } from '../src/rows/row-parents.ts';
import { runScan, type ScanOutcome } from '../src/rows/run-scan.ts';
import type { ScanDependencies, ScanOrder } from '../src/rows/scan-run.ts';

/** One data source in Notion and in the mirror, in memory, with a clock that passes with each step. Queries lag, single reads do not. */

export const minute = 60_000;
export const start = Date.parse('2026-11-30T12:00:00.000Z');
export const lagMs = 1_000;
export const toleranceMs = 10;
export const source = { workspaceId: 'acme', dataSourceId: 's1', databaseId: 'd1' };

/** A row in Notion at one time. `seenBy`: connections. */
export interface NotionRow {
  readonly id: string;
  /** Minutes after `start`, may be negative. */
  readonly created: number;
  readonly version: number;
  readonly isArchived: boolean;
  /** `gone`: permanently deleted. */
  readonly place: 'here' | 'trash' | 'elsewhere' | 'gone';
  readonly seenBy: readonly string[];
  readonly isCut: boolean;
  /** A template page: no query returns it. */
  readonly isTemplate: boolean;
  /** Epoch milliseconds. */
  readonly editedAt: number;
}

export type Trouble = 'none' | 'overloaded' | 'cursor_refused' | 'short';

interface Held {
  readonly record: StoredRecord<RowOutline>;
  readonly content: RowContent | null;
}

export interface WorldOptions {
  readonly connections?: readonly string[];
  readonly limits?: Partial<ScanLimits>;
  /** How far queries lag, at most `lagMs`. */
  readonly realLagMs?: number;
  /** One for each query, then none. */
  readonly troubles?: readonly Trouble[];
}

export const idOf = (number: number): string => `page-${String(number).padStart(4, '0')}`;

export function contentOf({ created, version, isArchived, editedAt }: NotionRow): RowContent {
  return someRow({
    databaseId: source.databaseId,
    dataSourceId: source.dataSourceId,
    title: `version ${version}`,
    isArchived,
    createdTime: new Date(start + created * minute),
    lastEditedTime: new Date(Math.floor(editedAt / minute) * minute),
    raw: { object: 'page', version },
  });
}

export function createWorld(options: WorldOptions = {}) {
  const { limits = {}, realLagMs = 0, troubles = [] } = options;
  let time = start;
  /** Every state that a row has had, oldest first. */
  const history = new Map<string, { readonly at: number; readonly row: NotionRow }[]>();
  const mirror = new Map<string, Held>();
  const active = new Set(options.connections ?? ['a']);
  /** Refuse queries. */
  const refusing = new Map<string, 'refused' | 'malformed' | 'unavailable'>();
  const unstorable = new Set<string>();
  const log: string[] = [];
  const state = {
    isHeld: true,
    isOff: false,
    hasDependents: false,
    follows: 0,
    hop: -1,
    queries: 0,
    singleReads: 0,
    writes: 0,
    saves: 0,
    announced: 0,
  };
  const hooks: {
    /** Runs before each step of a scan, whatever it is; may throw, as a crash does. */
    step: (what: string) => void | Promise<void>;
    afterWrite: (id: string) => void;
  } = { step: () => {}, afterWrite: () => {} };

  async function step(what: string): Promise<void> {
    time += 1;
    log.push(what);
    await hooks.step(what);
  }

  function rowAt(id: string, at: number): NotionRow | null {
    return history.get(id)?.findLast((entry) => entry.at <= at)?.row ?? null;
  }

  function isShown(row: NotionRow | null, connectionId: string, partition: Partition): row is NotionRow {
    return row?.place === 'here' && !row.isTemplate && row.seenBy.includes(connectionId) && row.isArchived === (partition === 'archived');
  }

  function found(row: NotionRow): FoundRow {
    const content = contentOf(row);
    const createdTime = content.createdTime?.getTime() ?? 0;
    return { id: row.id, createdTime, isArchived: row.isArchived, isInTrash: false, content, isCut: row.isCut };
  }

  /** A query's cursor is a position in the rows that its first page found. */
  function queries<Request extends { cursor: string | null; pageSize: number; partition: Partition }>(
    connection: Connection,
    isAsked: (row: NotionRow, request: Request) => boolean,
    order: (row: NotionRow) => number,
  ): (request: Request) => Promise<PageAnswer<FoundRow>> {
    let ids: readonly string[] = [];
    let isIncomplete = false;
    return async (request) => {
      await step('ask');
      const { connectionId } = connection;
      const problem = refusing.get(connectionId);
      if (problem !== undefined)
        throw new RowQueryError(problem, { class: 'gone', code: 'object_not_found', message: `status 404 for ${connectionId}` });
      const trouble = troubles[state.queries] ?? 'none';
      state.queries += 1;
      const startedAt = time;
      time += 5;
      if (trouble === 'overloaded') return { kind: 'overloaded' };
      if (trouble === 'cursor_refused' && request.cursor !== null) return { kind: 'cursor_refused' };
      const seen = (id: string): NotionRow | null => {
        const row = rowAt(id, time - realLagMs);
        return isShown(row, connectionId, request.partition) ? row : null;
      };
      if (request.cursor === null) {
        const all = [...history.keys()].flatMap((id) => {
          const row = seen(id);
          return row !== null && isAsked(row, request) ? [row] : [];
        });
        const cap = limits.cap ?? 10_000;
        ids = all
          .toSorted((one, other) => order(one) - order(other))
          .slice(0, cap)
          .map(({ id }) => id);
        isIncomplete = all.length > cap;
      }
      const from = Number(request.cursor ?? 0);
      const to = from + (trouble === 'short' ? Math.floor(request.pageSize / 2) : request.pageSize);
      const rows = ids.slice(from, to).flatMap((id) => {
        const row = seen(id);
        return row === null ? [] : [found(row)];
      });
      return { kind: 'page', startedAt, rows, nextCursor: to < ids.length ? String(to) : null, isIncomplete };
    };
  }

  const notion: Pick<NotionSource, 'fetchRow' | 'queryRows' | 'queryEditedRows'> = {
    async fetchRow({ pageId }) {
      await step(`read ${pageId}`);
      state.singleReads += 1;
      const row = rowAt(pageId, time);
      time += 3;
      const connectionId = [...active].find((id) => row?.seenBy.includes(id) === true);
      if (row === null || connectionId === undefined || row.place === 'gone') return { kind: 'inaccessible' } satisfies RowOutcome;
      if (row.place === 'trash') return { kind: 'trashed', connectionId };
      if (row.place === 'elsewhere') return { kind: 'moved_away', parent: { type: 'page_id', id: 'x' }, connectionId };
      return { kind: 'live', content: contentOf(row), connectionId };
    },
    queryRows: (connection) =>
      queries<PageRequest>(
        connection,
        ({ created }, { from, until }) => {
          const at = start + created * minute;
          return at >= (from ?? at) && at < (until ?? Infinity);
        },
        ({ created }) => created,
      ),
    queryEditedRows: (connection) =>
      queries<EditedRequest>(
        connection,
        ({ editedAt }, { since }) => editedAt >= since,
        ({ editedAt }) => editedAt,
      ),
  };

  const liveRows = () => [...mirror].filter(([, { content }]) => content?.dataSourceId === source.dataSourceId);
  const rows: RowRecords = {
    hasRemovedSince: async (_source, since) =>
      [...mirror.values()].some(({ record }) => record.removed !== null && record.removed.at >= since),
    async *live(_source, { partition, from, until }) {
      const inRange = liveRows().filter(([, { content }]) => {
        const at = content?.createdTime?.getTime() ?? 0;
        return content?.isArchived === (partition === 'archived') && at >= (from ?? at) && at < (until ?? Infinity);
      });
      for (const [id, held] of inRange.toSorted(([, one], [, other]) => timeOf(one) - timeOf(other))) {
        const { content, record } = mirror.get(id) ?? held;
        if (content !== null)
          yield {
            id,
            createdTime: timeOf(held),
            connectionId: record.connectionId,
            digest: digestOfRow(content) ?? '',
            asOf: record.asOf,
            ...(record.isListed === undefined ? {} : { isListed: record.isListed }),
          };
      }
    },
    async read(_workspaceId, ids) {
      await step('read records');
      return new Map(
        ids.flatMap((id): [string, DigestedRecord][] => {
          const held = mirror.get(id);
          return held === undefined ? [] : [[id, { ...held.record, digest: held.content && digestOfRow(held.content) }]];
        }),
      );
    },
    count: async () => {
      const contents = liveRows().flatMap(([, { content, record }]) => (record.isListed === false ? [] : [content]));
      return {
        live: contents.filter((content) => content?.isArchived === false).length,
        archived: contents.filter((content) => content?.isArchived === true).length,
      };
    },
  };

  async function put(id: string, expected: StoredRecord<RowOutline> | null, held: (rev: number) => Held): Promise<WriteResult> {
    await step(`write ${id}`);
    if (unstorable.has(id)) return { kind: 'rejected', message: 'too large' };
    const current = mirror.get(id)?.record ?? null;
    if ((current?.rev ?? 0) !== (expected?.rev ?? 0)) return { kind: 'conflict' };
    mirror.set(id, held(nextRev(expected)));
    state.writes += 1;
    hooks.afterWrite(id);
    return { kind: 'written' };
  }

  const records: Pick<RecordStore<RowContent, RowOutline>, 'read' | 'recall' | 'writeLive' | 'writeTombstone' | 'setListed'> = {
    recall: () => null,
    read: async ({ id }) => {
      await step(`read record ${id}`);
      return mirror.get(id)?.record ?? null;
    },
    writeLive: ({ id, expected, content, connectionId, asOf, isListed }) =>
      put(id, expected, (rev) => ({
        record: { ...live(rev, content, connectionId, asOf.getTime(), time), ...(isListed === undefined ? {} : { isListed }) },
        content,
      })),
    setListed: ({ id, expected, isListed }) =>
      put(id, expected, (rev) => {
        if (expected === null) throw new Error('only a record can be listed');
        const { isListed: _, ...record } = expected;
        return { record: { ...record, rev, syncedAt: time, ...(isListed ? {} : { isListed }) }, content: mirror.get(id)?.content ?? null };
      }),
    writeTombstone: ({ id, expected, asOf, source: by, reason, eventId }) =>
      put(id, expected, (rev) => ({
        content: null,
        record: {
          rev,
          asOf: asOf.getTime(),
          syncedAt: time,
          source: by,
          live: false,
          connectionId: expected?.connectionId ?? null,
          removed: { at: new Date(time), reason, eventId },
          databaseId: null,
          dataSourceId: expected?.dataSourceId ?? null,
          createdTime: expected?.createdTime ?? null,
        },
      })),
  };

  const parents: RowParents = {
    has: async () => state.isHeld,
    isOff: async () => state.isOff,
    problemOf: async () => (state.isHeld ? null : { kind: 'removed', reason: 'data_source_removed', source: 'delete' }),
    reasonFor: async () => 'data_source_removed',
  };
  const clock = {
    now: () => time,
    async sleep(ms: number) {
      time += Math.max(0, ms);
      await Promise.resolve();
    },
  };
  const dependents = {
    existFor: async () => state.hasDependents,
    followAll: async (_workspaceId: string, _dataSourceId: string, hop: number) => {
      state.follows += 1;
      state.hop = hop;
    },
  };
  const documents: Pick<MirroredDocuments, 'read'> = {
    async read({ id }) {
      const content = mirror.get(id)?.content ?? null;
      return {
        fields: content && fieldsOf(rowStorage, { workspaceId: source.workspaceId, id }, content),
        version: '',
        connectionId: null,
        problem: null,
      };
    },
  };
  const syncDeps = { records, parents, documents, staleAnswers: createStaleAnswers(new Set(), clock.now), toleranceMs, now: clock.now };
  const deps: ScanDependencies = {
    notion,
    rows,
    records,
    parents,
    rowsOff: { isOffNow: async () => state.isOff },
    dependents,
    readRowSingly: createReadRowSingly({ openSync: (over) => createRowSync({ ...syncDeps, ...over }), records, notion, dependents }),
    async announceGone() {
      state.announced += 1;
    },
    activeConnections: () => [...active].map(connectionOf),
    limits: { cap: 10_000, maxPageSize: 4, minPageSize: 1, held: 1_000, restarts: 5, ...limits },
    lagMs,
    toleranceMs,
    clock,
  };
  const syncRow = createRowSync({ ...syncDeps, notion, dependents: { ...dependents, follow: () => Promise.resolve() } });

  return {
    mirror,
    active,
    refusing,
    unstorable,
    log,
    state,
    hooks,
    deps,
    now: () => time,
    pass(ms: number) {
      time += ms;
    },
    /** A row as it is from now on. */
    set(id: string, change: Partial<NotionRow> = {}) {
      const before = rowAt(id, time) ?? {
        id,
        created: 0,
        version: 1,
        isArchived: false,
        place: 'here',
        seenBy: ['a'],
        isCut: false,
        isTemplate: false,
        editedAt: start - 60 * minute,
      };
      history.set(id, [...(history.get(id) ?? []), { at: time, row: { ...before, ...change } }]);
    },
    row: (id: string) => rowAt(id, time),
    rowsInNotion: () => [...history.keys()].flatMap((id) => rowAt(id, time) ?? []),
    /** A live record from `agoMs` ago; `lagged`: of a query. */
    hold(
      row: NotionRow,
      { connectionId = 'a', agoMs = 100_000, lagged = false }: { connectionId?: string; agoMs?: number; lagged?: boolean } = {},
    ) {
      const content = contentOf(row);
      const syncedAt = time - agoMs;
      mirror.set(row.id, { record: live(3, content, connectionId, lagged ? syncedAt - lagMs : syncedAt, syncedAt), content });
    },
    /** A tombstone of now, as a fetch left it that found the row in the trash. */
    bury({ id }: NotionRow) {
      const record = mirror.get(id)?.record ?? null;
      if (record === null) throw new Error(`${id} was never held`);
      const removed = { at: new Date(time), reason: 'trashed', eventId: 'e' } as const;
      mirror.set(id, { record: { ...record, rev: record.rev + 1, asOf: time, syncedAt: time, live: false, removed }, content: null });
    },
    versions: () =>
      Object.fromEntries(
        [...mirror].flatMap(([id, { content }]): [string, unknown][] => (content === null ? [] : [[id, content.raw['version']]])),
      ),
    /** Handles an event that was received at `receivedAt`, as the sync-worker does. */
    async live(pageId: string, receivedAt: number): Promise<void> {
      const about = {
        eventId: 'e',
        type: 'page.properties_updated',
        databaseId: 'd1',
        dataSourceId: 's1',
        pageId,
        origin: 'nango',
      } as const;
      const event = syncEventFor(connectionOf('a'), about, new Date(receivedAt));
      await syncRow({ lane: 'acme', task: pageId, items: [], attempt: 1, signal: never }, event, pageId);
    },
    /** A scan that begins now, or resumes. */
    async scan(
      order: Partial<Omit<ScanOrder, 'wish'>> & { readonly wish?: Partial<ScanWish> } = {},
      more: {
        readonly mustPause?: () => boolean;
        readonly saved?: (progress: StoredProgress | null) => void;
        readonly signal?: AbortSignal;
      } = {},
    ) {
      const counts = { calls: 0, returned: 0, written: 0, readSingly: 0 };
      const at = new Date(start - minute);
      const wish = wantedBy({ reasons: ['sweep'], depth: 'all', at, raisesAll: false, dueAt: at, ...order.wish });
      const outcome: ScanOutcome = await runScan(
        deps,
        { ...source, depth: 'all', startedAt: new Date(time), progress: null, scannedAt: null, ...order, wish },
        {
          counts,
          async save(progress) {
            await step('save');
            state.saves += 1;
            // As MongoDB would keep it.
            more.saved?.(structuredClone(progress));
          },
          mustPause: more.mustPause ?? (() => false),
        },
        more.signal ?? never,
      );
      return { outcome, counts };
    },
  };
}

const never = new AbortController().signal;

function timeOf({ content }: Held): number {
  return content?.createdTime?.getTime() ?? 0;
}

function live(rev: number, content: RowContent, connectionId: string | null, asOf: number, syncedAt: number): StoredRecord<RowOutline> {
  const { databaseId, dataSourceId, createdTime } = content;
  return { rev, asOf, syncedAt, source: 'fetch', live: true, connectionId, removed: null, databaseId, dataSourceId, createdTime };
}

export function connectionOf(connectionId: string): Connection {
  return {
    connectionId,
    providerConfigKey: 'notion',
    workspaceId: 'acme',
    notionWorkspaceId: 'n1',
    botId: null,
    status: 'active',
    statusReason: null,
    token: null,
    createdAt: new Date(0),
    updatedAt: new Date(0),
  };
}
