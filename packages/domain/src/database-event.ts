/**
 * How a worker handles an event. `sync`: fetch the current state of the database and write it. `delete`: remove the database. `row_sync`,
 * `row_delete`: the same for a row, or, if the event names no page, for all rows of a data source.
 */
export type EventKind = 'sync' | 'delete' | 'row_sync' | 'row_delete';

/** What a worker does; the sync-worker handles the events to `sync`, the delete-worker those to `delete`. */
export type EventAction = 'sync' | 'delete';

export function actionOf(kind: EventKind): EventAction {
  return kind === 'sync' || kind === 'row_sync' ? 'sync' : 'delete';
}

export function isRowKind(kind: EventKind): kind is 'row_sync' | 'row_delete' {
  return kind === 'row_sync' || kind === 'row_delete';
}

/**
 * The origin of an event: a webhook (`nango`, `notion`), a worker that could not decide (`recheck`), a sweep (`reconcile`), an operator, or a change
 * of another row (`dependency`).
 */
export type EventOrigin = 'nango' | 'notion' | 'recheck' | 'reconcile' | 'operator' | 'dependency';

/** One record of the log `notion.database-events`: "this tenant's database, or a row in it, may have changed; check it". */
export interface DatabaseEvent {
  /** Notion's own event id; for a recheck derived from the delete's id. Unique together with the connection. */
  readonly eventId: string;
  readonly kind: EventKind;
  /** Notion's own event type, e.g. `data_source.schema_updated`. */
  readonly type: string;
  /** Our tenant. Key of the record on the log. */
  readonly workspaceId: string;
  readonly connectionId: string;
  readonly providerConfigKey: string;
  readonly notionWorkspaceId: string;
  /** Dashed lower-case UUID; null while only the data source is known. For data source events it is a hint (see `sync-worker`). */
  readonly databaseId: string | null;
  readonly dataSourceId: string | null;
  /** Of an event about a row. Its `databaseId` and `dataSourceId` are the page's parent as the webhook names it; null: another parent. */
  readonly pageId: string | null;
  /** Notion's time of the change. */
  readonly occurredAt: Date;
  /** Our time of receipt. */
  readonly receivedAt: Date;
  readonly origin: EventOrigin;
  /**
   * The trace of what led to the event, a W3C `traceparent`; events that follow from this one belong to it, too. A header of the record, not a part of
   * its value.
   */
  readonly trace?: string | undefined;
}

const kinds: Readonly<Record<string, EventKind>> = {
  'database.created': 'sync',
  'database.content_updated': 'sync',
  'database.properties_updated': 'sync',
  'database.schema_updated': 'sync',
  'database.moved': 'sync',
  'database.undeleted': 'sync',
  'database.deleted': 'delete',
  'data_source.created': 'sync',
  'data_source.content_updated': 'sync',
  'data_source.schema_updated': 'sync',
  'data_source.moved': 'sync',
  'data_source.deleted': 'sync',
  'data_source.undeleted': 'sync',
  'page.created': 'row_sync',
  'page.properties_updated': 'row_sync',
  'page.content_updated': 'row_sync',
  'page.moved': 'row_sync',
  'page.undeleted': 'row_sync',
  'page.locked': 'row_sync',
  'page.unlocked': 'row_sync',
  'page.deleted': 'row_delete',
};

/** The kind of a Notion webhook type, or null for a type that concerns neither databases nor pages (`view.*`, `comment.*`, unknown ones). */
export function kindOfEventType(type: string): EventKind | null {
  return Object.hasOwn(kinds, type) ? (kinds[type] ?? null) : null;
}
