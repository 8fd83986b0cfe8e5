import { randomUUID } from 'node:crypto';
import { ObjectId, type Db, type Filter, type UpdateFilter } from 'mongodb';
import { openCollection } from './collections.ts';
import { orUnavailable } from './errors.ts';
import { toAction, type ActionDocument, type ActionEnd, type NewOperatorAction, type OperatorAction } from './operator-actions.ts';
import { pageReads } from './page-reads.ts';
import type { ReplayOrder, ReplayRange } from './replays.ts';

/** What a job does, and everything that another process needs to continue it. */
export type JobPlan =
  | {
      readonly kind: 'letters';
      readonly action: 'redrive' | 'drop';
      /** `partition:offset`, in the order in which they are settled. */
      readonly refs: readonly string[];
      /** The ends of the topic when the plan was made: a letter from there on can be one that came back. */
      readonly ends: readonly { readonly partition: number; readonly offset: number }[];
      /** How many letters go first; 0: there is no canary. */
      readonly canary: number;
      readonly perSecond: number;
    }
  | { readonly kind: 'replay'; readonly order: ReplayOrder; readonly ranges: readonly ReplayRange[]; readonly replayId: string | null }
  /** Cannot be continued. */
  | { readonly kind: 'switch'; readonly replayId: string };

/** Letters that came back, of one class, code and service. */
export interface CameBack {
  readonly class: string;
  readonly code: string;
  readonly service: string;
  readonly count: number;
  readonly oldest: Date;
  readonly newest: Date;
  readonly tenants: number;
}

export interface JobProgress {
  readonly planned: number;
  readonly done: number;
  readonly left: number;
  /** Left ones that were refused as they are. */
  readonly failed: number;
  readonly cameBack: readonly CameBack[];
  /** The canary has ended, well or because an operator went on after it. */
  readonly isCanaryOver: boolean;
  readonly canaryUntil: Date | null;
  readonly watchesUntil: Date | null;
  /** Why it stopped or failed. Never contains a secret or a customer's text. */
  readonly failure: { readonly code: string; readonly message: string; readonly remedy: string | null } | null;
}

/** Of a job about nothing. */
export const noProgress: JobProgress = {
  planned: 0,
  done: 0,
  left: 0,
  failed: 0,
  cameBack: [],
  isCanaryOver: false,
  canaryUntil: null,
  watchesUntil: null,
  failure: null,
};

export interface OperatorJob extends OperatorAction {
  readonly plan: JobPlan;
  readonly progress: JobProgress;
}

/** A job for a person: without the letters of its plan. */
export interface JobView extends OperatorAction {
  readonly progress: JobProgress;
  /** Letters that go first; 0: none, or it is not about letters. */
  readonly canary: number;
  readonly perSecond: number | null;
  readonly replayId: string | null;
}

/** What changes while it runs. */
export interface JobChange {
  readonly progress: JobProgress;
  readonly counts: ActionEnd['counts'];
  /** Of a replay, once it has one. */
  readonly replayId?: string;
}

/**
 * Jobs of operators: actions that outlive the process that began them. A job and its entry in the audit trail are one document of `operator_actions`. One process
 * at a time holds it, for ten seconds after its last word. All reject with a `StoreUnavailableError`.
 */
export interface OperatorJobs {
  /** Resolves when it is durable, and held by this process. */
  begin(action: NewOperatorAction, plan: JobPlan, progress: JobProgress): Promise<OperatorJob>;
  /** For a person; null: there is no such job. */
  view(id: string): Promise<JobView | null>;
  /** Takes one that no process holds; null: there is none. */
  takeLeft(): Promise<OperatorJob | null>;
  /** When the first running job is left if its holder stores nothing more; null: none runs. */
  firstLeftAt(): Promise<Date | null>;
  /** Stores its progress and holds it for longer. Null: another process has it, or it has ended. */
  save(id: string, change: JobChange): Promise<{ readonly isStopAsked: boolean } | null>;
  /** False: another process has it, or it has ended. */
  end(id: string, end: JobChange & { readonly outcome: 'done' | 'failed' | 'stopped'; readonly failure: string | null }): Promise<boolean>;
  /** Asks the process that holds it to stop it, and stops one that no process holds. False: it does not run. */
  askStop(id: string): Promise<boolean>;
  /** Takes a stopped one. Null: it is not stopped. */
  continue(id: string): Promise<OperatorJob | null>;
  /** Leaves a job to any process. */
  leave(id: string): Promise<void>;
}

interface JobDocument extends ActionDocument {
  readonly job: {
    readonly plan: JobPlan;
    readonly progress: JobProgress;
    readonly holder: string | null;
    readonly heldUntil: Date | null;
    readonly isStopAsked: boolean;
  };
}

export const jobHoldMs = 10_000;

const noRefs = { 'job.plan.refs': 0, 'job.plan.ends': 0, 'job.plan.ranges': 0 } as const;

export function openOperatorJobs(db: Db): OperatorJobs {
  const jobs = openCollection<JobDocument>(db, 'operatorActions');
  const holder = randomUUID();
  const changed = async (filter: Filter<JobDocument>, update: UpdateFilter<JobDocument>) =>
    orWriteError(async () => jobs.findOneAndUpdate(filter, update, { returnDocument: 'after' }));
  const mine = (id: string): Filter<JobDocument> => ({ _id: new ObjectId(id), outcome: 'begun', 'job.holder': holder });

  return {
    begin: async (action, plan, progress) =>
      orUnavailable('the action could not be recorded, so nothing was done', async () => {
        const document: JobDocument = {
          _id: new ObjectId(),
          ...action,
          outcome: 'begun',
          endedAt: null,
          counts: {},
          failure: null,
          job: { plan, progress, holder, heldUntil: heldUntil(), isStopAsked: false },
        };
        await jobs.insertOne(document);
        return toJob(document);
      }),
    view: (id) =>
      orUnavailable('jobs could not be read', async () => {
        const found = await jobs.findOne({ _id: new ObjectId(id), job: { $exists: true } }, { ...pageReads, projection: noRefs });
        return found === null ? null : viewOf(found);
      }),
    takeLeft: async () => {
      const left = { outcome: 'begun' as const, 'job.heldUntil': { $lt: new Date() } };
      const taken = await changed(left, { $set: { 'job.holder': holder, 'job.heldUntil': heldUntil() } });
      return taken === null ? null : toJob(taken);
    },
    firstLeftAt: async () =>
      orUnavailable('jobs could not be read', async () => {
        const running = { outcome: 'begun' as const, 'job.heldUntil': { $gt: new Date(0) } };
        const first = await jobs.findOne(running, { sort: { 'job.heldUntil': 1 }, projection: { 'job.heldUntil': 1 } });
        return first?.job.heldUntil ?? null;
      }),
    save: async (id, change) => {
      const saved = await orWriteError(async () =>
        jobs.findOneAndUpdate(
          mine(id),
          { $set: { ...fieldsOf(change), 'job.heldUntil': heldUntil() } },
          { returnDocument: 'after', projection: { 'job.isStopAsked': 1 } },
        ),
      );
      return saved === null ? null : { isStopAsked: saved.job.isStopAsked };
    },
    end: async (id, { outcome, failure, ...change }) => {
      const end = { ...fieldsOf(change), outcome, failure, endedAt: new Date(), 'job.holder': null, 'job.heldUntil': null };
      return (await orWriteError(async () => jobs.updateOne(mine(id), { $set: end }))).matchedCount === 1;
    },
    askStop: async (id) => {
      const begun = { _id: new ObjectId(id), outcome: 'begun' as const };
      const stopped = { outcome: 'stopped' as const, endedAt: new Date(), 'job.holder': null, 'job.heldUntil': null };
      const left = { ...begun, 'job.heldUntil': { $lt: new Date() } };
      const isStopped = await orWriteError(async () => jobs.updateOne(left, { $set: stopped }));
      if (isStopped.matchedCount === 1) return true;
      const held = { ...begun, job: { $exists: true } };
      return (await orWriteError(async () => jobs.updateOne(held, { $set: { 'job.isStopAsked': true } }))).matchedCount === 1;
    },
    continue: async (id) => {
      const stopped = { _id: new ObjectId(id), outcome: 'stopped' as const };
      const again = { outcome: 'begun' as const, endedAt: null, failure: null };
      const lease = { 'job.holder': holder, 'job.heldUntil': heldUntil(), 'job.isStopAsked': false };
      const taken = await changed(stopped, { $set: { ...again, ...lease, 'job.progress.failure': null } });
      return taken === null ? null : toJob(taken);
    },
    leave: async (id) => {
      await orWriteError(async () => jobs.updateOne(mine(id), { $set: { 'job.holder': null, 'job.heldUntil': new Date(0) } }));
    },
  };
}

function fieldsOf({ progress, counts, replayId }: JobChange) {
  return { 'job.progress': progress, counts, ...(replayId === undefined ? {} : { 'job.plan.replayId': replayId }) };
}

function heldUntil(): Date {
  return new Date(Date.now() + jobHoldMs);
}

function orWriteError<T>(run: () => Promise<T>): Promise<T> {
  return orUnavailable('jobs could not be written', run);
}

function toJob(document: JobDocument): OperatorJob {
  const { plan, progress } = document.job;
  return { ...toAction(document), plan, progress };
}

function viewOf(document: JobDocument): JobView {
  const { plan, progress } = document.job;
  return {
    ...toAction(document),
    progress,
    canary: plan.kind === 'letters' ? plan.canary : 0,
    perSecond: plan.kind === 'letters' ? plan.perSecond : null,
    replayId: plan.kind === 'letters' ? null : plan.replayId,
  };
}
