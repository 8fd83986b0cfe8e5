import type { DatabaseEvent, EventKind, EventOrigin } from '@notion-mirror/domain/database-event';
import type { EventTarget } from '@notion-mirror/domain/entity';
import { traceFieldsOf, type TraceFields } from '@notion-mirror/service-kit/tracing/trace-context';
import { ObjectId, type Db } from 'mongodb';
import { openCollection } from './collections.ts';
import { orUnavailable } from './errors.ts';
import { pageReads } from './page-reads.ts';

/** The trace of the scan or sweep that an event was left to (`deferred`), whether it is sampled or not. */
export interface ScanTraceFields {
  readonly scan_trace_id: string;
  readonly scan_trace_flags: string;
}

export function scanTraceFieldsOf(trace: string | undefined): Partial<ScanTraceFields> {
  const { trace_id: id, trace_flags: flags } = traceFieldsOf(trace);
  return id === undefined || flags === undefined ? {} : { scan_trace_id: id, scan_trace_flags: flags };
}

/**
 * The outcome of one event, or of several about one row, and how it was reached. A repeated event has several. Fields unknown to a service are null.
 * The fields of its trace are there whether it is sampled or not.
 */
export interface EventOutcome extends Partial<TraceFields & ScanTraceFields> {
  readonly service: 'ingress' | 'sync-worker' | 'delete-worker';
  readonly eventId: string;
  /** Null where no tenant was found. */
  readonly workspaceId: string | null;
  readonly connectionId: string | null;
  readonly databaseId: string | null;
  readonly dataSourceId: string | null;
  readonly pageId: string | null;
  readonly kind: EventKind | null;
  readonly type: string;
  readonly origin: EventOrigin;
  readonly occurredAt: Date | null;
  readonly receivedAt: Date;
  /** As in the log line: `written`, `removed`, `skipped`, `ignored`, `parked`, `missing`, …, `dead_letter`. */
  readonly outcome: string;
  readonly reason: string | null;
  readonly at: Date;
  /** The event's place on the log. */
  readonly place: { readonly partition: number; readonly offset: number; readonly appendedAt: Date } | null;
  /** From being read from the log until the work that settled it began, ms. */
  readonly waitedMs: number | null;
  /** Attempts of the work, including the last. */
  readonly attempts: number | null;
  /** The event whose fetch answered for this one too. */
  readonly coalescedInto: string | null;
  /** Events about the same row that this outcome is of as well, received before this one. */
  readonly others?: readonly string[];
  /** `requestId`: Notion's own, of the first call. */
  readonly fetch: { readonly requestId: string | null; readonly calls: number; readonly ms: number } | null;
  /** The record afterwards. `ms`: null when it was left unchanged. */
  readonly record: RecordAfter | null;
  /** Notion was edited after the last fetch of the record, and this was not found by a webhook. */
  readonly isUnannounced: boolean;
  /** The change's place on the state log, when there is one and it is known. */
  readonly state: { readonly partition: number; readonly offset: number } | null;
  readonly failure: { readonly class: string; readonly code: string; readonly message: string } | null;
}

/** One of the ids is the record's own; the others are null. */
export interface RecordAfter extends Pick<EventTarget, 'databaseId' | 'pageId'> {
  readonly rev: number;
  readonly asOf: Date;
  readonly ms: number | null;
}

/** The document in MongoDB. `subjects`: every id it can be queried by. */
export interface OutcomeDocument extends EventOutcome {
  readonly _id: ObjectId;
  readonly subjects: readonly string[];
  readonly expiresAt: Date;
  /** Absent: it is routine, or a version wrote it that did not know. */
  readonly needsLook?: true;
}

export const needsLookIndex = 'needs_look';

const routine: ReadonlySet<string> = new Set(['written', 'removed', 'skipped', 'deferred', 'already_removed', 'stale', 'rechecking']);

/**
 * Whether an operator should see how the event ended. Routine are outcomes by which the mirror is as it should be, or will be without anyone; most
 * ignored events are about what is not mirrored. Unknown outcomes need a look.
 */
function needsLook({ outcome, reason, pageId }: Pick<EventOutcome, 'outcome' | 'reason' | 'pageId'>): boolean {
  if (outcome === 'ignored') return reason === 'no_active_connection';
  // A row may be deleted before the mirror has seen it.
  if (outcome === 'missing') return pageId === null;
  return !routine.has(outcome);
}

export function outcomeDocument(outcome: EventOutcome, expiresAt: Date): OutcomeDocument {
  const { eventId, databaseId, dataSourceId, pageId, record, others = [] } = outcome;
  // A table has a thousand times as many events about its rows as about itself.
  const holders = pageId === null ? [databaseId, dataSourceId] : [];
  const ids = [eventId, ...others, ...holders, pageId, record?.databaseId ?? null, record?.pageId ?? null];
  const subjects = new Set(ids.filter((id) => id !== null));
  return { _id: new ObjectId(), ...outcome, subjects: [...subjects], expiresAt, ...(needsLook(outcome) ? { needsLook: true } : {}) };
}

/** The unknown fields of an event that was not processed here, or not yet. */
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

/** The fields common to every outcome of an event. */
export function outcomeOf(
  service: EventOutcome['service'],
  event: DatabaseEvent,
  place: { readonly partition: number; readonly offset: bigint; readonly timestamp: number },
): Omit<EventOutcome, 'outcome' | 'reason' | 'at'> {
  const { notionWorkspaceId: _, providerConfigKey: __, trace, ...known } = event;
  return {
    service,
    ...known,
    ...noWayKnown,
    ...traceFieldsOf(trace),
    place: { partition: place.partition, offset: Number(place.offset), appendedAt: new Date(place.timestamp) },
  };
}

/** Reads stored outcomes. Rejects with a `StoreUnavailableError`. */
export interface OutcomeHistory {
  /** Outcomes of an event, a database, a data source or a row by its id, latest first. Outcomes without a tenant match every tenant. */
  of(subject: string, options: { readonly workspaceId: string | null; readonly limit: number }): Promise<EventOutcome[]>;
}

export function openOutcomeHistory(db: Db): OutcomeHistory {
  const outcomes = openCollection<OutcomeDocument>(db, 'eventOutcomes');
  return {
    of: (subject, { workspaceId, limit }) =>
      orUnavailable('outcomes could not be read', async () => {
        const tenant = workspaceId === null ? {} : { workspaceId: { $in: [workspaceId, null] } };
        const projection = { _id: 0, subjects: 0, expiresAt: 0, needsLook: 0 };
        return outcomes
          .find<EventOutcome>({ subjects: subject, ...tenant }, { ...pageReads, projection })
          .sort({ at: -1 })
          .limit(limit)
          .toArray();
      }),
  };
}
