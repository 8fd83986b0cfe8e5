import type { Command as Program } from 'commander';
import type { HeldSource } from '@notion-mirror/mirror-store/entities/held-sources';
import { recordAction, onlyTenant, someIds, type ActionOrder } from '@notion-mirror/operations/audit/record-action';
import { findSource } from '@notion-mirror/operations/rows/find-source';
import { openRowTable, type TableRow } from '@notion-mirror/operations/rows/row-table';
import { gatherRowStatus, sourcesIn, whyNotAll } from '@notion-mirror/operations/rows/row-status';
import { scansEnded, wantScans } from '@notion-mirror/operations/rows/scan-rows';
import { planRowsOff, turnRowsOff, turnRowsOn } from '@notion-mirror/operations/rows/turn-rows';
import { useMongo } from '@notion-mirror/operations/servers';
import { count, oneLine } from '@notion-mirror/operations/text';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { confirm } from './confirm.ts';
import { exitCode, usageError, type ExitCode } from './exit-code.ts';
import { opaqueId } from './option-values.ts';
import { reasonFlag, reasonOption, type ReasonOptions } from './reason-option.ts';
import { csvLines, jsonLines, renderRowTable, rowTableJson } from './row-table-view.ts';
import { offPlanJson, renderOffPlan, renderRowStatus, renderSources, rowStatusJson } from './rows-view.ts';
import { sourceJson } from '@notion-mirror/operations/rows/contents-json';

interface SourceOptions {
  readonly workspaceId?: string;
}

interface OnOptions extends SourceOptions, ReasonOptions {}

interface OffOptions extends OnOptions {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

interface ScanOptions extends ReasonOptions {
  readonly acceptRemovals?: boolean;
  readonly wait: boolean;
}

interface ListOptions extends SourceOptions {
  readonly where?: readonly string[];
  readonly format: string;
  readonly limit: string;
}

export function addRowsCommands(program: Program, act: Act): void {
  const rows = program.command('rows').description('shows and controls the mirrored rows of data sources');

  rows
    .command('status')
    .description('shows whether the mirror has all rows of each data source, as of when, and its scans')
    .argument(
      '[tenant or data source]',
      'a tenant, a data source or a database; default: all tenants, and the data sources that are not complete',
    )
    .addHelpText('after', '\nExit code 1: a data source is incomplete, and the reason is named.')
    .action(async (text?: string) => {
      await act(async (context) => status(configured(context), text ?? null));
    });

  rows
    .command('scan')
    .description('has the sync-workers compare all rows with Notion now, and waits until they have')
    .argument('<tenant or data source>', 'a tenant, a data source or a database')
    .option('--accept-removals', 'remove rows that no connection can read any more, however many')
    .option('--no-wait', 'do not wait')
    .addOption(reasonFlag())
    .addHelpText(
      'after',
      `
A scan begins when its queries can show everything that was there at the time of the request, after MIRROR_NOTION_LAG_SECONDS and the clock tolerance.

Exit code 0: the scans have ended, and every row is in the mirror. 1: a data source is incomplete, or its scan failed.`,
    )
    .action(async (text: string, options: ScanOptions) => {
      await act(async (context) => scan(configured(context), text, options));
    });

  rows
    .command('off')
    .description('erases the rows of a data source and mirrors none until they are turned on again')
    .argument('<data source>', 'its id, or that of a database with one data source, or a URL')
    .option('--workspace-id <tenant>', "this tenant's, if several mirror the same data source")
    .option('--dry-run', 'show the plan without carrying it out')
    .option('--yes', 'do not ask')
    .addOption(reasonFlag())
    .action(async (source: string, options: OffOptions) => {
      await act(async (context) => turnOff(configured(context), source, options));
    });

  rows
    .command('on')
    .description('mirrors the rows of a data source that were turned off, from the beginning')
    .argument('<data source>', 'its id, or that of a database with one data source, or a URL')
    .option('--workspace-id <tenant>', "this tenant's, if several mirror the same data source")
    .addOption(reasonFlag())
    .action(async (source: string, options: OnOptions) => {
      await act(async (context) => turnOn(configured(context), source, options));
    });

  rows
    .command('list')
    .description('lists rows as readers see them, in order of creation')
    .argument('<data source>', 'its id, or that of a database with one data source, or a URL')
    .option('--where <condition>', 'only rows for which it holds; give it once for each condition', collected)
    .option('--format <format>', 'table, csv, or json for one object per line', 'table')
    .option('--limit <n>', 'maximum rows, or all', '50')
    .option('--workspace-id <tenant>', "this tenant's, if several mirror the same data source")
    .addHelpText(
      'after',
      `
A condition is a property's name, a comparator and a value: = != < <= > >= or ~ (contains, in whatever case). For properties with
several values it holds if it does for one of them. Without a value, = means empty and != not empty.
Options are compared by name; people and related pages by id; checkboxes with true or false; dates with a day (in UTC) or a time with
its offset.

Examples:
  mirror rows list 263104cd-477e-804b-8c32-000b2fcd241a --where Status=Done --where 'Due<2026-12-01'
  mirror rows list https://www.notion.so/acme/Tasks-248104cd477e80fdb757e945d38000bd --where 'Owner=' --format csv --limit all

A spreadsheet may run a cell that begins with = + - or @ as a formula: the cells are what the customer wrote.`,
    )
    .action(async (source: string, options: ListOptions) => {
      await act(async (context) => list(configured(context), source, options));
    });
}

async function status(context: ConfiguredContext, text: string | null): Promise<ExitCode> {
  const { output } = context;
  const found = await useMongo(context, async ({ db }) => gatherRowStatus(db, text));
  const incomplete = found.summary?.states.incomplete ?? found.sources.filter(({ state }) => state === 'incomplete').length;
  output.result(incomplete === 0, rowStatusJson(found), (colors) => renderRowStatus(found, colors));
  return incomplete === 0 ? exitCode.ok : exitCode.failed;
}

async function scan(context: ConfiguredContext, text: string, options: ScanOptions): Promise<ExitCode> {
  const { output } = context;
  const reason = reasonOption(options);
  const acceptsRemovals = options.acceptRemovals === true;
  return useMongo(context, async ({ db }) => {
    const sources = await sourcesIn(db, text);
    const dataSourceIds = someIds(sources.map(({ dataSourceId }) => dataSourceId));
    const target = { dataSourceIds, ...(acceptsRemovals ? { acceptsRemovals } : {}) };
    const tenants = sources.map((source) => source.workspaceId);
    const order = { action: 'rows.scan', workspaceId: onlyTenant(tenants), target, reason } as const;
    const { asked, wanted } = await recordAction(context, db, order, async (notes) => {
      const wishes = await wantScans(db, sources, { acceptsRemovals });
      notes.counts = { requested: wishes.wanted.length };
      return wishes;
    });
    const ids = wanted.map(({ workspaceId, dataSourceId }) => ({ workspaceId, dataSourceId }));
    if (wanted.length === 0) output.warning('there is nothing to scan: no data source here has its rows on');
    if (!options.wait || wanted.length === 0) {
      const json = { asked: asked.toISOString(), wanted: ids, dataSources: [] };
      output.result(true, json, () => `${count(wanted.length, 'scan')} requested; see mirror rows status ${oneLine(text)}`);
      return exitCode.ok;
    }
    output.note(`${count(wanted.length, 'scan')} requested`);
    const ended = await scansEnded(context, db, wanted, asked);
    const isComplete = ended.every(({ state }) => state === 'complete');
    const json = { asked: asked.toISOString(), wanted: ids, dataSources: ended.map(sourceJson) };
    output.result(isComplete, json, (colors) => renderSources(ended, colors));
    return isComplete ? exitCode.ok : exitCode.failed;
  });
}

async function turnOff(context: ConfiguredContext, text: string, options: OffOptions): Promise<ExitCode> {
  const { output } = context;
  const reason = reasonOption(options);
  return useMongo(context, async ({ db }) => {
    const plan = await planRowsOff(db, await findSource(db, text, tenantOption(options)));
    if (options.dryRun === true) {
      output.result(true, { ...offPlanJson(plan), erased: null }, (colors) => renderOffPlan(plan, colors));
      return exitCode.ok;
    }
    if (options.yes !== true) {
      output.plan((colors) => renderOffPlan(plan, colors));
      await confirm(context, { yes: options.yes, command: 'rows off', question: 'Erase these rows?', done: 'erased' });
    }
    const erased = await recordAction(context, db, { action: 'rows.off', ...placeOf(plan.source), reason }, async (notes) => {
      const rows = await turnRowsOff(context, db, plan);
      notes.counts = { erased: rows };
      return rows;
    });
    output.result(
      true,
      { ...offPlanJson(plan), isOff: true, erased },
      (colors) => `${colors.green('off')}: ${count(erased, 'row')} erased`,
    );
    return exitCode.ok;
  });
}

async function turnOn(context: ConfiguredContext, text: string, options: OnOptions): Promise<ExitCode> {
  const { output, config } = context;
  const reason = reasonOption(options);
  return useMongo(context, async ({ db }) => {
    const source = await findSource(db, text, tenantOption(options));
    const wasOff = await recordAction(context, db, { action: 'rows.on', ...placeOf(source), reason }, async (notes) => {
      const changes = await turnRowsOn(db, source);
      notes.counts = { changed: changes ? 1 : 0 };
      return changes;
    });
    const { workspaceId, dataSourceId } = source;
    output.result(true, { workspaceId, dataSourceId, wasOff }, () =>
      wasOff ? `on: its first scan is due; see mirror rows status ${dataSourceId}` : 'its rows are on already',
    );
    if (config.rows === 'off') output.warning('MIRROR_ROWS is off here: services with that setting mirror no rows at all');
    return exitCode.ok;
  });
}

async function list(context: ConfiguredContext, text: string, options: ListOptions): Promise<ExitCode> {
  const { output } = context;
  const { format, where = [] } = options;
  if (format !== 'table' && format !== 'csv' && format !== 'json') throw usageError('--format is table, csv or json');
  const limit = limitOption(options.limit);
  return useMongo(context, async ({ db }) => {
    const source = await findSource(db, text, tenantOption(options));
    const table = openRowTable(db, source, { where, limit: limit === null ? null : limit + 1 });
    const notAll = await whyNotAll(db, source);
    if (notAll !== null) output.warning(notAll);
    if (!output.isJson && format !== 'table') {
      await output.stream(format === 'csv' ? csvLines(table, limit) : jsonLines(table, limit));
      return exitCode.ok;
    }
    const found: TableRow[] = [];
    for await (const row of table.rows) found.push(row);
    const shown = found.slice(0, limit ?? found.length);
    const hasMore = found.length > shown.length;
    output.result(true, rowTableJson(table, shown, hasMore), (colors) => renderRowTable(table, shown, hasMore, colors));
    return exitCode.ok;
  });
}

function placeOf({ workspaceId, databaseId, dataSourceId }: HeldSource): Pick<ActionOrder, 'workspaceId' | 'target'> {
  return { workspaceId, target: { databaseId, dataSourceId } };
}

function tenantOption({ workspaceId }: SourceOptions): string | undefined {
  return workspaceId === undefined ? undefined : opaqueId('tenant', '--workspace-id', workspaceId);
}

function collected(condition: string, before: readonly string[] = []): readonly string[] {
  return [...before, condition];
}

function limitOption(text: string): number | null {
  if (text === 'all') return null;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1) throw usageError('--limit takes a whole number from 1, or all');
  return limit;
}
