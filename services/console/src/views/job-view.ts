import type { JobView } from '@notion-mirror/mirror-store/operator-jobs';
import type { Replay } from '@notion-mirror/mirror-store/replays';
import { shareOf } from '@notion-mirror/operations/replay/replay-json';
import type { JobAction, JobAnswer, JobState } from '../answers/jobs.ts';

/** `replay`: of a job that runs one, once it has begun. */
export function jobAnswer(job: JobView, replay: Replay | null): JobAnswer {
  const { progress, canary } = job;
  const { canaryUntil, watchesUntil, cameBack } = progress;
  const [done, planned] = replay === null || job.action !== 'replay.run' ? [progress.done, progress.planned] : shareOf(replay.ranges);
  const state = stateOf(job);
  return {
    id: job.id,
    action: job.action as JobAction,
    who: job.who,
    via: job.via,
    reason: job.reason,
    state,
    startedAt: job.at.toISOString(),
    endedAt: job.endedAt?.toISOString() ?? null,
    planned,
    done,
    left: planned - done,
    failed: progress.failed,
    cameBack: {
      letters: cameBack.reduce((sum, { count }) => sum + count, 0),
      causes: cameBack.map(({ oldest, newest, ...cause }) => ({
        ...cause,
        settled: 0,
        oldest: oldest.toISOString(),
        newest: newest.toISOString(),
        message: '',
      })),
    },
    canary: canary === 0 ? null : { letters: canary, until: canaryUntil?.toISOString() ?? null },
    watchesUntil: watchesUntil?.toISOString() ?? null,
    perSecond: job.perSecond,
    failure: progress.failure,
    counts: { ...job.counts },
    replayId: job.replayId,
    canStop: job.action !== 'replay.switch' && (state === 'running' || state === 'waiting' || state === 'interrupted'),
    canContinue: state === 'stopped' && job.action !== 'replay.switch',
  };
}

export function hasEnded({ state }: Pick<JobAnswer, 'state'>): boolean {
  return state === 'stopped' || state === 'done' || state === 'failed';
}

function stateOf({ outcome, progress }: JobView): JobState {
  if (outcome !== 'begun') return outcome;
  return progress.canaryUntil === null && progress.watchesUntil === null ? 'running' : 'waiting';
}
