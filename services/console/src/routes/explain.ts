import { causesOf } from '@notion-mirror/operations/explain/causes';
import { tenantJson } from '@notion-mirror/operations/explain/explanation-json';
import type { ExplainFacts } from '@notion-mirror/operations/explain/facts';
import { subjectOf } from '@notion-mirror/operations/explain/subject';
import { z } from 'zod';
import type { Explanation } from '../answers/explain.ts';
import { optional, tenant, wholeNumber } from '../http/input.ts';
import { streaming, type Route, type StreamMessage } from '../http/route.ts';
import { createTurns } from '../http/turns.ts';
import type { ConsoleParts } from '../parts.ts';

const defaultLast = 5;
/** Each reads the dead-letter topic and what waits on the log. */
const atOnce = 4;

const input = z.object({
  params: z.object({ id: z.string().min(1).max(2_000) }),
  query: z.object({
    tenant: optional.pipe(tenant.optional()),
    last: wholeNumber(1, 100),
    notion: optional,
  }),
});

export function explainRoutes(parts: Pick<ConsoleParts, 'context' | 'db' | 'directory' | 'outcomes' | 'views' | 'content'>): Route[] {
  const turns = createTurns(atOnce);
  return [
    streaming({ method: 'GET', path: '/api/explain/:id', role: 'viewer' }, input, async function* ({ params, query }, { signal, who }) {
      const subject = subjectOf(params.id);
      // Asking Notion costs the tenant's own budget of calls, so only who may act does.
      const asksNotion = query.notion !== '0' && who?.role === 'operator';
      const question = { subject, workspaceId: query.tenant ?? null, last: query.last ?? defaultLast };
      yield* explain(parts, question, { asksNotion, signal, turns });
      yield { event: 'done', data: {} };
    }),
  ];
}

async function* explain(
  {
    context,
    db,
    directory,
    outcomes,
    views,
    content,
  }: Pick<ConsoleParts, 'context' | 'db' | 'directory' | 'outcomes' | 'views' | 'content'>,
  question: { readonly subject: string; readonly workspaceId: string | null; readonly last: number },
  {
    asksNotion,
    signal,
    turns,
  }: { readonly asksNotion: boolean; readonly signal: AbortSignal; readonly turns: ReturnType<typeof createTurns> },
): AsyncGenerator<StreamMessage, void, undefined> {
  // It can ask Notion: see check.ts.
  const { gatherExplainFacts } = await import('@notion-mirror/operations/explain/gather-facts');
  const own = { ...context, signal };
  const { subject, workspaceId, last } = question;
  const connections = [...directory.all()];
  const known = await outcomes.page({ about: subject, ...(workspaceId === null ? {} : { workspaceId }) }, null, last);
  const events = await Promise.all(known.outcomes.map(async (outcome) => views.detail(outcome)));
  const messageOf = (facts: ExplainFacts, asking: Explanation['asking']): StreamMessage => {
    const data: Explanation = {
      subject,
      kind: facts.kind.name === 'row' ? 'row' : 'database',
      id: facts.id,
      asking,
      causes: causesOf(facts, new Date()).map((cause) => ({ ...cause, text: context.redact(cause.text) })),
      tenants: facts.tenants.map((tenantFacts) => {
        const { row = null, schemaChanges = null, ...rest } = tenantJson(tenantFacts);
        return { ...rest, row, schemaChanges: schemaChanges !== null && !content ? [] : schemaChanges };
      }),
      events,
    };
    return { event: 'explanation', data };
  };

  const first = await gatherExplainFacts(own, db, connections, { ...question, asksKafka: false, asksNotion: false });
  yield messageOf(first, ['log', 'deadLetters', ...(asksNotion ? (['notion'] as const) : [])]);
  const all = await turns.take(signal, async () => gatherExplainFacts(own, db, connections, { ...question, asksKafka: true, asksNotion }));
  yield messageOf(all, []);
}
