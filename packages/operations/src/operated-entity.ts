import type { Connection } from '@notion-mirror/domain/connection';
import type { EntityRef } from '@notion-mirror/domain/entity';
import type { StateContract } from '@notion-mirror/event-log/state-contract';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import type { EntityStorage } from '@notion-mirror/mirror-store/entity-storage';
import type { FetchOutcome, NotionSource } from '@notion-mirror/notion-source/notion-source';

/** A kind of entity as operators see it: where it is stored, where its states are logged, and how it is read from Notion. */
export interface OperatedEntity<Content, Outline extends object> {
  readonly storage: EntityStorage<Content, Outline>;
  readonly states: StateContract<Content>;
  openSource(notion: NotionSource): EntitySource<Content>;
  /** Finds the live entities that contain `part`, as a database contains data sources; `workspaceId`: null for all tenants, of which at most `limit` are found. */
  holdersOf(
    db: Mongo['db'],
    part: string,
    workspaceId: string | null,
    limit: number,
  ): Promise<readonly { readonly workspaceId: string; readonly id: string }[]>;
  /** Of a kind whose entities are in databases: the one that holds it, as in the field `databaseId` of its records. */
  databaseOf?(this: void, content: Content): string;
}

export interface EntitySource<Content> {
  /** The entity as Notion has it now. `attempt`: from 1. Never rejects. */
  fetch(ref: EntityRef, attempt: number, signal: AbortSignal): Promise<EntityOutcome<Content>>;
  /**
   * Lists the ids that Notion shows to a connection, page by page; possibly incomplete. Throws SearchError. Null: there are too many to read each
   * singly, so only a scan compares them.
   */
  readonly list: ((connection: Connection, signal: AbortSignal) => AsyncGenerator<readonly string[], void, undefined>) | null;
}

/** `moved_away`: Notion has an object of that id, but it is none of this kind (any more): a page that is no row. */
export type EntityOutcome<Content> = FetchOutcome<Content> | { readonly kind: 'moved_away' };

/** Any kind. */
export type AnyEntity = OperatedEntity<unknown, object>;
