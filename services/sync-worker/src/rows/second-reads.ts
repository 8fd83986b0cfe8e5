import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { dependencyEventOf, dependencyOf } from '@notion-mirror/domain/dependency-event';
import { createDueQueue } from '@notion-mirror/service-kit/async/due-queue';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { Work } from '@notion-mirror/event-log/lanes/work';
import type { PlannedRead, PlannedReads, RowEvent } from '@notion-mirror/mirror-store/planned-reads';
import type { SyncedWork } from '../consume/sync-entity.ts';

export type RowSync = (work: Work<DatabaseEvent>, newest: DatabaseEvent, pageId: string) => Promise<SyncedWork>;

/**
 * The second reads of rows that depend on others, one lag after the last change: Notion shows values that it computes with a delay. A row whose
 * sources change all the time is read at once for the first changes, and then once in a lag. They begin in time from memory, and are kept in MongoDB
 * for when this worker is killed.
 */
export interface SecondReads {
  /** Whether the row was read often lately, and its second read is still to come. That then answers this event, too, and another one follows it. */
  readonly answers: (event: RowEvent) => boolean;
  /** To be called when the first read has answered the event. Rejects with a `StoreUnavailableError`. */
  readonly plan: (event: RowEvent) => Promise<void>;
  /** Begins those that are overdue, whichever worker planned them. Rejects with the errors of the store and the log. */
  readonly beginOverdue: () => Promise<void>;
  /** Leaves those that are still to come to another worker, or to the next start. Never rejects. */
  readonly stop: () => Promise<void>;
}

/** Of one row, while its second read is still to come. */
const mostReads = 5;
/** In memory. Of more, the oldest begin when they are overdue. */
const mostRows = 10_000;
const batchSize = 500;

interface Planned {
  /** Of those that it answers, the one that has come through the fewest rows. */
  event: RowEvent;
  readonly reads: number;
  readonly dueAt: number;
  isAskedAgain: boolean;
}

export function createSecondReads(deps: {
  readonly lagMs: number;
  readonly kept: PlannedReads;
  readonly append: (event: DatabaseEvent, accessibleBy: readonly string[]) => Promise<void>;
  readonly now: () => number;
  readonly logger: Logger;
}): SecondReads {
  const { lagMs, kept, append, now, logger } = deps;
  const beginning = new Set<Promise<void>>();
  const planned = createDueQueue<Planned>({
    delayMs: lagMs,
    most: mostRows,
    now,
    onDue(one) {
      if (one.dueAt > now()) return;
      const next = one.isAskedAgain ? add(one.event, mostReads) : null;
      const begun = begin(one, next)
        .catch((error: unknown) => {
          logger.warn({ err: error }, 'cannot begin the second read of a row that depends on others; retrying');
          if (next === null) add(one.event, one.reads);
        })
        .finally(() => beginning.delete(begun));
      beginning.add(begun);
    },
  });

  async function begin(one: Planned, next: Planned | null): Promise<void> {
    await appendSecond(one.event);
    if (next === null) await kept.end(keptOf(one));
    else await kept.keep(keptOf(next));
  }

  async function appendSecond(event: RowEvent): Promise<void> {
    const { pageId, dataSourceId } = event;
    await append(dependencyEventOf(event, { pageId, dataSourceId }, { hop: hopOf(event), isSecond: true }, new Date(now())), []);
  }

  function add(event: RowEvent, reads: number): Planned {
    const before = planned.get(nameOf(event))?.event;
    const nearest = before !== undefined && hopOf(before) < hopOf(event) ? before : event;
    const one = { event: nearest, reads, dueAt: now() + lagMs, isAskedAgain: false };
    planned.add(nameOf(event), one);
    return one;
  }

  return {
    answers(event) {
      const one = planned.get(nameOf(event));
      if (one === undefined || one.reads < mostReads) return false;
      one.isAskedAgain = true;
      if (hopOf(event) < hopOf(one.event)) one.event = event;
      return true;
    },
    plan: (event) => kept.keep(keptOf(add(event, (planned.get(nameOf(event))?.reads ?? 0) + 1))),
    async beginOverdue() {
      // A lag later than planned: so also after the changes that a killed worker had left to this read.
      const overdue = new Date(now() - lagMs);
      for (;;) {
        const found = await kept.dueBefore(overdue, batchSize);
        await Promise.all(
          found.map(async (one) => {
            await appendSecond(one.event);
            await kept.end(one);
          }),
        );
        if (found.length < batchSize) return;
      }
    },
    async stop() {
      planned.drain();
      await Promise.allSettled(beginning);
    },
  };
}

function keptOf({ event, dueAt }: Planned): PlannedRead {
  return { event, dueAt: new Date(dueAt) };
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
    if (result.kind === 'settled') await secondReads.plan(first);
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
