import { isSameAnswer, type HeldAnswers, type HeldDatabase, type HeldDatabases } from '@notion-mirror/mirror-store/entities/held-databases';
import type { LookOutcome, NotionSource } from '@notion-mirror/notion-source/notion-source';
import type { TraceOfNext } from '@notion-mirror/notion-source/trace-of-next';
import type { Clock } from '@notion-mirror/service-kit/async/clock';

/** The result of comparing one mirrored database with Notion. A database that is equal has no finding. */
export type Finding =
  | { readonly kind: 'differs'; readonly reason: 'container_changed' | 'source_changed' | 'not_in_search' }
  /** In the trash, or no connection can read it. */
  | { readonly kind: 'gone' }
  /** This database cannot be read now; others can. */
  | { readonly kind: 'uncompared'; readonly because: string }
  /** Nothing further can be compared: no connection is active, or Notion as a whole does not answer. */
  | { readonly kind: 'no_active_connection' }
  | { readonly kind: 'no_answer'; readonly because: string };

export interface HeldComparisonDependencies extends Clock {
  readonly notion: Pick<NotionSource, 'lookAtDatabase' | 'lookAtDataSource'>;
  readonly held: Pick<HeldDatabases, 'answers'>;
  readonly workspaceId: string;
  /** The context of the next call. */
  readonly traceOfNext: TraceOfNext;
  /** Data sources already compared by their search result. */
  readonly shown: ReadonlySet<string>;
  /** Whether a source of this database missing from search proves a change. If not, it is compared individually. */
  readonly provesAbsence: (database: HeldDatabase) => boolean;
  /** Whether Notion has answered this sweep already. */
  readonly hasAnswered: boolean;
}

interface Pending {
  readonly database: HeldDatabase;
  /** From 1. */
  readonly attempt: number;
  /** Not before this, epoch milliseconds. */
  readonly at: number;
}

const readAtOnce = 100;
const attempts = 4;
/** Maximum wait for a tenant whose connections may make no call. Meanwhile the sweep occupies a place that other tenants need. */
const longestWaitMs = 300_000;
/** After this many failures without a success, Notion as a whole is considered unavailable. */
const failuresWithoutAnswer = 20;

/**
 * Compares each database with one call for its container, and one for each data source that search has not shown. A database whose call fails is
 * retried after all others, a few times, so that permanent failures cost the others one call and no wait. Yields the databases that differ or
 * could not be compared. Throws the store's errors and the signal's reason.
 */
export async function* compareHeld(
  deps: HeldComparisonDependencies,
  databases: readonly HeldDatabase[],
  signal: AbortSignal,
): AsyncGenerator<{ readonly databaseId: string; readonly connectionId: string | null; readonly finding: Finding }, void, undefined> {
  const { now, sleep, workspaceId } = deps;
  let hasAnswered = deps.hasAnswered;
  let failures = 0;
  let round: Pending[] = databases.map((database) => ({ database, attempt: 1, at: now() }));

  while (round.length > 0) {
    const again: Pending[] = [];
    for (let from = 0; from < round.length; from += readAtOnce) {
      const some = round.slice(from, from + readAtOnce);
      const answers = await deps.held.answers(
        workspaceId,
        some.map(({ database }) => database.databaseId),
      );
      for (const { database, attempt, at } of some) {
        const { databaseId, connectionId } = database;
        const answer = answers.get(databaseId);
        // Removed since the sweep began.
        if (answer === undefined) continue;
        if (at > now()) await sleep(at - now(), signal);
        const outcome = await withinBudget(() => compare(database, answer, attempt));
        if (outcome.kind === 'retry') {
          failures += 1;
          const because = outcome.failure.message;
          if (!hasAnswered && failures >= failuresWithoutAnswer) {
            yield { databaseId, connectionId, finding: { kind: 'no_answer', because } };
            return;
          }
          if (attempt < attempts) again.push({ database, attempt: attempt + 1, at: outcome.at });
          else yield { databaseId, connectionId, finding: { kind: 'uncompared', because } };
          continue;
        }
        hasAnswered = true;
        if (outcome.kind !== 'same') yield { databaseId, connectionId, finding: outcome };
      }
    }
    round = again;
  }

  type Compared = Finding | { readonly kind: 'same' };
  type Retry = Extract<LookOutcome, { kind: 'retry' }>;

  /** Waits while the connection may make no call: this is no failure of the database. */
  async function withinBudget(run: () => Promise<Compared | Retry>): Promise<Compared | Retry> {
    for (const began = now(); ;) {
      const outcome = await run();
      signal.throwIfAborted();
      if (outcome.kind !== 'retry' || (outcome.scope === 'request' && outcome.failure.class !== 'rate_limited')) return outcome;
      if (outcome.at - began > longestWaitMs) return { kind: 'no_answer', because: outcome.failure.message };
      await sleep(outcome.at - now(), signal);
    }
  }

  async function compare(database: HeldDatabase, held: HeldAnswers, attempt: number): Promise<Compared | Retry> {
    const { databaseId, connectionId: preferConnectionId, searchable } = database;
    const asking = { workspaceId, preferConnectionId, attempt };
    const outcome = await deps.notion.lookAtDatabase({ ...asking, databaseId, trace: deps.traceOfNext() }, signal);
    switch (outcome.kind) {
      case 'live': {
        if (!isSameAnswer(held.database, outcome.raw)) return { kind: 'differs', reason: 'container_changed' };
        const notShown = searchable.filter((id) => !deps.shown.has(id));
        if (notShown.length === 0) return { kind: 'same' };
        if (deps.provesAbsence(database)) return { kind: 'differs', reason: 'not_in_search' };
        return compareSources(notShown, held, asking);
      }
      case 'trashed':
      case 'gone':
        return { kind: 'gone' };
      case 'failed':
        return { kind: 'uncompared', because: outcome.failure.message };
      case 'no_active_connection':
        return { kind: 'no_active_connection' };
      case 'retry':
        return outcome;
    }
  }

  async function compareSources(
    dataSourceIds: readonly string[],
    held: HeldAnswers,
    asking: { readonly workspaceId: string; readonly preferConnectionId: string | null; readonly attempt: number },
  ): Promise<Compared | Retry> {
    for (const dataSourceId of dataSourceIds) {
      const outcome = await deps.notion.lookAtDataSource({ ...asking, dataSourceId, trace: deps.traceOfNext() }, signal);
      switch (outcome.kind) {
        case 'live': {
          const known = held.dataSources.get(dataSourceId);
          if (known === undefined || !isSameAnswer(known, outcome.raw)) return { kind: 'differs', reason: 'source_changed' };
          break;
        }
        case 'gone':
        case 'failed':
          // The mirror has it as readable; the event's fetch decides its current state.
          return { kind: 'differs', reason: 'source_changed' };
        case 'no_active_connection':
          return { kind: 'no_active_connection' };
        case 'retry':
          return outcome;
      }
    }
    return { kind: 'same' };
  }
}
