import type { Mongo } from '@notion-mirror/mirror-store/client';
import type { ActionEnd, NewOperatorAction, Operator } from '@notion-mirror/mirror-store/operator-actions';
import { followJobs } from '@notion-mirror/mirror-store/operator-job-news';
import {
  jobHoldMs,
  noProgress,
  openOperatorJobs,
  type JobPlan,
  type JobProgress,
  type JobView,
  type OperatorJob,
} from '@notion-mirror/mirror-store/operator-jobs';
import { isUnauthorized } from '@notion-mirror/mirror-store/errors';
import { version } from '@notion-mirror/service-kit/version';
import type { ActionOrder } from '../audit/record-action.ts';
import type { OperationContext } from '../operation-context.ts';
import { oneLine } from '../text.ts';
import { stoppedBy, type JobControl, type JobResult } from './job-work.ts';
import { runLettersJob } from './letters-job.ts';
import { runReplayJob, runSwitchJob } from './replay-job.ts';

/** Runs jobs in the background, and continues those that a killed process has left. */
export interface JobRunner {
  /** Resolves when the job is durable; it runs from then on. Rejects with a `StoreUnavailableError`, and then nothing is done. */
  begin(operator: Operator, order: ActionOrder, plan: JobPlan): Promise<string>;
  view(id: string): Promise<JobView | null>;
  /** False: it does not run. */
  stop(id: string): Promise<boolean>;
  /** False: it is not stopped. */
  continue(id: string): Promise<boolean>;
  /** Leaves the running jobs to other processes, or to the next one. */
  close(): Promise<void>;
}

interface Running {
  readonly stopping: AbortController;
  readonly lost: AbortController;
  readonly ended: Promise<void>;
}

const saveMs = 1_000;
/** After a failed look, and between two looks at a job that is held again and again. */
const lookMs = 3_000;
/** A step is finished in this time, or repeated by the next process. */
const leaveMs = 1_500;

export function createJobRunner(deps: {
  readonly context: OperationContext;
  readonly db: Mongo['db'];
  /** For unreadable webhooks. */
  readonly ingressUrl: string | null;
  /** What the job has changed is there, and its end is not stored yet. */
  readonly onEnding: () => void;
}): JobRunner {
  const { context, db, ingressUrl, onEnding } = deps;
  const { logger, redact } = context;
  const jobs = openOperatorJobs(db);
  const running = new Map<string, Running>();
  const closing = new AbortController();
  /** Aborts when MongoDB does not let this process take jobs. */
  const refused = new AbortController();
  const isOver = AbortSignal.any([closing.signal, refused.signal]);
  let looking: Promise<void> = Promise.resolve();
  let nextLook: NodeJS.Timeout | undefined;

  function start(job: OperatorJob): void {
    const stopping = new AbortController();
    const lost = new AbortController();
    running.set(job.id, { stopping, lost, ended: runToEnd(job, stopping, lost) });
  }

  async function runToEnd(job: OperatorJob, stopping: AbortController, lost: AbortController): Promise<void> {
    try {
      await run(job, stopping, lost);
    } catch (error) {
      logger.error({ err: error, job: job.id }, 'the result of a job could not be stored; it is tried again');
    }
    // It may have been continued meanwhile.
    if (running.get(job.id)?.lost === lost) running.delete(job.id);
    // One that could not be held, or whose end could not be stored, is left soon.
    lookNow();
  }

  async function run(job: OperatorJob, stopping: AbortController, lost: AbortController): Promise<void> {
    const { id } = job;
    let progress: JobProgress = job.progress;
    let counts: ActionEnd['counts'] = job.counts;
    let replayId: string | undefined;
    let savedAt = performance.now();
    let saving: Promise<void> = Promise.resolve();
    const changeOf = () => ({ progress, counts, ...(replayId === undefined ? {} : { replayId }) });

    async function save(): Promise<void> {
      try {
        const saved = await jobs.save(id, changeOf());
        if (saved === null) lost.abort(new Error('another process has the job'));
        else if (saved.isStopAsked) stopping.abort(new Error('an operator stopped it'));
        savedAt = performance.now();
      } catch (error) {
        logger.warn({ err: error, job: id }, 'the progress of a job could not be stored; retrying');
        if (performance.now() - savedAt > jobHoldMs - 2 * saveMs) lost.abort(new Error('the job could not be held', { cause: error }));
      }
    }
    const timer = setInterval(() => {
      saving = saving.then(save);
    }, saveMs);
    const control: JobControl = {
      stopping: stopping.signal,
      lost: lost.signal,
      report(change) {
        progress = { ...progress, ...change.progress };
        counts = change.counts ?? counts;
        // Not left to the timer: without it another process would begin another replay.
        if (change.replayId !== undefined) {
          ({ replayId } = change);
          saving = saving.then(save);
        }
      },
    };

    let result: JobResult;
    try {
      result = await work(job, control);
    } catch (error) {
      result = stoppedBy(error, redact);
    } finally {
      clearInterval(timer);
      await saving;
    }
    if (lost.signal.aborted) return closing.signal.aborted ? jobs.leave(id) : undefined;
    if (closing.signal.aborted && result.outcome === 'stopped' && result.failure === null) return jobs.leave(id);
    const { outcome, failure } = result;
    progress = { ...progress, canaryUntil: null, watchesUntil: null, failure };
    onEnding();
    await jobs.end(id, { ...changeOf(), outcome, failure: failure?.code ?? null });
  }

  async function work(job: OperatorJob, control: JobControl): Promise<JobResult> {
    const { plan } = job;
    switch (plan.kind) {
      case 'letters':
        return runLettersJob(context, db, job, plan, { control, ingressUrl });
      case 'replay':
        return runReplayJob(context, db, job, plan, control);
      case 'switch':
        return runSwitchJob(context, db, control);
    }
  }

  async function takeLeft(): Promise<void> {
    while (!closing.signal.aborted) {
      const job = await jobs.takeLeft();
      if (job === null) return;
      logger.info({ job: job.id, action: job.action }, 'continuing a job that another process has left');
      if (job.plan.kind === 'switch') await giveUp(job);
      else start(job);
    }
  }

  /** How far it came is not known. */
  async function giveUp({ id, progress, counts }: OperatorJob): Promise<void> {
    const failure = {
      code: 'interrupted',
      message: 'its process was killed: the shadow may be in place, and the last writes before the switch may be missing',
      remedy: 'mirror replay status; then mirror replay run --from-states',
    };
    await jobs.end(id, { progress: { ...progress, failure }, counts, outcome: 'failed', failure: failure.code });
  }

  /** Takes what is left, and looks again when the next running job can be left. While none runs, nothing is asked: the next one is news. */
  async function look(): Promise<void> {
    clearTimeout(nextLook);
    await takeLeft();
    const leftAt = await jobs.firstLeftAt();
    if (leftAt !== null) lookIn(Math.max(lookMs, leftAt.getTime() - Date.now() + 1));
  }

  function lookIn(ms: number): void {
    if (!isOver.aborted) nextLook = setTimeout(lookNow, ms);
  }

  function lookNow(): void {
    if (isOver.aborted) return;
    looking = looking.then(look).catch((error: unknown) => {
      if (isUnauthorized(error)) {
        refused.abort(error);
        logger.info('jobs are left to other processes: this one may not write to MongoDB');
      } else if (!closing.signal.aborted) {
        logger.warn({ err: error }, 'jobs could not be looked for; retrying');
        lookIn(lookMs);
      }
    });
  }

  const following = followJobs({ db, logger, signal: isOver, onNews: lookNow }).catch(async () => {
    await looking;
    if (isOver.aborted) return;
    logger.info(
      'jobs that other processes leave are continued at the next start only: this one may not follow operator_actions in MongoDB',
    );
  });

  return {
    async begin({ who, via }, { action, workspaceId, target, reason }, plan) {
      const planned = plan.kind === 'letters' ? plan.refs.length : plan.kind === 'switch' ? 1 : 0;
      const words = reason === null ? null : oneLine(redact(reason));
      const begun: NewOperatorAction = { at: new Date(), who, via, action, workspaceId, target, reason: words, version };
      const job = await jobs.begin(begun, plan, { ...noProgress, planned, left: planned });
      start(job);
      return job.id;
    },
    view: async (id) => jobs.view(id),
    async stop(id) {
      const isAsked = await jobs.askStop(id);
      if (isAsked) running.get(id)?.stopping.abort(new Error('an operator stopped it'));
      return isAsked;
    },
    async continue(id) {
      const job = await jobs.continue(id);
      if (job !== null) start(job);
      return job !== null;
    },
    async close() {
      closing.abort(new Error('the process stops'));
      clearTimeout(nextLook);
      const all = [...running.values()];
      for (const { stopping } of all) stopping.abort(new Error('the process stops'));
      const late = setTimeout(() => {
        for (const { lost } of all) lost.abort(new Error('the process stops'));
      }, leaveMs);
      await Promise.all([following, looking, ...all.map(({ ended }) => ended)]);
      clearTimeout(late);
    },
  };
}
