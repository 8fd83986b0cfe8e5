import type { Connection } from '@notion-mirror/domain/connection';
import { syncEventFor } from '@notion-mirror/domain/sync-event';
import type { EventTimes } from '@notion-mirror/domain/write-rule';
import type { RowOutcome } from '@notion-mirror/notion-source/notion-source';
import type { Dependents } from '@notion-mirror/worker/dependents';
import type { SyncedWork } from '../consume/sync-entity.ts';
import type { RowSync } from './second-reads.ts';
import type { RowSyncDependencies } from './sync-row.ts';

/** A row that a scan reads by itself. */
export interface RowToRead {
  readonly pageId: string;
  readonly dataSourceId: string;
  /** The connection that is asked first. */
  readonly connection: Connection;
  /** What the read answers (`docs/rows.md`). */
  readonly event: EventTimes;
  /** Names the scan in a tombstone. */
  readonly scanId: string;
  /** Attempts at this row, including this one. */
  readonly attempt: number;
  readonly ifUnreadable: IfUnreadable;
  /** The row differs from what the mirror has. Awaited before it is written. */
  readonly onChange: () => Promise<void>;
}

/** What to do with a row that no connection can read. */
export type IfUnreadable = 'keep' | 'remove';

/** `skipped`: a later read covers it. `kept`: no connection can read the row, and it was left as it is. */
export type RowReadEnd = Exclude<SyncedWork, { readonly kind: 'settled' }> | { readonly kind: 'settled' | 'skipped' | 'kept' };

/**
 * Brings a row up to date within the part of the budget that is not reserved for events, under the write rule. Rejects with the errors of the store
 * and the log, or the signal's reason; Notion's failures are in the result.
 */
export type ReadRowSingly = (row: RowToRead, signal: AbortSignal) => Promise<RowReadEnd>;

type SyncParts = Pick<RowSyncDependencies, 'records' | 'notion' | 'dependents'>;

/** `openSync`: the sync of rows as events use it, with these parts. */
export function createReadRowSingly(deps: {
  readonly openSync: (parts: SyncParts) => RowSync;
  readonly records: SyncParts['records'];
  readonly notion: SyncParts['notion'];
  readonly dependents: Pick<Dependents, 'existFor'>;
}): ReadRowSingly {
  const { openSync, notion, dependents } = deps;
  // No event caused the read.
  const records: SyncParts['records'] = { ...deps.records, writeLive: (write) => deps.records.writeLive({ ...write, lastEvent: null }) };

  return async ({ pageId, dataSourceId, connection, event: times, scanId, attempt, ifUnreadable, onChange }, signal) => {
    const about = { eventId: scanId, type: 'mirror.scan', databaseId: null, dataSourceId, pageId, origin: 'reconcile' } as const;
    const [occurredAt, receivedAt] = [new Date(times.occurredAt), new Date(times.receivedAt)];
    const event = { ...syncEventFor(connection, about, receivedAt), occurredAt };
    const sync = openSync({
      records,
      notion: {
        async fetchRow(asking, until) {
          const outcome = await notion.fetchRow({ ...asking, isSpare: true }, until);
          return ifUnreadable === 'keep' ? unlessUnreadable(outcome) : outcome;
        },
      },
      // The rows that depend on this one are left to scans.
      dependents: { existFor: (...source) => dependents.existFor(...source), follow: onChange },
    });
    const result = await sync({ lane: connection.workspaceId, task: `page:${pageId}`, items: [], attempt, signal }, event, pageId);
    if (result.kind === 'settled') return { kind: result.outcome === 'skipped' ? 'skipped' : 'settled' };
    return result.kind === 'failed' && result.failure.code === unreadable ? { kind: 'kept' } : result;
  };
}

const unreadable = 'no_connection_can_read_it';

/** A failure, so that nothing is written. */
function unlessUnreadable(outcome: RowOutcome): RowOutcome {
  if (outcome.kind !== 'inaccessible') return outcome;
  return { kind: 'failed', failure: { class: 'gone', code: unreadable, message: 'no connection of the tenant can read the row' } };
}
