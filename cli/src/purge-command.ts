import type { Command as Program } from 'commander';
import { recordAction } from '@notion-mirror/operations/audit/record-action';
import { planPurge, purgeTenant, tenantOf } from '@notion-mirror/operations/purge/purge-tenant';
import { useMongo } from '@notion-mirror/operations/servers';
import { oneLine } from '@notion-mirror/operations/text';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { confirm } from './confirm.ts';
import { exitCode, usageError, type ExitCode } from './exit-code.ts';
import { opaqueId } from './option-values.ts';
import { reasonFlag, reasonOption, type ReasonOptions } from './reason-option.ts';
import { receiptJson, renderPlan, renderReceipt } from './purge-view.ts';

interface PurgeOptions extends ReasonOptions {
  readonly workspaceId?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly wait: string;
}

export function addPurgeCommand(connections: Program, act: Act): void {
  connections
    .command('purge')
    .description('erases a tenant: its documents, connections, tokens and waiting events; lists data that ages out elsewhere, and when')
    .argument('[connectionId]', "this connection's tenant, which must have no other connection")
    .option('--workspace-id <tenant>', 'this tenant, with all its connections')
    .option('--dry-run', 'show the plan without carrying it out')
    .option('--yes', 'do not ask')
    .option('--wait <seconds>', 'how long to wait for workers to finish their current work for it', '120')
    .addOption(reasonFlag())
    .addHelpText(
      'after',
      `
Exit code 0: nothing is left in MongoDB, and no worker can write it again. 1: this could not be confirmed; run it again.`,
    )
    .action(async (connectionId: string | undefined, options: PurgeOptions) => {
      await act(async (context) => purge(configured(context), connectionId, options));
    });
}

async function purge(context: ConfiguredContext, connectionId: string | undefined, options: PurgeOptions): Promise<ExitCode> {
  const { output } = context;
  const reason = reasonOption(options);
  const waitMs = Number(options.wait) * 1000;
  if (!(waitMs >= 1_000 && waitMs <= 3_600_000)) throw usageError('--wait takes a number of seconds from 1 to 3600');
  if ((connectionId === undefined) === (options.workspaceId === undefined)) {
    throw usageError('name a connection, or a tenant with --workspace-id', 'mirror connections list');
  }
  return useMongo(context, async ({ db }) => {
    const workspaceId =
      options.workspaceId === undefined
        ? await tenantOf(db, connectionId ?? '')
        : opaqueId('tenant', '--workspace-id', options.workspaceId);
    const plan = await planPurge(context, db, workspaceId);
    if (options.dryRun === true) {
      output.result(true, { workspaceId, documents: plan.documents, erased: null }, (colors) => renderPlan(plan, colors));
      return exitCode.ok;
    }
    if (options.yes !== true) {
      output.plan((colors) => renderPlan(plan, colors));
      const question = `Erase the tenant ${oneLine(workspaceId)}? It cannot be undone.`;
      await confirm(context, { yes: options.yes, command: 'purge', question, done: 'erased' });
    }
    const receipt = await recordAction(context, db, { action: 'connections.purge', workspaceId, target: {}, reason }, async (notes) => {
      const purged = await purgeTenant(context, db, plan, waitMs);
      // The audit trail keeps that a tenant was purged, and not which.
      notes.workspaceId = null;
      notes.counts = purged.erased;
      return purged;
    });
    output.result(true, receiptJson(receipt), (colors) => renderReceipt(receipt, colors));
    return exitCode.ok;
  });
}
