import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { dependencyEventOf, dependencyOf } from '@notion-mirror/domain/dependency-event';
import { createDueQueue } from '@notion-mirror/service-kit/async/due-queue';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { Work } from '@notion-mirror/event-log/lanes/work';
import type { SyncedWork } from '../consume/sync-entity.ts';

export type RowSync = (work: Work<DatabaseEvent>, newest: DatabaseEvent, pageId: string) => Promise<SyncedWork>;

/**
 * The second reads of rows that depend on others, one lag after the last change: Notion shows values that it computes with a delay. A row whose
 * sources change all the time is read at once for the first changes, and then once in a lag.
 */
export interface SecondReads {
  /** Whether the row was read often lately, and its second read is still to come. That then answers this event, too, and another one follows it. */
  readonly answers: (event: RowEvent) => boolean;
  /** To be called when the first read has answered the event. */
  readonly plan: (event: RowEvent) => void;
  /** Appends the events of those that are still to come. Never rejects. */
  readonly stop: () => Promise<void>;
}

/** Of one row, while its second read is still to come. */
const mostReads = 5;
const mostRows = 10_000;

type RowEvent = DatabaseEvent & { readonly pageId: string };

interface Planned {
  /** Of those that it answers, the one that has come through the fewest rows. */
  event: RowEvent;
  readonly reads: number;
  isAskedAgain: boolean;
}

/** A killed worker forgets the reads that are still to come; the next scan of the data source then finds what has changed. */
export function createSecondReads(deps: {
  readonly lagMs: number;
  readonly append: (event: DatabaseEvent, accessibleBy: readonly string[]) => Promise<void>;
  readonly now: () => number;
  readonly logger: Logger;
}): SecondReads {
  const { lagMs, append, now, logger } = deps;
  const planned = createDueQueue<Planned>({
    delayMs: lagMs,
    most: mostRows,
    now,
    onDue(one) {
      if (one.isAskedAgain) add(one.event, mostReads);
      begin(one).catch((error: unknown) => {
        logger.warn({ err: error }, 'cannot begin the second read of a row that depends on others; retrying');
        add(one.event, one.reads);
      });
    },
  });

  async function begin({ event }: Planned): Promise<void> {
    const { pageId, dataSourceId } = event;
    await append(dependencyEventOf(event, { pageId, dataSourceId }, { hop: hopOf(event), isSecond: true }, new Date(now())), []);
  }

  function add(event: RowEvent, reads: number): void {
    const before = planned.get(nameOf(event))?.event;
    const nearest = before !== undefined && hopOf(before) < hopOf(event) ? before : event;
    planned.add(nameOf(event), { event: nearest, reads, isAskedAgain: false });
  }

  return {
    answers(event) {
      const one = planned.get(nameOf(event));
      if (one === undefined || one.reads < mostReads) return false;
      one.isAskedAgain = true;
      if (hopOf(event) < hopOf(one.event)) one.event = event;
      return true;
    },
    plan: (event) => add(event, (planned.get(nameOf(event))?.reads ?? 0) + 1),
    async stop() {
      await Promise.allSettled(planned.drain().map(begin));
    },
  };
}

/** Adds second reads to the sync of rows. */
export function withSecondReads(secondReads: SecondReads, sync: RowSync): RowSync {
  return async (work, newest, pageId) => {
    const events = work.items.map(({ item }): RowEvent => ({ ...item, pageId }));
    const first = events.filter((event) => dependencyOf(event)?.isSecond === false).toSorted((a, b) => hopOf(a) - hopOf(b))[0];
    if (first === undefined) return sync(work, newest, pageId);
    const isDependencyOnly = events.every((event) => dependencyOf(event) !== null);
    if (isDependencyOnly && secondReads.answers(first)) {
      return { kind: 'settled', outcome: 'skipped', reason: 'read_again_soon', trail: null, calls: 1 };
    }
    const result = await sync(work, newest, pageId);
    if (result.kind === 'settled') secondReads.plan(first);
    return result;
  };
}

/** Through how many rows a change has come to this one: 0 if the event is about the row itself. */
export function hopOf(event: DatabaseEvent): number {
  return dependencyOf(event)?.hop ?? 0;
}

function nameOf({ workspaceId, pageId }: { readonly workspaceId: string; readonly pageId: string }): string {
  return `${workspaceId}:${pageId}`;
}
