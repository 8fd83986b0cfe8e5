import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { Db } from 'mongodb';
import { openCollection } from './collections.ts';
import { orUnavailable } from './errors.ts';
import { eventIn, storedEvent, type StoredEvent } from './stored-event.ts';

export type RowEvent = DatabaseEvent & { readonly pageId: string };

/** A row that is to be read again. `event`: what it was read for before. */
export interface PlannedRead {
  readonly event: RowEvent;
  readonly dueAt: Date;
}

/** Rows that are to be read again soon, one plan for each, for when the worker that planned it is killed. All reject with a `StoreUnavailableError`. */
export interface PlannedReads {
  /** Replaces the plan for the row. */
  keep(read: PlannedRead): Promise<void>;
  /** Deletes the plan for the row, unless it is due later than this one. */
  end(read: PlannedRead): Promise<void>;
  /** Those that were due before that time, the oldest first. */
  dueBefore(time: Date, limit: number): Promise<PlannedRead[]>;
}

interface PlannedDocument {
  /** `workspaceId:pageId`. */
  readonly _id: string;
  readonly workspaceId: string;
  readonly dueAt: Date;
  readonly event: StoredEvent & { readonly pageId: string };
}

export function openPlannedReads(db: Db): PlannedReads {
  const planned = openCollection<PlannedDocument>(db, 'plannedReads');
  return {
    async keep({ event, dueAt }) {
      const { workspaceId, pageId } = event;
      const document = { workspaceId, dueAt, event: { ...storedEvent(event), pageId } };
      await orUnavailable('a second read could not be planned', () => planned.replaceOne({ _id: idOf(event) }, document, { upsert: true }));
    },
    async end({ event, dueAt }) {
      const filter = { _id: idOf(event), dueAt: { $lte: dueAt } };
      await orUnavailable('a planned read could not be removed', () => planned.deleteOne(filter));
    },
    dueBefore: (time, limit) =>
      orUnavailable('planned reads could not be read', async () => {
        const found = await planned
          .find({ dueAt: { $lt: time } })
          .sort({ dueAt: 1 })
          .limit(limit)
          .toArray();
        return found.map(({ event, dueAt }) => ({ event: { ...eventIn(event), pageId: event.pageId }, dueAt }));
      }),
  };
}

function idOf({ workspaceId, pageId }: RowEvent): string {
  return `${workspaceId}:${pageId}`;
}
