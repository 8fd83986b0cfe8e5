import type { Mongo } from '@notion-mirror/mirror-store/client';
import { createReplays, type Replay, type Replays } from '@notion-mirror/mirror-store/replays';
import { openShadow } from '@notion-mirror/mirror-store/records/shadow';
import { serverMessage } from '../error-text.ts';
import type { OperationContext } from '../operation-context.ts';
import { OperatorError } from '../operator-error.ts';
import { replayEvents } from './from-events.ts';
import { replayStates } from './from-states.ts';
import type { ReplayPlan } from './plan.ts';
import { trackReplay } from './progress.ts';
import { scanRebuilt } from './scan-rebuilt.ts';

/** The latest replay, if it has not ended; else null. */
export async function unfinishedReplay(db: Mongo['db']): Promise<Replay | null> {
  const latest = await createReplays(db).latest();
  return latest?.status === 'running' ? latest : null;
}

/** Starts the replay of a plan, and resolves when it is done. `onCreated`: it is stored, and can be resumed. Rejects as `resumeReplay` does. */
export async function startReplay(
  context: OperationContext,
  db: Mongo['db'],
  { order, ranges }: Pick<ReplayPlan, 'order' | 'ranges'>,
  onSaved: OnSaved,
  onCreated: (replay: Replay) => void = () => {},
): Promise<Replay> {
  if (order.into === 'shadow') for (const { storage } of context.entities) await openShadow(db, storage).empty();
  const replays = createReplays(db);
  const replay = await replays.create(order, ranges);
  onCreated(replay);
  return carryOut(context, db, replays, replay, onSaved);
}

/** Resumes an interrupted replay, and resolves when it is done. Rejects with an OperatorError; its progress is stored. */
export async function resumeReplay(context: OperationContext, db: Mongo['db'], unfinished: Replay, onSaved: OnSaved): Promise<Replay> {
  const replays = createReplays(db);
  if (!(await replays.take(unfinished.id))) {
    throw new OperatorError('replay_running', 'a replay is running in another process', { remedy: 'mirror replay status' });
  }
  context.onProgress(`resuming the replay of ${unfinished.startedAt.toISOString()}`);
  return carryOut(context, db, replays, unfinished, onSaved);
}

/** Called about once a second with the stored counts. */
export type OnSaved = (counts: Replay['counts']) => void;

/** `replays`: the instance that created or took the replay, which makes it the lease's holder. */
async function carryOut(context: OperationContext, db: Mongo['db'], replays: Replays, replay: Replay, onSaved: OnSaved): Promise<Replay> {
  const { redact, signal } = context;
  const progress = trackReplay({ replay, replays, signal, onSaved: () => onSaved(progress.counts) });
  try {
    await (replay.source === 'states' ? replayStates(context, db, replay, progress) : replayEvents(context, db, replay, progress));
    if (replay.source === 'states' && replay.into === 'mirror' && replay.databaseId === null)
      await scanRebuilt(context, db, replay.workspaceId);
    await progress.finish();
  } catch (error) {
    await progress.close();
    if (signal.aborted || error instanceof OperatorError) throw error;
    throw new OperatorError('replay_failed', redact(serverMessage(error)), {
      remedy: 'mirror replay run resumes where it stopped',
      cause: error,
    });
  }
  const ranges = replay.ranges.map((range) => ({ ...range, next: range.to }));
  return { ...replay, status: 'done', counts: progress.counts, ranges };
}

/** Cancels the latest replay, and resolves to its id; its writes stay. Rejects with an OperatorError when none is running. */
export async function cancelReplay(db: Mongo['db']): Promise<string> {
  const replays = createReplays(db);
  const latest = await replays.latest();
  if (latest === null || !(await replays.cancel(latest.id))) throw new OperatorError('no_replay', 'no replay is running');
  return latest.id;
}
