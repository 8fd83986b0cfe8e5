import type { OperatorAction } from '@notion-mirror/mirror-store/operator-actions';

export function actionJson({
  id,
  at,
  endedAt,
  who,
  via,
  action,
  workspaceId,
  target,
  reason,
  outcome,
  isJob,
  counts,
  failure,
  version,
}: OperatorAction) {
  return {
    id,
    at: at.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    who,
    via,
    action,
    workspaceId,
    target: { ...target },
    reason,
    outcome,
    isJob,
    counts: { ...counts },
    failure,
    version,
  };
}
