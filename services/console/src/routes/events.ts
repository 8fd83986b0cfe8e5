import { openNotionIdFromText } from '@notion-mirror/domain/notion-id';
import { isOutcomeId, type KeptOutcome, type OutcomeCursor } from '@notion-mirror/mirror-store/outcome-pages';
import { timelineOf } from '@notion-mirror/operations/events/timeline';
import { wayOf } from '@notion-mirror/operations/explain/causes';
import { z } from 'zod';
import type { EventAnswer, EventsAnswer } from '../answers/events.ts';
import { cursor, cursorOf, flag, optional, several, time, wholeNumber } from '../http/input.ts';
import { answering, Refusal, type Route } from '../http/route.ts';
import type { ConsoleParts } from '../parts.ts';

const onPage = 100;
const mostRepeats = 20;
const dayMs = 24 * 60 * 60 * 1000;

const id = z.string().regex(/^[0-9a-f]{24}$/);
const place: z.ZodType<OutcomeCursor> = z.union([
  z.object({ below: id }),
  z.object({ at: z.number().int(), seen: z.array(id).max(1_000) }),
]);
const listInput = z.object({
  query: z.object({
    tenant: optional,
    about: optional.transform((text) => (text === undefined ? undefined : (openNotionIdFromText(text) ?? text))),
    type: several,
    outcome: several,
    origin: several,
    service: several,
    from: time,
    to: time,
    minMs: wholeNumber(0, 10 * dayMs),
    needsLook: flag,
    cursor: cursor(place),
  }),
});
const oneInput = z.object({ params: z.object({ id: z.string().min(1).max(500) }) });

export function eventRoutes({
  outcomes,
  views,
  config,
  context,
}: Pick<ConsoleParts, 'outcomes' | 'views' | 'config' | 'context'>): Route[] {
  return [
    answering({ method: 'GET', path: '/api/events', role: 'viewer' }, listInput, async ({ query }): Promise<EventsAnswer> => {
      const { tenant: workspaceId, about, type: types, outcome, origin: origins, service: services, from, to, minMs, needsLook } = query;
      const wanted = { workspaceId, about, types, outcomes: outcome, origins, services, from, to, minMs, needsLook };
      const found = await outcomes.page(wanted, query.cursor, onPage);
      return {
        events: await views.lines(found.outcomes),
        next: found.next && cursorOf(found.next),
        searchedTo: found.searchedTo?.toISOString() ?? null,
        keptDays: config.outcomeRetentionMs / dayMs,
      };
    }),

    answering({ method: 'GET', path: '/api/events/:id', role: 'viewer' }, oneInput, async ({ params }): Promise<EventAnswer> => {
      const outcome = await findOutcome(params.id);
      const [all, leader] = await Promise.all([
        outcomes.ofEvent(outcome.eventId, mostRepeats + 1),
        outcome.coalescedInto === null ? null : leaderOf(outcome, outcome.coalescedInto),
      ]);
      const repeats = all.filter((one) => one.id !== outcome.id).slice(0, mostRepeats);
      const { from, ...timeline } = timelineOf(outcome, leader);
      return {
        event: await views.detail(outcome),
        timeline: { ...timeline, from: from.toISOString() },
        repeats: await views.lines(repeats),
        leader: leader === null ? null : ((await views.lines([leader]))[0] ?? null),
        others: outcome.others ?? [],
        words: wayOf(outcome).map(context.redact),
      };
    }),
  ];

  async function findOutcome(text: string): Promise<KeptOutcome> {
    const byId = isOutcomeId(text) ? await outcomes.byId(text) : null;
    const found = byId ?? (await outcomes.ofEvent(text, 1))[0];
    if (found !== undefined) return found;
    throw new Refusal(404, 'not_found', 'No outcome of that event is kept.', 'they are kept for MIRROR_OUTCOME_RETENTION_DAYS');
  }

  /** The outcome of that event nearest in time: it may have several. */
  async function leaderOf({ at, workspaceId }: KeptOutcome, eventId: string): Promise<KeptOutcome | null> {
    const found = (await outcomes.ofEvent(eventId, mostRepeats)).filter((one) => one.workspaceId === workspaceId && one.fetch !== null);
    const distance = (one: KeptOutcome): number => Math.abs(one.at.getTime() - at.getTime());
    return found.toSorted((a, b) => distance(a) - distance(b))[0] ?? null;
  }
}
