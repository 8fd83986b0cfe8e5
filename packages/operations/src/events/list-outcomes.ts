import type { Mongo } from '@notion-mirror/mirror-store/client';
import { openOutcomePages, type KeptOutcome, type OutcomeCursor, type OutcomeQuery } from '@notion-mirror/mirror-store/outcome-pages';

/**
 * The latest outcomes that match, latest first, at most `limit`. Where no index answers the query, all kept outcomes may be read, until `signal` aborts.
 * Rejects with a `StoreUnavailableError`, or the signal's reason.
 */
export async function listOutcomes(
  db: Mongo['db'],
  query: OutcomeQuery,
  limit: number,
  signal: AbortSignal,
): Promise<{ readonly outcomes: readonly KeptOutcome[]; readonly hasMore: boolean }> {
  const pages = openOutcomePages(db);
  const found: KeptOutcome[] = [];
  let cursor: OutcomeCursor | null = null;
  do {
    signal.throwIfAborted();
    const page = await pages.page(query, cursor, limit + 1 - found.length);
    found.push(...page.outcomes);
    cursor = page.next;
  } while (cursor !== null && found.length <= limit);
  return { outcomes: found.slice(0, limit), hasMore: found.length > limit };
}
