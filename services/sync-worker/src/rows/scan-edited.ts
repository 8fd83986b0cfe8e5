import type { Partition } from '@notion-mirror/domain/row-scan';
import type { AskForEditedRows } from '@notion-mirror/notion-source/row-query';
import { editedRows, type EditedRowsEnd } from './edited-rows.ts';
import type { ScanAnswers } from './scan-answers.ts';

export interface EditedParts {
  readonly ask: AskForEditedRows;
  readonly answers: Pick<ScanAnswers, 'applyRows'>;
  readonly waitForLag: () => Promise<void>;
}

export type EditedEnd = EditedRowsEnd | 'gone';

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
  const pages = editedRows(ask, { partition, since, mostCalls: Number.POSITIVE_INFINITY });
  for (let step = await pages.next(); ;) {
    if (step.done === true) return step.value;
    const applied = await answers.applyRows(step.value.startedAt, step.value.rows);
    if (applied === 'gone') return 'gone';
    if (applied === 'too_recent') await waitForLag();
    step = await pages.next(applied === 'too_recent' ? 'again' : undefined);
  }
}
