import { createReplays } from '@notion-mirror/mirror-store/replays';
import { replayJson } from '@notion-mirror/operations/replay/replay-json';
import { z } from 'zod';
import type { ReplayAnswer, ReplaysAnswer } from '../answers/replays.ts';
import { cursor, cursorOf } from '../http/input.ts';
import { answering, Refusal, type Route } from '../http/route.ts';
import type { ConsoleParts } from '../parts.ts';

const onPage = 50;

const listInput = z.object({ query: z.object({ cursor: cursor(z.number().int()) }) });
const oneInput = z.object({ params: z.object({ id: z.string().min(1).max(100) }) });

export function replayRoutes({ db }: Pick<ConsoleParts, 'db'>): Route[] {
  const replays = createReplays(db);
  return [
    answering({ method: 'GET', path: '/api/replays', role: 'viewer' }, listInput, async ({ query }): Promise<ReplaysAnswer> => {
      const found = await replays.list(query.cursor === null ? null : new Date(query.cursor), onPage + 1);
      const shown = found.slice(0, onPage);
      const last = found.length > onPage ? shown.at(-1) : undefined;
      return { replays: shown.map(replayJson), next: last === undefined ? null : cursorOf(last.startedAt.getTime()) };
    }),

    answering({ method: 'GET', path: '/api/replays/:id', role: 'viewer' }, oneInput, async ({ params }): Promise<ReplayAnswer> => {
      const replay = await replays.get(params.id);
      if (replay === null) throw new Refusal(404, 'not_found', 'There is no such replay.', 'mirror replay status');
      const partitions = replay.ranges.map(({ topic = null, partition, from, next, to }) => ({ topic, partition, from, next, to }));
      return { replay: replayJson(replay), partitions };
    }),
  ];
}
