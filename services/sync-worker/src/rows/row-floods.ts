import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { isSettledByQuery } from '@notion-mirror/domain/query-rule';
import { accessibleByOf } from '@notion-mirror/event-log/event-record';
import type { WorkItem } from '@notion-mirror/event-log/lanes/work';
import type { DataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import type { Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import { fewRows, type Ended, type FloodAnswer, type RowFlood, type RowFloods } from '../consume/floods.ts';
import { newWantedTrace, startWantedTrace } from '../consume/wanted-trace.ts';
import type { RowAnswer, RowsToAnswer } from './answer-by-query.ts';

export interface RowFloodDependencies {
  readonly contents: Pick<DataSourceContents, 'want'>;
  readonly notion: Pick<NotionSource, 'lastOf' | 'spareAt' | 'firstAsked'>;
  /** See `answerByQuery`. */
  readonly answerByQuery: (order: RowsToAnswer, signal: AbortSignal) => Promise<ReadonlyMap<string, RowAnswer>>;
  readonly tracing: Pick<Tracing, 'newTrace' | 'root'>;
  readonly lagMs: number;
  readonly toleranceMs: number;
  /** Epoch ms. */
  readonly now: () => number;
}

/** A wanted scan: up to which time of receipt (epoch ms) it answers the events of a data source, and the trace that it will belong to. */
interface Promised {
  readonly upTo: number;
  readonly trace: string;
}

type Item = WorkItem<DatabaseEvent>;

/** While more than a few events come in this time, it is too early to decide. */
const gatherMs = 1_000;
/** The same for many rows: a bulk edit is sent, received and consumed with pauses. */
const manyRows = 60;
const gatherManyMs = 2_000;
const muchLaterMs = 10_000;

/**
 * Decides how the waiting rows of a data source are answered:
 * - by single reads, once no more than a few events come each second, if that takes no longer than it takes until a query may answer them;
 * - otherwise by a query, when the newest is old enough for it. Rows that it leaves open are read singly;
 * - when they are too many for the memory, by a scan, which is wanted durably before they end.
 *
 * Events that come while rows wait for their query are handled without delay unless they are many: an edit by a person does not wait for the flood before it.
 */
export function createRowFloods(deps: RowFloodDependencies): RowFloods {
  const { contents, notion, answerByQuery, tracing, lagMs, toleranceMs, now } = deps;
  const settleMs = lagMs + toleranceMs;
  const promised = new Map<string, Promised>();

  return async function answer(flood) {
    const { workspaceId, dataSourceId, items, begun, queued, isTooMuch, signal } = flood;
    const [newest] = items.toSorted((a, b) => receivedAt(b) - receivedAt(a));
    if (newest === undefined) return waiting(null, false);
    if (isTooMuch) return defer(flood, items);

    const wanted = promised.get(keyOf(flood))?.upTo ?? Number.NEGATIVE_INFINITY;
    const covered = items.filter((item) => receivedAt(item) <= wanted);
    const calmMs = begun + items.length > manyRows ? gatherManyMs : gatherMs;
    const isRising = begun + items.filter(({ takenAt }) => takenAt > now() - calmMs).length > fewRows;
    if (isRising && covered.length > 0) return defer(flood, covered);
    const rows = byRow(items);
    const queryAt = queryTimeFor([...rows.values()]);
    if (isRising && queryAt > now()) return waiting(Math.min(now() + gatherMs, queryAt), true);

    const { connectionId: preferConnectionId } = newest.item;
    const connection = notion.firstAsked({ workspaceId, preferConnectionId, accessibleBy: accessibleByOf(newest.record) });
    const isFast = connection !== null && !isRising && notion.lastOf(connection, queued + rows.size) <= now() + settleMs;
    if (connection === null || isFast) return left(items);

    if (covered.length > 0) return defer(flood, covered);

    if (queryAt > now()) return waiting(queryAt, false);
    const spareAt = notion.spareAt(connection);
    if (spareAt !== null) return waiting(spareAt, false);

    const queriedAt = now();
    const ripe = new Map([...rows].filter(([, of]) => of.some((item) => receivedAt(item) + settleMs < queriedAt)));
    const events = new Map([...ripe].map(([id, of]) => [id, of.map(({ item }) => item)]));
    return sorted(ripe, await answerByQuery({ workspaceId, dataSourceId, connection, events, trace: flood.trace }, signal));
  };

  /**
   * Ends events when a scan for them is wanted. The wish is for the time of one lag more: so it answers those of the same flood that are still to come, and
   * there is one scan for all. More of them may come soon, so nothing is read singly before that is known.
   */
  async function defer(flood: RowFlood, items: readonly Item[]): Promise<FloodAnswer> {
    const key = keyOf(flood);
    const newest = latest(items.map(receivedAt));
    const before = promised.get(key);
    const isCovered = before !== undefined && before.upTo >= newest;
    const { upTo, trace } = isCovered ? before : { upTo: newest + lagMs, trace: newWantedTrace(tracing, flood.trace) };
    const dueAt = new Date(upTo + settleMs);
    // Also if it is wanted already: the data source may have been turned off or forgotten since.
    if (!(await contents.want(flood, { reasons: ['flood'], depth: 'all', at: new Date(upTo), raisesAll: true, dueAt, trace })))
      return left(items);
    if (!isCovered) startWantedTrace(tracing, 'want scan', trace, { ...flood, handledIn: flood.trace });
    for (const [known, { upTo: until }] of promised) if (until < now()) promised.delete(known);
    promised.set(key, { upTo, trace });
    const leftTo = { outcome: 'deferred', reason: 'scan_wanted', scanTrace: trace, trail: null } as const;
    const ended = [...byRow(items).values()].map((of): Ended => ({ items: of, ...leftTo }));
    return { ended, alone: [], until: now() + gatherMs, gathers: true };
  }

  /**
   * When a query may answer the rows: from the newest event on, but a few that are edited again much later do not delay the others. If new ones come all
   * the time, at least the oldest are answered.
   */
  function queryTimeFor(rows: readonly Ended['items'][]): number {
    const oldest = -latest(rows.flat().map((item) => -receivedAt(item)));
    const times = rows.map(([newest]) => receivedAt(newest)).toSorted((a, b) => a - b);
    const newest = times.at(-1) ?? oldest;
    const newestOfMost = times.at(-1 - fewRows) ?? oldest;
    return Math.min(newest - newestOfMost > muchLaterMs ? newestOfMost : newest, oldest + settleMs) + settleMs + 1;
  }
}

/** What the answers of a query make of the rows' events. */
function sorted(rows: ReadonlyMap<string, Ended['items']>, answers: ReadonlyMap<string, RowAnswer>): FloodAnswer {
  const ended: Ended[] = [];
  const open: Item[] = [];
  const recent: { readonly items: Ended['items']; readonly at: number }[] = [];
  for (const [pageId, items] of rows) {
    const answer = answers.get(pageId);
    if (answer === undefined) open.push(...items);
    else if (answer.kind === 'recent') recent.push({ items, at: answer.at });
    else {
      const [newest, ...others] = items.filter((item) => isSettledByQuery(answer.query, { receivedAt: receivedAt(item) }));
      if (newest === undefined) continue;
      const record = { databaseId: null, pageId, rev: answer.record.rev, asOf: new Date(answer.record.asOf), ms: null };
      const trail = { fetch: null, record, isUnannounced: false };
      ended.push({ items: [newest, ...others], outcome: answer.outcome, callsSaved: 1 + others.length, trail });
    }
  }
  // A second flood of the same rows: another query answers them with fewer calls than single reads.
  if (recent.length > fewRows) return { ended, alone: open, until: latest(recent.map(({ at }) => at)), gathers: false };
  return { ended, alone: [...open, ...recent.flatMap(({ items }) => items)], until: null, gathers: false };
}

/** Not by `Math.max`, which takes no more arguments than the stack has room for. */
function latest(times: readonly number[]): number {
  return times.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}

function waiting(until: number | null, gathers: boolean): FloodAnswer {
  return { ended: [], alone: [], until, gathers };
}

function left(items: readonly Item[]): FloodAnswer {
  return { ended: [], alone: items, until: null, gathers: false };
}

/** The events of each row, the newest first. */
function byRow(items: readonly Item[]): Map<string, Ended['items']> {
  const rows = new Map<string, Ended['items']>();
  for (const item of items.toSorted((a, b) => receivedAt(a) - receivedAt(b))) {
    const pageId = item.item.pageId ?? '';
    rows.set(pageId, [item, ...(rows.get(pageId) ?? [])]);
  }
  return rows;
}

function receivedAt({ item }: Item): number {
  return item.receivedAt.getTime();
}

function keyOf({ workspaceId, dataSourceId }: RowFlood): string {
  return `${workspaceId}:${dataSourceId}`;
}
