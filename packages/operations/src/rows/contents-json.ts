import type { ScanReport } from '@notion-mirror/mirror-store/contents-document';
import type { ContentsSummary, SourceContents } from '@notion-mirror/mirror-store/contents-reports';

export function summaryJson({ states, rows, oldestCompleteAsOf }: ContentsSummary) {
  return { dataSources: { ...states }, rows: { ...rows }, oldestCompleteAsOf: oldestCompleteAsOf?.toISOString() ?? null };
}

export function sourceJson(source: SourceContents) {
  const { workspaceId, databaseId, dataSourceId, state, reason, rows, completeAsOf, truncated, scan, wanted, last, failures, failure } =
    source;
  return {
    workspaceId,
    databaseId,
    dataSourceId,
    state,
    reason,
    rows: rows && { ...rows },
    completeAsOf: timeOf(completeAsOf),
    truncated: truncated.map(({ partition, minute: at, atLeast }) => ({ partition, minute: at.toISOString(), atLeast })),
    scan: scan && {
      startedAt: scan.startedAt.toISOString(),
      depth: scan.depth,
      reasons: scan.wish.reasons,
      isClaimed: scan.isClaimed,
      rows: scan.rows,
      failed: scan.failed.map((row) => ({ ...row })),
    },
    wanted: wanted && { reasons: wanted.reasons, depth: wanted.depth, dueAt: wanted.dueAt.toISOString() },
    last: last && reportJson(last),
    failures,
    failure,
    dueAt: timeOf(source.dueAt),
    nextFullAt: timeOf(source.nextFullAt),
  };
}

function reportJson({ startedAt, endedAt, ...report }: ScanReport) {
  return { startedAt: startedAt.toISOString(), endedAt: endedAt.toISOString(), ...report };
}

function timeOf(time: Date | null): string | null {
  return time?.toISOString() ?? null;
}
