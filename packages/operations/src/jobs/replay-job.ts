import { setTimeout as delay } from 'node:timers/promises';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import type { JobPlan, OperatorJob } from '@notion-mirror/mirror-store/operator-jobs';
import { createReplays, type Replay } from '@notion-mirror/mirror-store/replays';
import type { OperationContext } from '../operation-context.ts';
import { OperatorError } from '../operator-error.ts';
import { isSameOrder } from '../replay/order.ts';
import { resumeReplay, startReplay, unfinishedReplay } from '../replay/run-replay.ts';
import { compareWithShadow, finishedShadow, switchToShadow } from '../replay/shadow.ts';
import { jobDone, jobStopped, type JobControl, type JobResult } from './job-work.ts';

type ReplayPlan = Extract<JobPlan, { readonly kind: 'replay' }>;

/** A killed process holds its replay for ten seconds. */
const takeMs = 15_000;
const retryMs = 500;

/** Runs a replay, or resumes it. Rejects with an OperatorError when it failed, and when `lost` aborts. */
export async function runReplayJob(
  context: OperationContext,
  db: Mongo['db'],
  job: OperatorJob,
  plan: ReplayPlan,
  control: JobControl,
): Promise<JobResult> {
  const { stopping, lost } = control;
  const own = { ...context, signal: AbortSignal.any([stopping, lost]) };
  const replays = createReplays(db);
  const known = await begun();
  const onSaved = (counts: Replay['counts']) => control.report({ counts });
  try {
    if (known?.status === 'cancelled') return cancelled;
    if (known !== null && known.status !== 'running') return jobDone;
    const ended = await (known === null
      ? startReplay(own, db, plan, onSaved, ({ id }) => control.report({ replayId: id }))
      : resumed(known));
    control.report({ counts: ended.counts });
    return jobDone;
  } catch (error) {
    lost.throwIfAborted();
    if (stopping.aborted) return jobStopped;
    if (error instanceof OperatorError && error.code === 'cancelled') return taken();
    throw error;
  }

  /** The replay of this job, also when it was killed before it could note its id. */
  async function begun(): Promise<Replay | null> {
    if (plan.replayId !== null) return replays.get(plan.replayId);
    const unfinished = await unfinishedReplay(db);
    if (unfinished === null || unfinished.startedAt < job.at || !isSameOrder(unfinished, plan.order)) return null;
    control.report({ replayId: unfinished.id });
    return unfinished;
  }

  /** The replay is no longer this job's: it was cancelled, or a command has resumed it. */
  async function taken(): Promise<JobResult> {
    const latest = await replays.latest();
    if (latest?.status === 'done') return jobDone;
    if (latest?.status === 'cancelled') return cancelled;
    const message = 'another process has taken the replay over';
    return { outcome: 'stopped', failure: { code: 'replay_running', message, remedy: 'mirror replay status' } };
  }

  async function resumed(replay: Replay): Promise<Replay> {
    const end = performance.now() + takeMs;
    for (;;) {
      try {
        return await resumeReplay(own, db, replay, onSaved);
      } catch (error) {
        const isHeld = error instanceof OperatorError && error.code === 'replay_running';
        if (!isHeld || performance.now() >= end) throw error;
        await delay(retryMs, undefined, { signal: own.signal });
      }
    }
  }
}

const cancelled: JobResult = {
  outcome: 'failed',
  failure: { code: 'cancelled', message: 'the replay was cancelled; its changes stay', remedy: null },
};

/** Puts the shadow in the place of the mirror. Cannot be stopped. Rejects with an OperatorError. */
export async function runSwitchJob(context: OperationContext, db: Mongo['db'], control: JobControl): Promise<JobResult> {
  const own = { ...context, signal: control.lost };
  const replays = createReplays(db);
  const shadow = await finishedShadow(replays);
  const { counts } = await compareWithShadow(own, db);
  control.report({ counts });
  await replays.settleShadow(shadow.id);
  const isSeen = await switchToShadow(own, db, shadow);
  control.report({ progress: { done: 1, left: 0 } });
  if (isSeen) return jobDone;
  const message = 'switched, but no sync-worker appends to the state log now: the last writes before the switch may be missing';
  return { outcome: 'failed', failure: { code: 'no_sync_worker', message, remedy: 'when one does: mirror replay run --from-states' } };
}
