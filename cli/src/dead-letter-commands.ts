import type { Command as Program } from 'commander';
import { createEventCodec } from '@notion-mirror/event-log/event-codec';
import { createPublisher } from '@notion-mirror/event-log/publisher';
import { topicsFor } from '@notion-mirror/event-log/topics';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { createHandshakeStore } from '@notion-mirror/mirror-store/handshake-store';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { confirm } from './confirm.ts';
import { carryOut, newProgress, remainingOf } from './dead-letter-actions.ts';
import { causeJson, createCauses, renderCauses } from './dead-letter-causes.ts';
import { filterOf, hasFilter, parseRef, type FilterOptions, type LetterRef } from './dead-letter-filters.ts';
import { makePlan, maxRedrives, rangesAround, type Action, type Destinations, type Plan } from './dead-letter-plan.ts';
import { openDeadLetterTopic, type DeadLetterTopic, type Letter } from './dead-letter-topic.ts';
import {
  detailsJson,
  letterJson,
  planJson,
  progressJson,
  renderDetails,
  renderLetters,
  renderPlan,
  renderProgress,
  wordsOf,
  type LetterLine,
  type ValueView,
} from './dead-letter-view.ts';
import { CliError, exitCode, usageError, type ExitCode } from './exit-code.ts';
import { messageOf } from './explain-error.ts';
import { count } from './output.ts';
import { useMongo, type Kafka } from './servers.ts';
import { previewOf } from './value-preview.ts';

interface ListOptions extends FilterOptions {
  readonly all?: boolean;
  readonly records?: boolean;
  readonly limit: string;
}

interface ActOptions extends FilterOptions {
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly ingressUrl?: string;
}

export function addDeadLetterCommands(program: Program, act: Act): void {
  const deadLetters = program
    .command('dead-letters')
    .description('what could not be handled: shows why, and redrives or drops it, by cause');

  withFilters(deadLetters.command('list').description('the dead letters that wait, by cause'))
    .option('--all', 'settled ones too, as far as they still lie on the topic')
    .option('--records', 'one line for each letter')
    .option('--limit <n>', 'with --records: at most so many lines', '100')
    .action(async (options: ListOptions) => {
      await act(async (context) => list(configured(context), options));
    });

  deadLetters
    .command('show')
    .description('everything about one dead letter; tokens and passwords in it are masked')
    .argument('<partition:offset>', 'as `list --records` names it')
    .action(async (ref: string) => {
      await act(async (context) => show(configured(context), parseRef(ref)));
    });

  withChoice(
    deadLetters
      .command('redrive')
      .description('gives dead letters once more to what could not handle them: to the log, or (unreadable webhooks) to the ingress'),
  )
    .option('--ingress-url <url>', 'the base URL of a running ingress, e.g. http://localhost:3000: takes webhooks that could not be read')
    .option('--force', `also what was redriven ${maxRedrives} times already and came back`)
    .addHelpText(
      'after',
      `
Examples:
  mirror dead-letters redrive --class poison --code unknown_schema --dry-run
  mirror dead-letters redrive --service ingress --ingress-url http://localhost:3000
  mirror dead-letters redrive 0:17 0:21

Exit code 0: every letter that was chosen is settled. 1: some still wait, or came back unread.`,
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
    .option('--service <name>', 'only those of sync-worker, delete-worker or ingress')
    .option('--since <time>', 'only what failed since then: a time in ISO 8601, or a duration (90m, 2h, 3d)');
}

function withChoice(command: Program): Program {
  return withFilters(command.argument('[partition:offset...]', 'these letters (default: those that fit the options)'))
    .option('--all', 'all that wait; otherwise letters or an option that chooses must be given')
    .option('--dry-run', 'show the plan and do nothing')
    .option('--yes', 'do not ask');
}

async function list(context: ConfiguredContext, options: ListOptions): Promise<ExitCode> {
  const { output, redact } = context;
  const filter = filterOf(options, new Date());
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > 100_000) throw usageError('--limit takes a whole number from 1 to 100000');
  return useMongo(context, async ({ db }) => {
    const topic = openDeadLetterTopic(context, db);
    const causes = createCauses();
    const lines: LetterLine[] = [];
    await topic.read(await topic.ends(), async (letters) => {
      for (const letter of letters) {
        if ((letter.settlement !== null && options.all !== true) || !filter(letter)) continue;
        causes.add(letter, letter.settlement !== null);
        const { record: _record, ...line } = letter;
        if (options.records === true && lines.length < limit) lines.push(line);
      }
      return 'more';
    });
    const json = {
      letters: causes.letters,
      tenants: causes.tenants,
      causes: causes.list().map((cause) => causeJson(cause, redact)),
      ...(options.records === true ? { records: lines.map((line) => letterJson(line, redact)) } : {}),
    };
    output.result(true, json, (colors) => {
      if (causes.letters === 0) return options.all === true || hasFilter(options) ? 'No dead letter fits.' : 'No dead letter waits.';
      if (options.records !== true) return renderCauses(causes.list(), colors, redact);
      const more = causes.letters - lines.length;
      return `${renderLetters(lines, colors, redact)}${more === 0 ? '' : `\n${more} more: --limit ${causes.letters} shows them`}`;
    });
    return exitCode.ok;
  });
}

async function show(context: ConfiguredContext, ref: LetterRef): Promise<ExitCode> {
  const { output, redact } = context;
  return useMongo(context, async ({ db }) => {
    const topic = openDeadLetterTopic(context, db);
    const found: Letter[] = [];
    await topic.read(rangesAround([ref], await topic.ends()), async (letters) => {
      found.push(...letters);
      return 'more';
    });
    const [letter] = found;
    if (letter === undefined) throw new CliError('unknown_dead_letter', 'the dead letter is gone: it was removed this moment');
    const value = await valueOf(context, letter);
    const bytes = letter.record.value;
    const preview = bytes === null || value.kind === 'event' ? null : previewOf(bytes, { isWebhook: value.kind === 'webhook', redact });
    const details = { letter, value, preview };
    output.result(true, { letter: detailsJson(details, redact) }, (colors) => renderDetails(details, colors, redact));
    return exitCode.ok;
  });
}

async function valueOf({ config }: ConfiguredContext, { record, redrive }: Letter): Promise<ValueView> {
  if (record.value === null) return { kind: 'none' };
  if (redrive.to === 'ingress') return { kind: 'webhook' };
  try {
    const codec = await createEventCodec({
      schemaRegistry: config.schemaRegistry,
      subject: topicsFor(config.topicPrefix).eventsSubject,
    });
    return await codec.decode(record.value);
  } catch (error) {
    return { kind: 'unavailable', error: error instanceof Error ? error : new Error(String(error)) };
  }
}

async function settle(context: ConfiguredContext, action: Action, refs: readonly string[], options: ActOptions): Promise<ExitCode> {
  const { output, redact } = context;
  const { verb, done } = wordsOf(action);
  const filter = filterOf(options, new Date());
  const named = refs.map(parseRef);
  if (named.length === 0 && !hasFilter(options) && options.all !== true) {
    throw usageError(`which ones? name letters, choose them by an option, or give --all`, 'mirror dead-letters list');
  }
  if (options.all === true && (named.length > 0 || hasFilter(options))) throw usageError('--all and a choice exclude each other');
  const ingressUrl = options.ingressUrl ?? null;
  if (ingressUrl !== null && !/^https?:$/.test(URL.parse(ingressUrl)?.protocol ?? '')) {
    throw usageError(`--ingress-url: "${ingressUrl}" is not an http(s) URL`);
  }
  return useMongo(context, async ({ db }) => {
    const letters = openDeadLetterTopic(context, db);
    const destinations = await destinationsOf(context, db, ingressUrl);
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
    return carryOutAndReport(context, letters, plan, destinations);
  });
}

/** What can sign a webhook: the configured keys, or for Notion the token that the ingress has kept. */
async function destinationsOf(
  { config, output, redact }: ConfiguredContext,
  db: Mongo['db'],
  ingressUrl: string | null,
): Promise<Destinations> {
  let kept: string | null = null;
  if (ingressUrl !== null && config.notionVerificationTokens.length === 0) {
    try {
      kept = await createHandshakeStore({ db, encryptionKey: config.encryptionKey }).get('notion');
    } catch (error) {
      output.warning(`the kept verification token cannot be used: ${redact(messageOf(error))}`);
    }
  }
  return {
    events: topicsFor(config.topicPrefix).events,
    ingressUrl,
    signers: { nango: config.nangoSigningKeys[0] ?? null, notion: config.notionVerificationTokens[0] ?? kept },
  };
}

const progressMs = 1_000;

async function carryOutAndReport(
  context: ConfiguredContext,
  letters: DeadLetterTopic,
  plan: Plan,
  destinations: Destinations,
): Promise<ExitCode> {
  const { output, redact, signal } = context;
  const { done } = wordsOf(plan.action);
  const progress = newProgress();
  let toldAt = performance.now();
  const onProgress = () => {
    if (performance.now() - toldAt < progressMs) return;
    toldAt = performance.now();
    output.note(`${progress.done} of ${plan.refs.size} ${done}`);
  };
  let removed = 0;
  const needsLog = plan.targets.has(destinations.events);
  const publisher = needsLog ? await openPublisher(context, letters.kafka) : null;
  try {
    await carryOut(plan, progress, { letters, destinations, publisher, signal, onProgress });
    // Only what was looked at: new letters behind the plan are not ours to judge.
    if (progress.done > 0) removed = await letters.removeSettled(await letters.ends());
  } catch (error) {
    if (signal.aborted) {
      output.warning(`stopped: ${count(progress.done, 'dead letter')} ${done}, ${remainingOf(plan, progress)} still wait`);
      throw error;
    }
    progress.failure ??= redact(messageOf(error));
  } finally {
    await publisher?.stop();
  }
  const isGood = progress.failure === null && progress.unreadable === 0 && remainingOf(plan, progress) === 0 && plan.heldBack.size === 0;
  const json = { plan: planJson(plan, redact), ...progressJson(plan, progress, removed) };
  output.result(isGood, json, (colors) => renderProgress(plan, progress, removed, colors));
  return isGood ? exitCode.ok : exitCode.failed;
}

async function openPublisher({ logger }: ConfiguredContext, kafka: Kafka) {
  return createPublisher({ kafka, logger, metrics: new Registry(), deadlineMs: 10_000 });
}
