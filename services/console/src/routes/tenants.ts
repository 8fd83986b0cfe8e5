import { createConnectionNotices } from '@notion-mirror/mirror-store/connection-notices';
import { openContentsReports } from '@notion-mirror/mirror-store/contents-reports';
import { createParkedEvents } from '@notion-mirror/mirror-store/parked-events';
import { createSweepLedger } from '@notion-mirror/mirror-store/sweep-ledger';
import { connectionJson, leftJson } from '@notion-mirror/operations/connections/connection-json';
import { sweepJson } from '@notion-mirror/operations/reconcile/sweep-json';
import { connectionUseJson } from '@notion-mirror/operations/status/notion-use';
import { byNeed, freshnesses, type TenantSummary } from '@notion-mirror/operations/tenants/tenant-summary';
import { tenantText } from '@notion-mirror/operations/tenants/tenant-text';
import { z } from 'zod';
import type { TenantAnswer, TenantsAnswer } from '../answers/tenants.ts';
import { cursor, cursorOf, optional, tenant } from '../http/input.ts';
import { answering, Refusal, type Route } from '../http/route.ts';
import type { ConsoleParts } from '../parts.ts';
import { contentsView } from '../views/contents.ts';

const onPage = 100;
const mostLeft = 20;
const mostIncomplete = 20;

const listInput = z.object({
  query: z.object({
    state: optional.pipe(z.enum(['active', 'unauthorized', 'paused', 'deleted']).optional()),
    freshness: optional.pipe(z.enum(freshnesses).optional()),
    q: optional,
    sort: optional.pipe(z.enum(['worst', 'name']).default('worst')),
    cursor: cursor(z.object({ after: z.string(), shown: z.number().int().min(0) })),
  }),
});
const oneInput = z.object({ params: z.object({ tenant }) });

export function tenantRoutes(parts: Pick<ConsoleParts, 'db' | 'directory' | 'overview' | 'context' | 'lines'>): Route[] {
  const { db, directory, overview, lines, context } = parts;
  const notices = createConnectionNotices(db);
  const sweeps = createSweepLedger(db);
  const parked = createParkedEvents(db);
  const contents = openContentsReports(db);

  return [
    answering({ method: 'GET', path: '/api/tenants', role: 'viewer' }, listInput, async ({ query }): Promise<TenantsAnswer> => {
      const [{ summaries, silent }, left] = await Promise.all([overview.tenants(), notices.leftToOperator(mostLeft)]);
      const fitting = summaries.filter((one) => fits(one, query)).toSorted(query.sort === 'name' ? byName : byNeed);
      const start = query.cursor === null ? 0 : startAfter(fitting, query.cursor);
      const shown = fitting.slice(start, start + onPage);
      const last = shown.at(-1);
      const hasMore = start + shown.length < fitting.length;
      return {
        tenants: await lines.of(shown, silent),
        total: fitting.length,
        next: hasMore && last !== undefined ? cursorOf({ after: last.workspaceId, shown: start + shown.length }) : null,
        leftToYou: left.map(leftJson),
      };
    }),

    answering({ method: 'GET', path: '/api/tenants/:tenant', role: 'viewer' }, oneInput, async ({ params }): Promise<TenantAnswer> => {
      const workspaceId = params.tenant;
      const { summaries, silent, notion } = await overview.tenants();
      const summary = summaries.find((one) => one.workspaceId === workspaceId);
      if (summary === undefined) {
        throw new Refusal(404, 'not_found', 'There is no connection of that tenant.', 'mirror connections list');
      }
      const [[line], [sweep], waiting, counts, incomplete] = await Promise.all([
        lines.of([summary], silent),
        sweeps.of([workspaceId]),
        parked.count(workspaceId),
        contents.states(workspaceId),
        contents.list({ workspaceId, states: ['incomplete', 'scanning'] }, mostIncomplete),
      ]);
      if (line === undefined) throw new Error('a tenant has no line');
      const connections = directory.ofWorkspace(workspaceId);
      return {
        tenant: line,
        text: tenantText({ ...summary, isSilent: line.isSilent, isStopped: sweep?.last?.stopped === true }, new Date()),
        connections: connections.map(connectionJson),
        notion: notion.busiest
          .filter(({ connectionId }) => connections.some((one) => one.connectionId === connectionId))
          .map(connectionUseJson),
        sweep: sweep === undefined ? null : sweepJson(sweep),
        parked: waiting,
        rows: { dataSources: counts, incomplete: incomplete.map((source) => contentsView(source, context.redact)) },
      };
    }),
  ];
}

function fits(
  { workspaceId, state, freshness }: TenantSummary,
  query: { readonly state?: string | undefined; readonly freshness?: string | undefined; readonly q?: string | undefined },
): boolean {
  if (query.state === undefined ? state === 'deleted' : state !== query.state) return false;
  if (query.freshness !== undefined && freshness !== query.freshness) return false;
  return query.q === undefined || workspaceId.toLowerCase().includes(query.q.toLowerCase());
}

function byName(a: TenantSummary, b: TenantSummary): number {
  return a.workspaceId < b.workspaceId ? -1 : 1;
}

/** After the last one shown; where that has gone, or moved, after as many as were shown. */
function startAfter(fitting: readonly TenantSummary[], { after, shown }: { readonly after: string; readonly shown: number }): number {
  const index = fitting.findIndex(({ workspaceId }) => workspaceId === after);
  return index === -1 ? Math.min(shown, fitting.length) : index + 1;
}
