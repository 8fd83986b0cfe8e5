import { tracingOff } from '@notion-mirror/service-kit/tracing/tracing';
import { createProcessSpans } from '@notion-mirror/worker/process-spans';
import { applySync } from '@notion-mirror/domain/apply-event';
import type { Connection } from '@notion-mirror/domain/connection';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import { createLaneScheduler } from '@notion-mirror/event-log/lanes/lane-scheduler';
import type { Outcome, Work } from '@notion-mirror/event-log/lanes/work';
import type { ScanWish } from '@notion-mirror/mirror-store/data-source-contents';
import { digestOfRow, type DigestedRecord } from '@notion-mirror/mirror-store/entities/row-records';
import type { WriteResult } from '@notion-mirror/mirror-store/records/record-store';
import { createRateBudget } from '@notion-mirror/notion-source/rate-budget';
import type { FoundRow } from '@notion-mirror/notion-source/row-document';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { emptyRow } from './empty-row.ts';
import { createFloodHandler } from '../src/consume/floods.ts';
import type { OutcomeDetail, SyncOutcome } from '../src/consume/handle-work.ts';
import { answerByQuery } from '../src/rows/answer-by-query.ts';
import { createRowFloods } from '../src/rows/row-floods.ts';

/** How an event ended, and when (epoch ms). */
export interface End {
  readonly outcome: SyncOutcome;
  readonly detail: Partial<OutcomeDetail>;
  readonly at: number;
}

const workspaceId = 'acme';
const dataSourceId = 'source';
const databaseId = 'database';
const share = 0.5;

export const connection: Connection = {
  connectionId: 'connection',
  providerConfigKey: 'notion',
  workspaceId,
  notionWorkspaceId: 'notion-workspace',
  botId: 'bot',
  status: 'active',
  statusReason: null,
  updatedAt: new Date(0),
} as unknown as Connection;

const now = () => Date.now();
const sleep = (ms: number) => new Promise<void>((wake) => void setTimeout(wake, Math.max(0, ms)));

const contentOf = (title: string, at: number): RowContent =>
  emptyRow({
    databaseId,
    dataSourceId,
    title,
    createdTime: new Date(0),
    lastEditedTime: new Date(Math.floor(at / 60_000) * 60_000),
    raw: { title },
  });

/**
 * A tenant with one data source: Notion, whose queries lag as far as they may, the tenant's lane with the real scheduler and budget, and a mirror in
 * memory. Runs on vitest's fake timers. `edit` changes a row and sends its event.
 */
export function floodedTenant(options: {
  readonly rows: number;
  readonly floodEvents?: number;
  readonly requestsPerMinute?: number;
  readonly callMs?: number;
  readonly lagMs?: number;
  readonly toleranceMs?: number;
}) {
  const { floodEvents = 2_000, requestsPerMinute = 180, callMs = 20, lagMs = 60_000, toleranceMs = 10_000 } = options;
  const never = new AbortController().signal;
  const budget = createRateBudget({ requestsPerMinute, clock: { now, sleep }, random: () => 1 });
  const calls = { single: 0, query: 0, scan: 0 };
  /** The versions of each row, each with the time since which Notion has it. */
  const notion = new Map<string, { readonly at: number; readonly title: string }[]>();
  const mirror = new Map<string, DigestedRecord & { readonly title: string }>();
  const wishes: ScanWish[] = [];
  const ends = new Map<string, End[]>();
  const settled = new Map<string, number>();
  const parent = { isThere: true };
  /** Whether the mirror knows the data source. */
  const known = { isThere: true };
  const scans = { open: 0 };
  /** Single reads of these rows fail. */
  const failing = new Set<string>();
  let offset = 0;

  const shownAt = (pageId: string, time: number) => notion.get(pageId)?.findLast(({ at }) => at <= time);
  const put = (id: string, expected: { readonly rev: number } | null, content: RowContent, asOf: number): WriteResult => {
    const before = mirror.get(id);
    if ((before?.rev ?? 0) !== (expected?.rev ?? 0)) return { kind: 'conflict' };
    const { title, createdTime } = content;
    const state = {
      rev: (before?.rev ?? 0) + 1,
      asOf,
      syncedAt: now(),
      source: 'fetch',
      live: true,
      connectionId: 'connection',
      removed: null,
    } as const;
    mirror.set(id, { ...state, databaseId, dataSourceId, createdTime, digest: digestOfRow(content), title });
    return { kind: 'written' };
  };
  for (let row = 0; row < options.rows; row += 1) {
    const [id, title] = [`row-${row}`, `${row}: 0`];
    notion.set(id, [{ at: 0, title }]);
    put(id, null, contentOf(title, 0), 0);
  }
  for (const [id, record] of mirror) mirror.set(id, { ...record, asOf: 1, syncedAt: 1 });

  async function spend(kind: keyof typeof calls): Promise<void> {
    for (;;) {
      const taken = budget.tryTake(connection, 1, kind === 'single' ? 1 : share);
      if (taken.ok) {
        calls[kind] += 1;
        await sleep(callMs);
        return taken.permits[0].answered();
      }
      await sleep(taken.waitUntil - now());
    }
  }

  function report({ item }: { readonly item: DatabaseEvent }, outcome: SyncOutcome, detail: Partial<OutcomeDetail>): void {
    for (const { eventId } of [item, ...(detail.others ?? []).map((other) => other.item)]) {
      ends.set(eventId, [...(ends.get(eventId) ?? []), { outcome, detail, at: now() }]);
    }
  }

  /** As the sync of a row does it. */
  async function readSingly({ items }: Work<DatabaseEvent>): Promise<Outcome> {
    const newest = items.reduce((a, b) => (b.item.receivedAt >= a.item.receivedAt ? b : a));
    const id = newest.item.pageId ?? '';
    const room = budget.tryTake(connection);
    if (!room.ok)
      return { kind: 'retry', at: room.waitUntil, scope: 'lane', failure: { class: 'rate_limited', code: room.cause, message: '' } };
    room.permits[0].release();
    if (failing.has(id)) {
      return { kind: 'retry', at: now() + 10_000, scope: 'task', failure: { class: 'server', code: 'internal_server_error', message: '' } };
    }
    const result = await applySync(
      {
        recall: () => null,
        read: () => Promise.resolve(mirror.get(id) ?? null),
        now,
        async fetch() {
          const shown = shownAt(id, now());
          await spend('single');
          return shown;
        },
        write: (record, shown, asOf) =>
          Promise.resolve(shown === undefined ? { kind: 'gone' as const } : put(id, record, contentOf(shown.title, shown.at), asOf)),
      },
      { occurredAt: newest.item.occurredAt.getTime(), receivedAt: newest.item.receivedAt.getTime() },
      toleranceMs,
    );
    const record = mirror.get(id);
    const trail = record && {
      fetch: null,
      isUnannounced: false,
      record: { databaseId: null, pageId: id, rev: record.rev, asOf: new Date(record.asOf), ms: 0 },
    };
    report(newest, result.kind === 'skipped' ? 'skipped' : 'written', {
      trail: trail ?? null,
      reason: 'singly',
      others: items.filter((item) => item !== newest),
    });
    return { kind: 'done' };
  }

  /** A scan for all wishes that it fulfils, when it is due. */
  async function scan(wish: ScanWish): Promise<void> {
    await sleep(Math.max(wish.dueAt.getTime(), wish.at.getTime() + lagMs + toleranceMs + 1) - now());
    const startedAt = now();
    const ids = [...notion.keys()];
    for (let from = 0; from < ids.length; from += 100) {
      await spend('scan');
      for (const id of ids.slice(from, from + 100)) {
        const shown = shownAt(id, startedAt - lagMs);
        const record = mirror.get(id) ?? null;
        if (shown === undefined || (record !== null && record.asOf > startedAt - lagMs + toleranceMs)) continue;
        if (record !== null && record.syncedAt + toleranceMs >= startedAt - lagMs) {
          await spend('scan');
          const current = shownAt(id, now());
          if (current !== undefined) put(id, mirror.get(id) ?? null, contentOf(current.title, current.at), now());
        } else put(id, record, contentOf(shown.title, shown.at), startedAt - lagMs);
      }
    }
  }

  const floods = createRowFloods({
    contents: {
      want(_, wish) {
        if (!known.isThere) return Promise.resolve(false);
        if (wishes.some(({ at }) => at >= wish.at)) return Promise.resolve(true);
        wishes.push(wish);
        scans.open += 1;
        void scan(wish).then(() => (scans.open -= 1));
        return Promise.resolve(true);
      },
    },
    notion: {
      firstAsked: () => connection,
      lastOf: (_, count) => budget.lastOf(connection, count),
      spareAt() {
        const taken = budget.tryTake(connection, 1, share);
        if (!taken.ok) return taken.waitUntil;
        taken.permits[0].release();
        return null;
      },
    },
    answerByQuery: (order, signal) =>
      answerByQuery(
        {
          lagMs,
          toleranceMs,
          notion: {
            queryEditedRows:
              () =>
              async ({ since, cursor, pageSize }) => {
                await spend('query');
                const startedAt = now() - callMs;
                const shown = [...notion.keys()]
                  .map((id) => ({ id, version: shownAt(id, startedAt - lagMs) ?? { at: 0, title: '' } }))
                  .filter(({ version: { at } }) => Math.floor(at / 60_000) * 60_000 >= since)
                  .toSorted((a, b) => a.version.at - b.version.at);
                const from = Number(cursor ?? 0);
                const rows = shown.slice(from, from + pageSize).map(({ id, version: { title, at } }): FoundRow => {
                  return { id, createdTime: 0, isArchived: false, isInTrash: false, isCut: false, content: contentOf(title, at) };
                });
                const nextCursor = from + pageSize < shown.length ? String(from + pageSize) : null;
                return { kind: 'page', startedAt, rows, nextCursor, isIncomplete: false };
              },
          },
          rowRecords: {
            read: (_, ids) =>
              Promise.resolve(new Map(ids.flatMap((id) => [mirror.get(id) ?? []].flat().map((record) => [id, record] as const)))),
          },
          records: {
            writeLive: ({ id, expected, content, asOf }) => Promise.resolve(put(id, expected, content, asOf.getTime())),
          },
          parents: {
            has: () => Promise.resolve(parent.isThere),
            isOff: () => Promise.resolve(false),
            problemOf: () => Promise.resolve(null),
          },
          dependents: { followAll: () => Promise.resolve() },
        },
        order,
        signal,
      ),
    tracing: tracingOff,
    lagMs,
    toleranceMs,
    now,
  });

  const scheduler = createLaneScheduler<DatabaseEvent>({
    route: ({ value }) => {
      const item = events.get(String(value));
      if (item === undefined) throw new Error('no such event');
      return { kind: 'work', task: `page:${item.pageId}`, item, rank: 1, group: `rows:${dataSourceId}` };
    },
    handle: readSingly,
    groups: createFloodHandler({
      spans: createProcessSpans({ tracing: tracingOff, topic: 'events', group: 'test' }),
      floodEvents,
      rowFloods: floods,
      wantSweep: () => Promise.resolve('trace of the sweep'),
      report,
      now,
    }),
    deadLetter: () => Promise.reject(new Error('no event is a dead letter')),
    perLane: 4,
    total: 512,
    logger: createLogger({ service: 'test', level: 'silent' }),
    observer: { passed() {}, handled() {}, retried() {}, deadLettered() {} },
  });
  const events = new Map<string, DatabaseEvent>();

  return {
    calls,
    wishes,
    events,
    ends,
    settled,
    parent,
    known,
    failing,
    never,
    load: () => scheduler.load(),
    isQuiet: () => scans.open + scheduler.load().waiting + scheduler.load().running === 0,
    stop: () => scheduler.stop(),
    /** Edits a row now; its event is received at once. */
    edit(row: number): string {
      const pageId = `row-${row}`;
      const versions = notion.get(pageId) ?? [];
      versions.push({ at: now(), title: `${row}: ${versions.length}` });
      notion.set(pageId, versions);
      offset += 1;
      const eventId = `event-${offset}`;
      const at = new Date(now());
      events.set(eventId, {
        eventId,
        kind: 'row_sync',
        type: 'page.properties_updated',
        workspaceId,
        connectionId: 'connection',
        providerConfigKey: 'notion',
        notionWorkspaceId: 'notion-workspace',
        databaseId,
        dataSourceId,
        pageId,
        occurredAt: at,
        receivedAt: at,
        origin: 'notion',
      });
      const value = Buffer.from(eventId);
      const record = {
        topic: 'events',
        partition: 0,
        offset: BigInt(offset),
        timestamp: now(),
        key: Buffer.from(workspaceId),
        value,
        headers: {},
      };
      scheduler.push(record, { active: true, settle: () => settled.set(eventId, (settled.get(eventId) ?? 0) + 1) });
      return eventId;
    },
    /** Rows whose record is not what Notion has. */
    differences: () => [...notion].filter(([id, versions]) => mirror.get(id)?.title !== versions.at(-1)?.title).map(([id]) => id),
    /** Events that have not ended exactly once, or although neither a read nor a scan could have seen what they announce. */
    faults(): string[] {
      return [...events].flatMap(([eventId, { receivedAt, pageId }]) => {
        const [end, ...more] = ends.get(eventId) ?? [];
        if (end === undefined || more.length > 0 || settled.get(eventId) !== 1)
          return [`${eventId} ended ${more.length + (end ? 1 : 0)} times`];
        const asOf = end.detail.trail?.record?.asOf ?? null;
        if (end.outcome !== 'deferred') return asOf !== null && asOf >= receivedAt ? [] : [`${eventId} was settled too early`];
        const newer = events.get(end.detail.coalescedInto ?? '');
        if (newer !== undefined) return newer.pageId === pageId && newer.receivedAt >= receivedAt ? [] : [`${eventId} has no newer event`];
        return wishes.some(({ at }) => at >= receivedAt) ? [] : [`${eventId} is not covered by a wish`];
      });
    },
  };
}
