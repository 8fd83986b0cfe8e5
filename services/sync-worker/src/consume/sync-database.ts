import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { applySync, type SyncSteps } from '@notion-mirror/domain/apply-event';
import { nextRev, type RemovalReason } from '@notion-mirror/domain/write-rule';
import type { EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import type { RecordStore, StoredRecord } from '@notion-mirror/mirror-store/database-records';
import type { FetchOutcome, NotionSource } from '@notion-mirror/notion-source/notion-source';

/** The way of one database: what was fetched, and how its record is now. */
export type Trail = Pick<EventOutcome, 'fetch' | 'record' | 'isUnannounced'>;

/** What became of one database. `dataSourceIds`: the sources it is known to hold now. */
export type SyncResult =
  /** `gained`: sources that the record did not list before. */
  | { readonly kind: 'written'; readonly dataSourceIds: readonly string[]; readonly gained: readonly string[]; readonly trail: Trail }
  | { readonly kind: 'removed'; readonly reason: Exclude<RemovalReason, 'deleted'>; readonly trail: Trail }
  /** The id names something that Notion cannot show as a database, such as a linked view or a page, and the mirror held nothing of it. */
  | { readonly kind: 'no_database'; readonly trail: Trail }
  /** A fetch that began after the event was received has seen it. */
  | { readonly kind: 'skipped'; readonly dataSourceIds: readonly string[]; readonly trail: Trail }
  /** It answers 404 and was never mirrored: the id was only a hint. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unwritable'; readonly message: string }
  | Exclude<FetchOutcome, { kind: 'live' | 'trashed' | 'inaccessible' }>;

export interface SyncTarget {
  readonly workspaceId: string;
  readonly databaseId: string;
  /** The newest of the waiting events: one fetch answers for all of them. */
  readonly event: DatabaseEvent;
  /** Bots that can read the entity, as the webhook said; may be empty. */
  readonly accessibleBy: readonly string[];
  /** The id is a guess (a data source event's parent): when nothing is there, leave no tombstone. */
  readonly hint: boolean;
  /** How often this work has been tried, this time included: a retry's backoff grows with it. */
  readonly attempt: number;
}

export interface SyncDependencies {
  readonly records: Pick<RecordStore, 'read' | 'recall' | 'writeLive' | 'writeTombstone'>;
  readonly notion: Pick<NotionSource, 'fetchDatabase'>;
  readonly toleranceMs: number;
  readonly now: () => number;
}

/**
 * Brings one database up to date under the write rule. Rejects with the store's errors or the signal's reason; what Notion says is in the result.
 */
export async function syncDatabase(deps: SyncDependencies, target: SyncTarget, signal: AbortSignal): Promise<SyncResult> {
  const { records, notion, toleranceMs, now } = deps;
  const { workspaceId, databaseId, event, accessibleBy, attempt } = target;
  let fetch: NonNullable<Trail['fetch']> = { requestId: null, calls: 0, ms: 0 };
  const steps: SyncSteps<StoredRecord, FetchOutcome, SyncResult | { kind: 'conflict' }> = {
    recall: () => records.recall(workspaceId, databaseId),
    read: () => {
      signal.throwIfAborted();
      return records.read(workspaceId, databaseId);
    },
    now,
    fetch: async (record) => {
      const began = performance.now();
      let calls = 0;
      let first: string | null = null;
      const onAnswer = (requestId: string | null): void => {
        calls += 1;
        first ??= requestId;
      };
      const expected = record?.dataSourceIds;
      const asking = { workspaceId, databaseId, expected, preferConnectionId: event.connectionId, accessibleBy, attempt, onAnswer };
      const fetched = await notion.fetchDatabase(asking, signal);
      fetch = { requestId: first, calls, ms: elapsed(began) };
      return fetched;
    },
    write: async (record, fetched, asOf) => {
      const began = performance.now();
      const written = await write(records, target, record, fetched, new Date(asOf));
      if (written.kind !== 'written' && written.kind !== 'removed' && written.kind !== 'no_database') return written;
      const left = { databaseId, rev: nextRev(record), asOf: new Date(asOf), ms: elapsed(began) };
      const isUnannounced = fetched.kind === 'live' && isUnannouncedEdit(target, record, fetched.content, toleranceMs);
      return { ...written, trail: { fetch, record: left, isUnannounced } };
    },
  };
  const times = { occurredAt: event.occurredAt.getTime(), receivedAt: event.receivedAt.getTime() };
  const result = await applySync(steps, times, toleranceMs);
  if (!('record' in result)) return result;
  const { record } = result;
  const left = record === null ? null : { databaseId, rev: record.rev, asOf: new Date(record.asOf), ms: null };
  return { kind: 'skipped', dataSourceIds: record?.dataSourceIds ?? [], trail: { fetch: null, record: left, isUnannounced: false } };
}

/** An edit that the last fetch cannot have seen, found by a comparison with Notion: a webhook should have told of it. */
function isUnannouncedEdit({ event }: SyncTarget, record: StoredRecord | null, content: DatabaseContent, toleranceMs: number): boolean {
  if (record === null || !record.live || (event.origin !== 'reconcile' && event.origin !== 'operator')) return false;
  const edits = [content.lastEditedTime, ...content.dataSources.map((source) => ('accessible' in source ? null : source.lastEditedTime))];
  return edits.some((edit) => edit !== null && edit.getTime() > record.asOf + toleranceMs);
}

function elapsed(began: number): number {
  return Math.round(performance.now() - began);
}

type Written =
  | Omit<Extract<SyncResult, { kind: 'written' }>, 'trail'>
  | Omit<Extract<SyncResult, { kind: 'removed' }>, 'trail'>
  | Omit<Extract<SyncResult, { kind: 'no_database' }>, 'trail'>
  | Exclude<SyncResult, { kind: 'written' | 'removed' | 'no_database' | 'skipped' }>;

async function write(
  records: SyncDependencies['records'],
  { workspaceId, databaseId, event, hint }: SyncTarget,
  record: StoredRecord | null,
  fetched: FetchOutcome,
  asOf: Date,
): Promise<Written | { kind: 'conflict' }> {
  const key = { workspaceId, databaseId, expected: record };
  switch (fetched.kind) {
    case 'live': {
      const { content, connectionId } = fetched;
      const lastEvent = { id: event.eventId, type: event.type, occurredAt: event.occurredAt };
      const written = await records.writeLive({ ...key, content, connectionId, asOf, lastEvent });
      if (written.kind === 'rejected') return { kind: 'unwritable', message: written.message };
      if (written.kind === 'conflict') return written;
      const dataSourceIds = content.dataSources.map((source) => source.id);
      return { kind: 'written', dataSourceIds, gained: dataSourceIds.filter((id) => record?.dataSourceIds.includes(id) !== true) };
    }
    case 'trashed':
    case 'inaccessible': {
      if (fetched.kind === 'inaccessible' && hint && record === null) return { kind: 'unknown' };
      const written = await records.writeTombstone({ ...key, asOf, source: 'fetch', reason: fetched.kind, eventId: event.eventId });
      if (written.kind === 'rejected') return { kind: 'unwritable', message: written.message };
      if (written.kind === 'conflict') return written;
      // The tombstone is written all the same: a fetch in flight may have seen what the id was before.
      if (record?.live !== true && fetched.kind === 'inaccessible' && fetched.refusal !== undefined) return { kind: 'no_database' };
      return { kind: 'removed', reason: fetched.kind };
    }
    case 'no_active_connection':
    case 'retry':
    case 'failed':
      return fetched;
  }
}
