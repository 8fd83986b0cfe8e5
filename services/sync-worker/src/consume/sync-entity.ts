import { applySync, type SyncSteps } from '@notion-mirror/domain/apply-event';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { EntityKind, EntityRef } from '@notion-mirror/domain/entity';
import type { Failure } from '@notion-mirror/domain/failure';
import { nextRev, type RecordState, type RemovalReason } from '@notion-mirror/domain/write-rule';
import type { EntityStorage } from '@notion-mirror/mirror-store/entity-storage';
import type { EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import type { RecordStore, StoredRecord } from '@notion-mirror/mirror-store/records/record-store';
import type { FetchOutcome } from '@notion-mirror/notion-source/notion-source';
import type { Unanswered } from '@notion-mirror/notion-source/vote';

/** The fetch of one entity, and its record afterwards. */
export type Trail = Pick<EventOutcome, 'fetch' | 'record' | 'isUnannounced'>;

/** The result for one entity. `before`: its record before the write. */
export type SyncResult<Outline extends object> =
  | { readonly kind: 'written'; readonly outline: Outline; readonly before: StoredRecord<Outline> | null; readonly trail: Trail }
  | { readonly kind: 'removed'; readonly reason: Exclude<RemovalReason, 'deleted'>; readonly trail: Trail }
  /** The id belongs to an object that Notion cannot show as this kind (for a database: a linked view, a page), and the mirror had no live record. */
  | { readonly kind: 'other_kind'; readonly trail: Trail }
  /** A fetch that began after the event was received already covers it. */
  | { readonly kind: 'skipped'; readonly before: StoredRecord<Outline> | null; readonly trail: Trail }
  /** Notion answers 404 and the entity was never mirrored: the id was only a hint. */
  | { readonly kind: 'unknown' }
  | Unfinished;

/** Nothing was settled. */
export type Unfinished = { readonly kind: 'unwritable'; readonly message: string } | Unanswered | ReadAgain;

/** What Notion answered is not to be believed yet. `at`: when to ask again, epoch ms. */
export interface ReadAgain {
  readonly kind: 'retry';
  readonly at: number;
  readonly scope: 'request';
  readonly failure: Failure & { readonly class: 'stale' };
}

/** The result for the events of one task. `calls`: the calls to Notion of a fetch that answers them. */
export type SyncedWork =
  | {
      readonly kind: 'settled';
      readonly outcome: 'written' | 'removed' | 'skipped' | 'ignored';
      readonly reason?: string;
      readonly trail: Trail | null;
      readonly calls: number;
    }
  | Unfinished;

export interface SyncTarget extends EntityRef {
  /** The newest of the waiting events: one fetch answers all of them. */
  readonly event: DatabaseEvent;
  /** Bots that can read the entity, according to the webhook; may be empty. */
  readonly accessibleBy: readonly string[];
  /** The id is a guess (a data source event's parent): if nothing is found, leave no tombstone. */
  readonly hint: boolean;
  /** Attempts of this work, including this one; the backoff of a retry grows with it. */
  readonly attempt: number;
}

/**
 * `removed`: the entity exists, but the mirror must not hold it, as a page that has left its data source. `source`: `fetch` if the fetch says so,
 * `delete` if its surroundings in the mirror do: a later sign of it is then never considered to be covered by this fetch.
 */
export type Fetched<Content> =
  | FetchOutcome<Content>
  | { readonly kind: 'removed'; readonly reason: Exclude<RemovalReason, 'deleted'>; readonly source: RecordState['source'] }
  | Unfinished;

/** The parameters of a fetch. */
export interface FetchOrder<Outline extends object> extends EntityRef {
  readonly before: StoredRecord<Outline> | null;
  /** The connection that received the event. */
  readonly preferConnectionId: string;
  readonly accessibleBy: readonly string[];
  readonly attempt: number;
  /** The context of the event's handling. */
  readonly trace?: string | undefined;
  /** Called for each response of Notion, with its request id. */
  readonly onAnswer: (requestId: string | null) => void;
}

export interface SyncDependencies<Content, Outline extends object> {
  readonly records: Pick<RecordStore<Content, Outline>, 'read' | 'recall' | 'writeLive' | 'writeTombstone'>;
  readonly storage: Pick<EntityStorage<Content, Outline>, 'kind' | 'outlineOfContent'>;
  /** Never rejects. */
  readonly fetch: (order: FetchOrder<Outline>, signal: AbortSignal) => Promise<Fetched<Content>>;
  /** How the fetch saw the content, for kinds that are also queried. */
  readonly seenBy?: 'page';
  /** The edit times in the content, according to Notion. */
  readonly editsOf: (content: Content) => readonly (Date | null)[];
  readonly toleranceMs: number;
  readonly now: () => number;
}

/**
 * Brings one entity up to date under the write rule. Rejects with the store's errors or the signal's reason; Notion's failures are in the result.
 */
export async function syncEntity<Content, Outline extends object>(
  deps: SyncDependencies<Content, Outline>,
  target: SyncTarget,
  signal: AbortSignal,
): Promise<SyncResult<Outline>> {
  const { records, toleranceMs, now } = deps;
  const { workspaceId, id, event, accessibleBy, attempt } = target;
  const ref = { workspaceId, id, trace: event.trace };
  let fetch: NonNullable<Trail['fetch']> = { requestId: null, calls: 0, ms: 0 };
  const steps: SyncSteps<StoredRecord<Outline>, Fetched<Content>, SyncResult<Outline> | { kind: 'conflict' }> = {
    recall: () => records.recall(ref),
    read: () => {
      signal.throwIfAborted();
      return records.read(ref);
    },
    now,
    fetch: async (before) => {
      const began = performance.now();
      let calls = 0;
      let first: string | null = null;
      const onAnswer = (requestId: string | null): void => {
        calls += 1;
        first ??= requestId;
      };
      const fetched = await deps.fetch({ ...ref, before, preferConnectionId: event.connectionId, accessibleBy, attempt, onAnswer }, signal);
      fetch = { requestId: first, calls, ms: elapsed(began) };
      return fetched;
    },
    write: async (record, fetched, asOf) => {
      const began = performance.now();
      const written = await write(deps, target, record, fetched, new Date(asOf));
      if (written.kind !== 'written' && written.kind !== 'removed' && written.kind !== 'other_kind') return written;
      const left = recordAfter(nextRev(record), asOf, elapsed(began));
      const isUnannounced = fetched.kind === 'live' && isUnannouncedEdit(target, record, deps.editsOf(fetched.content), toleranceMs);
      return { ...written, trail: { fetch, record: left, isUnannounced } };
    },
  };
  const times = { occurredAt: event.occurredAt.getTime(), receivedAt: event.receivedAt.getTime() };
  const result = await applySync(steps, times, toleranceMs);
  if (!('record' in result)) return result;
  const { record } = result;
  const left = record === null ? null : recordAfter(record.rev, record.asOf, null);
  return { kind: 'skipped', before: record, trail: { fetch: null, record: left, isUnannounced: false } };

  function recordAfter(rev: number, asOf: number, ms: number | null): NonNullable<Trail['record']> {
    const { databaseId, pageId } = deps.storage.kind.targetOf(id);
    return { databaseId, pageId, rev, asOf: new Date(asOf), ms };
  }
}

/** An edit after the last fetch, found by a comparison with Notion: a webhook should have announced it. */
function isUnannouncedEdit(
  { event }: SyncTarget,
  record: StoredRecord | null,
  edits: readonly (Date | null)[],
  toleranceMs: number,
): boolean {
  if (record === null || !record.live || (event.origin !== 'reconcile' && event.origin !== 'operator')) return false;
  return edits.some((edit) => edit !== null && edit.getTime() > record.asOf + toleranceMs);
}

function elapsed(began: number): number {
  return Math.round(performance.now() - began);
}

type WithoutTrail<Result> = Result extends { readonly trail: Trail } ? Omit<Result, 'trail'> : Result;
type Written<Outline extends object> = WithoutTrail<Exclude<SyncResult<Outline>, { kind: 'skipped' }>> | { readonly kind: 'conflict' };

async function write<Content, Outline extends object>(
  { records, storage, seenBy }: SyncDependencies<Content, Outline>,
  { workspaceId, id, event, hint }: SyncTarget,
  record: StoredRecord<Outline> | null,
  fetched: Fetched<Content>,
  asOf: Date,
): Promise<Written<Outline>> {
  const key = { workspaceId, id, expected: record };
  switch (fetched.kind) {
    case 'live': {
      const { content, connectionId } = fetched;
      const lastEvent = { id: event.eventId, type: event.type, occurredAt: event.occurredAt };
      const written = await records.writeLive({
        ...key,
        content,
        connectionId,
        asOf,
        lastEvent,
        trace: event.trace,
        ...(seenBy === undefined ? {} : { seenBy }),
      });
      if (written.kind === 'rejected') return { kind: 'unwritable', message: written.message };
      if (written.kind === 'conflict') return written;
      return { kind: 'written', outline: storage.outlineOfContent(content), before: record };
    }
    case 'trashed':
    case 'removed':
    case 'inaccessible': {
      if (fetched.kind === 'inaccessible' && hint && record === null) return { kind: 'unknown' };
      const { reason, source } = fetched.kind === 'removed' ? fetched : ({ reason: fetched.kind, source: 'fetch' } as const);
      const written = await records.writeTombstone({ ...key, asOf, source, reason, eventId: event.eventId, trace: event.trace });
      if (written.kind === 'rejected') return { kind: 'unwritable', message: written.message };
      if (written.kind === 'conflict') return written;
      // The tombstone is written even so: a fetch in flight may still hold the previous content of the id.
      if (record?.live !== true && fetched.kind === 'inaccessible' && fetched.refusal !== undefined) return { kind: 'other_kind' };
      return { kind: 'removed', reason };
    }
    case 'no_active_connection':
    case 'retry':
    case 'failed':
    case 'unwritable':
      return fetched;
  }
}

/** The result for a task decided by one entity. `calls`: the calls to Notion of a fetch that answers the events. */
export function settledBy({ name }: EntityKind, result: SyncResult<object>, calls: number): SyncedWork {
  switch (result.kind) {
    case 'written':
    case 'skipped':
      return { kind: 'settled', outcome: result.kind, trail: result.trail, calls };
    case 'removed':
      return { kind: 'settled', outcome: 'removed', reason: result.reason, trail: result.trail, calls };
    case 'unknown':
      return { kind: 'settled', outcome: 'ignored', reason: `${name}_not_found`, trail: null, calls };
    case 'other_kind':
      return { kind: 'settled', outcome: 'ignored', reason: `not_a_${name}`, trail: result.trail, calls };
    case 'unwritable':
    case 'no_active_connection':
    case 'retry':
    case 'failed':
      return result;
  }
}

export function isUnfinished<Result extends { readonly kind: string }>(result: Result): result is Extract<Result, Unfinished> {
  return ['retry', 'failed', 'no_active_connection', 'unwritable'].includes(result.kind);
}
