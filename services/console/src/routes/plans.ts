import type { JobPlan } from '@notion-mirror/mirror-store/operator-jobs';
import type { ReplayOrder } from '@notion-mirror/mirror-store/replays';
import { notionIdFromText } from '@notion-mirror/domain/notion-id';
import { onlyTenant, someIds, type ActionOrder } from '@notion-mirror/operations/audit/record-action';
import { filterOf } from '@notion-mirror/operations/dead-letters/filter';
import { causeJson, tenantsJson } from '@notion-mirror/operations/dead-letters/letter-json';
import { makePlan, type Plan, type PlanHints } from '@notion-mirror/operations/dead-letters/plan';
import { destinationsOf } from '@notion-mirror/operations/dead-letters/settle-letters';
import { openDeadLetterTopic } from '@notion-mirror/operations/dead-letters/topic';
import { parsePlace } from '@notion-mirror/operations/log-place';
import { rangesOf } from '@notion-mirror/operations/replay/order';
import { estimateCalls } from '@notion-mirror/operations/dead-letters/estimate-calls';
import { makeReplayPlan } from '@notion-mirror/operations/replay/plan';
import { unfinishedReplay } from '@notion-mirror/operations/replay/run-replay';
import { z } from 'zod';
import type { PlanAnswer, ReplayPlanAnswer } from '../answers/plans.ts';
import type { JobAnswer } from '../answers/jobs.ts';
import type { KeptPlan } from '../acting/plans.ts';
import { operatorOf, reason } from '../acting/operator.ts';
import { tenant, timeText } from '../http/input.ts';
import { answering, Refusal, type Route } from '../http/route.ts';
import type { ConsoleParts } from '../parts.ts';
import type { ViewJob } from './jobs.ts';

/** A document of MongoDB holds them with room to spare. */
const mostLetters = 50_000;
const confirmAbove = 50;
const canaryLetters = 5;
const hints: PlanHints = { force: 'force does it again', ingressUrl: 'set MIRROR_CONSOLE_INGRESS_URL to its address' };

const text = z.string().min(1).max(200).optional();
const place = z.string().transform((ref, context) => {
  const found = parsePlace(ref);
  if (found !== null) return found;
  context.addIssue('partition:offset');
  return z.NEVER;
});
const planInput = z.object({
  body: z
    .object({
      action: z.enum(['redrive', 'drop']),
      filter: z.object({ class: text, code: text, service: text, tenant: text, since: timeText.optional() }).optional(),
      refs: z.array(place).min(1).max(1_000).optional(),
      force: z.boolean().default(false),
    })
    .refine(
      ({ filter, refs }) =>
        (refs === undefined) !== (filter === undefined) && (filter === undefined || Object.values(filter).some((one) => one !== undefined)),
      'either refs, or a filter with at least one criterion',
    ),
});
const replayInput = z.object({
  body: z
    .object({
      source: z.enum(['states', 'events']),
      into: z.enum(['mirror', 'shadow']),
      tenant: tenant.optional(),
      database: z
        .string()
        .transform((id, context) => {
          const found = notionIdFromText(id);
          if (found !== null) return found;
          context.addIssue('a Notion id or URL');
          return z.NEVER;
        })
        .optional(),
      since: timeText.optional(),
      offsets: z.array(place).min(1).max(1_000).optional(),
    })
    .refine(({ since, offsets }) => since === undefined || offsets === undefined, 'since and offsets exclude each other')
    .refine(
      ({ source, since, offsets }) => source === 'events' || (since === undefined && offsets === undefined),
      'a replay of states takes no beginning: the state log holds the latest state of every database, wherever it lies',
    )
    .refine(({ source, into }) => source === 'states' || into === 'mirror', 'a shadow is built from states')
    .refine(
      ({ into, tenant: one, database }) => into === 'mirror' || (one === undefined && database === undefined),
      'a shadow holds every tenant',
    ),
});
const runInput = z.object({
  params: z.object({ id: z.string().max(100) }),
  body: z.object({
    reason,
    count: z.number().int().optional(),
    canary: z.boolean().default(true),
    perSecond: z.number().int().min(1).max(1_000).default(50),
  }),
});

type PlanBody = z.infer<typeof planInput>['body'];

export function planRoutes(
  { context, db, config, plans, jobs }: Pick<ConsoleParts, 'context' | 'db' | 'config' | 'plans' | 'jobs'>,
  viewJob: ViewJob,
): Route[] {
  return [
    answering(
      { method: 'POST', path: '/api/plans', role: 'operator' },
      planInput,
      async ({ body }, { who, signal }): Promise<PlanAnswer> => {
        const own = { ...context, signal };
        const letters = openDeadLetterTopic(own, db);
        const { destinations } = await destinationsOf(own, db, config.consoleIngressUrl ?? null);
        const { tenant: workspaceId, ...criteria } = body.filter ?? {};
        const calls = estimateCalls(own, db);
        const plan = await makePlan(letters, {
          action: body.action,
          refs: body.refs ?? null,
          filter: filterOf({ ...criteria, workspaceId }),
          isForced: body.force,
          destinations,
          limit: mostLetters,
          hints,
          onChosen: async (letter) => (body.action === 'redrive' ? calls.add(letter) : undefined),
        });
        const { id, expiresAt } = plans.keep(who, keptPlan(plan, body));
        return {
          id,
          action: plan.action,
          expiresAt: expiresAt.toISOString(),
          letters: plan.refs.size,
          tenants: plan.causes.tenants,
          causes: plan.causes.list().map((cause) => causeJson(cause, context.redact)),
          ...tenantsJson(plan.causes),
          targets: [...plan.targets].map(([target, number]) => ({ target, letters: number })),
          heldBack: [...plan.heldBack].map(([why, number]) => ({ reason: why, letters: number })),
          settled: plan.settled,
          notionCalls: plan.action === 'drop' ? 0 : await calls.sum(),
          confirmCount: plan.refs.size > confirmAbove,
        };
      },
    ),

    answering(
      { method: 'POST', path: '/api/replays/plan', role: 'operator' },
      replayInput,
      async ({ body }, { who, signal }): Promise<ReplayPlanAnswer> => {
        const unfinished = await unfinishedReplay(db);
        if (unfinished !== null) throw replayUnfinished();
        const own = { ...context, signal };
        const order: ReplayOrder = {
          source: body.source,
          into: body.into,
          workspaceId: body.tenant ?? null,
          databaseId: body.database ?? null,
          since: body.since?.toISOString() ?? body.offsets?.map(({ partition, offset }) => `${partition}:${offset}`).join(' ') ?? null,
        };
        const { ranges, records, fetches, estimatedMs } = await makeReplayPlan(own, db, order, await rangesOf(own, order));
        const { workspaceId, databaseId, since } = order;
        const target = {
          from: order.source,
          into: order.into,
          ...(databaseId === null ? {} : { databaseId }),
          ...(since === null ? {} : { since }),
        };
        const { id, expiresAt } = plans.keep(who, {
          order: { action: 'replay.run', workspaceId, target },
          job: { kind: 'replay', order, ranges, replayId: null },
          letters: 0,
        });
        return {
          id,
          action: 'replay',
          expiresAt: expiresAt.toISOString(),
          ...order,
          partitions: ranges.length,
          records,
          fetches: fetches && {
            targets: fetches.targets,
            rows: fetches.rows,
            tenants: fetches.tenants,
            withoutConnection: fetches.withoutConnection,
          },
          notionCalls: fetches?.notionCalls ?? 0,
          estimatedSeconds: estimatedMs / 1000,
        };
      },
    ),

    answering(
      { method: 'POST', path: '/api/plans/:id/run', role: 'operator' },
      runInput,
      async ({ params, body }, { who }): Promise<JobAnswer> => {
        const plan = plans.take(who, params.id);
        if (plan === null) {
          throw new Refusal(
            404,
            'unknown_plan',
            'There is no such plan (any more): it has run, it is older than ten minutes, or the console was restarted.',
            'make it again',
          );
        }
        try {
          checkCount(plan, body.count);
          if (plan.job.kind === 'replay' && (await unfinishedReplay(db)) !== null) throw replayUnfinished();
          const { job, order } = withOptions(plan, body);
          return await viewJob(await jobs.begin(operatorOf(who), { ...order, reason: body.reason }, job));
        } catch (error) {
          plans.putBack(who, params.id, plan);
          throw error;
        }
      },
    ),
  ];
}

function keptPlan(plan: Plan, { filter = {}, refs, force }: PlanBody): KeptPlan {
  const { tenant: workspaceId = null, since, ...others } = filter;
  const ordered = [...plan.refs]
    .flatMap((ref) => parsePlace(ref) ?? [])
    .toSorted((a, b) => a.partition - b.partition || Number(a.offset - b.offset));
  const names = ordered.map(({ partition, offset }) => `${partition}:${offset}`);
  const tenants = plan.causes.list().flatMap((cause) => [...cause.tenants]);
  const target = {
    ...Object.fromEntries(Object.entries(others).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
    ...(since === undefined ? {} : { since: since.toISOString() }),
    ...(refs === undefined ? {} : { letters: someIds(names) }),
    planned: names.length,
    tenants: plan.causes.tenants,
    ...(force ? { forced: true } : {}),
  };
  return {
    order: {
      action: plan.action === 'drop' ? 'dead_letters.drop' : 'dead_letters.redrive',
      workspaceId: workspaceId ?? (refs === undefined ? null : onlyTenant(tenants)),
      target,
    },
    job: {
      kind: 'letters',
      action: plan.action,
      refs: names,
      ends: plan.ends.map(({ partition, to }) => ({ partition, offset: Number(to) })),
      canary: 0,
      perSecond: 1,
    },
    letters: names.length,
  };
}

function withOptions(
  { job, order }: KeptPlan,
  { canary, perSecond }: { readonly canary: boolean; readonly perSecond: number },
): { readonly job: JobPlan; readonly order: Omit<ActionOrder, 'reason'> } {
  if (job.kind !== 'letters') return { job, order };
  const first = canary && job.action === 'redrive' && job.refs.length > canaryLetters ? canaryLetters : 0;
  return { job: { ...job, canary: first, perSecond }, order: { ...order, target: { ...order.target, canary: first, perSecond } } };
}

function checkCount({ letters, job }: KeptPlan, count: number | undefined): void {
  if (job.kind !== 'letters') return;
  if (letters === 0) throw new Refusal(409, 'nothing_to_do', 'The plan holds no letter.', 'make another plan');
  if (letters > confirmAbove && count !== letters) {
    throw new Refusal(409, 'count_differs', `The plan holds ${letters} letters: give that number as count.`);
  }
}

function replayUnfinished(): Refusal {
  return new Refusal(409, 'replay_unfinished', 'A replay has not ended yet.', 'continue its job, or cancel it');
}
