import type { Connection } from '@notion-mirror/domain/connection';
import type { IncompleteSweep, SweepReport } from '@notion-mirror/mirror-store/sweep-ledger';
import type { OpenEntity } from '../mirrored-entity.ts';
import { SweepError } from './sweep-error.ts';
import { createSweepEvents, nameOf, type SweepEventDependencies } from './sweep-events.ts';
import { removalsAllowed } from './sweep-schedule.ts';
import type { SweepTools } from './sweep-tools.ts';

export interface SweepDependencies extends SweepEventDependencies {
  readonly entities: readonly Pick<OpenEntity, 'compare'>[];
  readonly activeConnections: (workspaceId: string) => readonly Connection[];
}

/** Maximum number of uncompared targets named in a report. */
const maxNamed = 20;

/**
 * Compares the mirror with Notion as shown to a tenant's connections, and appends a sync event for each entity that differs. The sweep itself
 * writes and removes nothing: the fetch of each event decides.
 *
 * If more entities of a kind are gone than a sweep may remove, it appends no event for those, unless `acceptRemovals`. Entities that could not be
 * compared are in `incomplete`. Rejects with SweepError, PublishError, StoreUnavailableError or the signal's reason; it is safe to run again.
 */
export async function sweepTenant(
  deps: SweepDependencies,
  sweep: Pick<SweepTools, 'workspaceId' | 'depth' | 'isRequested' | 'traceOfNext'> & {
    readonly id: string;
    readonly acceptRemovals: boolean;
    /** Its events belong to it. */
    readonly trace: string;
  },
  signal: AbortSignal,
): Promise<Omit<SweepReport, 'startedAt' | 'endedAt' | 'depth'>> {
  const { workspaceId, depth, isRequested, traceOfNext } = sweep;
  const events = createSweepEvents(deps, sweep, connections, signal);
  const failedSearches: IncompleteSweep['searches'][number][] = [];
  const uncompared = new Map<string, string>();
  const tools: SweepTools = {
    workspaceId,
    depth,
    isRequested,
    signal,
    traceOfNext,
    connections,
    async sync(reason, target, seenBy) {
      const isAppended = await events.append(reason, target, seenBy);
      if (!isAppended) tools.leave(target, 'too many other events of the tenant fail; left to the next sweep');
    },
    isSynced: (target) => events.has(target),
    leave: (target, because) => void uncompared.set(nameOf(target), because),
    searchFailed: (connectionId, because) => void failedSearches.push({ connectionId, because }),
  };

  function connections(): readonly [Connection, ...Connection[]] {
    const [first, ...others] = deps.activeConnections(workspaceId);
    if (first === undefined) throw new SweepError('no connection of the tenant is active');
    return [first, ...others];
  }

  function incomplete(): { readonly incomplete?: IncompleteSweep } {
    if (failedSearches.length === 0 && uncompared.size === 0) return {};
    const databases = [...uncompared].slice(0, maxNamed).map(([databaseId, because]) => ({ databaseId, because }));
    return { incomplete: { searches: failedSearches, uncompared: uncompared.size, databases } };
  }

  const total = { held: 0, found: 0, removals: 0, stopped: false };
  try {
    for (const entity of deps.entities) {
      const { held, found, gone } = await entity.compare(tools);
      const stops = gone.length > removalsAllowed(held) && !sweep.acceptRemovals;
      if (!stops) for (const { target, seenBy } of gone) await tools.sync('gone', target, seenBy);
      total.held += held;
      total.found += found;
      total.removals += gone.length;
      total.stopped ||= stops;
    }
    await events.end();
    signal.throwIfAborted();
    return { ...total, events: events.counts(), ...incomplete() };
  } catch (error) {
    // None of its events may still be in flight when the next sweep begins.
    await events.end().catch(() => {});
    throw error;
  }
}
