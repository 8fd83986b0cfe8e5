import { mirrorVerdict, type MirrorVerdict, type NotionSight } from '@notion-mirror/domain/content-differences';
import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import { fieldsOf, type MirroredDocument } from '@notion-mirror/mirror-store/mirrored-documents';
import { UnstorableError } from '@notion-mirror/mirror-store/record-document';
import type { Clock } from '@notion-mirror/service-kit/async/clock';
import type { FetchOutcome } from '@notion-mirror/notion-source/notion-source';
import pMap from 'p-map';

/** A database that is not in the mirror as Notion shows it. `damaged`: no worker can read its record, so no event mends it. */
export interface Difference {
  readonly workspaceId: string;
  readonly databaseId: string;
  readonly verdict: Exclude<MirrorVerdict, { kind: 'equal' }> | { readonly kind: 'damaged'; readonly problem: string };
  /** Of the connection that saw it last, if any did. */
  readonly connectionId: string | null;
}

/** What could not be compared, and why. `databaseId`: null when it is about the tenant. */
export interface Unanswered {
  readonly workspaceId: string;
  readonly databaseId: string | null;
  readonly why: string;
}

export interface Comparison {
  readonly compared: number;
  readonly differences: readonly Difference[];
  /** Changed each time that they were looked at: nobody can say. */
  readonly unsettled: readonly string[];
  readonly unanswered: readonly Unanswered[];
}

export interface ComparisonDependencies {
  readonly read: (databaseId: string) => Promise<MirroredDocument | null>;
  /** Never rejects. `attempt`: from 1. */
  readonly fetch: (databaseId: string, attempt: number, signal: AbortSignal) => Promise<FetchOutcome>;
  readonly clock: Clock;
  /** How long a difference must stand while the mirror writes nothing, ms: a webhook may be on its way. */
  readonly graceMs: number;
  readonly signal: AbortSignal;
  readonly onCompared: () => void;
}

const databasesAtOnce = 3;
const rounds = 5;
const fetchAttempts = 6;

/** One look at one database. `version`: of the record when the look ended; null: there was none. */
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
 * Compares databases of one tenant, as the mirror has them, with Notion. Both may change meanwhile, so what differs is looked at again: it is a
 * difference only if it still differs `graceMs` later and the mirror has written nothing of it in between. Rejects with the store's errors or
 * the reason of `signal`.
 */
export async function compareDatabases(
  deps: ComparisonDependencies,
  workspaceId: string,
  databaseIds: Iterable<string>,
): Promise<Comparison> {
  const { clock, signal, graceMs } = deps;
  const differences: Difference[] = [];
  const unanswered: Unanswered[] = [];
  let doubtful = new Map<string, Look & { kind: 'differs' }>();
  let compared = 0;

  const compare = async (databaseId: string): Promise<void> => {
    const look = await lookAt(deps, workspaceId, databaseId);
    compared += 1;
    deps.onCompared();
    if (look.kind === 'differs') doubtful.set(databaseId, look);
    if (look.kind === 'unanswered') unanswered.push({ workspaceId, databaseId, why: look.why });
  };
  await pMap(databaseIds, compare, { concurrency: databasesAtOnce });
  for (let round = 1; round <= rounds && doubtful.size > 0; round += 1) {
    const still = new Map<string, Look & { kind: 'differs' }>();
    const compareAgain = async ([databaseId, before]: [string, Look & { kind: 'differs' }]): Promise<void> => {
      await clock.sleep(before.at + graceMs - clock.now(), signal);
      const look = await lookAt(deps, workspaceId, databaseId);
      if (look.kind === 'unanswered') unanswered.push({ workspaceId, databaseId, why: look.why });
      if (look.kind !== 'differs') return;
      if (look.version !== before.version) still.set(databaseId, look);
      else differences.push({ workspaceId, databaseId, verdict: look.verdict, connectionId: look.connectionId });
    };
    await pMap(doubtful, compareAgain, { concurrency: databasesAtOnce });
    doubtful = still;
  }
  const order = (a: Difference, b: Difference): number => (a.databaseId < b.databaseId ? -1 : 1);
  return { compared, differences: differences.toSorted(order), unsettled: [...doubtful.keys()].toSorted(), unanswered };
}

async function lookAt(deps: ComparisonDependencies, workspaceId: string, databaseId: string): Promise<Look> {
  deps.signal.throwIfAborted();
  const before = await deps.read(databaseId);
  const sight = await see(deps, workspaceId, databaseId);
  if (sight.kind === 'unanswered') return sight;
  const problem = before?.problem ?? null;
  const verdict = problem === null ? mirrorVerdict(before?.fields ?? null, sight) : { kind: 'damaged' as const, problem };
  if (verdict.kind === 'equal') return { kind: 'equal' };
  const after = await deps.read(databaseId);
  return {
    kind: 'differs',
    version: after?.version ?? null,
    at: deps.clock.now(),
    verdict,
    connectionId: before?.connectionId ?? null,
  };
}

/** What Notion shows; waits as long as the budget or Notion says. */
async function see(
  { fetch, clock, signal }: ComparisonDependencies,
  workspaceId: string,
  databaseId: string,
): Promise<NotionSight | { readonly kind: 'unanswered'; readonly why: string }> {
  for (let attempt = 1; ;) {
    const outcome = await fetch(databaseId, attempt, signal);
    signal.throwIfAborted();
    switch (outcome.kind) {
      case 'live':
        return storedForm(workspaceId, databaseId, outcome.content);
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

function storedForm(
  workspaceId: string,
  databaseId: string,
  content: DatabaseContent,
): NotionSight | { readonly kind: 'unanswered'; readonly why: string } {
  try {
    return { kind: 'live', fields: fieldsOf(workspaceId, databaseId, content) };
  } catch (error) {
    if (!(error instanceof UnstorableError)) throw error;
    return { kind: 'unanswered', why: `the mirror cannot hold it: ${error.message}` };
  }
}
