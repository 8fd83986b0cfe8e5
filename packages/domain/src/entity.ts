import type { DatabaseEvent } from './database-event.ts';

/** One thing in Notion that the mirror keeps a record of. Of which kind, the code at hand knows: each kind has collections and a state log of its own. */
export interface EntityRef {
  /** Our tenant. */
  readonly workspaceId: string;
  /** Notion's id, dashed and in lower case. */
  readonly id: string;
}

/** The key of an entity: `_id` of its record, and the key of its states on the log. */
export function keyOf({ workspaceId, id }: EntityRef): string {
  return `${workspaceId}:${id}`;
}

/** The entity of a key; null when the text is none. No id of Notion holds a `:`, while a tenant from before `mirror` refused them may. */
export function refOf(key: string): EntityRef | null {
  const colon = key.lastIndexOf(':');
  return colon < 1 ? null : { workspaceId: key.slice(0, colon), id: key.slice(colon + 1) };
}

/** What an event is about. */
export type EventTarget = Pick<DatabaseEvent, 'databaseId' | 'dataSourceId' | 'pageId'>;

/** A kind of entity, such as a database. */
export interface EntityKind {
  /** One word, for texts: `database`. */
  readonly name: string;
  /** The field that holds its id in documents, in states and in JSON output: `databaseId`. */
  readonly idField: string;
  /** Whether the event is about this kind. Of the kinds that a worker handles, the first that says so gets the event. */
  isAbout(event: DatabaseEvent): boolean;
  /** The id that the event names; null when it names none, as an event of a data source can. */
  idOf(event: Pick<DatabaseEvent, 'databaseId' | 'pageId'>): string | null;
  /** How an event names the entity. */
  targetOf(id: string): EventTarget;
}
