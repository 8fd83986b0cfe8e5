import type { Mongo } from '@notion-mirror/mirror-store/client';
import { recordAction, type ActionNotes, type ActionOrder } from '@notion-mirror/operations/audit/record-action';
import type { OperationContext } from '@notion-mirror/operations/operation-context';
import type { Operator } from '@notion-mirror/mirror-store/operator-actions';
import { oneLine } from '@notion-mirror/operations/text';
import { z } from 'zod';
import type { Identity } from '../access/who.ts';

const longestName = 100;

/** Without signing in there is no name. */
export function operatorOf(who: Identity | null): Operator {
  return { who: oneLine(who?.name ?? 'not signed in').slice(0, longestName), via: 'console' };
}

/**
 * Does `work` for the user of a request, recorded in the audit trail (`recordAction`), and resolves to its result and the id there. It is finished even when
 * the browser leaves. Rejects as `recordAction` does.
 */
export async function recorded<T>(
  context: OperationContext,
  db: Mongo['db'],
  who: Identity | null,
  order: ActionOrder,
  work: (notes: ActionNotes) => Promise<T>,
): Promise<{ readonly actionId: string; readonly result: T }> {
  let actionId = '';
  const result = await recordAction({ ...context, operator: operatorOf(who) }, db, order, async (notes) => {
    actionId = notes.id;
    return work(notes);
  });
  return { actionId, result };
}

/** Why, for the audit trail. */
export const reason = z.string().trim().min(1, 'say why').max(500);
