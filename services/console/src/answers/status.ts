import type { Time } from './common.ts';
import type { EventLine } from './events.ts';
import type { Freshness, Held, TenantLine } from './tenants.ts';

/** The overview. `GET /api/status`: the fields of `mirror status --json`, and more. Sampled at most every 2 s for all viewers. */
export interface StatusAnswer extends StatusFields {
  readonly headline: Headline;
  readonly figures: Figures;
  /** Tenants with a connection that is not deleted. The sum is the number of those tenants. */
  readonly freshness: Readonly<Record<Freshness, number>>;
  /** The ten worst tenants that are not `second`, worst first. */
  readonly worst: readonly TenantLine[];
  /** The latest eight outcomes, latest first. */
  readonly latest: readonly EventLine[];
  /** Servers that did not answer: their facts are null or empty. */
  readonly unavailable: readonly { readonly server: 'kafka'; readonly message: string; readonly remedy: string | null }[];
}

/** As `mirror status --json`, but for `groups` and `deadLetters`, which are null while Kafka does not answer. */
export interface StatusFields {
  readonly at: Time;
  readonly tenants: StatusCounts;
  readonly connections: StatusCounts;
  readonly groups: readonly GroupLine[] | null;
  /** Tenants with the oldest waiting events, oldest first. */
  readonly pending: readonly Backlog[];
  readonly held: readonly Backlog[];
  readonly deadLetters: number | null;
  /** Events in MongoDB that wait for Kafka. */
  readonly spooled: number;
  /** Events of tenants without an active connection. */
  readonly parked: number;
  readonly silent: readonly { readonly workspaceId: string; readonly lastWebhookAt: Time | null; readonly lastUnannouncedAt: Time }[];
  readonly rows: RowsSummary;
  readonly notion: NotionUse;
}

/** How much of the budgets of calls to Notion is used by the connections that have made calls in the last 60 s, or may make none. */
export interface NotionUse {
  readonly connections: number;
  readonly calls: number;
  readonly limit: number;
  /** The ten that have used the largest part, those first. */
  readonly busiest: readonly ConnectionUse[];
  /** The limits that calls met in the last minute: refusals first, then the most frequent. */
  readonly limits: readonly CallLimit[];
}

/** Calls that Notion refused with 429 or 529, or fetches that were postponed before their first call, for one reason. `text`: the reason, for people. */
export type CallLimit =
  | { readonly kind: 'refused'; readonly reason: LimitReason; readonly count: number; readonly text: string }
  | { readonly kind: 'postponed'; readonly reason: PostponeReason; readonly count: number; readonly text: string };

/** As Notion names them; `service_overload` is a 529. */
export type LimitReason =
  | 'public_api_request_rate_limit'
  | 'public_api_space_request_rate_limit'
  | 'public_api_endpoint_rate_limit'
  | 'collection_router_upstream_429'
  | 'service_overload'
  | 'unknown'
  | 'other';

/** `window`: the budget of 60 s was used up. `pause`, `workspace_pause`: Notion has asked the connection, or its workspace, to wait. */
export type PostponeReason = 'window' | 'pause' | 'workspace_pause';

export interface ConnectionUse {
  readonly connectionId: string;
  readonly workspaceId: string | null;
  /** In the window of 60 s, and how many it may hold now. */
  readonly calls: number;
  readonly limit: number;
  /** When the first of these calls no longer counts; null: there is none. */
  readonly windowEndsAt: Time | null;
  /** Notion has asked to wait until then. */
  readonly heldUntil: Time | null;
}

export type StatusCounts = Readonly<Record<'active' | 'paused' | 'unauthorized' | 'deleted', number>>;

/** A group of workers. `lag`: unfinished records of the log; `oldestAt`, `lagSeconds`: since when the oldest waits. */
export interface GroupLine {
  readonly service: 'sync-worker' | 'delete-worker';
  readonly workers: number;
  readonly lag: number;
  readonly oldestAt: Time | null;
  readonly lagSeconds: number;
  readonly running: number;
  readonly waiting: number;
}

export interface Backlog {
  readonly workspaceId: string;
  readonly waiting: number;
  readonly oldestAt: Time;
  readonly held: Held | null;
}

export interface RowsSummary {
  readonly mirrored: number;
  readonly dataSources: Readonly<Record<'complete' | 'scanning' | 'incomplete' | 'off', number>>;
  readonly rows: { readonly live: number; readonly archived: number };
  readonly oldestCompleteAsOf: Time | null;
  readonly incomplete: readonly {
    readonly workspaceId: string;
    readonly databaseId: string;
    readonly dataSourceId: string;
    readonly reason: string | null;
  }[];
}

/** The one sentence, and what needs the operator, worst first; `needs` is empty exactly when `level` is `good`. */
export interface Headline {
  readonly level: Level;
  readonly text: string;
  readonly needs: readonly Need[];
}

export type Level = 'good' | 'warning' | 'bad';

export interface Need {
  readonly code: NeedCode;
  readonly level: Exclude<Level, 'good'>;
  readonly text: string;
  /** Since when; null: unknown. */
  readonly since: Time | null;
  /** The page that shows it, e.g. `/tenants?state=unauthorized`. */
  readonly to: string;
}

export type NeedCode =
  | 'no_worker'
  | 'kafka_unavailable'
  | 'lag'
  | 'dead_letters'
  | 'unauthorized'
  | 'sweep_stopped'
  | 'rows_incomplete'
  | 'silent'
  | 'held'
  | 'spooled';

/** Of about the last `seconds`, as the workers report them; 0: none has reported. */
export interface Figures {
  readonly seconds: number;
  readonly eventsPerSecond: number;
  /** Records written or removed. */
  readonly documentsPerSecond: number;
  /** From the receipt to the written document, ms; null: none was written. */
  readonly freshness: Quantiles | null;
  readonly notionCallsPerMinute: number;
  /** Of these, refused with 429 or 529. */
  readonly limitedPerMinute: number;
  /** Calls that were not needed, since one fetch answered for several events. */
  readonly callsSavedPerMinute: number;
}

export interface Quantiles {
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** `GET /api/history`: the last 60 minutes that have ended, oldest first; null: no worker has reported of it. */
export interface HistoryOfWork {
  readonly minutes: readonly (Minute | null)[];
  /** The limits that calls met in these minutes. */
  readonly limits: readonly CallLimit[];
}

/** What all workers did in one minute. */
export interface Minute {
  readonly at: Time;
  readonly events: number;
  readonly documents: number;
  readonly calls: number;
  readonly limited: number;
  readonly freshness: Quantiles | null;
}
