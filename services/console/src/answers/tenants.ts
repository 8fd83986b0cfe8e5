import type { Paged, Time } from './common.ts';
import type { Contents } from './rows.ts';
import type { ConnectionUse } from './status.ts';
import type { Sweep } from './sweeps.ts';

/**
 * How old the tenant's oldest waiting event is: at most a second (also: nothing waits), ten seconds, a minute, or more. `held`: nothing of it can be
 * handled, since Notion or an error holds it or it has no active connection.
 */
export type Freshness = 'second' | 'ten_seconds' | 'minute' | 'more' | 'held';

/** `active`, or the best status of its connections. */
export type TenantState = 'active' | 'unauthorized' | 'paused' | 'deleted';

export interface Held {
  readonly until: Time;
  readonly class: string;
  readonly code: string;
  readonly message: string;
}

/** One line of the list. */
export interface TenantLine {
  readonly workspaceId: string;
  readonly state: TenantState;
  readonly freshness: Freshness;
  readonly connections: Readonly<Record<TenantState, number>>;
  /** Live databases at the start of the last comparison with Notion; null: there was none yet. */
  readonly databases: number | null;
  /** Waiting events, as far as the workers report them. */
  readonly waiting: number;
  readonly oldestAt: Time | null;
  readonly held: Held | null;
  readonly lastWebhookAt: Time | null;
  /** No webhook came for long while Notion shows edits. */
  readonly isSilent: boolean;
  /** The last complete comparison with Notion. */
  readonly comparedAt: Time | null;
}

/**
 * `GET /api/tenants?state&freshness&q&sort&cursor`. `state`: a `TenantState`; `freshness`: a `Freshness`; `q`: a part of the tenant's id; `sort`: `worst`
 * (default) or `name`. 100 on a page. Tenants whose connections are all deleted come only with `state=deleted`.
 */
export interface TenantsAnswer extends Paged {
  readonly tenants: readonly TenantLine[];
  /** Of the filter. */
  readonly total: number;
  /** Connections at Nango without a tenant: the operator has to decide. The first 20. */
  readonly leftToYou: readonly {
    readonly connectionId: string;
    readonly providerConfigKey: string;
    readonly notedAt: Time;
    readonly problem: string;
  }[];
}

/** `GET /api/tenants/:tenant`; 404 when it has no connection and no record. */
export interface TenantAnswer {
  readonly tenant: TenantLine;
  /** One sentence about it. */
  readonly text: string;
  readonly connections: readonly ConnectionLine[];
  /** Of those connections that are among the hundred busiest of a worker. */
  readonly notion: readonly ConnectionUse[];
  readonly sweep: Sweep | null;
  readonly parked: number;
  /** Data sources whose rows are not complete (the first 20), and all by state. */
  readonly rows: {
    readonly dataSources: Readonly<Record<Contents['state'], number>>;
    readonly incomplete: readonly Contents[];
  };
}

/** As `mirror connections list --json`. */
export interface ConnectionLine {
  readonly connectionId: string;
  readonly providerConfigKey: string;
  readonly workspaceId: string;
  readonly notionWorkspaceId: string;
  readonly botId: string | null;
  readonly status: TenantState;
  readonly statusReason: string | null;
  readonly tokenHeldBy: 'mirror' | 'nango' | null;
  readonly createdAt: Time;
  readonly updatedAt: Time;
}
