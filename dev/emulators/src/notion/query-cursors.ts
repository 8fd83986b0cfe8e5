import { validationError } from './errors.ts';
import type { PageNode } from './model.ts';

interface Position {
  /** The request without its paging: a cursor is valid for the same question only. */
  readonly question: string;
  readonly rows: readonly PageNode[];
  readonly isCut: boolean;
  readonly start: number;
}

/** Cursors of queries: opaque, and no longer valid after their lifetime. Only the newest 1,000 are kept. */
export interface QueryCursors {
  issue(position: Position): string;
  /** Throws `validation_error` for a cursor that is unknown, dead, or of another question. */
  open(cursor: string, question: string): Position;
  clear(): void;
}

export function createQueryCursors({
  now,
  lifeMs,
  newId,
}: {
  now: () => number;
  /** Null: unlimited. */
  lifeMs: () => number | null;
  newId: () => string;
}): QueryCursors {
  const issued = new Map<string, Position & { readonly at: number }>();
  return {
    issue: (position) => {
      const [oldest] = issued.keys();
      if (issued.size >= 1000 && oldest !== undefined) issued.delete(oldest);
      const cursor = newId();
      issued.set(cursor, { ...position, at: now() });
      return cursor;
    },
    open: (cursor, question) => {
      const found = issued.get(cursor);
      const isAlive = found !== undefined && found.question === question && now() - found.at <= (lifeMs() ?? Infinity);
      if (!isAlive) throw validationError(`The start_cursor provided is invalid: ${cursor}`);
      return found;
    },
    clear: () => issued.clear(),
  };
}
