import type { DatabaseEvent, EventKind, EventOrigin } from '@notion-mirror/domain/database-event';
import { ObjectId, type Db } from 'mongodb';
import { openCollection } from './collections.ts';
import { orUnavailable } from './errors.ts';

/** What became of one event, and on what way. An event that was repeated has several. What a service did not know is null. */
export interface EventOutcome {
  readonly service: 'ingress' | 'sync-worker' | 'delete-worker';
  readonly eventId: string;
  /** Null where no tenant was found. */
  readonly workspaceId: string | null;
  readonly connectionId: string | null;
  readonly databaseId: string | null;
  readonly dataSourceId: string | null;
  readonly kind: EventKind | null;
  readonly type: string;
  readonly origin: EventOrigin;
  readonly occurredAt: Date | null;
  readonly receivedAt: Date;
  /** The word of the log line: `written`, `removed`, `skipped`, `ignored`, `parked`, `missing`, …, `dead_letter`. */
  readonly outcome: string;
  readonly reason: string | null;
  readonly at: Date;
  /** Where the event lies on the log. */
  readonly place: { readonly partition: number; readonly offset: number; readonly appendedAt: Date } | null;
  /** From being taken from the log until the work that settled it began, ms. */
  readonly waitedMs: number | null;
  /** How often the work was tried, the last time included. */
  readonly attempts: number | null;
  /** The event whose fetch answered for this one too. */
  readonly coalescedInto: string | null;
  /** `requestId`: Notion's own, of the first call. */
  readonly fetch: { readonly requestId: string | null; readonly calls: number; readonly ms: number } | null;
  /** The record afterwards. `ms`: null when it was left as it was. */
  readonly record: { readonly databaseId: string; readonly rev: number; readonly asOf: Date; readonly ms: number | null } | null;
  /** Notion was edited after the record was fetched last, and what found that was no webhook. */
  readonly isUnannounced: boolean;
  /** Where the change lies on the log of states, when that is kept and known. */
  readonly state: { readonly partition: number; readonly offset: number } | null;
  readonly failure: { readonly class: string; readonly code: string; readonly message: string } | null;
}

/** As MongoDB holds it. `subjects`: every id that somebody may ask for it by. */
export interface OutcomeDocument extends EventOutcome {
  readonly _id: ObjectId;
  readonly subjects: readonly string[];
  readonly expiresAt: Date;
}

export function outcomeDocument(outcome: EventOutcome, expiresAt: Date): OutcomeDocument {
  const { eventId, databaseId, dataSourceId, record } = outcome;
  const subjects = new Set([eventId, databaseId, dataSourceId, record?.databaseId ?? null].filter((id) => id !== null));
  return { _id: new ObjectId(), ...outcome, subjects: [...subjects], expiresAt };
}

/** Of an event that went no way here, or of which nothing is known yet. */
export const noWayKnown = {
  place: null,
  waitedMs: null,
  attempts: null,
  coalescedInto: null,
  fetch: null,
  record: null,
  isUnannounced: false,
  state: null,
  failure: null,
} as const;

/** What is the same in every outcome of an event. */
export function outcomeOf(
  service: EventOutcome['service'],
  event: DatabaseEvent,
  place: { readonly partition: number; readonly offset: bigint; readonly timestamp: number },
): Omit<EventOutcome, 'outcome' | 'reason' | 'at'> {
  const { notionWorkspaceId: _, providerConfigKey: __, ...known } = event;
  return {
    service,
    ...known,
    ...noWayKnown,
    place: { partition: place.partition, offset: Number(place.offset), appendedAt: new Date(place.timestamp) },
  };
}

/** Reads what is kept. Rejects with a `StoreUnavailableError`. */
export interface OutcomeHistory {
  /** Of an event, a database or a data source by its id, the latest first. Outcomes without a tenant fit every tenant. */
  of(subject: string, options: { readonly workspaceId: string | null; readonly limit: number }): Promise<EventOutcome[]>;
}

export function openOutcomeHistory(db: Db): OutcomeHistory {
  const outcomes = openCollection<OutcomeDocument>(db, 'eventOutcomes');
  return {
    of: (subject, { workspaceId, limit }) =>
      orUnavailable('outcomes could not be read', async () => {
        const tenant = workspaceId === null ? {} : { workspaceId: { $in: [workspaceId, null] } };
        const projection = { _id: 0, subjects: 0, expiresAt: 0 };
        return outcomes
          .find<EventOutcome>({ subjects: subject, ...tenant }, { projection })
          .sort({ at: -1 })
          .limit(limit)
          .toArray();
      }),
  };
}
