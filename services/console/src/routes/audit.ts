import { openOperatorActions, operatorActionNames } from '@notion-mirror/mirror-store/operator-actions';
import { actionJson } from '@notion-mirror/operations/audit/action-json';
import { z } from 'zod';
import type { AuditAnswer } from '../answers/audit.ts';
import { cursor, cursorOf, optional } from '../http/input.ts';
import { answering, type Route } from '../http/route.ts';
import type { ConsoleParts } from '../parts.ts';

const onPage = 100;

const input = z.object({
  query: z.object({
    who: optional,
    action: optional.pipe(z.enum(operatorActionNames).optional()),
    tenant: optional,
    cursor: cursor(z.string().regex(/^[0-9a-f]{24}$/)),
  }),
});

export function auditRoutes({ db }: Pick<ConsoleParts, 'db'>): Route[] {
  const actions = openOperatorActions(db);
  return [
    answering({ method: 'GET', path: '/api/audit', role: 'viewer' }, input, async ({ query }): Promise<AuditAnswer> => {
      const { who, action, tenant: workspaceId, cursor: below } = query;
      const found = await actions.list({ who, action, workspaceId }, below, onPage + 1);
      const shown = found.slice(0, onPage);
      const last = found.length > onPage ? shown.at(-1) : undefined;
      return { actions: shown.map(actionJson), next: last === undefined ? null : cursorOf(last.id) };
    }),
  ];
}
