import type { Command as Program } from 'commander';
import { gatherSchemaHistory } from '@notion-mirror/operations/schema/schema-history';
import { useMongo } from '@notion-mirror/operations/servers';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { exitCode, type ExitCode } from './exit-code.ts';
import { countOption, opaqueId } from './option-values.ts';
import { renderSchemaHistory, schemaHistoryJson } from './schema-view.ts';

interface HistoryOptions {
  readonly last: string;
  readonly workspaceId?: string;
}

export function addSchemaCommands(program: Program, act: Act): void {
  const schema = program.command('schema').description("shows how data sources' properties have changed");

  schema
    .command('history')
    .description('shows the changes of the properties of a data source, latest first')
    .argument('<data source>', 'its id, or that of a database with one data source, or a URL')
    .option('--last <n>', 'number of changes', '20')
    .option('--workspace-id <tenant>', "this tenant's, if several mirror the same data source")
    .addHelpText(
      'after',
      `
Each change is kept for MIRROR_SCHEMA_HISTORY_DAYS, also when its data source is removed. --json has the old and the new value of each.`,
    )
    .action(async (source: string, options: HistoryOptions) => {
      await act(async (context) => history(configured(context), source, options));
    });
}

async function history(context: ConfiguredContext, text: string, options: HistoryOptions): Promise<ExitCode> {
  const limit = countOption('--last', options.last, 1000);
  const workspaceId = options.workspaceId === undefined ? undefined : opaqueId('tenant', '--workspace-id', options.workspaceId);
  const found = await useMongo(context, async ({ db }) => gatherSchemaHistory(db, { text, workspaceId, limit }));
  context.output.result(true, schemaHistoryJson(found), (colors) => renderSchemaHistory(found, colors));
  return exitCode.ok;
}
