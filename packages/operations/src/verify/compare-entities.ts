import { mirrorVerdict, type MirrorVerdict, type NotionSight } from '@notion-mirror/domain/content-differences';
import type { EntityKind, EntityRef } from '@notion-mirror/domain/entity';
import type { EntityStorage } from '@notion-mirror/mirror-store/entity-storage';
import { fieldsOf, type MirroredDocument } from '@notion-mirror/mirror-store/records/mirrored-documents';
import { UnstorableError } from '@notion-mirror/mirror-store/records/storable';
import type { Clock } from '@notion-mirror/service-kit/async/clock';
import type { FetchOutcome } from '@notion-mirror/notion-source/notion-source';
import pMap from 'p-map';

/** An entity that is not in the mirror as Notion shows it. `damaged`: no worker can read its record, so no event fixes it. */
export interface Difference extends EntityRef {
  readonly kind: EntityKind;
  readonly verdict: Exclude<MirrorVerdict, { kind: 'equal' }> | { readonly kind: 'damaged'; readonly problem: string };
  /** Of the connection that saw it last, if any did. */
  readonly connectionId: string | null;
}

/** What could not be compared, and why. `id`: null when it is about the tenant. */
export interface Unanswered {
  readonly kind: EntityKind;
  readonly workspaceId: string;
  readonly id: string | null;
  readonly why: string;
}

export interface Comparison {
  readonly compared: number;
  readonly differences: readonly Difference[];
  /** Ids of those that changed each time they were read: it is not known whether they are equal. */
  readonly unsettled: readonly string[];
  readonly unanswered: readonly Unanswered[];
}

export interface ComparisonDependencies<Content> {
  readonly storage: EntityStorage<Content, object>;
  readonly read: (ref: EntityRef) => Promise<MirroredDocument | null>;
  /** Never rejects. `attempt`: from 1. */
  readonly fetch: (ref: EntityRef, attempt: number, signal: AbortSignal) => Promise<FetchOutcome<Content>>;
  readonly clock: Clock;
  /** How long a difference must stand while the mirror writes nothing, ms: a webhook may be on its way. */
  readonly graceMs: number;
  readonly signal: AbortSignal;
  readonly onCompared: () => void;
}

const entitiesAtOnce = 3;
const rounds = 5;
const fetchAttempts = 6;

/** One comparison of one entity. `version`: of the record when the look ended; null: there was none. */
type Look =
  | { readonly kind: 'equal' }
  | { readonly kind: 'unanswered'; readonly why: string }
  | {
      readonly kind: 'differs';
      readonly version: string | null;
      readonly at: number;
      readonly verdict: Difference['verdict'];
      readonly connectionId: string | null;
    };

/**
 * Compares entities of one kind and tenant, as the mirror has them, with Notion. Both may change meanwhile, so what differs is compared again: it is a
 * difference only if it still differs `graceMs` later and the mirror has written nothing of it in between. Rejects with the store's errors or
 * the reason of `signal`.
 */
export async function compareEntities<Content>(
  deps: ComparisonDependencies<Content>,
  workspaceId: string,
  ids: Iterable<string>,
): Promise<Comparison> {
  const { clock, signal, graceMs } = deps;
  const { kind } = deps.storage;
  const differences: Difference[] = [];
  const unanswered: Unanswered[] = [];
  let doubtful = new Map<string, Look & { kind: 'differs' }>();
  let compared = 0;

  const compare = async (id: string): Promise<void> => {
    const look = await lookAt(deps, { workspaceId, id });
    compared += 1;
    deps.onCompared();
    if (look.kind === 'differs') doubtful.set(id, look);
    if (look.kind === 'unanswered') unanswered.push({ kind, workspaceId, id, why: look.why });
  };
  await pMap(ids, compare, { concurrency: entitiesAtOnce });
  for (let round = 1; round <= rounds && doubtful.size > 0; round += 1) {
    const still = new Map<string, Look & { kind: 'differs' }>();
    const compareAgain = async ([id, before]: [string, Look & { kind: 'differs' }]): Promise<void> => {
      await clock.sleep(before.at + graceMs - clock.now(), signal);
      const look = await lookAt(deps, { workspaceId, id });
      if (look.kind === 'unanswered') unanswered.push({ kind, workspaceId, id, why: look.why });
      if (look.kind !== 'differs') return;
      if (look.version !== before.version) still.set(id, look);
      else differences.push({ kind, workspaceId, id, verdict: look.verdict, connectionId: look.connectionId });
    };
    await pMap(doubtful, compareAgain, { concurrency: entitiesAtOnce });
    doubtful = still;
  }
  const order = (a: Difference, b: Difference): number => (a.id < b.id ? -1 : 1);
  return { compared, differences: differences.toSorted(order), unsettled: [...doubtful.keys()].toSorted(), unanswered };
}

async function lookAt<Content>(deps: ComparisonDependencies<Content>, ref: EntityRef): Promise<Look> {
  deps.signal.throwIfAborted();
  const before = await deps.read(ref);
  const sight = await see(deps, ref);
  if (sight.kind === 'unanswered') return sight;
  const problem = before?.problem ?? null;
  const verdict = problem === null ? mirrorVerdict(before?.fields ?? null, sight) : { kind: 'damaged' as const, problem };
  if (verdict.kind === 'equal') return { kind: 'equal' };
  const after = await deps.read(ref);
  return {
    kind: 'differs',
    version: after?.version ?? null,
    at: deps.clock.now(),
    verdict,
    connectionId: before?.connectionId ?? null,
  };
}

/** What Notion shows; waits as long as the budget or Notion says. */
async function see<Content>(
  { storage, fetch, clock, signal }: ComparisonDependencies<Content>,
  ref: EntityRef,
): Promise<NotionSight | { readonly kind: 'unanswered'; readonly why: string }> {
  for (let attempt = 1; ;) {
    const outcome = await fetch(ref, attempt, signal);
    signal.throwIfAborted();
    switch (outcome.kind) {
      case 'live':
        return storedForm(storage, ref, outcome.content);
      case 'trashed':
      case 'inaccessible':
        return { kind: outcome.kind };
      case 'no_active_connection':
        return { kind: 'unanswered', why: 'Notion or Nango refuses every connection of the tenant' };
      case 'failed':
        return { kind: 'unanswered', why: outcome.failure.message };
      case 'retry':
        // Being throttled is no failure: it only takes longer.
        if (outcome.failure.class !== 'rate_limited') attempt += 1;
        if (attempt > fetchAttempts) return { kind: 'unanswered', why: outcome.failure.message };
        await clock.sleep(outcome.at - clock.now(), signal);
        signal.throwIfAborted();
    }
  }
}

function storedForm<Content>(
  storage: EntityStorage<Content, object>,
  ref: EntityRef,
  content: Content,
): NotionSight | { readonly kind: 'unanswered'; readonly why: string } {
  try {
    return { kind: 'live', fields: fieldsOf(storage, ref, content) };
  } catch (error) {
    if (!(error instanceof UnstorableError)) throw error;
    return { kind: 'unanswered', why: `the mirror cannot hold it: ${error.message}` };
  }
}
