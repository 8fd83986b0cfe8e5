import type { Command as Program } from 'commander';
import { createReplays, type Replay, type ReplayOrder } from '@notion-mirror/mirror-store/replays';
import { recordAction, type ActionNotes, type ActionOrder } from '@notion-mirror/operations/audit/record-action';
import { isSameOrder, rangesOf } from '@notion-mirror/operations/replay/order';
import { makeReplayPlan } from '@notion-mirror/operations/replay/plan';
import { cancelReplay, resumeReplay, startReplay, unfinishedReplay } from '@notion-mirror/operations/replay/run-replay';
import { catchUpShadow, compareWithShadow, finishedShadow, switchToShadow } from '@notion-mirror/operations/replay/shadow';
import { useMongo } from '@notion-mirror/operations/servers';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { confirm } from './confirm.ts';
import { exitCode, usageError, type ExitCode } from './exit-code.ts';
import { reasonFlag, reasonOption, type ReasonOptions } from './reason-option.ts';
import { orderOf, type ReplayOptions } from './replay-options.ts';
import { replayJson } from '@notion-mirror/operations/replay/replay-json';
import { comparisonJson, renderComparison, renderReplay, renderReplayPlan, replayPlanJson, wordsOf } from './replay-view.ts';

interface ActOptions extends ReasonOptions {
  readonly yes?: boolean;
}

export function addReplayCommands(program: Program, act: Act): void {
  const replay = program.command('replay').description('brings the mirror up to date from a log, or rebuilds it');

  withOrder(replay.command('plan').description('shows what a replay would do, its calls to Notion and its duration')).action(
    async (options: ReplayOptions) => {
      await act(async (context) => plan(configured(context), options));
    },
  );

  withOrder(replay.command('run').description('runs a replay; an interrupted one continues where it stopped'))
    .option('--yes', 'do not ask')
    .addOption(reasonFlag())
    .addHelpText(
      'after',
      `
Examples:
  mirror replay run --from-states
  mirror replay run --from-states --shadow, then mirror replay diff and mirror replay switch
  mirror replay run --since 2h
  mirror replay run --workspace-id acme --offset 3:120000

Without --from-states the events are read, and each database and row that they name is fetched from Notion once.`,
    )
    .action(async (options: ReplayOptions & ActOptions) => {
      await act(async (context) => run(configured(context), options));
    });

  replay
    .command('status')
    .description('shows the latest replay and its progress')
    .action(async () => {
      await act(async (context) => status(configured(context)));
    });

  replay
    .command('diff')
    .description('shows the differences readers would see if the shadow replaced the mirror')
    .action(async () => {
      await act(async (context) => diff(configured(context)));
    });

  replay
    .command('switch')
    .description('replaces the mirror with the shadow in one step, while services keep running')
    .option('--yes', 'do not ask')
    .addOption(reasonFlag())
    .action(async (options: ActOptions) => {
      await act(async (context) => switchOver(configured(context), options));
    });

  replay
    .command('cancel')
    .description('ends a running or interrupted replay; its changes stay')
    .addOption(reasonFlag())
    .action(async (options: ReasonOptions) => {
      await act(async (context) => cancel(configured(context), options));
    });
}

function withOrder(command: Program): Program {
  return command
    .option('--from-states', 'write the states of the state log into the mirror, without calls to Notion')
    .option('--shadow', 'with --from-states: write alongside the mirror, to compare and then replace it')
    .option('--since <time>', 'events since then: a time in ISO 8601, or a duration (90m, 2h, 3d); default: all')
    .option('--offset <partition:offset...>', 'events from these offsets on, in these partitions only')
    .option('--workspace-id <tenant>', 'only this tenant')
    .option('--database-id <id>', 'only this database and the rows in it');
}

async function plan(context: ConfiguredContext, options: ReplayOptions): Promise<ExitCode> {
  const order = orderOf(options, new Date());
  return useMongo(context, async ({ db }) => {
    const made = await makeReplayPlan(context, db, order, await rangesOf(context, order));
    context.output.result(true, { plan: replayPlanJson(made) }, (colors) => renderReplayPlan(made, colors));
    return exitCode.ok;
  });
}

async function run(context: ConfiguredContext, options: ReplayOptions & ActOptions): Promise<ExitCode> {
  const { output } = context;
  const reason = reasonOption(options);
  const savedTo = (notes: ActionNotes) => (counts: Replay['counts']) => {
    notes.counts = counts;
    output.note(wordsOf(counts));
  };
  return useMongo(context, async ({ db }) => {
    const unfinished = await unfinishedReplay(db);
    if (unfinished !== null) {
      assertSame(unfinished, options);
      return recordAction(context, db, runOf(unfinished, unfinished.id, reason), async (notes) =>
        report(context, await resumeReplay(context, db, unfinished, savedTo(notes)), notes),
      );
    }
    const order = orderOf(options, new Date());
    const made = await makeReplayPlan(context, db, order, await rangesOf(context, order));
    output.plan((colors) => renderReplayPlan(made, colors));
    await confirm(context, { yes: options.yes, command: 'replay run', question: 'Do it?', done: 'replayed' });
    return recordAction(context, db, runOf(made.order, null, reason), async (notes) =>
      report(context, await startReplay(context, db, made, savedTo(notes)), notes),
    );
  });
}

/** `resumes`: the id of an interrupted replay. */
function runOf({ source, into, workspaceId, databaseId, since }: ReplayOrder, resumes: string | null, reason: string | null): ActionOrder {
  const target = {
    from: source,
    into,
    ...(databaseId === null ? {} : { databaseId }),
    ...(since === null ? {} : { since }),
    ...(resumes === null ? {} : { resumes }),
  };
  return { action: 'replay.run', workspaceId, target, reason };
}

function report({ output }: ConfiguredContext, done: Replay, notes: ActionNotes): ExitCode {
  notes.counts = done.counts;
  output.result(true, { replay: replayJson(done) }, (colors) => renderReplay(done, colors));
  return exitCode.ok;
}

/** Throws a usage error when the options do not match the unfinished replay. */
function assertSame(unfinished: Replay, options: ReplayOptions): void {
  const { fromStates, shadow, since, offset, workspaceId, databaseId } = options;
  if ([fromStates, shadow, since, offset, workspaceId, databaseId].every((option) => option === undefined)) return;
  // A duration now resolves to another time, but repeating it means the same replay.
  const order = orderOf(options, new Date());
  if (isSameOrder(since === undefined ? order : { ...order, since: unfinished.since }, unfinished)) return;
  throw usageError('another replay is unfinished', 'mirror replay run continues it, mirror replay cancel ends it');
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
    const comparison = await compareWithShadow(context, db);
    const isSame = Object.values(comparison.counts).every((number) => number === 0);
    context.output.result(isSame, comparisonJson(comparison), (colors) => renderComparison(comparison, colors));
    return isSame ? exitCode.ok : exitCode.failed;
  });
}

async function switchOver(context: ConfiguredContext, options: ActOptions): Promise<ExitCode> {
  const { output } = context;
  const reason = reasonOption(options);
  return useMongo(context, async ({ db }) => {
    const replays = createReplays(db);
    const shadow = await catchUpShadow(context, db, await finishedShadow(replays));
    const comparison = await compareWithShadow(context, db);
    output.plan((colors) => `Plan: the shadow takes the place of the mirror.\n${renderComparison(comparison, colors)}`);
    await confirm(context, { yes: options.yes, command: 'replay switch', question: 'Do it?', done: 'switched' });
    const order: ActionOrder = { action: 'replay.switch', workspaceId: null, target: { replayId: shadow.id }, reason };
    const isSeen = await recordAction(context, db, order, async (notes) => {
      notes.counts = comparison.counts;
      await replays.settleShadow(shadow.id);
      return switchToShadow(context, db, shadow);
    });
    output.result(isSeen, { ...comparisonJson(comparison), lastMomentCaughtUp: isSeen }, (colors) =>
      isSeen
        ? colors.green('Switched, including all writes made meanwhile.')
        : 'Switched. No sync-worker appends to the state log now: when one does, run `mirror replay run --from-states`.',
    );
    return isSeen ? exitCode.ok : exitCode.failed;
  });
}

async function cancel(context: ConfiguredContext, options: ReasonOptions): Promise<ExitCode> {
  const reason = reasonOption(options);
  const cancelled = await useMongo(context, async ({ db }) => {
    const unfinished = await unfinishedReplay(db);
    const target = unfinished === null ? {} : { replayId: unfinished.id };
    const order: ActionOrder = { action: 'replay.cancel', workspaceId: unfinished?.workspaceId ?? null, target, reason };
    return recordAction(context, db, order, async () => cancelReplay(db));
  });
  context.output.result(true, { cancelled }, () => 'Cancelled. Its changes stay.');
  return exitCode.ok;
}
