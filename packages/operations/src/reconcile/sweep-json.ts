import type { SweepReport, SweepStatus } from '@notion-mirror/mirror-store/sweep-ledger';

export function sweepJson({ workspaceId, dueAt, claimedBy, completedAt, failures, failure, last }: SweepStatus) {
  return {
    workspaceId,
    state: stateOfStatus({ claimedBy, failures, last }),
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

/** The worst first. */
export const sweepStates = ['stopped', 'failing', 'incomplete', 'running', 'waiting'] as const;
export type SweepState = (typeof sweepStates)[number];

export function stateOf({
  claimedBy,
  failures,
  isStopped,
  isIncomplete,
}: Pick<SweepStatus, 'claimedBy' | 'failures'> & { readonly isStopped: boolean; readonly isIncomplete: boolean }): SweepState {
  if (claimedBy !== null) return 'running';
  if (failures > 0) return 'failing';
  if (isStopped) return 'stopped';
  return isIncomplete ? 'incomplete' : 'waiting';
}

/** Of a whole document. */
export function stateOfStatus({ claimedBy, failures, last }: Pick<SweepStatus, 'claimedBy' | 'failures' | 'last'>): SweepState {
  return stateOf({ claimedBy, failures, isStopped: last?.stopped === true, isIncomplete: last?.incomplete !== undefined });
}
