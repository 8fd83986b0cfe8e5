import { count } from '@notion-mirror/operations/text';
import { differenceJson } from '@notion-mirror/operations/verify/difference-json';
import type { DatabaseCheck } from '@notion-mirror/operations/verify/verify-database';
import { z } from 'zod';
import type { CheckAnswer, Difference } from '../answers/check.ts';
import { tenant } from '../http/input.ts';
import { answering, Refusal, type Route } from '../http/route.ts';
import type { ConsoleParts } from '../parts.ts';

const everyMs = 5_000;
const requestsPerMinute = 30;
/** A webhook may be in flight. */
const graceMs = 2_000;
/** A query returns 100 rows, so these take five calls. */
const mostRows = 500;

const input = z.object({ params: z.object({ tenant, database: z.string().min(1).max(100) }), body: z.object({}) });

export interface Checks {
  /**
   * Compares a database with Notion, one at a time for each tenant. `pauses`: none either in the 5 s after another one. Resolves to the comparison, and its answer.
   * Rejects with a Refusal, or as `verifyDatabase` does.
   */
  compare(
    ref: { readonly workspaceId: string; readonly id: string },
    options: { readonly pauses: boolean; readonly signal: AbortSignal },
  ): Promise<{ readonly found: DatabaseCheck; readonly answer: CheckAnswer }>;
}

export function checkRoutes(checks: Checks): Route[] {
  return [
    answering(
      { method: 'POST', path: '/api/tenants/:tenant/databases/:database/check', role: 'operator' },
      input,
      async ({ params }, { signal }): Promise<CheckAnswer> =>
        (await checks.compare({ workspaceId: params.tenant, id: params.database }, { pauses: true, signal })).answer,
    ),
  ];
}

export function createChecks({ context, db, directory, content }: Pick<ConsoleParts, 'context' | 'db' | 'directory' | 'content'>): Checks {
  /** By tenant: a while after the last check; without an end while it runs. */
  const refusedUntil = new Map<string, number>();
  return {
    async compare({ workspaceId, id }, { pauses, signal }) {
      const started = performance.now();
      for (const [one, until] of refusedUntil) if (started >= until) refusedUntil.delete(one);
      const until = refusedUntil.get(workspaceId);
      if (until !== undefined && (pauses || until === Infinity)) {
        const seconds = Math.ceil(Math.min(everyMs, until - started) / 1000);
        throw new Refusal(429, 'too_often', 'Notion was asked about this tenant a moment ago.', `again in ${seconds} s`, seconds);
      }
      refusedUntil.set(workspaceId, Infinity);
      const connections = directory.ofWorkspace(workspaceId);
      const options = { connections, requestsPerMinute, graceMs, mostRows };
      // Loaded by who asks Notion: its client and that of HTTP take 5 MB.
      const { verifyDatabase } = await import('@notion-mirror/operations/verify/verify-database');
      const checking = verifyDatabase({ ...context, signal }, db, { workspaceId, id }, options);
      const found = await checking.finally(() => refusedUntil.set(workspaceId, performance.now() + everyMs));
      const ms = Math.round(performance.now() - started);
      const answer = { at: new Date().toISOString(), ms, notionCalls: found.notionCalls, ...verdictOf(found), ...partsOf(found) };
      return { found, answer };
    },
  };

  function partsOf({ differences, unanswered, unsettled, rows }: DatabaseCheck): Pick<CheckAnswer, 'differences' | 'problems' | 'rows'> {
    return {
      differences: differences.map((difference): Difference => {
        const { workspaceId: _tenant, fields, moreFields, ...json } = differenceJson(difference);
        const ids = { databaseId: null, pageId: null, [difference.kind.idField]: difference.id };
        const { kind, because, problem } = json;
        return {
          kind,
          because,
          problem,
          ...ids,
          fields: content ? fields : [],
          moreFields: content ? moreFields : moreFields + fields.length,
        };
      }),
      problems: [...unanswered.map(({ why }) => context.redact(why)), ...unsettled.map((id) => `${id} changed each time it was compared.`)],
      rows,
    };
  }
}

/** `2 fields and 3 rows`. A database that is missing, or should be, has no fields to count. */
function whatDiffers(differences: DatabaseCheck['differences']): string {
  const [rows = [], own = []] = [true, false].map((isRow) => differences.filter(({ kind }) => (kind.idField === 'pageId') === isRow));
  const fields = own.map(differenceJson).reduce((sum, one) => sum + one.fields.length + one.moreFields, 0);
  const parts = [
    ...(own.length === 0 ? [] : [fields === 0 ? 'the database' : count(fields, 'field')]),
    ...(rows.length === 0 ? [] : [count(rows.length, 'row')]),
  ];
  return parts.join(' and ');
}

function verdictOf({ differences, unanswered, unsettled, rows, notionCalls }: DatabaseCheck): Pick<CheckAnswer, 'verdict' | 'text'> {
  const calls = count(notionCalls, 'call');
  if (differences.length > 0) return { verdict: 'different', text: `Different from Notion: ${whatDiffers(differences)}, ${calls}.` };
  if (unanswered.length + unsettled.length > 0) return { verdict: 'unknown', text: `It could not be compared, ${calls}.` };
  const compared = rows.reduce((sum, { compared: of }) => sum + (of ?? 0), 0);
  const left = rows.filter(({ compared: of }) => of === null).length;
  const withRows = compared === 0 ? '' : ` with ${count(compared, 'row')}`;
  const without = left === 0 ? '' : ` The rows of ${count(left, 'data source')} were not compared.`;
  return { verdict: 'equal', text: `Equal to Notion${withRows}, ${calls}.${without}` };
}
