import type { Mongo } from '@notion-mirror/mirror-store/client';
import {
  openOperatorActions,
  type ActionTarget,
  type Operator,
  type OperatorActionName,
} from '@notion-mirror/mirror-store/operator-actions';
import { version } from '@notion-mirror/service-kit/version';
import { messageOf } from '../error-text.ts';
import type { OperationContext } from '../operation-context.ts';
import { OperatorError } from '../operator-error.ts';
import { oneLine } from '../text.ts';

/** An operation that changes something, and who asked for it. */
export interface ActingContext extends OperationContext {
  readonly operator: Operator;
}

/** What is about to be done. `workspaceId`: null when it is about several tenants, or not known yet. */
export interface ActionOrder {
  readonly action: OperatorActionName;
  readonly workspaceId: string | null;
  readonly target: ActionTarget;
  readonly reason: string | null;
}

/** What was done so far, filled in by the work. It is recorded also when the work fails. `failure`: a code, for work that ends early without an error. */
export interface ActionNotes {
  /** Of the action in the audit trail. */
  readonly id: string;
  workspaceId: string | null;
  counts: Readonly<Record<string, number>>;
  failure: string | null;
}

const mostIds = 100;

/**
 * Does `work` between two writes to the audit trail, `operator_actions`: begun, then done or failed; a killed process leaves it begun. Rejects with a
 * `StoreUnavailableError`, before any work, when the action cannot be recorded, and with what `work` rejects with. When only its end cannot be recorded, it
 * reports that as progress.
 */
export async function recordAction<T>(
  { operator, redact, signal, onProgress }: ActingContext,
  db: Mongo['db'],
  { action, workspaceId, target, reason }: ActionOrder,
  work: (notes: ActionNotes) => Promise<T>,
): Promise<T> {
  const actions = openOperatorActions(db);
  const words = reason === null ? null : oneLine(redact(reason));
  const { who, via } = operator;
  const id = await actions.begin({ at: new Date(), who, via, action, workspaceId, target, reason: words, version });
  const notes: ActionNotes = { id, workspaceId, counts: {}, failure: null };
  try {
    const result = await work(notes);
    await end(notes.failure);
    return result;
  } catch (error) {
    await end(signal.aborted ? 'interrupted' : error instanceof OperatorError ? error.code : 'failed');
    throw error;
  }

  async function end(failure: string | null): Promise<void> {
    const outcome = failure === null ? 'done' : 'failed';
    try {
      await actions.end(id, { outcome, endedAt: new Date(), workspaceId: notes.workspaceId, counts: notes.counts, failure });
    } catch (error) {
      onProgress(redact(`the audit trail does not say how this ended: ${messageOf(error)}`));
    }
  }
}

/** The tenant of an action about these; null: they are several, or none. */
export function onlyTenant(workspaceIds: Iterable<string>): string | null {
  const [first = null, ...others] = new Set(workspaceIds);
  return others.length === 0 ? first : null;
}

/** Ids for the target of an action, cut off. */
export function someIds(ids: Iterable<string>): readonly string[] {
  return [...ids].slice(0, mostIds);
}
