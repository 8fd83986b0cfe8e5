import type { Connection } from '@notion-mirror/domain/connection';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { EventTarget } from '@notion-mirror/domain/entity';
import { syncEventFor } from '@notion-mirror/domain/sync-event';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import type { Clock } from '@notion-mirror/service-kit/async/clock';
import { createLimiter } from '@notion-mirror/service-kit/async/limiter';
import type { EventEnd } from '../consume/awaited-events.ts';
import { SweepError } from './sweep-error.ts';

/** Why a sync event is appended: search shows a database that the mirror lacks, or a changed source; the container has changed; search no longer
 * shows a source that the container lists; Notion no longer shows the database at all. */
export type SweepReason = 'missing' | 'source_changed' | 'container_changed' | 'not_in_search' | 'gone';

/** The ids in a sync event of a sweep. */
export type SweepTarget = EventTarget;

/**
 * Maximum number of a sweep's sync events in flight: one less than the slots of a lane, so that one is free for a live event of the tenant. Failing
 * events that are retried may occupy two slots, hence the lower limit once any have failed.
 */
const inFlight = 3;
const inFlightWithFailing = 1;
/** Maximum number of a sweep's events whose first attempt failed and which their lane retries. Beyond it, differences are left to the next sweep. */
const mostFailing = 50;
/** Maximum wait for the rate budget. Meanwhile the sweep occupies a place that other tenants need. */
const longestWaitMs = 300_000;

export interface SweepEventDependencies extends Clock {
  readonly notion: Pick<NotionSource, 'spareAt'>;
  /** Appends the event, and resolves when it has been handled or will be retried. */
  readonly sync: (event: DatabaseEvent, signal: AbortSignal) => Promise<EventEnd>;
}

/** The sync events of one sweep: one per target, a few at a time, within the part of the rate budget that is not reserved for live events. */
export interface SweepEvents {
  /** False: too many of the sweep's events fail, so this one was not appended. Rejects with SweepError, PublishError or the signal's reason. */
  append(reason: SweepReason, target: SweepTarget, seenBy: string | null): Promise<boolean>;
  /** Whether an event names this target. */
  has(target: SweepTarget): boolean;
  /** Resolves when none is in flight. Rejects with the first error of any of them. */
  end(): Promise<void>;
  counts(): Partial<Record<SweepReason, number>>;
}

export function createSweepEvents(
  deps: SweepEventDependencies,
  sweep: { readonly id: string; readonly trace: string },
  /** Throws SweepError when there is none. */
  connections: () => readonly [Connection, ...Connection[]],
  signal: AbortSignal,
): SweepEvents {
  const { notion } = deps;
  const targets = new Set<string>();
  const counts: Partial<Record<SweepReason, number>> = {};
  let failing = 0;
  const syncs = createLimiter(() => (failing === 0 ? inFlight : inFlightWithFailing));

  async function untilSpare(connection: Connection): Promise<void> {
    const began = deps.now();
    for (let at = notion.spareAt(connection); at !== null; at = notion.spareAt(connection)) {
      if (at - began > longestWaitMs) throw new SweepError('the rate budget of the tenant is used up by its events');
      await deps.sleep(at - deps.now(), signal);
      signal.throwIfAborted();
    }
    signal.throwIfAborted();
  }

  return {
    async append(reason, target, seenBy) {
      const name = nameOf(target);
      if (targets.has(name)) return true;
      targets.add(name);
      if (failing >= mostFailing) return false;
      await syncs.begin(async () => {
        const connection = connections().find(({ connectionId }) => connectionId === seenBy) ?? connections()[0];
        await untilSpare(connection);
        const about = { ...target, eventId: `${sweep.id}:${name}`, type: 'mirror.sweep', origin: 'reconcile', trace: sweep.trace } as const;
        const end = await deps.sync(syncEventFor(connection, about, new Date(deps.now())), signal);
        if (end === 'failing') failing += 1;
      });
      counts[reason] = (counts[reason] ?? 0) + 1;
      return true;
    },
    has: (target) => targets.has(nameOf(target)),
    end: () => syncs.end(),
    counts: () => ({ ...counts }),
  };
}

/** A target's name in reports and event ids. */
export function nameOf({ databaseId, dataSourceId }: SweepTarget): string {
  return databaseId ?? `data-source:${dataSourceId}`;
}
