import { createSweepLedger } from '@notion-mirror/mirror-store/sweep-ledger';
import { stateOf, sweepJson, sweepStates, type SweepState } from '@notion-mirror/operations/reconcile/sweep-json';
import { z } from 'zod';
import type { Sweep, SweepsAnswer } from '../answers/sweeps.ts';
import { cursor, cursorOf, optional } from '../http/input.ts';
import { answering, type Route } from '../http/route.ts';
import { createSampler } from '../overview/sampler.ts';
import type { ConsoleParts } from '../parts.ts';

const onPage = 100;
const sampleMs = 2_000;

const input = z.object({
  query: z.object({
    state: optional.pipe(z.enum(sweepStates).optional()),
    cursor: cursor(z.object({ after: z.string(), state: z.enum(sweepStates) })),
  }),
});

export function sweepRoutes({ db, context }: Pick<ConsoleParts, 'db' | 'context'>): Route[] {
  const sweeps = createSweepLedger(db);
  const brief = createSampler(sampleMs, async () => sweeps.brief());
  return [
    answering({ method: 'GET', path: '/api/sweeps', role: 'viewer' }, input, async ({ query }): Promise<SweepsAnswer> => {
      const all = (await brief()).map((sweep) => ({ workspaceId: sweep.workspaceId, state: stateOf(sweep) }));
      const counts = { stopped: 0, failing: 0, incomplete: 0, running: 0, waiting: 0 };
      for (const { state } of all) counts[state] += 1;
      const { state: wanted, cursor: place } = query;
      const after = place && { workspaceId: place.after, state: place.state };
      const fitting = all
        .filter((one) => (wanted === undefined || one.state === wanted) && (after === null || worstFirst(after, one) < 0))
        .toSorted(worstFirst);
      const shown = fitting.slice(0, onPage);
      const byTenant = new Map((await sweeps.of(shown.map(({ workspaceId }) => workspaceId))).map((sweep) => [sweep.workspaceId, sweep]));
      const last = fitting.length > onPage ? shown.at(-1) : undefined;
      return {
        sweeps: shown.flatMap(({ workspaceId }): Sweep[] => {
          const sweep = byTenant.get(workspaceId);
          if (sweep === undefined) return [];
          const json = sweepJson(sweep);
          return [{ ...json, failure: json.failure === null ? null : context.redact(json.failure) }];
        }),
        counts,
        next: last === undefined ? null : cursorOf({ after: last.workspaceId, state: last.state }),
      };
    }),
  ];
}

interface Placed {
  readonly workspaceId: string;
  readonly state: SweepState;
}

function worstFirst(a: Placed, b: Placed): number {
  return (
    sweepStates.indexOf(a.state) - sweepStates.indexOf(b.state) ||
    (a.workspaceId < b.workspaceId ? -1 : Number(a.workspaceId > b.workspaceId))
  );
}
