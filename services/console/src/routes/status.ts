import { z } from 'zod';
import type { HistoryOfWork, StatusAnswer } from '../answers/status.ts';
import { answering, streaming, type Route } from '../http/route.ts';
import { optional } from '../http/input.ts';
import type { ConsoleParts } from '../parts.ts';

const anything = z.object({});
const streamInput = z.object({ query: z.object({ tenant: optional }) });

export function statusRoutes({ overview, live }: Pick<ConsoleParts, 'overview' | 'live'>): Route[] {
  return [
    answering({ method: 'GET', path: '/api/status', role: 'viewer' }, anything, async (): Promise<StatusAnswer> => overview.answer()),
    answering({ method: 'GET', path: '/api/history', role: 'viewer' }, anything, async (): Promise<HistoryOfWork> => overview.history()),
    streaming({ method: 'GET', path: '/api/stream', role: 'viewer' }, streamInput, ({ query }, { signal, lastEventId }) =>
      live.outcomes(query.tenant ?? null, lastEventId, signal),
    ),
  ];
}
