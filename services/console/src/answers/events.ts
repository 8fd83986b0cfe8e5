import type { Paged, Time } from './common.ts';

/** The outcome of one event, as a line of a list. A repeated event has several. */
export interface EventLine {
  /** Of the outcome: names it in `GET /api/events/:id`. */
  readonly id: string;
  readonly eventId: string;
  readonly at: Time;
  readonly receivedAt: Time;
  /** From the receipt to the outcome. */
  readonly totalMs: number;
  /** Null: no tenant was found. */
  readonly workspaceId: string | null;
  readonly databaseId: string | null;
  readonly dataSourceId: string | null;
  /** The event is about this row. */
  readonly pageId: string | null;
  /** Of the row, or of the database; null: not mirrored now, or hidden. */
  readonly title: string | null;
  readonly kind: 'sync' | 'delete' | 'row_sync' | 'row_delete' | null;
  /** Notion's, e.g. `data_source.schema_updated`. */
  readonly type: string;
  readonly origin: EventOrigin;
  readonly service: 'ingress' | 'sync-worker' | 'delete-worker';
  /** `written`, `removed`, `unchanged`, `skipped`, `ignored`, `parked`, `deferred`, `missing`, `dead_letter`, … */
  readonly outcome: string;
  readonly reason: string | null;
  readonly failure: { readonly class: string; readonly code: string; readonly message: string } | null;
  readonly place: { readonly partition: number; readonly offset: number } | null;
  /** The id of the event whose fetch answered for this one too. */
  readonly coalescedInto: string | null;
  /** It ended in a way that is not routine, e.g. parked or as a dead letter. False if a version before this field handled it. */
  readonly needsLook: boolean;
  /** Found by a comparison, and not announced by a webhook. */
  readonly isUnannounced: boolean;
  /** `url`: where to look at it; null: it is not sampled, or MIRROR_TRACE_URL is not set. Null: an earlier version handled the event. */
  readonly trace: TraceFacts | null;
}

export type EventOrigin = 'nango' | 'notion' | 'recheck' | 'reconcile' | 'operator' | 'dependency';

/**
 * `GET /api/events?tenant&about&type&outcome&origin&service&from&to&minMs&needsLook&cursor`, latest first, 100 on a page. `about`: the id or URL of a database, data
 * source, row or event; `outcome`, `type`, `origin`, `service`: several separated by commas; `from`, `to`: times; `needsLook`: `1` for those that need a look.
 */
export interface EventsAnswer extends Paged {
  readonly events: readonly EventLine[];
  /**
   * How far back this page has looked, also past the last line. With `next` and few or no events it has stopped early: going on with `cursor` continues the
   * search there. Null: to the end of what is kept.
   */
  readonly searchedTo: Time | null;
  /** How long outcomes are kept, days; 0: they are not kept. */
  readonly keptDays: number;
}

/** `GET /api/events/:id`, by the id of the outcome or of the event (then its latest outcome). */
export interface EventAnswer {
  readonly event: EventDetail;
  readonly timeline: Timeline;
  /** The event's other outcomes, latest first. */
  readonly repeats: readonly EventLine[];
  /** Of the event in `coalescedInto`, when it is still kept. */
  readonly leader: EventLine | null;
  /** Events that this one's fetch answered for, as far as it is known: others about the same row. */
  readonly others: readonly string[];
  /** The way in words, as `mirror explain` prints it. */
  readonly words: readonly string[];
}

export interface EventDetail extends EventLine {
  readonly connectionId: string | null;
  readonly occurredAt: Time | null;
  readonly appendedAt: Time | null;
  readonly waitedMs: number | null;
  readonly attempts: number | null;
  readonly fetch: { readonly requestId: string | null; readonly calls: number; readonly ms: number } | null;
  /** The record afterwards. `ms`: null when it was left unchanged. */
  readonly record: {
    readonly databaseId: string | null;
    readonly pageId: string | null;
    readonly rev: number;
    readonly asOf: Time;
    readonly ms: number | null;
  } | null;
  /** On the state log. */
  readonly state: { readonly partition: number; readonly offset: number } | null;
  /** Of the scan or sweep that it was left to; null: it was not. */
  readonly scanTrace: TraceFacts | null;
}

/** `url`: where to look at it; null: no such place is configured, or the trace is not there. */
export interface TraceFacts {
  readonly traceId: string;
  readonly isSampled: boolean;
  readonly url: string | null;
}

/** Where the time went. The parts follow each other without a gap, and their `ms` add up to `totalMs`. */
export interface Timeline {
  /** When it begins: Notion's time of the change, or the receipt when that is unknown. */
  readonly from: Time;
  readonly totalMs: number;
  /** Without Notion's part. */
  readonly ownMs: number;
  readonly parts: readonly TimelinePart[];
  /** Clocks disagree: what was measured did not fit into the total, and was cut. */
  readonly isCut: boolean;
}

/**
 * - `notion`: from the change until its webhook was received.
 * - `append`: until it was on the log (Kafka's acknowledgement is not included).
 * - `log`: what is left: on the log until a worker read it, and between the other parts.
 * - `lane`: read, and waiting for its turn (also for the rate budget and repeated attempts).
 * - `fetch`: asking Notion; of the event that answered for this one if it is coalesced.
 * - `write`: writing the document.
 */
export interface TimelinePart {
  readonly kind: 'notion' | 'append' | 'log' | 'lane' | 'fetch' | 'write';
  /** From the beginning of the timeline. */
  readonly startMs: number;
  readonly ms: number;
  /** A few words, e.g. `2 calls to Notion`. */
  readonly text: string;
}
