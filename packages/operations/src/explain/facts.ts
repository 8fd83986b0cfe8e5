import type { Connection } from '@notion-mirror/domain/connection';
import type { DeadLetterFacts } from '@notion-mirror/event-log/dead-letters';
import type { WorkerName } from '@notion-mirror/event-log/topics';
import type { EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import type { EntityKind, EventTarget } from '@notion-mirror/domain/entity';
import type { SchemaChangeDocument } from '@notion-mirror/mirror-store/schema-history';
import type { StoredRecord } from '@notion-mirror/mirror-store/records/record-document';
import type { RowFacts } from './row-facts.ts';
import type { TenantBacklog, WorkerStatus } from '@notion-mirror/mirror-store/worker-status';

/** Notion's current answer about the entity, through a tenant's connections, compared with the mirror. */
export type NotionSays =
  | { readonly kind: 'equal' | 'differs' | 'trashed' | 'inaccessible' | 'moved_away' | 'no_active_connection' }
  /** The id belongs to an object that Notion cannot show as a database. `message`: Notion's. */
  | { readonly kind: 'no_database'; readonly message: string }
  /** MongoDB cannot store what Notion shows. */
  | { readonly kind: 'unstorable'; readonly message: string }
  | { readonly kind: 'rate_limited'; readonly until: Date; readonly message: string }
  | { readonly kind: 'unanswered'; readonly message: string };

/** An event on the log that its worker has not finished. */
export interface WaitingEvent {
  readonly service: WorkerName;
  readonly eventId: string;
  readonly origin: string;
  readonly receivedAt: Date | null;
  readonly partition: number;
  readonly offset: bigint;
  readonly appendedAt: Date;
  /** What the event is about; null: it could not be read. */
  readonly target: Pick<EventTarget, 'databaseId' | 'pageId'> | null;
  /** Unfinished records before it in the partition, of all tenants. */
  readonly ahead: number;
}

export interface TenantFacts {
  readonly workspaceId: string;
  readonly connections: readonly Connection[];
  /** The entity's record; null when there is none, or when the entity is unknown. */
  readonly record: StoredRecord | null;
  readonly waiting: readonly WaitingEvent[];
  readonly backlog: TenantBacklog | null;
  /** Null: Notion was not asked. */
  readonly notion: NotionSays | null;
  /** Null: the subject is no row. */
  readonly row: RowFacts | null;
  /** Latest first; those that an event brought, if the subject is one. Null: the subject is no database, data source or event of one. */
  readonly schemaChanges: readonly SchemaChangeDocument[] | null;
}

export interface ExplainFacts {
  /** The id asked about, in Notion's canonical form, or the text as given. */
  readonly subject: string;
  /** The kind and id of the entity that the subject is or belongs to. `id`: null when unknown. */
  readonly kind: EntityKind;
  readonly id: string | null;
  /** Tenants with any trace of the subject, and the requested tenant. */
  readonly tenants: readonly TenantFacts[];
  /** The number of all tenants. */
  readonly allTenants: number;
  /** Latest first. */
  readonly outcomes: readonly EventOutcome[];
  readonly parked: readonly { readonly eventId: string; readonly workspaceId: string; readonly parkedAt: Date }[];
  readonly spooled: readonly { readonly eventId: string; readonly workspaceId: string | null; readonly spooledAt: Date }[];
  /** Unsettled dead letters. */
  readonly deadLetters: readonly DeadLetterFacts[];
  readonly workers: readonly Pick<WorkerStatus, 'service' | 'at'>[];
  /** MIRROR_ROWS of the one who asks. */
  readonly rows: 'on' | 'off';
}
