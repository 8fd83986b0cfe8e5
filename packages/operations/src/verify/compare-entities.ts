import { mirrorVerdict, type MirrorVerdict, type NotionSight } from '@notion-mirror/domain/content-differences';
import type { EntityKind, EntityRef } from '@notion-mirror/domain/entity';
import type { EntityStorage } from '@notion-mirror/mirror-store/entity-storage';
import type { MirroredDocument } from '@notion-mirror/mirror-store/records/mirrored-documents';
import type { Clock } from '@notion-mirror/service-kit/async/clock';
import pMap from 'p-map';
import type { EntityOutcome } from '../operated-entity.ts';
import { storedForm, type StoredForm } from '../stored-form.ts';

/** An entity whose mirrored content is not what Notion shows. `damaged`: no worker can read its record, so no event fixes it. */
export interface Difference extends EntityRef {
  readonly kind: EntityKind;
  readonly verdict: Exclude<MirrorVerdict, { kind: 'equal' }> | { readonly kind: 'damaged'; readonly problem: string };
  /** The last connection that fetched it; null: none. */
  readonly connectionId: string | null;
}

/** An entity that could not be compared, and the reason. `id`: null when it concerns the whole tenant. */
export interface Unanswered {
  readonly kind: EntityKind;
  readonly workspaceId: string;
  readonly id: string | null;
  /** Set when it concerns all rows of a data source. */
  readonly dataSourceId?: string;
  readonly why: string;
}

export interface Comparison {
  readonly compared: number;
  readonly differences: readonly Difference[];
  /** Ids of entities that changed at every read: it is unknown whether they are equal. */
  readonly unsettled: readonly string[];
  readonly unanswered: readonly Unanswered[];
}

export interface ComparisonDependencies<Content> {
  readonly storage: EntityStorage<Content, object>;
  readonly read: (ref: EntityRef) => Promise<MirroredDocument | null>;
  /** Never rejects. `attempt`: from 1. */
  readonly fetch: (ref: EntityRef, attempt: number, signal: AbortSignal) => Promise<EntityOutcome<Content>>;
  readonly clock: Clock;
  /** How long a difference must last without a write to the mirror, ms: a webhook may be in flight. */
  readonly graceMs: number;
  readonly signal: AbortSignal;
  readonly onCompared: () => void;
}

const entitiesAtOnce = 3;
const rounds = 5;
const fetchAttempts = 6;

/** One comparison of one entity. `version`: the record's, at the end of the comparison; null: there was no record. */
type Observation =
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
 * Compares one tenant's mirrored entities of one kind with Notion. Both may change meanwhile, so an entity that differs is compared again: it counts as a
 * difference only if it still differs after `graceMs` without a write to the mirror. Rejects with the store's errors or the reason of `signal`.
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
  let suspects = new Map<string, Observation & { kind: 'differs' }>();
  let compared = 0;

  const compare = async (id: string): Promise<void> => {
    const observed = await observe(deps, { workspaceId, id });
    compared += 1;
    deps.onCompared();
    if (observed.kind === 'differs') suspects.set(id, observed);
    if (observed.kind === 'unanswered') unanswered.push({ kind, workspaceId, id, why: observed.why });
  };
  await pMap(ids, compare, { concurrency: entitiesAtOnce });
  for (let round = 1; round <= rounds && suspects.size > 0; round += 1) {
    const remaining = new Map<string, Observation & { kind: 'differs' }>();
    const compareAgain = async ([id, before]: [string, Observation & { kind: 'differs' }]): Promise<void> => {
      await clock.sleep(before.at + graceMs - clock.now(), signal);
      const observed = await observe(deps, { workspaceId, id });
      if (observed.kind === 'unanswered') unanswered.push({ kind, workspaceId, id, why: observed.why });
      if (observed.kind !== 'differs') return;
      if (observed.version !== before.version) remaining.set(id, observed);
      else differences.push({ kind, workspaceId, id, verdict: observed.verdict, connectionId: observed.connectionId });
    };
    await pMap(suspects, compareAgain, { concurrency: entitiesAtOnce });
    suspects = remaining;
  }
  const order = (a: Difference, b: Difference): number => (a.id < b.id ? -1 : 1);
  return { compared, differences: differences.toSorted(order), unsettled: [...suspects.keys()].toSorted(), unanswered };
}

async function observe<Content>(deps: ComparisonDependencies<Content>, ref: EntityRef): Promise<Observation> {
  deps.signal.throwIfAborted();
  const before = await deps.read(ref);
  const shown = await readNotion(deps, ref);
  if (shown.kind === 'unanswered') return shown;
  const problem = before?.problem ?? null;
  const verdict = problem === null ? mirrorVerdict(before?.fields ?? null, shown) : { kind: 'damaged' as const, problem };
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

type Sight = NotionSight | { readonly kind: 'unanswered'; readonly why: string };

/** Fetches the entity; waits as long as the rate budget or Notion requires. */
async function readNotion<Content>({ storage, fetch, clock, signal }: ComparisonDependencies<Content>, ref: EntityRef): Promise<Sight> {
  for (let attempt = 1; ;) {
    const outcome = await fetch(ref, attempt, signal);
    signal.throwIfAborted();
    switch (outcome.kind) {
      case 'live':
        return seenForm(storedForm(storage, ref, outcome.content));
      case 'trashed':
      case 'inaccessible':
      case 'moved_away':
        return { kind: outcome.kind };
      case 'no_active_connection':
        return { kind: 'unanswered', why: 'Notion or Nango refuses every connection of the tenant' };
      case 'failed':
        return { kind: 'unanswered', why: outcome.failure.message };
      case 'retry':
        // Throttling does not count as a failed attempt.
        if (outcome.failure.class !== 'rate_limited') attempt += 1;
        if (attempt > fetchAttempts) return { kind: 'unanswered', why: outcome.failure.message };
        await clock.sleep(outcome.at - clock.now(), signal);
        signal.throwIfAborted();
    }
  }
}

function seenForm(stored: StoredForm): Sight {
  return stored.kind === 'live' ? stored : { kind: 'unanswered', why: `the mirror cannot hold it: ${stored.message}` };
}
