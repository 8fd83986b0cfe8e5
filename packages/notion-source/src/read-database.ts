import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import { abortScope } from '@notion-mirror/service-kit/async/abort-scope';
import type { CallProblem } from './connection-calls.ts';
import {
  databaseContent,
  type DataSourceSight,
  type HiddenDataSource,
  type ParsedDatabase,
  type ParsedDataSource,
} from './database-document.ts';
import { aboutTheRequest, blocked } from './notion-errors.ts';
import type { Sight } from './sight.ts';

/** The reads of one database through one connection. */
export interface DatabaseReads {
  readonly container: () => Promise<Sight<ParsedDatabase>>;
  readonly source: (dataSourceId: string, signal: AbortSignal) => Promise<Sight<ParsedDataSource>>;
}

export type SeenDatabase = { readonly trashed: true } | { readonly trashed: false; readonly content: DatabaseContent };

const sourcesAtOnce = 3;

/**
 * The database through one connection. The sources that it is expected to list are read while the container is in flight, since calls are most
 * of the time that a customer waits; those that turn out not to be listed are dropped.
 */
export async function readDatabase(reads: DatabaseReads, expected: readonly string[], signal: AbortSignal): Promise<Sight<SeenDatabase>> {
  const read = new Map<string, DataSourceSight>();
  using ahead = abortScope(signal);
  const readAhead = readSources(reads, expected, read, ahead.signal);
  for (let again = false; ; again = true) {
    const container = await reads.container();
    const isLive = container.kind === 'seen' && !container.value.inTrash;
    if (!isLive) ahead.abort();
    const problemAhead = await readAhead;
    if (container.kind !== 'seen') return container;
    if (container.value.inTrash) return { kind: 'seen', value: { trashed: true } };
    const listed = container.value.listed.map(({ id }) => id);
    if (problemAhead !== null && listed.some((id) => !read.has(id))) return problemAhead;
    const problem = await readSources(reads, listed, read, signal);
    if (problem !== null) return problem;
    // The container decides: it is read again.
    if (!again && listed.some((id) => mayHaveLeft(read.get(id)))) continue;
    return { kind: 'seen', value: { trashed: false, content: databaseContent(container.value, read) } };
  }
}

/**
 * Reads those that `read` does not have yet, a few at a time. One that this connection cannot read hides only itself; any other problem ends
 * the reading of all.
 */
async function readSources(
  reads: DatabaseReads,
  ids: readonly string[],
  read: Map<string, DataSourceSight>,
  signal: AbortSignal,
): Promise<CallProblem | null> {
  const queue = ids.filter((id) => !read.has(id));
  if (queue.length === 0) return null;
  using ending = abortScope(signal);
  let problem: CallProblem | null = null;
  const reader = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined && problem === null; next = queue.shift()) {
      const source = await reads.source(next, ending.signal);
      const hidden = hiddenBy(source);
      if (source.kind === 'seen') read.set(next, source.value);
      else if (hidden !== null) read.set(next, hidden);
      else {
        problem ??= source;
        ending.abort();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(sourcesAtOnce, queue.length) }, reader));
  return problem;
}

/** What a data source is in its database's document when this connection cannot read it; null when it can, or when that is not known. */
export function hiddenBy(sight: Sight<ParsedDataSource>): HiddenDataSource | null {
  if (sight.kind === 'gone') {
    return { hidden: true, reason: sight.failure.class === 'gone' ? null : sight.failure.code, mayHaveLeft: true };
  }
  // A blocked integration is refused everything, whatever it asks for.
  if (sight.kind !== 'failed' || sight.failure.code === blocked || aboutTheRequest.has(sight.failure.code)) return null;
  const isRefused = sight.failure.class === 'restricted' || sight.failure.class === 'invalid';
  return isRefused ? { hidden: true, reason: sight.failure.code, mayHaveLeft: false } : null;
}

/** A source that is listed but gone may have left since the container was read. */
function mayHaveLeft(source: DataSourceSight | undefined): boolean {
  return source !== undefined && 'hidden' in source && source.mayHaveLeft;
}
