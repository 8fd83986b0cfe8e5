import { createReplays, type Replay } from '@notion-mirror/mirror-store/replays';
import { OperatorError } from '@notion-mirror/operations/operator-error';
import { replayJson } from '@notion-mirror/operations/replay/replay-json';
import { cancelReplay } from '@notion-mirror/operations/replay/run-replay';
import { catchUpShadow, compareWithShadow, finishedShadow } from '@notion-mirror/operations/replay/shadow';
import { z } from 'zod';
import type { CancelAnswer, ReplayDiffAnswer } from '../answers/acting.ts';
import type { JobAnswer } from '../answers/jobs.ts';
import type { ReplayAnswer, ReplaysAnswer } from '../answers/replays.ts';
import { operatorOf, reason, recorded } from '../acting/operator.ts';
import { cursor, cursorOf } from '../http/input.ts';
import { answering, Refusal, streaming, type Route, type StreamMessage } from '../http/route.ts';
import { createTurns } from '../http/turns.ts';
import type { ConsoleParts } from '../parts.ts';
import type { ViewJob } from './jobs.ts';

const onPage = 50;
/** A diff that is older says nothing about what the switch would change. */
const freshMs = 10 * 60_000;

const listInput = z.object({ query: z.object({ cursor: cursor(z.number().int()) }) });
const params = z.object({ id: z.string().min(1).max(100) });
const oneInput = z.object({ params });
const cancelInput = z.object({ params, body: z.object({ reason }) });
const switchInput = z.object({ params, body: z.object({ reason, confirm: z.literal('switch') }) });

export function replayRoutes({ context, db, jobs }: Pick<ConsoleParts, 'context' | 'db' | 'jobs'>, viewJob: ViewJob): Route[] {
  const replays = createReplays(db);
  /** When the shadow of a replay was compared. */
  const diffs = new Map<string, number>();
  /** Two at once would write the same states. */
  const turns = createTurns(1);
  return [
    answering({ method: 'GET', path: '/api/replays', role: 'viewer' }, listInput, async ({ query }): Promise<ReplaysAnswer> => {
      const found = await replays.list(query.cursor === null ? null : new Date(query.cursor), onPage + 1);
      const shown = found.slice(0, onPage);
      const last = found.length > onPage ? shown.at(-1) : undefined;
      return { replays: shown.map(replayJson), next: last === undefined ? null : cursorOf(last.startedAt.getTime()) };
    }),

    answering({ method: 'GET', path: '/api/replays/:id', role: 'viewer' }, oneInput, async (input): Promise<ReplayAnswer> => {
      const replay = await known(input.params.id);
      const partitions = replay.ranges.map(({ topic = null, partition, from, next, to }) => ({ topic, partition, from, next, to }));
      return { replay: replayJson(replay), partitions };
    }),

    streaming({ method: 'GET', path: '/api/replays/:id/diff', role: 'operator' }, oneInput, (input, { signal }) =>
      diff(input.params.id, signal),
    ),

    answering(
      { method: 'POST', path: '/api/replays/:id/cancel', role: 'operator' },
      cancelInput,
      async ({ params: { id }, body }, { who }): Promise<CancelAnswer> => {
        const { workspaceId } = await known(id);
        const latest = await replays.latest();
        if (latest?.id !== id) throw new OperatorError('no_replay', 'that replay is not running');
        const order = { action: 'replay.cancel', workspaceId, target: { replayId: id }, reason: body.reason } as const;
        const { actionId } = await recorded(context, db, who, order, async () => cancelReplay(db));
        return { actionId, replay: replayJson(await known(id)) };
      },
    ),

    answering(
      { method: 'POST', path: '/api/replays/:id/switch', role: 'operator' },
      switchInput,
      async ({ params: { id }, body }, { who }): Promise<JobAnswer> => {
        const shadow = await shadowOf(id);
        if (Date.now() - (diffs.get(id) ?? 0) > freshMs) {
          throw new Refusal(
            409,
            'no_fresh_diff',
            'The shadow was not compared with the mirror in the last ten minutes.',
            'compare it first',
          );
        }
        // The next switch needs another comparison.
        diffs.delete(id);
        const order = { action: 'replay.switch', workspaceId: null, target: { replayId: shadow.id }, reason: body.reason } as const;
        return viewJob(await jobs.begin(operatorOf(who), order, { kind: 'switch', replayId: id }));
      },
    ),
  ];

  async function known(id: string): Promise<Replay> {
    const replay = await replays.get(id);
    if (replay === null) throw new Refusal(404, 'not_found', 'There is no such replay.', 'mirror replay status');
    return replay;
  }

  async function shadowOf(id: string): Promise<Replay> {
    await known(id);
    const shadow = await finishedShadow(replays);
    if (shadow.id !== id) throw new OperatorError('no_shadow', 'that replay has no finished shadow', { remedy: 'mirror replay status' });
    return shadow;
  }

  async function* diff(id: string, signal: AbortSignal): AsyncGenerator<StreamMessage> {
    const answer = await turns.take(signal, async (): Promise<ReplayDiffAnswer> => {
      const own = { ...context, signal };
      await catchUpShadow(own, db, await shadowOf(id));
      const { shadow, counts, differences } = await compareWithShadow(own, db);
      const at = Date.now();
      diffs.set(id, at);
      return {
        at: new Date(at).toISOString(),
        freshUntil: new Date(at + freshMs).toISOString(),
        shadow,
        counts: { ...counts },
        differences: differences.map((one) => ({ kind: one.kind, id: one.id, fields: one.kind === 'other_content' ? one.fields : [] })),
      };
    });
    yield { event: 'diff', data: answer };
    yield { event: 'done', data: {} };
  }
}
