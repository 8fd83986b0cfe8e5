import type { Json, Time } from './common.ts';
import type { EventDetail } from './events.ts';

/**
 * `GET /api/explain/:id?tenant&last&notion` (SSE; `:id`: an id, or a percent-encoded Notion URL; `last`: how many events, default 5; `notion=0`: do not ask
 * Notion). Events by name: `explanation` (an `Explanation`; the last one has no `asking`), `failed` (an `ErrorAnswer`), `done` (`{}`).
 */
export interface Explanation {
  /** The id in Notion's form, or the text as given. */
  readonly subject: string;
  /** The kind and the id of the record that it is or belongs to; `id`: null when unknown. */
  readonly kind: 'database' | 'row';
  readonly id: string | null;
  /** Servers that have not answered yet. */
  readonly asking: readonly ('log' | 'deadLetters' | 'notion')[];
  /** Empty: no problem is known; final when `asking` is empty. */
  readonly causes: readonly Cause[];
  readonly tenants: readonly ExplainedTenant[];
  /** Latest first. */
  readonly events: readonly EventDetail[];
}

export interface Cause {
  /** As `mirror explain --json`: `no_connection`, `waiting_in_log`, `stale`, … */
  readonly code: string;
  readonly workspaceId: string | null;
  readonly text: string;
  readonly remedy: string | null;
}

export interface ExplainedTenant {
  readonly workspaceId: string;
  readonly connections: readonly { readonly connectionId: string; readonly status: string }[];
  readonly mirrored: { readonly live: boolean; readonly rev: number; readonly asOf: Time } | null;
  /** `equal`, `differs`, `trashed`, `inaccessible`, `moved_away`, `no_database`, …; null: not asked. */
  readonly notion: string | null;
  /** Null: it is no row. */
  readonly row: {
    readonly databaseId: string | null;
    readonly dataSourceId: string | null;
    readonly isArchived: boolean | null;
    readonly dataSource: { readonly state: string; readonly completeAsOf: Time | null; readonly reason: string | null } | null;
  } | null;
  /** Null: not of a database; empty with hidden content. As `mirror schema history --json` has them. */
  readonly schemaChanges: readonly Json[] | null;
}
