import type { Command as Program } from 'commander';
import { findSource } from '@notion-mirror/operations/rows/find-source';
import { openRowTable, type TableRow } from '@notion-mirror/operations/rows/row-table';
import { useMongo } from '@notion-mirror/operations/servers';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { exitCode, usageError, type ExitCode } from './exit-code.ts';
import { opaqueId } from './option-values.ts';
import { csvLines, jsonLines, renderRowTable, rowTableJson } from './row-table-view.ts';

interface ListOptions {
  readonly workspaceId?: string;
  readonly where?: readonly string[];
  readonly format: string;
  readonly limit: string;
}

export function addRowsCommands(program: Program, act: Act): void {
  const rows = program.command('rows').description('shows and controls the mirrored rows of data sources');

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

async function list(context: ConfiguredContext, text: string, options: ListOptions): Promise<ExitCode> {
  const { output } = context;
  const { format, where = [] } = options;
  if (format !== 'table' && format !== 'csv' && format !== 'json') throw usageError('--format is table, csv or json');
  const limit = limitOption(options.limit);
  const workspaceId = options.workspaceId === undefined ? undefined : opaqueId('tenant', '--workspace-id', options.workspaceId);
  return useMongo(context, async ({ db }) => {
    const table = openRowTable(db, await findSource(db, text, workspaceId), { where, limit: limit === null ? null : limit + 1 });
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

function collected(condition: string, before: readonly string[] = []): readonly string[] {
  return [...before, condition];
}

function limitOption(text: string): number | null {
  if (text === 'all') return null;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1) throw usageError('--limit takes a whole number from 1, or all');
  return limit;
}
