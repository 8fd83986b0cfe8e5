import { createSpanAllowance } from '@notion-mirror/service-kit/tracing/span-allowance';
import { inSpan } from '@notion-mirror/service-kit/tracing/in-span';
import type { Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import type { ScanAnswers } from './scan-answers.ts';
import type { ScanCounts } from './scan-notes.ts';

/** The spans of one scan below its first: one for each query and one for each page that is applied, none for a row. Of long scans only the first ones. */
export interface ScanSpans {
  /** The context of the next query; undefined: it gets no span. */
  readonly ofQuery: () => string | undefined;
  /** Answers whose pages have spans. `counts`: of the scan. */
  readonly ofPages: (answers: ScanAnswers, counts: ScanCounts) => ScanAnswers;
  /** Queries and pages without a span so far. */
  readonly leftOut: () => number;
}

export function createScanSpans(tracing: Tracing, trace: string): ScanSpans {
  const queries = createSpanAllowance(trace);
  const pages = createSpanAllowance(trace);

  function applied<Result extends string>(name: string, rows: number, counts: ScanCounts, apply: () => Promise<Result>): Promise<Result> {
    const span = tracing.child(pages.next(), { name, kind: 'internal', attributes: { 'notion_mirror.rows': rows } });
    if (span === null) return apply();
    const { written, readSingly } = counts;
    return inSpan(span, async () => {
      try {
        const result = await apply();
        span.set({ 'notion_mirror.result': result });
        return result;
      } finally {
        span.set({
          'notion_mirror.rows_written': counts.written - written,
          'notion_mirror.rows_read_singly': counts.readSingly - readSingly,
        });
      }
    });
  }

  return {
    ofQuery: () => queries.next(),
    ofPages: (answers, counts) => ({
      isSame: answers.isSame,
      applyRows: (startedAt, rows) => applied('apply rows', rows.length, counts, () => answers.applyRows(startedAt, rows)),
      applyAbsent: (startedAt, rows) => applied('apply absent rows', rows.length, counts, () => answers.applyAbsent(startedAt, rows)),
    }),
    leftOut: () => queries.leftOut + pages.leftOut,
  };
}
