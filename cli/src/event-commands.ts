import type { Command as Program } from 'commander';
import { openNotionIdFromText } from '@notion-mirror/domain/notion-id';
import { listOutcomes } from '@notion-mirror/operations/events/list-outcomes';
import { outcomeJson } from '@notion-mirror/operations/events/outcome-json';
import { useMongo } from '@notion-mirror/operations/servers';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { sinceOption } from './dead-letter-options.ts';
import { renderEvents } from './event-view.ts';
import { exitCode, type ExitCode } from './exit-code.ts';
import { countOption, opaqueId } from './option-values.ts';

interface ListOptions {
  readonly needsLook?: boolean;
  readonly workspaceId?: string;
  readonly about?: string;
  readonly type?: string;
  readonly outcome?: string;
  readonly origin?: string;
  readonly service?: string;
  readonly minMs?: string;
  readonly since?: string;
  readonly last: string;
}

const dayMs = 24 * 60 * 60 * 1000;

export function addEventCommands(program: Program, act: Act): void {
  const events = program.command('events').description('shows how events ended');

  events
    .command('list')
    .description('lists how the latest events ended, latest first')
    .option('--needs-look', 'only those that did not end in a routine way')
    .option('--workspace-id <tenant>', "only this tenant's")
    .option('--about <id>', 'only those about this database, data source, row or event: an id or a Notion URL')
    .option('--type <types>', 'only these types, separated by commas, e.g. page.created')
    .option('--outcome <outcomes>', 'only these outcomes, separated by commas, e.g. parked,dead_letter')
    .option('--origin <origins>', 'only of these origins, separated by commas, e.g. nango,reconcile')
    .option('--service <services>', 'only by these services, separated by commas')
    .option('--min-ms <n>', 'only those that took at least so many milliseconds from receipt to outcome')
    .option('--since <time>', 'only those since a time (ISO 8601) or duration (90m, 2h, 3d)')
    .option('--last <n>', 'number of events', '20')
    .addHelpText(
      'after',
      `
Outcomes are kept for MIRROR_OUTCOME_RETENTION_DAYS. Indexes answer --needs-look, --workspace-id and --about; with other options alone all kept
outcomes may be read: --since ends that sooner.

Examples:
  mirror events list --needs-look
  mirror events list --workspace-id acme --outcome parked --since 2h`,
    )
    .action(async (options: ListOptions) => {
      await act(async (context) => list(configured(context), options));
    });
}

async function list(context: ConfiguredContext, options: ListOptions): Promise<ExitCode> {
  const { config, output, redact, signal } = context;
  const { about, minMs, since } = options;
  const limit = countOption('--last', options.last, 1000);
  const query = {
    workspaceId: options.workspaceId === undefined ? undefined : opaqueId('tenant', '--workspace-id', options.workspaceId),
    about: about === undefined ? undefined : (openNotionIdFromText(about) ?? about),
    types: several(options.type),
    outcomes: several(options.outcome),
    origins: several(options.origin),
    services: several(options.service),
    minMs: minMs === undefined ? undefined : countOption('--min-ms', minMs, 10 * dayMs),
    from: since === undefined ? undefined : sinceOption(since, new Date()),
    needsLook: options.needsLook,
  };
  const { outcomes, hasMore } = await useMongo(context, async ({ db }) => listOutcomes(db, query, limit, signal));
  const events = outcomes.map((outcome) => outcomeJson(outcome, { redact, traceUrl: config.traceUrl }));
  output.result(true, { events, hasMore }, (colors) => renderEvents(events, hasMore, colors));
  return exitCode.ok;
}

function several(text: string | undefined): string[] | undefined {
  return text?.split(',').map((word) => word.trim());
}
