import type { Connection } from '@notion-mirror/domain/connection';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { syncEventFor } from '@notion-mirror/domain/sync-event';
import { isSameAnswer, type HeldAnswers, type HeldDatabase, type HeldDatabases } from '@notion-mirror/mirror-store/held-answers';
import type { IncompleteSweep, SweepReport } from '@notion-mirror/mirror-store/sweep-ledger';
import { SearchError } from '@notion-mirror/notion-source/data-source-search';
import type { FoundDataSource } from '@notion-mirror/notion-source/database-document';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import type { EventEnd } from '../consume/awaited-events.ts';
import { compareHeld } from './held-comparison.ts';
import type { Clock } from '@notion-mirror/service-kit/async/clock';
import { createLimiter } from '@notion-mirror/service-kit/async/limiter';
import { removalsAllowed } from './sweep-schedule.ts';

export interface SweepDependencies extends Clock {
  readonly notion: Pick<NotionSource, 'searchDataSources' | 'lookAtDatabase' | 'lookAtDataSource' | 'spareAt'>;
  readonly held: HeldDatabases;
  readonly activeConnections: (workspaceId: string) => readonly Connection[];
  /** Appends the event, and resolves when it has been handled or will be tried again. */
  readonly sync: (event: DatabaseEvent, signal: AbortSignal) => Promise<EventEnd>;
}

/** The sweep came to no end; another try may. */
export class SweepError extends Error {
  override readonly name = 'SweepError';
}

/** Why a sync event is appended: search shows a database that the mirror lacks, or another state of a source; the container has changed; search
 * no longer shows a source that the container lists; the database is no longer shown at all. */
export const sweepReasons = ['missing', 'source_changed', 'container_changed', 'not_in_search', 'gone'] as const;
export type SweepReason = (typeof sweepReasons)[number];

/**
 * Sync events of one sweep that are in flight: one less than a lane has slots, so that a live event of the tenant finds one free. Those that have failed
 * may take two of these again.
 */
const inFlight = 3;
const inFlightWithFailing = 1;
/** Events of one sweep that failed at the first try and are tried again by their lane. Beyond that, what differs is left to the next sweep. */
const mostFailing = 50;
/** How long a sweep waits for room in the rate budget. Sweeps of other tenants wait for its place. */
const longestWaitMs = 300_000;
/** How many of what could not be compared a report names. */
const named = 20;

/**
 * Compares what Notion shows a tenant's connections with what the mirror holds, and appends a sync event for each database that differs.
 * What decides is the event's own fetch: nothing is written, and nothing removed, from here.
 *
 * `search`: only what search shows. `full`: each database of the mirror is checked too, since search lists data sources only, and late.
 * More of them gone than a sweep may remove by itself: it ends before the first of those, unless `acceptRemovals`.
 *
 * A search that fails stops nothing else: the other connections' results count, and each data source of the mirror that no search has shown is
 * compared by itself. What could not be compared is in `incomplete`.
 * Rejects with SweepError, PublishError, StoreUnavailableError or the signal's reason; it is safe to run it again.
 */
export async function sweepTenant(
  deps: SweepDependencies,
  sweep: { readonly workspaceId: string; readonly id: string; readonly depth: SweepReport['depth']; readonly acceptRemovals: boolean },
  signal: AbortSignal,
): Promise<Omit<SweepReport, 'startedAt' | 'endedAt' | 'depth'>> {
  const { notion } = deps;
  const { workspaceId } = sweep;
  const held = new Map((await deps.held.list(workspaceId)).map((database) => [database.databaseId, database]));
  const holders = new Map([...held.values()].flatMap(({ databaseId, searchable }) => searchable.map((id) => [id, databaseId] as const)));
  const shown = new Set<string>();
  const targets = new Set<string>();
  const events: Partial<Record<SweepReason, number>> = {};
  const syncs = createLimiter(() => (failing === 0 ? inFlight : inFlightWithFailing));
  const failedSearches: IncompleteSweep['searches'][number][] = [];
  const uncompared = new Map<string, string>();
  let failing = 0;

  function connections(): readonly [Connection, ...Connection[]] {
    const [first, ...others] = deps.activeConnections(workspaceId);
    if (first === undefined) throw new SweepError('no connection of the tenant is active');
    return [first, ...others];
  }

  async function sync(
    reason: SweepReason,
    target: { databaseId: string } | { dataSourceId: string },
    seenBy: string | null,
  ): Promise<void> {
    const [databaseId, dataSourceId] = 'databaseId' in target ? [target.databaseId, null] : [null, target.dataSourceId];
    const name = databaseId ?? `data-source:${dataSourceId}`;
    if (targets.has(name)) return;
    targets.add(name);
    if (failing >= mostFailing) {
      uncompared.set(name, 'too many other databases of the tenant fail: left to the next comparison');
      return;
    }
    await syncs.begin(async () => {
      const connection = connections().find(({ connectionId }) => connectionId === seenBy) ?? connections()[0];
      await untilSpare(connection);
      const about = { eventId: `${sweep.id}:${name}`, type: 'mirror.sweep', databaseId, dataSourceId, origin: 'reconcile' } as const;
      const end = await deps.sync(syncEventFor(connection, about, new Date(deps.now())), signal);
      if (end === 'failing') failing += 1;
    });
    events[reason] = (events[reason] ?? 0) + 1;
  }

  async function untilSpare(connection: Connection): Promise<void> {
    const began = deps.now();
    for (let at = notion.spareAt(connection); at !== null; at = notion.spareAt(connection)) {
      if (at - began > longestWaitMs) throw new SweepError('the rate budget of the tenant is used up by its events');
      await deps.sleep(at - deps.now(), signal);
      signal.throwIfAborted();
    }
    signal.throwIfAborted();
  }

  function databaseOf({ databaseId, dataSourceId }: FoundDataSource): string | null {
    return databaseId ?? holders.get(dataSourceId) ?? null;
  }

  async function searchAndCompare(connection: Connection): Promise<void> {
    try {
      for await (const found of notion.searchDataSources(connection, signal)) await compareFound(found, connection);
    } catch (error) {
      if (!(error instanceof SearchError)) throw error;
      signal.throwIfAborted();
      failedSearches.push({ connectionId: connection.connectionId, because: error.message });
    }
  }

  async function compareFound(found: readonly FoundDataSource[], connection: Connection): Promise<void> {
    const ids = found.map(databaseOf).filter((id) => id !== null);
    const answers = await deps.held.answers(workspaceId, [...new Set(ids)]);
    for (const source of found) {
      shown.add(source.dataSourceId);
      const databaseId = databaseOf(source);
      const answer = databaseId === null ? undefined : answers.get(databaseId);
      if (databaseId === null) await sync('missing', { dataSourceId: source.dataSourceId }, connection.connectionId);
      else if (answer === undefined) await sync('missing', { databaseId }, connection.connectionId);
      else if (isSeenBy(held.get(databaseId), connection) && isNews(source, answer)) {
        await sync('source_changed', { databaseId }, connection.connectionId);
      }
    }
  }

  /** The document is what one connection sees: another one sees other data sources, and that is no news. */
  function isSeenBy(database: HeldDatabase | undefined, { connectionId }: Connection): boolean {
    const seenBy = connections().find((connection) => connection.connectionId === database?.connectionId);
    return seenBy === undefined || seenBy.connectionId === connectionId;
  }

  /** Whether the search of a connection was not read to its end. */
  function isUnread({ connectionId }: Connection): boolean {
    return failedSearches.some((search) => search.connectionId === connectionId);
  }

  /** What differs of a database of the mirror becomes an event. Resolves to the ids of those that are gone. */
  async function compareMirrored(): Promise<string[]> {
    const gone: string[] = [];
    const left = [...held.values()].filter(({ databaseId }) => !targets.has(databaseId));
    const active = connections();
    /** Only a search that was read to its end says what it does not show: that of the connection that saw the database, or all. */
    const provesAbsence = (database: HeldDatabase): boolean => {
      const seenBy = active.filter(({ connectionId }) => connectionId === database.connectionId);
      return !(seenBy.length > 0 ? seenBy : active).some(isUnread);
    };
    const hasAnswered = shown.size > 0 || !active.every(isUnread);
    const comparison = compareHeld({ ...deps, workspaceId, shown, provesAbsence, hasAnswered }, left, signal);
    for await (const { databaseId, connectionId, finding } of comparison) {
      switch (finding.kind) {
        case 'differs':
          await sync(finding.reason, { databaseId }, connectionId);
          break;
        case 'gone':
          gone.push(databaseId);
          break;
        case 'uncompared':
          uncompared.set(databaseId, finding.because);
          break;
        case 'no_active_connection':
          throw new SweepError('no connection of the tenant is active');
        case 'no_answer':
          throw new SweepError(`Notion does not answer: ${finding.because}`);
      }
    }
    return gone;
  }

  function incomplete(): { readonly incomplete?: IncompleteSweep } {
    if (failedSearches.length === 0 && uncompared.size === 0) return {};
    const databases = [...uncompared].slice(0, named).map(([databaseId, because]) => ({ databaseId, because }));
    return { incomplete: { searches: failedSearches, uncompared: uncompared.size, databases } };
  }

  try {
    // Side by side: a search that takes long to fail holds up no other.
    const searches = await Promise.allSettled(connections().map(searchAndCompare));
    for (const search of searches) if (search.status === 'rejected') throw search.reason;
    const gone = sweep.depth === 'full' ? await compareMirrored() : [];
    const stopped = gone.length > removalsAllowed(held.size) && !sweep.acceptRemovals;
    if (!stopped) for (const databaseId of gone) await sync('gone', { databaseId }, held.get(databaseId)?.connectionId ?? null);
    await syncs.end();
    signal.throwIfAborted();
    return { held: held.size, found: shown.size, events: { ...events }, removals: gone.length, stopped, ...incomplete() };
  } catch (error) {
    // None of its events may still be in flight when the next sweep begins.
    await syncs.end().catch(() => {});
    throw error;
  }
}

/** Search is late, so what it shows may be older than what the mirror holds. */
function isNews(source: FoundDataSource, answers: HeldAnswers): boolean {
  const held = answers.dataSources.get(source.dataSourceId);
  if (held === undefined) return true;
  const heldTime = typeof held['last_edited_time'] === 'string' ? new Date(held['last_edited_time']) : null;
  if (source.lastEditedTime !== null && heldTime !== null && source.lastEditedTime < heldTime) return false;
  return !isSameAnswer(held, source.raw);
}
