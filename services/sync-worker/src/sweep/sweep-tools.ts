import type { Connection } from '@notion-mirror/domain/connection';
import type { SweepReport } from '@notion-mirror/mirror-store/sweep-ledger';
import type { TraceOfNext } from '@notion-mirror/notion-source/trace-of-next';
import type { SweepReason, SweepTarget } from './sweep-events.ts';

/** The tools by which a kind of entity compares a tenant with Notion. */
export interface SweepTools {
  readonly workspaceId: string;
  /** `search`: compare only entities that Notion lists. `full`: check each mirrored entity too, since lists are incomplete and lag behind. */
  readonly depth: SweepReport['depth'];
  /** An operator requested the sweep. */
  readonly isRequested: boolean;
  readonly signal: AbortSignal;
  /** The context of the next call to Notion. */
  readonly traceOfNext: TraceOfNext;
  /** The connections that are active now. Throws SweepError when there is none. */
  connections(): readonly [Connection, ...Connection[]];
  /** Appends a sync event, once per target. `seenBy`: the connection to use for the event, if it is active. */
  sync(reason: SweepReason, target: SweepTarget, seenBy: string | null): Promise<void>;
  /** Whether `sync` was called for the target. */
  isSynced(target: SweepTarget): boolean;
  /** Reports a target that could not be compared. */
  leave(target: SweepTarget, because: string): void;
  /** Reports that the search of a connection was not read to its end. */
  searchFailed(connectionId: string, because: string): void;
}

/** The result of a comparison. */
export interface Comparison {
  /** Live entities in the mirror before the comparison. */
  readonly held: number;
  /** The number of results that Notion listed. */
  readonly found: number;
  /** Mirrored entities that Notion no longer shows, and the connection that last fetched each; null: unknown. */
  readonly gone: readonly { readonly target: SweepTarget; readonly seenBy: string | null }[];
}
