import { Option, type Command as Program } from 'commander';
import { openOperatorActions, operatorActionNames, type OperatorActionName } from '@notion-mirror/mirror-store/operator-actions';
import { actionJson } from '@notion-mirror/operations/audit/action-json';
import { useMongo } from '@notion-mirror/operations/servers';
import { renderActions } from './audit-view.ts';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { exitCode, type ExitCode } from './exit-code.ts';
import { countOption, opaqueId } from './option-values.ts';

interface ListOptions {
  readonly who?: string;
  readonly action?: OperatorActionName;
  readonly workspaceId?: string;
  readonly last: string;
}

export function addAuditCommands(program: Program, act: Act): void {
  const audit = program.command('audit').description('shows what operators did, by this command or the console');

  audit
    .command('list')
    .description('lists what operators changed, latest first')
    .option('--who <name>', "only this operator's")
    .addOption(new Option('--action <name>', 'only these actions').choices(operatorActionNames))
    .option('--workspace-id <tenant>', 'only those for this tenant alone')
    .option('--last <n>', 'number of actions', '20')
    .addHelpText(
      'after',
      `
Each action is kept for 400 days. One that has begun and not ended is still running, or its process was killed. A job of the console says so: one
that was interrupted is continued by the next console, a stopped one by an operator.`,
    )
    .action(async (options: ListOptions) => {
      await act(async (context) => list(configured(context), options));
    });
}

async function list(context: ConfiguredContext, options: ListOptions): Promise<ExitCode> {
  const { who, action } = options;
  const limit = countOption('--last', options.last, 1000);
  const workspaceId = options.workspaceId === undefined ? undefined : opaqueId('tenant', '--workspace-id', options.workspaceId);
  const found = await useMongo(context, async ({ db }) => openOperatorActions(db).list({ who, action, workspaceId }, null, limit + 1));
  const actions = found.slice(0, limit);
  const hasMore = found.length > limit;
  context.output.result(true, { actions: actions.map(actionJson), hasMore }, (colors) => renderActions(actions, hasMore, colors));
  return exitCode.ok;
}
