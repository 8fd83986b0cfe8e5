import { randomUUID } from 'node:crypto';
import type { ActionOrder } from '@notion-mirror/operations/audit/record-action';
import type { JobPlan } from '@notion-mirror/mirror-store/operator-jobs';
import type { Identity } from '../access/who.ts';

/** A plan that was shown to the operator who made it, and what is to be done. */
export interface KeptPlan {
  readonly order: Omit<ActionOrder, 'reason'>;
  readonly job: JobPlan;
  readonly letters: number;
}

export interface Plans {
  keep(who: Identity | null, plan: KeptPlan): { readonly id: string; readonly expiresAt: Date };
  /** Takes it out: a plan runs once. Null: it has run, is too old, or is another's. */
  take(who: Identity | null, id: string): KeptPlan | null;
  /** Puts one back that did not run after all. */
  putBack(who: Identity | null, id: string, plan: KeptPlan): void;
}

const keptMs = 10 * 60_000;
const mostKept = 100;
/** Some 20 MB. One plan can hold 50,000. */
const mostLetters = 200_000;

export function createPlans(now: () => number = Date.now): Plans {
  const plans = new Map<string, { readonly plan: KeptPlan; readonly maker: string; readonly expiresAt: number }>();
  const put = (id: string, who: Identity | null, plan: KeptPlan): number => {
    const letters = () => [...plans.values()].reduce((sum, kept) => sum + kept.plan.letters, plan.letters);
    for (const [other, { expiresAt }] of plans) {
      if (expiresAt <= now() || plans.size >= mostKept || letters() > mostLetters) plans.delete(other);
    }
    const expiresAt = now() + keptMs;
    plans.set(id, { plan, maker: makerOf(who), expiresAt });
    setTimeout(() => plans.delete(id), keptMs).unref();
    return expiresAt;
  };
  return {
    keep(who, plan) {
      const id = randomUUID();
      return { id, expiresAt: new Date(put(id, who, plan)) };
    },
    take(who, id) {
      const kept = plans.get(id);
      if (kept === undefined || kept.maker !== makerOf(who) || kept.expiresAt <= now()) return null;
      plans.delete(id);
      return kept.plan;
    },
    putBack: (who, id, plan) => void put(id, who, plan),
  };
}

function makerOf(who: Identity | null): string {
  return JSON.stringify([who?.name ?? null]);
}
