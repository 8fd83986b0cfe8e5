import { ObjectId, type Db, type Filter } from 'mongodb';
import { openCollection } from './collections.ts';
import { orUnavailable } from './errors.ts';
import { pageReads } from './page-reads.ts';

/** Everything that an operator can change, by the command that does it. */
export const operatorActionNames = [
  'connections.add',
  'connections.pause',
  'connections.resume',
  'connections.remove',
  'connections.purge',
  'dead_letters.redrive',
  'dead_letters.drop',
  'handshake.show',
  'handshake.reset',
  'reconcile.run',
  'replay.run',
  'replay.switch',
  'replay.cancel',
  'rows.scan',
  'rows.on',
  'rows.off',
  'verify.fix',
] as const;

export type OperatorActionName = (typeof operatorActionNames)[number];

/** Who acts, and from where. `who`: by their own word for the command line. */
export interface Operator {
  readonly who: string;
  readonly via: 'cli' | 'console';
}

/** Ids, words of ours and counts: never a secret or a customer's text. */
export type ActionTarget = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** An action as it begins. */
export interface NewOperatorAction extends Operator {
  readonly at: Date;
  readonly action: OperatorActionName;
  /** Null: it is about no tenant, about several, or about one that was purged since. */
  readonly workspaceId: string | null;
  readonly target: ActionTarget;
  /** The operator's own words. */
  readonly reason: string | null;
  /** Of the mirror. */
  readonly version: string;
}

/** How an action ended. `failure`: a code. */
export interface ActionEnd {
  readonly outcome: 'done' | 'failed';
  readonly endedAt: Date;
  readonly workspaceId: string | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly failure: string | null;
}

/**
 * `begun`: it runs, or it was a command that was killed. Of jobs only (`OperatorJobs`): `interrupted`, no process holds it, and the next one continues it; `stopped`,
 * until an operator continues it.
 */
export interface OperatorAction extends NewOperatorAction, Omit<ActionEnd, 'outcome' | 'endedAt'> {
  readonly id: string;
  readonly outcome: 'begun' | 'interrupted' | 'stopped' | ActionEnd['outcome'];
  readonly endedAt: Date | null;
  readonly isJob: boolean;
}

/** All given conditions hold. */
export interface ActionQuery {
  readonly who?: string | undefined;
  readonly action?: OperatorActionName | undefined;
  readonly workspaceId?: string | undefined;
}

/** What operators did, kept for 400 days. All reject with a `StoreUnavailableError`; `list` also when MongoDB takes longer than two seconds. */
export interface OperatorActions {
  /** Resolves to its id when it is durable. */
  begin(action: NewOperatorAction): Promise<string>;
  end(id: string, end: ActionEnd): Promise<void>;
  /** Latest first, those below the id `below`; null: from the latest. */
  list(query: ActionQuery, below: string | null, limit: number): Promise<OperatorAction[]>;
  /**
   * Takes a tenant's name, and all ids and reasons, out of what was done for it. Who did what and when stays, and why it was purged. Resolves to the
   * number of actions.
   */
  forget(workspaceId: string): Promise<number>;
}

/** What operators' actions and jobs have in common. `outcome`: `interrupted` is never stored. */
export interface ActionDocument extends NewOperatorAction, Omit<ActionEnd, 'outcome' | 'endedAt'> {
  readonly _id: ObjectId;
  readonly outcome: Exclude<OperatorAction['outcome'], 'interrupted'>;
  readonly endedAt: Date | null;
  /** Of a job: until when its process holds it; null: it has ended, or stopped. */
  readonly job?: { readonly heldUntil: Date | null };
}

/** A list does not read what a job keeps for itself. */
const listed = { 'job.plan': 0, 'job.progress': 0 } as const;

export function toAction({ _id, job, outcome, ...one }: ActionDocument): OperatorAction {
  const isLeft = outcome === 'begun' && job !== undefined && (job.heldUntil === null || job.heldUntil.getTime() < Date.now());
  return { id: _id.toHexString(), ...one, outcome: isLeft ? 'interrupted' : outcome, isJob: job !== undefined };
}

export function openOperatorActions(db: Db): OperatorActions {
  const actions = openCollection<ActionDocument>(db, 'operatorActions');
  return {
    begin: (action) =>
      orUnavailable('the action could not be recorded, so nothing was done', async () => {
        const begun = { outcome: 'begun', endedAt: null, counts: {}, failure: null } as const;
        const { insertedId } = await actions.insertOne({ _id: new ObjectId(), ...action, ...begun });
        return insertedId.toHexString();
      }),
    end: async (id, end) => {
      await orUnavailable('the end of the action could not be recorded', () => actions.updateOne({ _id: new ObjectId(id) }, { $set: end }));
    },
    list: ({ who, action, workspaceId }, below, limit) =>
      orUnavailable('the actions of operators could not be read', async () => {
        const filter: Filter<ActionDocument> = {
          ...(workspaceId === undefined ? {} : { workspaceId }),
          ...(who === undefined ? {} : { who }),
          ...(action === undefined ? {} : { action }),
          ...(below === null ? {} : { _id: { $lt: new ObjectId(below) } }),
        };
        const found = await actions.find(filter, { ...pageReads, projection: listed, sort: { _id: -1 }, limit }).toArray();
        return found.map(toAction);
      }),
    forget: (workspaceId) =>
      orUnavailable('the actions of operators could not be changed', async () => {
        const purge: OperatorActionName = 'connections.purge';
        const reason = { $cond: [{ $eq: ['$action', purge] }, '$reason', null] };
        const forgotten = { workspaceId: null, target: { $literal: {} }, reason };
        // What is left of a job would bring the tenant back.
        const open = { workspaceId, job: { $exists: true }, outcome: { $in: ['begun' as const, 'stopped' as const] } };
        const ended = { outcome: 'failed' as const, endedAt: new Date(), failure: 'purged', 'job.heldUntil': null, 'job.holder': null };
        await actions.updateMany(open, { $set: ended });
        const order = { 'job.plan.order': '', 'job.plan.ranges': '', 'job.plan.refs': '' } as const;
        await actions.updateMany({ workspaceId, job: { $exists: true } }, { $unset: order });
        return (await actions.updateMany({ workspaceId }, [{ $set: forgotten }])).modifiedCount;
      }),
  };
}
