import { endFailed } from '@notion-mirror/service-kit/tracing/in-span';
import { isRowKind, type DatabaseEvent } from '@notion-mirror/domain/database-event';
import { dataSourceOfGroup } from '@notion-mirror/event-log/event-routing';
import type { GroupOutcome, Grouping, GroupWork, WorkItem } from '@notion-mirror/event-log/lanes/work';
import { retryAfter } from '@notion-mirror/worker/retry-after';
import { newestOf, type HandlerDependencies, type SyncOutcome } from './handle-work.ts';
import { createReadPace } from './read-pace.ts';
import type { Trail } from './sync-entity.ts';

/** Many waiting events of the rows of one data source. */
export interface RowFlood {
  readonly workspaceId: string;
  readonly dataSourceId: string;
  readonly items: readonly WorkItem<DatabaseEvent>[];
  /** Of these, how many more have begun to be read singly within the last second. */
  readonly begun: number;
  /** Rows of the tenant that are still to be read singly. */
  readonly queued: number;
  /** They must not stay in memory. */
  readonly isTooMuch: boolean;
  readonly signal: AbortSignal;
  /** The context of their handling; undefined: tracing is off. */
  readonly trace?: string | undefined;
}

export type RowFloods = (flood: RowFlood) => Promise<FloodAnswer>;

/** What becomes of the events. Those that neither have ended nor are alone wait; `until`, `gathers`: see GroupOutcome. */
export interface FloodAnswer extends Pick<GroupOutcome<DatabaseEvent>, 'until' | 'gathers'> {
  readonly ended: readonly Ended[];
  readonly alone: readonly WorkItem<DatabaseEvent>[];
}

/** So many rows of a data source are always read singly; more only if no more than that come within a second. */
export const fewRows = 25;

/** Events of one task that end in the same way, the newest first. */
export interface Ended {
  readonly items: readonly [WorkItem<DatabaseEvent>, ...WorkItem<DatabaseEvent>[]];
  readonly outcome: SyncOutcome;
  readonly reason?: string;
  readonly coalescedInto?: string;
  readonly callsSaved?: number;
  /** The trace of the scan or sweep that answers them. */
  readonly scanTrace?: string;
  readonly trail: Trail | null;
}

export interface FloodDependencies extends Pick<HandlerDependencies, 'report' | 'now' | 'spans'> {
  /** From how many waiting events of one group on they must not stay in memory. */
  readonly floodEvents: number;
  readonly rowFloods: RowFloods;
  /** Durably wants a comparison of the tenant's databases with Notion. Resolves to its trace; null: the tenant has none to come. */
  readonly wantSweep: (workspaceId: string, handledIn: string | undefined) => Promise<string | null>;
}

const unavailableMs = 5_000;

/**
 * Handles floods: so many waiting events about the databases of a tenant, or about the rows of one data source, that they are not handled one task
 * after the other. When they are too much for the memory, all but the newest of each task end first, since that one is answered by a fetch that answers them
 * too. If that is not enough, a comparison with Notion is wanted, durably, and then all end. Of a task that has failed, or was left to its own fetch, the
 * newest event stays in any case. The largest groups of a tenant that has many of them count as too much, too, when all of them together are.
 */
export function createFloodHandler(deps: FloodDependencies): Grouping<DatabaseEvent> {
  const { floodEvents, rowFloods, wantSweep, report, spans, now } = deps;
  const pace = createReadPace(fewRows, now);

  async function answer(
    { lane: workspaceId, group, items, alone, isSurplus, signal }: GroupWork<DatabaseEvent>,
    trace: string | undefined,
  ): Promise<FloodAnswer> {
    const awaited = items.filter(isAwaited);
    const others = items.filter((item) => !isAwaited(item));
    const tasks = others.length < floodEvents && !isSurplus ? null : byTask(others);
    const isTooMuch = tasks !== null && tasks.length > Math.min(floodEvents, others.length) / 2;
    const superseded = tasks === null || isTooMuch ? [] : tasks.flatMap(olderOf);
    const left = tasks === null || isTooMuch ? others : tasks.map(([newest]) => newest);
    const dataSourceId = dataSourceOfGroup(group);
    const begun = pace.begunLately(workspaceId, group);
    const found =
      dataSourceId === null
        ? await answerDatabases(workspaceId, left, isTooMuch, trace)
        : await rowFloods({ workspaceId, dataSourceId, items: left, begun, queued: alone, isTooMuch, signal, trace });
    return { ...found, ended: [...superseded, ...found.ended], alone: [...awaited, ...found.alone] };
  }

  async function answerDatabases(
    workspaceId: string,
    items: readonly WorkItem<DatabaseEvent>[],
    isTooMuch: boolean,
    handledIn: string | undefined,
  ): Promise<FloodAnswer> {
    const unchanged = { ended: [], alone: [], until: null, gathers: false };
    if (!isTooMuch) return unchanged;
    const scanTrace = await wantSweep(workspaceId, handledIn);
    if (scanTrace === null) return { ...unchanged, alone: items };
    const leftTo = { outcome: 'deferred', reason: 'sweep_wanted', scanTrace, trail: null } as const;
    return { ...unchanged, ended: byTask(items).map((all) => ({ items: all, ...leftTo })) };
  }

  function reportEnd({ items, outcome, trail, ...about }: Ended, answeredBy?: string): void {
    const [newest, ...others] = items;
    const isOfRow = isRowKind(newest.item.kind);
    for (const item of isOfRow ? [newest] : items) {
      const waitedMs = Math.max(0, now() - item.takenAt);
      report(item, outcome, { trail, attempts: 1, waitedMs, answeredBy, ...about, ...(isOfRow && others.length > 0 ? { others } : {}) });
    }
  }

  return {
    maxRecords: floodEvents,
    isMany: ({ lane, group, ready }) => dataSourceOfGroup(group) !== null && (ready > fewRows || !pace.begin(lane, group)),
    supersede(items) {
      const older = byTask(items.filter((item) => !isAwaited(item))).flatMap(olderOf);
      for (const ended of older) reportEnd(ended);
      return older.flatMap((ended) => ended.items);
    },
    async handle(work) {
      const span = spans.start(work.items, newestOf(work.items), 1);
      try {
        const { ended, alone, until, gathers } = await answer(work, span?.trace);
        for (const one of ended) reportEnd(one, span?.trace);
        const done = new Set(ended.flatMap(({ items }) => items));
        span?.set({ 'notion_mirror.outcome': 'flood', 'notion_mirror.ended': done.size });
        // A flood is handed over again and again while it waits.
        if (done.size > 0) span?.end();
        const single = new Set(alone);
        return { fateOf: (item) => (done.has(item) ? 'done' : single.has(item) ? 'alone' : 'waits'), until, gathers };
      } catch (error) {
        endFailed(span, error);
        // Throws what is no outage.
        retryAfter(error, { attempt: 1, signal: work.signal }, now());
        return { fateOf: () => 'waits', until: now() + unavailableMs, gathers: true };
      }
    },
  };
}

/** A sweep or an operator waits for the outcome of its fetch. */
function isAwaited({ item: { origin } }: WorkItem<DatabaseEvent>): boolean {
  return origin === 'reconcile' || origin === 'operator';
}

/** Of each task, or part of one that needs a fetch of its own, the events, the newest first. */
function byTask(items: readonly WorkItem<DatabaseEvent>[]): Ended['items'][] {
  const tasks = new Map<string, WorkItem<DatabaseEvent>[]>();
  for (const item of items) {
    const { pageId, databaseId, dataSourceId, type } = item.item;
    const task = pageId ?? `${databaseId} ${dataSourceId} ${type === 'data_source.moved'}`;
    const known = tasks.get(task);
    if (known === undefined) tasks.set(task, [item]);
    else known.push(item);
  }
  return [...tasks.values()].flatMap((all) => {
    const [newest, ...others] = all.toReversed().toSorted((a, b) => b.item.receivedAt.getTime() - a.item.receivedAt.getTime());
    return newest === undefined ? [] : [[newest, ...others] as const];
  });
}

function olderOf([{ item: newest }, ...older]: Ended['items']): Ended[] {
  const [first, ...others] = older;
  if (first === undefined) return [];
  return [{ items: [first, ...others], outcome: 'deferred', reason: 'newer_event', coalescedInto: newest.eventId, trail: null }];
}
