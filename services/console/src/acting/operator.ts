import type { ActingContext } from '@notion-mirror/operations/audit/record-action';
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

/** For an action of this request. It is finished even when the browser leaves. */
export function actingContext(context: OperationContext, who: Identity | null): ActingContext {
  return { ...context, operator: operatorOf(who) };
}

/** Why, for the audit trail. */
export const reason = z.string().trim().min(1, 'say why').max(500);
