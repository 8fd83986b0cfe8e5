import { scanRows, type ScanEnd, type ScanLimits, type ScanProgress, type ScanStep } from '@notion-mirror/domain/row-scan';
import type { DataSourceRef } from '@notion-mirror/mirror-store/contents-document';
import type { DigestedRow, RowRecords } from '@notion-mirror/mirror-store/entities/row-records';
import type { FoundRow } from '@notion-mirror/notion-source/row-document';
import type { AskForRows } from '@notion-mirror/notion-source/row-query';
import type { Applied, ScanAnswers } from './scan-answers.ts';

/** All rows of a data source, as one connection shows them. */
export interface PassParts {
  readonly source: DataSourceRef;
  readonly ask: AskForRows;
  readonly rows: Pick<RowRecords, 'live'>;
  readonly answers: ScanAnswers;
  readonly limits: ScanLimits;
  /** Waits until what was written until now is older than the answers that come then. Rejects when the scan is to end. */
  readonly waitForLag: () => Promise<void>;
  /** A window has ended: everything before the progress is done. Resolves to whether the scan is to go on. */
  readonly windowEnded: (progress: ScanProgress) => Promise<boolean>;
}

export type PassEnd = ScanEnd | { readonly kind: 'gone' } | { readonly kind: 'paused' };

/**
 * Reads all rows, from the start or from where an earlier pass got to, and changes the mirror with each step before the next page is asked for.
 * Rejects with RowQueryError and what the parts reject with; the last progress remains valid.
 */
export async function runPass(parts: PassParts, begun: ScanProgress | null): Promise<PassEnd> {
  const { source, ask, rows, answers, limits, waitForLag, windowEnded } = parts;
  let progress = begun;

  for (;;) {
    const end = await read();
    if (end !== 'too_recent') return end;
    await waitForLag();
  }

  async function read(): Promise<PassEnd | 'too_recent'> {
    let end: ScanEnd | null = null;
    const scan = scanRows<FoundRow, DigestedRow>(
      {
        ask,
        mirrored: (range) => rows.live(source, range),
        isSame: answers.isSame,
      },
      progress,
      limits,
    );
    // Also ends the scan when a step ends the loop.
    for await (const step of withEnd(scan, (ended) => (end = ended))) {
      if (step.kind === 'progress') {
        ({ progress } = step);
        if (!(await windowEnded(progress))) return { kind: 'paused' };
        continue;
      }
      const applied = await apply(step);
      if (applied === 'gone') return { kind: 'gone' };
      if (applied === 'too_recent') return applied;
    }
    if (end === null) throw new Error('a scan ended without a result');
    return end;
  }

  function apply(step: Exclude<ScanStep<FoundRow, DigestedRow>, { kind: 'progress' }>): Promise<Applied> {
    return step.kind === 'rows' ? answers.applyRows(step.startedAt, step.rows) : answers.applyAbsent(step.startedAt, step.rows);
  }
}

async function* withEnd<Step, End>(scan: AsyncGenerator<Step, End>, onEnd: (end: End) => void): AsyncGenerator<Step, void> {
  onEnd(yield* scan);
}
