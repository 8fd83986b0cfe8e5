import type { Command as Program } from 'commander';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { openShadow } from '@notion-mirror/mirror-store/shadow';
import { createReplays, type Replay, type Replays } from '@notion-mirror/mirror-store/replays';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { confirm } from './confirm.ts';
import { CliError, exitCode, usageError, type ExitCode } from './exit-code.ts';
import { serverMessage } from './explain-error.ts';
import type { Colors, JsonObject } from './output.ts';
import { replayEvents } from './replay-from-events.ts';
import { replayStates } from './replay-from-states.ts';
import { isSameOrder, orderOf, rangesOf, type ReplayOptions } from './replay-order.ts';
import { makeReplayPlan, renderReplayPlan, replayPlanJson } from './replay-plan.ts';
import { trackReplay } from './replay-progress.ts';
import { catchUpShadow, compareWithShadow, comparisonJson, finishedShadow, renderComparison, switchToShadow } from './replay-shadow.ts';
import { useMongo } from './servers.ts';

export function addReplayCommands(program: Program, act: Act): void {
  const replay = program.command('replay').description('brings the mirror up to date from a log, or rebuilds it');

  withOrder(replay.command('plan').description('what a replay would do, how many calls to Notion it takes, and how long')).action(
    async (options: ReplayOptions) => {
      await act(async (context) => plan(configured(context), options));
    },
  );

  withOrder(replay.command('run').description('does it; one that was interrupted goes on where it was'))
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `
Examples:
  mirror replay run --from-states
  mirror replay run --from-states --shadow, then mirror replay diff and mirror replay switch
  mirror replay run --since 2h
  mirror replay run --workspace-id acme --offset 3:120000

Without --from-states the events are read, and each database that they name is fetched from Notion once.`,
    )
    .action(async (options: ReplayOptions & { readonly yes?: boolean }) => {
      await act(async (context) => run(configured(context), options));
    });

  replay
    .command('status')
    .description('the newest replay, and how far it is')
    .action(async () => {
      await act(async (context) => status(configured(context)));
    });

  replay
    .command('diff')
    .description('what readers would see otherwise if the shadow took the place of the mirror')
    .action(async () => {
      await act(async (context) => diff(configured(context)));
    });

  replay
    .command('switch')
    .description('the shadow takes the place of the mirror, from one moment to the next; services go on meanwhile')
    .option('--yes', 'do not ask')
    .action(async (options: { readonly yes?: boolean }) => {
      await act(async (context) => switchOver(configured(context), options));
    });

  replay
    .command('cancel')
    .description('ends the replay that is under way or was interrupted; what it did stays')
    .action(async () => {
      await act(async (context) => cancel(configured(context)));
    });
}

function withOrder(command: Program): Program {
  return command
    .option('--from-states', 'write what the state log says into the mirror: no call to Notion')
    .option('--shadow', 'with --from-states: beside the mirror, to be compared with it and put in its place')
    .option('--since <time>', 'events since then: a time in ISO 8601, or a duration (90m, 2h, 3d); default: all')
    .option('--offset <partition:offset...>', 'events from these places on, and of these partitions only')
    .option('--workspace-id <tenant>', 'only this tenant')
    .option('--database-id <id>', 'only this database');
}

async function plan(context: ConfiguredContext, options: ReplayOptions): Promise<ExitCode> {
  const order = orderOf(options, new Date());
  return useMongo(context, async ({ db }) => {
    const made = await makeReplayPlan(context, db, order, await rangesOf(context, order));
    context.output.result(true, { plan: replayPlanJson(made) }, (colors) => renderReplayPlan(made, colors));
    return exitCode.ok;
  });
}

async function run(context: ConfiguredContext, options: ReplayOptions & { readonly yes?: boolean }): Promise<ExitCode> {
  const { output } = context;
  return useMongo(context, async ({ db }) => {
    const replays = createReplays(db);
    const unfinished = await unfinishedOf(replays, options);
    if (unfinished !== null) {
      if (!(await replays.take(unfinished.id))) {
        throw new CliError('replay_running', 'a replay is under way in another process', { remedy: 'mirror replay status' });
      }
      output.note(`going on with the replay of ${unfinished.startedAt.toISOString()}`);
      return carryOut(context, db, replays, unfinished);
    }
    const order = orderOf(options, new Date());
    const made = await makeReplayPlan(context, db, order, await rangesOf(context, order));
    output.plan((colors) => renderReplayPlan(made, colors));
    await confirm(context, { yes: options.yes, command: 'replay run', question: 'Do it?', done: 'replayed' });
    if (order.into === 'shadow') await openShadow(db).empty();
    return carryOut(context, db, replays, await replays.create(order, made.ranges));
  });
}

/** The one to go on with. Throws a usage error when the options ask for another one. */
async function unfinishedOf(replays: Replays, options: ReplayOptions): Promise<Replay | null> {
  const latest = await replays.latest();
  if (latest?.status !== 'running') return null;
  const { fromStates, shadow, since, offset, workspaceId, databaseId } = options;
  const saysNothing = [fromStates, shadow, since, offset, workspaceId, databaseId].every((option) => option === undefined);
  // A duration means another time by now; whoever gives one again means the same.
  const order = orderOf(options, new Date());
  const asked = since === undefined ? order : { ...order, since: latest.since };
  if (saysNothing || isSameOrder(asked, latest)) return latest;
  throw usageError('another replay is unfinished', 'mirror replay run goes on with it, mirror replay cancel ends it');
}

async function carryOut(context: ConfiguredContext, db: Mongo['db'], replays: Replays, replay: Replay): Promise<ExitCode> {
  const { output, redact, signal } = context;
  const progress = trackReplay({ replay, replays, signal, onSaved: () => output.note(wordsOf(progress.counts)) });
  try {
    await (replay.source === 'states' ? replayStates(context, db, replay, progress) : replayEvents(context, db, replay, progress));
    await progress.finish();
  } catch (error) {
    await progress.close();
    if (signal.aborted || error instanceof CliError) throw error;
    throw new CliError('replay_failed', redact(serverMessage(error)), {
      remedy: 'mirror replay run goes on where it stopped',
      cause: error,
    });
  }
  const done: Replay = {
    ...replay,
    status: 'done',
    counts: progress.counts,
    ranges: replay.ranges.map((range) => ({ ...range, next: range.to })),
  };
  output.result(true, { replay: replayJson(done) }, (colors) => renderReplay(done, colors));
  return exitCode.ok;
}

async function status(context: ConfiguredContext): Promise<ExitCode> {
  return useMongo(context, async ({ db }) => {
    const latest = await createReplays(db).latest();
    const json = { replay: latest === null ? null : replayJson(latest) };
    context.output.result(true, json, (colors) => (latest === null ? 'There was no replay.' : renderReplay(latest, colors)));
    return exitCode.ok;
  });
}

async function diff(context: ConfiguredContext): Promise<ExitCode> {
  return useMongo(context, async ({ db }) => {
    const shadow = await finishedShadow(createReplays(db));
    await catchUpShadow(context, db, shadow);
    const comparison = await compareWithShadow(db, context.signal);
    const isSame = Object.values(comparison.counts).every((number) => number === 0);
    context.output.result(isSame, comparisonJson(comparison), (colors) => renderComparison(comparison, colors));
    return isSame ? exitCode.ok : exitCode.failed;
  });
}

async function switchOver(context: ConfiguredContext, options: { readonly yes?: boolean }): Promise<ExitCode> {
  const { output } = context;
  return useMongo(context, async ({ db }) => {
    const replays = createReplays(db);
    const shadow = await catchUpShadow(context, db, await finishedShadow(replays));
    const comparison = await compareWithShadow(db, context.signal);
    output.plan((colors) => `Plan: the shadow takes the place of the mirror.\n${renderComparison(comparison, colors)}`);
    await confirm(context, { yes: options.yes, command: 'replay switch', question: 'Do it?', done: 'switched' });
    await replays.settleShadow(shadow.id);
    const isSeen = await switchToShadow(context, db, shadow);
    output.result(isSeen, { ...comparisonJson(comparison), lastMomentCaughtUp: isSeen }, (colors) =>
      isSeen
        ? colors.green('Switched; what was written meanwhile is there too.')
        : 'Switched. No sync-worker appends to the state log now: when one does, run `mirror replay run --from-states`.',
    );
    return isSeen ? exitCode.ok : exitCode.failed;
  });
}

async function cancel(context: ConfiguredContext): Promise<ExitCode> {
  return useMongo(context, async ({ db }) => {
    const replays = createReplays(db);
    const latest = await replays.latest();
    if (latest === null || !(await replays.cancel(latest.id))) throw new CliError('no_replay', 'no replay is under way');
    context.output.result(true, { cancelled: latest.id }, () => 'Cancelled. What it did stays.');
    return exitCode.ok;
  });
}

function replayJson({
  id,
  source,
  into,
  workspaceId,
  databaseId,
  since,
  status: state,
  startedAt,
  updatedAt,
  ranges,
  counts,
}: Replay): JsonObject {
  const [done, all] = shareOf(ranges);
  const times = { startedAt: startedAt.toISOString(), updatedAt: updatedAt.toISOString() };
  return {
    id,
    source,
    into,
    workspaceId,
    databaseId,
    since,
    status: state,
    ...times,
    offsetsDone: done,
    offsets: all,
    counts: { ...counts },
  };
}

function renderReplay({ source, status: state, startedAt, ranges, counts }: Replay, colors: Colors): string {
  const [done, all] = shareOf(ranges);
  const share = source === 'states' ? `, ${all === 0 ? 100 : Math.floor((done / all) * 100)} %` : '';
  return `Replay from ${source} of ${startedAt.toISOString()}: ${colors.bold(state)}${share}. ${wordsOf(counts)}`;
}

function shareOf(ranges: Replay['ranges']): [number, number] {
  return ranges.reduce<[number, number]>(([done, all], { from, next, to }) => [done + next - from, all + to - from], [0, 0]);
}

function wordsOf(counts: Readonly<Record<string, number>>): string {
  const words = Object.entries(counts).filter(([, number]) => number > 0);
  return words.length === 0 ? 'Nothing yet.' : `${words.map(([word, number]) => `${word} ${number}`).join(', ')}.`;
}
