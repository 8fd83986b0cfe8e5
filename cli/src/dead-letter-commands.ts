import type { Command as Program } from 'commander';
import { recordAction, someIds, type ActionNotes, type ActionOrder } from '@notion-mirror/operations/audit/record-action';
import { newProgress, remainingOf, type Progress } from '@notion-mirror/operations/dead-letters/carry-out';
import { readLetter } from '@notion-mirror/operations/dead-letters/letter-details';
import { causeJson, detailsJson, letterJson } from '@notion-mirror/operations/dead-letters/letter-json';
import { listLetters } from '@notion-mirror/operations/dead-letters/list-letters';
import { makePlan, maxRedrives, type Action, type Destinations, type Plan } from '@notion-mirror/operations/dead-letters/plan';
import { destinationsOf, settleLetters } from '@notion-mirror/operations/dead-letters/settle-letters';
import { openDeadLetterTopic, type DeadLetterTopic } from '@notion-mirror/operations/dead-letters/topic';
import type { LogPlace } from '@notion-mirror/operations/log-place';
import { useMongo } from '@notion-mirror/operations/servers';
import { count } from '@notion-mirror/operations/text';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { confirm } from './confirm.ts';
import { renderCauses } from './dead-letter-cause-view.ts';
import { filterOption, hasFilter, parseRef, type FilterOptions } from './dead-letter-options.ts';
import { planJson, progressJson, renderDetails, renderLetters, renderPlan, renderProgress, wordsOf } from './dead-letter-view.ts';
import { exitCode, usageError, type ExitCode } from './exit-code.ts';
import { countOption, httpUrlOption } from './option-values.ts';
import { reasonFlag, reasonOption, type ReasonOptions } from './reason-option.ts';

interface ListOptions extends FilterOptions {
  readonly all?: boolean;
  readonly records?: boolean;
  readonly limit: string;
}

interface ActOptions extends FilterOptions, ReasonOptions {
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly ingressUrl?: string;
}

export function addDeadLetterCommands(program: Program, act: Act): void {
  const deadLetters = program
    .command('dead-letters')
    .description('shows events that could not be handled, and why; redrives or drops them, by cause');

  withFilters(deadLetters.command('list').description('lists waiting dead letters, by cause'))
    .option('--all', 'include settled letters that are still on the topic')
    .option('--records', 'print one line per letter')
    .option('--limit <n>', 'maximum lines with --records', '100')
    .action(async (options: ListOptions) => {
      await act(async (context) => list(configured(context), options));
    });

  deadLetters
    .command('show')
    .description('shows everything about one dead letter, with tokens and passwords masked')
    .argument('<partition:offset>', 'as `list --records` names it')
    .action(async (ref: string) => {
      await act(async (context) => show(configured(context), parseRef(ref)));
    });

  withChoice(
    deadLetters.command('redrive').description('retries dead letters: events through the log, unreadable webhooks through the ingress'),
  )
    .option('--ingress-url <url>', 'the base URL of a running ingress, e.g. http://localhost:3000, for unreadable webhooks')
    .option('--force', `include letters that already came back from ${maxRedrives} redrives`)
    .addHelpText(
      'after',
      `
Examples:
  mirror dead-letters redrive --class poison --code unknown_schema --dry-run
  mirror dead-letters redrive --service ingress --ingress-url http://localhost:3000
  mirror dead-letters redrive 0:17 0:21

Exit code 0: every chosen letter is settled. 1: some still wait, or came back unread.`,
    )
    .action(async (refs: string[], options: ActOptions) => {
      await act(async (context) => settle(configured(context), 'redrive', refs, options));
    });

  withChoice(
    deadLetters
      .command('drop')
      .description('settles dead letters without handling them, and removes settled letters from the old end of the topic'),
  ).action(async (refs: string[], options: ActOptions) => {
    await act(async (context) => settle(configured(context), 'drop', refs, options));
  });
}

function withFilters(command: Program): Program {
  return command
    .option('--class <class>', 'only letters whose error has this class, e.g. poison')
    .option('--code <code>', 'only letters whose error has this code, e.g. undecodable')
    .option('--workspace-id <tenant>', "only this tenant's")
    .option('--service <name>', 'only letters from sync-worker, delete-worker or ingress')
    .option('--since <time>', 'only failures since then: a time in ISO 8601, or a duration (90m, 2h, 3d)');
}

function withChoice(command: Program): Program {
  return withFilters(command.argument('[partition:offset...]', 'these letters (default: those that match the options)'))
    .option('--all', 'all waiting letters; otherwise name letters or give a filter option')
    .option('--dry-run', 'show the plan without carrying it out')
    .option('--yes', 'do not ask')
    .addOption(reasonFlag());
}

async function list(context: ConfiguredContext, options: ListOptions): Promise<ExitCode> {
  const { output, redact } = context;
  const filter = filterOption(options, new Date());
  const limit = countOption('--limit', options.limit, 100_000);
  const { causes, lines } = await useMongo(context, async ({ db }) =>
    listLetters(context, db, { filter, withSettled: options.all === true, limit: options.records === true ? limit : 0 }),
  );
  const json = {
    letters: causes.letters,
    tenants: causes.tenants,
    causes: causes.list().map((cause) => causeJson(cause, redact)),
    ...(options.records === true ? { records: lines.map((line) => letterJson(line, redact)) } : {}),
  };
  output.result(true, json, (colors) => {
    if (causes.letters === 0) return options.all === true || hasFilter(options) ? 'No dead letter matches.' : 'No dead letter waits.';
    if (options.records !== true) return renderCauses(causes.list(), colors, redact);
    const more = causes.letters - lines.length;
    return `${renderLetters(lines, colors, redact)}${more === 0 ? '' : `\n${more} more: --limit ${causes.letters} shows them`}`;
  });
  return exitCode.ok;
}

async function show(context: ConfiguredContext, place: LogPlace): Promise<ExitCode> {
  const { output, redact } = context;
  const details = await useMongo(context, async ({ db }) => readLetter(context, db, place));
  output.result(true, { letter: detailsJson(details, redact) }, (colors) => renderDetails(details, colors, redact));
  return exitCode.ok;
}

async function settle(context: ConfiguredContext, action: Action, refs: readonly string[], options: ActOptions): Promise<ExitCode> {
  const { output, redact } = context;
  const { verb, done } = wordsOf(action);
  const reason = reasonOption(options);
  const filter = filterOption(options, new Date());
  const named = refs.map(parseRef);
  if (named.length === 0 && !hasFilter(options) && options.all !== true) {
    throw usageError('no letters chosen: name letters, filter them by an option, or give --all', 'mirror dead-letters list');
  }
  if (options.all === true && (named.length > 0 || hasFilter(options))) throw usageError('--all excludes named letters and filters');
  const ingressUrl = httpUrlOption('--ingress-url', options.ingressUrl);
  return useMongo(context, async ({ db }) => {
    const letters = openDeadLetterTopic(context, db);
    const { destinations, problem } = await destinationsOf(context, db, ingressUrl);
    if (problem !== null) output.warning(problem);
    const choice = { action, refs: named.length === 0 ? null : named, filter, isForced: options.force === true, destinations };
    const plan = await makePlan(letters, choice);
    const heldBack = plan.heldBack.size > 0;
    if (options.dryRun === true || plan.refs.size === 0) {
      const isGood = options.dryRun === true || !heldBack;
      output.result(isGood, { plan: planJson(plan, redact) }, (colors) => renderPlan(plan, colors, redact, ingressUrl));
      return isGood ? exitCode.ok : exitCode.failed;
    }
    output.plan((colors) => renderPlan(plan, colors, redact, ingressUrl));
    const question = `${verb === 'drop' ? 'Drop' : 'Redrive'} ${count(plan.refs.size, 'dead letter')}?`;
    await confirm(context, { yes: options.yes, command: `dead-letters ${verb}`, question, done });
    const { workspaceId = null, class: kind = null, code = null, service = null, since = null } = options;
    const chosen = { class: kind, code, service, since, letters: named.length === 0 ? null : someIds(refs) };
    const order: ActionOrder = {
      action: action === 'drop' ? 'dead_letters.drop' : 'dead_letters.redrive',
      workspaceId,
      target: {
        ...Object.fromEntries(Object.entries(chosen).flatMap(([name, value]) => (value === null ? [] : [[name, value]]))),
        planned: plan.refs.size,
        tenants: plan.causes.tenants,
        ...(options.force === true ? { forced: true } : {}),
      },
      reason,
    };
    return recordAction(context, db, order, async (notes) => carryOutAndReport(context, letters, plan, destinations, notes));
  });
}

async function carryOutAndReport(
  context: ConfiguredContext,
  letters: DeadLetterTopic,
  plan: Plan,
  destinations: Destinations,
  notes: ActionNotes,
): Promise<ExitCode> {
  const { output, redact, signal } = context;
  const progress = newProgress();
  let removed;
  try {
    removed = await settleLetters(context, letters, plan, destinations, progress);
    if (progress.failure !== null) notes.failure = 'stopped_early';
  } catch (error) {
    if (signal.aborted) {
      const { done } = wordsOf(plan.action);
      output.warning(`stopped: ${count(progress.done, 'dead letter')} ${done}, ${remainingOf(plan, progress)} still wait`);
    }
    throw error;
  } finally {
    notes.counts = countsOf(plan, progress);
  }
  const isGood = progress.failure === null && progress.unreadable === 0 && remainingOf(plan, progress) === 0 && plan.heldBack.size === 0;
  const json = { plan: planJson(plan, redact), ...progressJson(plan, progress, removed) };
  output.result(isGood, json, (colors) => renderProgress(plan, progress, removed, colors));
  return isGood ? exitCode.ok : exitCode.failed;
}

function countsOf(plan: Plan, progress: Progress): Readonly<Record<string, number>> {
  const { done, unreadable, settledMeanwhile, stayed } = progress;
  return { [wordsOf(plan.action).done]: done, unreadable, settledMeanwhile, stayed: stayed.length, remaining: remainingOf(plan, progress) };
}
