import { setTimeout as delay } from 'node:timers/promises';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { createSweepLedger, type SweepReport, type SweepStatus } from '@notion-mirror/mirror-store/sweep-ledger';
import { OperatorError } from '../operator-error.ts';
import { oneLine } from '../text.ts';

const pollMs = 500;

/** The sweeps of all tenants, or of one. Rejects with an OperatorError for an unknown tenant. */
export async function listSweeps(db: Mongo['db'], workspaceId?: string): Promise<readonly SweepStatus[]> {
  const found = await createSweepLedger(db).list(workspaceId);
  if (workspaceId !== undefined && found.length === 0) throw unknownTenant(workspaceId);
  return found;
}

/** Asks a running sync-worker to compare a tenant with Notion now. Resolves to the time of the request. Rejects with an OperatorError. */
export async function requestSweep(db: Mongo['db'], workspaceId: string, options: { readonly acceptRemovals: boolean }): Promise<Date> {
  const asked = await createSweepLedger(db).request(workspaceId, options);
  if (asked === null) throw unknownTenant(workspaceId);
  return asked;
}

/** Resolves when the requested sweep has ended. Rejects with an OperatorError when it failed. */
export async function sweepEnded(
  db: Mongo['db'],
  workspaceId: string,
  asked: Date,
  signal: AbortSignal,
): Promise<SweepStatus & { readonly last: SweepReport }> {
  const ledger = createSweepLedger(db);
  for (;;) {
    const [status] = await ledger.list(workspaceId);
    if (status === undefined) throw unknownTenant(workspaceId);
    const { last, answered } = status;
    if (last !== null && answered !== null && answered >= asked) return { ...status, last };
    if (status.failures > 0 && status.claimedBy === null) {
      throw new OperatorError('sweep_failed', `it failed: ${status.failure ?? 'unknown'}`);
    }
    await delay(pollMs, undefined, { signal });
  }
}

function unknownTenant(workspaceId: string): OperatorError {
  return new OperatorError('unknown_tenant', `nothing is known of a tenant ${oneLine(workspaceId)}`, {
    remedy: 'mirror reconcile status names them; a new one is there a few seconds after its connection became active',
  });
}
