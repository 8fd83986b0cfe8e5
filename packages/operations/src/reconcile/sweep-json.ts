import type { SweepReport, SweepStatus } from '@notion-mirror/mirror-store/sweep-ledger';

export function sweepJson({ workspaceId, dueAt, claimedBy, completedAt, failures, failure, last }: SweepStatus) {
  return {
    workspaceId,
    state: stateOf({ claimedBy, failures, last }),
    completedAt: completedAt?.toISOString() ?? null,
    dueAt: dueAt.toISOString(),
    failures,
    failure,
    last: last === null ? null : reportJson(last),
  };
}

function reportJson({ startedAt, endedAt, incomplete, ...report }: SweepReport) {
  const shown = { ...report, startedAt: startedAt.toISOString(), endedAt: endedAt.toISOString() };
  if (incomplete === undefined) return shown;
  const { searches, uncompared, databases } = incomplete;
  return {
    ...shown,
    incomplete: {
      searches: searches.map((search) => ({ ...search })),
      uncompared,
      databases: databases.map((database) => ({ ...database })),
    },
  };
}

export type SweepState = 'running' | 'failing' | 'stopped' | 'incomplete' | 'waiting';

export function stateOf({ claimedBy, failures, last }: Pick<SweepStatus, 'claimedBy' | 'failures' | 'last'>): SweepState {
  if (claimedBy !== null) return 'running';
  if (failures > 0) return 'failing';
  if (last?.stopped === true) return 'stopped';
  return last?.incomplete === undefined ? 'waiting' : 'incomplete';
}
