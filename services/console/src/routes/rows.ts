import { bookkeepingOf } from '@notion-mirror/mirror-store/records/record-document';
import { readTypedRow } from '@notion-mirror/operations/rows/row-page';
import { z } from 'zod';
import type { RowAnswer } from '../answers/rows.ts';
import { tenant } from '../http/input.ts';
import { answering, Refusal, type Route } from '../http/route.ts';
import type { ConsoleParts } from '../parts.ts';
import { heldSources } from '../views/held-sources.ts';
import { plainJson, rowLine } from '../views/row-line.ts';

const mostChildren = 100;
const input = z.object({ params: z.object({ tenant, page: z.string().min(1).max(100) }) });

export function rowRoutes({ db, databases }: Pick<ConsoleParts, 'db' | 'databases'>): Route[] {
  return [
    answering(
      { method: 'GET', path: '/api/tenants/:tenant/rows/:page', role: 'viewer', needsContent: true },
      input,
      async ({ params }): Promise<RowAnswer> => {
        const { tenant: workspaceId, page: pageId } = params;
        const found = await databases.raw('row', workspaceId, pageId);
        if (found === null)
          throw new Refusal(404, 'not_found', 'The mirror has no record of that row.', 'mirror explain says why a row is not there');
        const { rev, asOf, removed } = bookkeepingOf(found);
        const dataSourceId = textOf(found['dataSourceId']);
        const databaseId = textOf(found['databaseId']);
        const [holder, parents, children] = await Promise.all([
          databaseId === null ? null : databases.read(workspaceId, databaseId),
          databaseId === null ? [] : databases.above(workspaceId, { type: 'database_id', id: databaseId }),
          databases.below(workspaceId, pageId, mostChildren),
        ]);
        const source = holder === null ? undefined : heldSources(holder).find((one) => one.dataSourceId === dataSourceId);
        const shown = await readTypedRow(db, { workspaceId, pageId }, source?.properties ?? null);
        const { raw = null, ...document } = found;
        return {
          workspaceId,
          pageId,
          databaseId,
          dataSourceId,
          rev,
          asOf: new Date(asOf).toISOString(),
          removed: removed && { ...removed, at: removed.at.toISOString() },
          row: shown && { columns: shown.columns.map(({ id, name, type }) => ({ id, name, type })), line: rowLine(shown.row) },
          parents,
          children,
          raw: plainJson(raw),
          document: plainJson(document),
        };
      },
    ),
  ];
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
