import type { Partition } from '@notion-mirror/domain/row-scan';
import type { AskForEditedRows } from '@notion-mirror/notion-source/row-query';
import type { ScanAnswers } from './scan-answers.ts';

export interface EditedParts {
  readonly ask: AskForEditedRows;
  readonly answers: Pick<ScanAnswers, 'applyRows'>;
  readonly waitForLag: () => Promise<void>;
}

/** `too_many`: more rows were edited in one minute than a query returns. `stuck`: it does not get ahead. */
export type EditedEnd = 'read' | 'too_many' | 'stuck' | 'gone';

const maxPageSize = 100;
const minPageSize = 10;
/** How often it begins again without having got ahead. */
const mostRestarts = 5;
const minuteMs = 60_000;

/**
 * Changes the mirror by the rows that were edited at `since` or later (epoch milliseconds), as one connection shows them. That proves nothing: a row may change without
 * a new time, and one that is edited while this runs may be missed. Rejects with RowQueryError and what the parts reject with.
 */
export async function readEdited(parts: EditedParts, since: number): Promise<EditedEnd> {
  for (const partition of ['live', 'archived'] as const) {
    const end = await readPartition(parts, partition, since);
    if (end !== 'read') return end;
  }
  return 'read';
}

async function readPartition({ ask, answers, waitForLag }: EditedParts, partition: Partition, since: number): Promise<EditedEnd> {
  let from = since;
  let pageSize = maxPageSize;
  for (let restarts = 0; restarts <= mostRestarts;) {
    const query = await readQuery();
    if (query.kind === 'end') return query.end;
    // What was read so far counts: rows come in order of their last edit.
    restarts = query.reached > from ? 0 : restarts + 1;
    from = query.reached;
  }
  return 'stuck';

  async function readQuery(): Promise<
    { readonly kind: 'end'; readonly end: EditedEnd } | { readonly kind: 'again'; readonly reached: number }
  > {
    const cursors = new Set<string>();
    let cursor: string | null = null;
    let startedAt: number | null = null;
    let isIncomplete = false;
    let reached = from;
    for (;;) {
      const page = await ask({ partition, since: from, cursor, pageSize });
      if (page.kind === 'overloaded') pageSize = Math.max(minPageSize, Math.floor(pageSize / 2));
      if (page.kind !== 'page') return { kind: 'again', reached };
      startedAt ??= page.startedAt;
      isIncomplete ||= page.isIncomplete;
      const applied = await answers.applyRows(startedAt, page.rows);
      if (applied === 'gone') return { kind: 'end', end: applied };
      if (applied === 'too_recent') {
        await waitForLag();
        return { kind: 'again', reached };
      }
      for (const { content } of page.rows) reached = Math.max(reached, minuteOf(content.lastEditedTime));
      cursor = page.nextCursor;
      if (cursor === null && !isIncomplete) return { kind: 'end', end: 'read' };
      if (cursor === null) return reached > from ? { kind: 'again', reached } : { kind: 'end', end: 'too_many' };
      if (cursors.has(cursor)) return { kind: 'again', reached };
      cursors.add(cursor);
    }
  }
}

function minuteOf(time: Date | null): number {
  return time === null ? Number.NEGATIVE_INFINITY : Math.floor(time.getTime() / minuteMs) * minuteMs;
}
