import type { Connection } from '@notion-mirror/domain/connection';
import type { DeadLetterFacts } from '@notion-mirror/event-log/dead-letters';
import type { WorkerName } from '@notion-mirror/event-log/topics';
import type { EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import type { EntityKind } from '@notion-mirror/domain/entity';
import type { StoredRecord } from '@notion-mirror/mirror-store/records/record-document';
import type { TenantBacklog, WorkerStatus } from '@notion-mirror/mirror-store/worker-status';

/** What Notion says of the entity now, through a tenant's connections. */
export type NotionSays =
  | { readonly kind: 'equal' | 'differs' | 'trashed' | 'inaccessible' | 'no_active_connection' }
  /** The id names something that Notion cannot show as a database. `message`: Notion's words. */
  | { readonly kind: 'no_database'; readonly message: string }
  | { readonly kind: 'rate_limited'; readonly until: Date; readonly message: string }
  | { readonly kind: 'unanswered'; readonly message: string };

/** An event on the log that a worker has not done yet. */
export interface WaitingEvent {
  readonly service: WorkerName;
  readonly eventId: string;
  readonly origin: string;
  readonly receivedAt: Date | null;
  readonly partition: number;
  readonly offset: bigint;
  readonly appendedAt: Date;
  /** Records of the partition that its worker does before it, all tenants'. */
  readonly ahead: number;
}

export interface TenantFacts {
  readonly workspaceId: string;
  readonly connections: readonly Connection[];
  /** Of the entity; null when there is none, or no entity is known. */
  readonly record: StoredRecord | null;
  readonly waiting: readonly WaitingEvent[];
  readonly backlog: TenantBacklog | null;
  /** Null: it was not asked. */
  readonly notion: NotionSays | null;
}

export interface ExplainFacts {
  /** What was asked for: an id in Notion's canonical form, or the text as it was given. */
  readonly subject: string;
  /** What it is, or what it is in. `id`: null when nothing says which one. */
  readonly kind: EntityKind;
  readonly id: string | null;
  /** Those that anything is known of, or that were asked for. */
  readonly tenants: readonly TenantFacts[];
  /** How many tenants there are. */
  readonly allTenants: number;
  /** The latest first. */
  readonly outcomes: readonly EventOutcome[];
  readonly parked: readonly { readonly eventId: string; readonly workspaceId: string; readonly parkedAt: Date }[];
  readonly spooled: readonly { readonly eventId: string; readonly workspaceId: string | null; readonly spooledAt: Date }[];
  /** Those that wait for a person. */
  readonly deadLetters: readonly DeadLetterFacts[];
  readonly workers: readonly Pick<WorkerStatus, 'service' | 'at'>[];
}
