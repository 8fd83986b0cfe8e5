import type { Connection } from '@notion-mirror/domain/connection';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { syncEventFor } from '@notion-mirror/domain/sync-event';
import { isSameAnswer, type HeldAnswers, type HeldDatabase, type HeldDatabases } from '@notion-mirror/mirror-store/held-answers';
import type { SweepReport } from '@notion-mirror/mirror-store/sweep-ledger';
import type { FoundDataSource } from '@notion-mirror/notion-source/database-document';
import type { LookOutcome, NotionSource } from '@notion-mirror/notion-source/notion-source';
import { createInTurn } from './in-turn.ts';
import { removalsAllowed } from './sweep-schedule.ts';

export interface SweepDependencies {
  readonly notion: Pick<NotionSource, 'searchDataSources' | 'lookAtDatabase' | 'spareAt'>;
  readonly held: HeldDatabases;
  readonly activeConnections: (workspaceId: string) => readonly Connection[];
  /** Appends the event, and resolves when it has been handled. */
  readonly sync: (event: DatabaseEvent, signal: AbortSignal) => Promise<void>;
  readonly now: () => number;
  /** Resolves after `ms`, or as soon as `signal` aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** The sweep came to no end; another try may. */
export class SweepError extends Error {
  override readonly name = 'SweepError';
}

/** Why a sync event is appended: search shows a database that the mirror lacks, or another state of a source; the container has changed; search
 * no longer shows a source that the container lists; the database is no longer shown at all. */
export const sweepReasons = ['missing', 'source_changed', 'container_changed', 'not_in_search', 'gone'] as const;
export type SweepReason = (typeof sweepReasons)[number];

/** Sync events of one sweep that are under way: one less than a lane has slots, so that a live event of the tenant finds one free. */
const underWay = 3;
const heldAtOnce = 100;
const lookAttempts = 6;

/**
 * Compares what Notion shows a tenant's connections with what the mirror holds, and appends a sync event for each database that differs.
 * What decides is the event's own fetch: nothing is written, and nothing removed, from here.
 *
 * `search`: only what search shows. `full`: each database of the mirror is looked at too, since search lists data sources only, and late.
 * More of them gone than a sweep may remove by itself: it ends before the first of those, unless `acceptRemovals`.
 * Rejects with SweepError, SearchError, PublishError, StoreUnavailableError or the signal's reason; running it again is harmless.
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
  const syncs = createInTurn(underWay);

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
    await syncs.begin(async () => {
      const connection = connections().find(({ connectionId }) => connectionId === seenBy) ?? connections()[0];
      for (let at = notion.spareAt(connection); at !== null; at = notion.spareAt(connection)) await deps.sleep(at - deps.now(), signal);
      signal.throwIfAborted();
      const about = { eventId: `${sweep.id}:${name}`, type: 'mirror.sweep', databaseId, dataSourceId, origin: 'reconcile' } as const;
      await deps.sync(syncEventFor(connection, about, new Date(deps.now())), signal);
    });
    events[reason] = (events[reason] ?? 0) + 1;
  }

  function databaseOf({ databaseId, dataSourceId }: FoundDataSource): string | null {
    return databaseId ?? holders.get(dataSourceId) ?? null;
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

  async function look(databaseId: string, preferConnectionId: string | null): Promise<Exclude<LookOutcome, { kind: 'retry' }>> {
    for (let attempt = 1; ;) {
      const outcome = await notion.lookAtDatabase({ workspaceId, databaseId, preferConnectionId, attempt }, signal);
      signal.throwIfAborted();
      if (outcome.kind !== 'retry') return outcome;
      if (attempt >= lookAttempts) throw new SweepError(`a database cannot be looked at: ${outcome.failure.message}`);
      if (outcome.failure.class !== 'rate_limited') attempt += 1;
      await deps.sleep(outcome.at - deps.now(), signal);
    }
  }

  /** Resolves to the ids of those that are gone. */
  async function lookAtHeld(): Promise<string[]> {
    const gone: string[] = [];
    const left = [...held.values()];
    while (left.length > 0) {
      const some = left.splice(0, heldAtOnce).filter(({ databaseId }) => !targets.has(databaseId));
      const answers = await deps.held.answers(
        workspaceId,
        some.map(({ databaseId }) => databaseId),
      );
      for (const { databaseId, connectionId, searchable } of some) {
        const answer = answers.get(databaseId);
        // Removed since the sweep began.
        if (answer === undefined) continue;
        const outcome = await look(databaseId, connectionId);
        switch (outcome.kind) {
          case 'live':
            if (!isSameAnswer(answer.database, outcome.raw)) await sync('container_changed', { databaseId }, connectionId);
            else if (searchable.some((id) => !shown.has(id))) await sync('not_in_search', { databaseId }, connectionId);
            break;
          case 'trashed':
          case 'gone':
            gone.push(databaseId);
            break;
          case 'failed':
            // It cannot be read now, and a sync event would say no more.
            break;
          case 'no_active_connection':
            throw new SweepError('no connection of the tenant is active');
        }
      }
    }
    return gone;
  }

  try {
    for (const connection of connections()) {
      for await (const found of notion.searchDataSources(connection, signal)) await compareFound(found, connection);
    }
    const gone = sweep.depth === 'full' ? await lookAtHeld() : [];
    const stopped = gone.length > removalsAllowed(held.size) && !sweep.acceptRemovals;
    if (!stopped) for (const databaseId of gone) await sync('gone', { databaseId }, held.get(databaseId)?.connectionId ?? null);
    await syncs.end();
    signal.throwIfAborted();
    return { held: held.size, found: shown.size, events: { ...events }, removals: gone.length, stopped };
  } catch (error) {
    // None of its events may still be under way when somebody begins the next sweep.
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
