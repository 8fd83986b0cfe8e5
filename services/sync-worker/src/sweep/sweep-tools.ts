import type { Connection } from '@notion-mirror/domain/connection';
import type { SweepReport } from '@notion-mirror/mirror-store/sweep-ledger';
import type { SweepReason, SweepTarget } from './sweep-events.ts';

/** What a kind of entity compares a tenant with. */
export interface SweepTools {
  readonly workspaceId: string;
  /** `search`: only what Notion lists. `full`: each entity of the mirror is checked too, since lists are incomplete and late. */
  readonly depth: SweepReport['depth'];
  readonly signal: AbortSignal;
  /** Those that are active now. Throws SweepError when there is none. */
  connections(): readonly [Connection, ...Connection[]];
  /** Appends a sync event, once for each target. `seenBy`: the connection whose event it is, if that is active. */
  sync(reason: SweepReason, target: SweepTarget, seenBy: string | null): Promise<void>;
  /** Whether an event was appended for it. */
  isSynced(target: SweepTarget): boolean;
  /** Reports what could not be compared. */
  leave(target: SweepTarget, because: string): void;
  /** Reports that the search of a connection was not read to its end. */
  searchFailed(connectionId: string, because: string): void;
}

/** What came of a comparison. */
export interface Comparison {
  /** Live entities in the mirror before the comparison. */
  readonly held: number;
  /** What Notion listed. */
  readonly found: number;
  /** Those of the mirror that Notion does not show any more, and the connection that saw them last. */
  readonly gone: readonly { readonly target: SweepTarget; readonly seenBy: string | null }[];
}
