import { createConnectionNotices } from '@notion-mirror/mirror-store/connection-notices';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { createSweepLedger } from '@notion-mirror/mirror-store/sweep-ledger';
import type { ActionOrder } from '@notion-mirror/operations/audit/record-action';
import { pauseConnection, resumeConnection } from '@notion-mirror/operations/connections/change-status';
import { connectionJson } from '@notion-mirror/operations/connections/connection-json';
import { OperatorError } from '@notion-mirror/operations/operator-error';
import { sweepJson } from '@notion-mirror/operations/reconcile/sweep-json';
import { requestSweep } from '@notion-mirror/operations/reconcile/sweeps';
import { oneLine } from '@notion-mirror/operations/text';
import { z } from 'zod';
import type { AdmitAnswer, CompareAnswer, FetchAnswer, StatusChangeAnswer } from '../answers/acting.ts';
import { reason, recorded } from '../acting/operator.ts';
import { tenant } from '../http/input.ts';
import { answering, Refusal, type Route, type RouteRequest } from '../http/route.ts';
import type { ConsoleParts } from '../parts.ts';
import type { Checks } from './check.ts';

const connectionId = z.string().min(1).max(300);

const compareInput = z.object({
  params: z.object({ tenant }),
  body: z.object({ reason, acceptRemovals: z.boolean().default(false), count: z.number().int().optional() }),
});
const statusInput = z.object({ params: z.object({ id: connectionId }), body: z.object({ reason }) });
const admitInput = z.object({
  params: z.object({ id: connectionId }),
  body: z.object({ reason, tenant, providerConfigKey: z.string().min(1).max(300) }),
});
const fetchInput = z.object({ params: z.object({ tenant, database: z.string().min(1).max(100) }), body: z.object({ reason }) });

/** Actions that end at once, with the same functions as the commands. */
export function actingRoutes({ context, db, directory }: Pick<ConsoleParts, 'context' | 'db' | 'directory'>, checks: Checks): Route[] {
  const sweeps = createSweepLedger(db);
  const connections = createConnectionStore(db);
  const notices = createConnectionNotices(db);

  return [
    answering(
      { method: 'POST', path: '/api/tenants/:tenant/compare', role: 'operator' },
      compareInput,
      async ({ params, body }, { who }): Promise<CompareAnswer> => {
        const workspaceId = params.tenant;
        const { acceptRemovals } = body;
        if (acceptRemovals) await checkRemovals(workspaceId, body.count);
        const order = {
          action: 'reconcile.run',
          workspaceId,
          target: acceptRemovals ? { acceptRemovals } : {},
          reason: body.reason,
        } as const;
        const { actionId } = await recorded(context, db, who, order, async () => requestSweep(db, workspaceId, { acceptRemovals }));
        const [sweep] = await sweeps.of([workspaceId]);
        if (sweep === undefined) throw new Error('a tenant has lost its sweep');
        const json = sweepJson(sweep);
        return { actionId, sweep: { ...json, failure: json.failure === null ? null : context.redact(json.failure) } };
      },
    ),

    answering(
      { method: 'POST', path: '/api/connections/:id/pause', role: 'operator' },
      statusInput,
      async ({ params: { id }, body }, { who }): Promise<StatusChangeAnswer> =>
        change(who, { action: 'connections.pause', reason: body.reason }, id, async () =>
          pauseConnection(db, id, oneLine(context.redact(body.reason))),
        ),
    ),

    answering(
      { method: 'POST', path: '/api/connections/:id/resume', role: 'operator' },
      statusInput,
      async ({ params: { id }, body }, { who }): Promise<StatusChangeAnswer> =>
        change(who, { action: 'connections.resume', reason: body.reason }, id, async () => resumeConnection(db, id)),
    ),

    answering(
      { method: 'POST', path: '/api/notices/:id/admit', role: 'operator' },
      admitInput,
      async ({ params: { id }, body }, { who }): Promise<AdmitAnswer> => {
        const { providerConfigKey, tenant: workspaceId } = body;
        const left = await notices.leftToOperator();
        if (!left.some((one) => one.connectionId === id && one.providerConfigKey === providerConfigKey)) {
          throw new Refusal(404, 'unknown_notice', 'No such connection waits for a decision (any more).', 'mirror connections list');
        }
        const target = { connectionId: id, token: 'keep' };
        const order = { action: 'connections.add', workspaceId, target, reason: body.reason } as const;
        // These two ask Nango and Notion: see check.ts.
        const { addConnection } = await import('@notion-mirror/operations/connections/add-connection');
        const { actionId, result } = await recorded(context, db, who, order, async (notes) => {
          const given = { connectionId: id, providerConfigKey, workspaceId, notionWorkspaceId: null, botId: null };
          const added = await addConnection(context, db, { ...given, token: { kind: 'keep' } });
          notes.counts = added.previous === null ? { added: 1 } : { updated: 1 };
          return added;
        });
        return { actionId, outcome: result.previous === null ? 'added' : 'updated', connection: connectionJson(result.connection) };
      },
    ),

    answering(
      { method: 'POST', path: '/api/tenants/:tenant/databases/:database/fetch', role: 'operator' },
      fetchInput,
      async ({ params, body }, { who }): Promise<FetchAnswer> => {
        const { tenant: workspaceId, database: id } = params;
        const order = { action: 'verify.fix', workspaceId, target: { databaseId: id }, reason: body.reason } as const;
        const { appendFixes } = await import('@notion-mirror/operations/verify/verify-tenants');
        const { actionId, result } = await recorded(context, db, who, order, async (notes) => {
          const { found, answer } = await checks.compare({ workspaceId, id }, { pauses: false, signal: context.signal });
          const appended = await appendFixes(context, found, directory.ofWorkspace(workspaceId));
          notes.counts = { compared: found.compared, differences: found.differences.length, appended };
          return { check: answer, appended };
        });
        return { actionId, ...result };
      },
    ),
  ];

  async function change(
    who: RouteRequest['who'],
    { action, reason: words }: Pick<ActionOrder, 'action' | 'reason'>,
    id: string,
    make: () => ReturnType<typeof resumeConnection>,
  ): Promise<StatusChangeAnswer> {
    const known = await connections.get(id);
    if (known === null) {
      throw new OperatorError('unknown_connection', `there is no connection ${oneLine(id)}`, { remedy: 'mirror connections list' });
    }
    const order = { action, workspaceId: known.workspaceId, target: { connectionId: id }, reason: words };
    const { actionId, result } = await recorded(context, db, who, order, async (notes) => {
      const changed = await make();
      notes.counts = { changed: changed.kind === 'unchanged' ? 0 : 1 };
      return changed;
    });
    return { actionId, outcome: result.kind, connection: connectionJson(result.connection) };
  }

  /** The operator has seen how many databases would go. */
  async function checkRemovals(workspaceId: string, count: number | undefined): Promise<void> {
    const [sweep] = await sweeps.of([workspaceId]);
    if (sweep?.last?.stopped !== true) {
      throw new Refusal(409, 'not_possible', 'No comparison of this tenant has stopped before removals.', 'compare it first');
    }
    const { removals } = sweep.last;
    if (count !== removals) throw new Refusal(409, 'count_differs', `${removals} databases would go: give that number as count.`);
  }
}
