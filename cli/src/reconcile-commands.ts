import type { Command as Program } from 'commander';
import { recordAction } from '@notion-mirror/operations/audit/record-action';
import { listSweeps, requestSweep, sweepEnded } from '@notion-mirror/operations/reconcile/sweeps';
import { sweptScansEnded } from '@notion-mirror/operations/rows/scan-rows';
import { useMongo } from '@notion-mirror/operations/servers';
import { count, oneLine } from '@notion-mirror/operations/text';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { exitCode, type ExitCode } from './exit-code.ts';
import { reasonFlag, reasonOption, type ReasonOptions } from './reason-option.ts';
import { renderSources } from './rows-view.ts';
import { sourceJson } from '@notion-mirror/operations/rows/contents-json';
import { sweepJson } from '@notion-mirror/operations/reconcile/sweep-json';
import { renderIncomplete, renderSweeps } from './sweep-view.ts';

interface RunOptions extends ReasonOptions {
  readonly acceptRemovals?: boolean;
  readonly wait?: boolean;
}

export function addReconcileCommands(program: Program, act: Act): void {
  const reconcile = program.command('reconcile').description('compares tenants with Notion, to find changes that no webhook reported');

  reconcile
    .command('status')
    .description("shows each tenant's last comparison and its result, and tenants that wait for an operator")
    .argument('[tenant]', 'only this one')
    .action(async (workspaceId?: string) => {
      await act(async (context) => {
        const found = await useMongo(configured(context), async ({ db }) => listSweeps(db, workspaceId));
        const stopped = found.filter(({ last }) => last?.stopped === true).length;
        const incomplete = found.filter(({ last }) => last?.incomplete !== undefined).length;
        context.output.result(stopped === 0, { tenants: found.map(sweepJson), stopped, incomplete }, (colors) =>
          renderSweeps(found, colors),
        );
        renderIncomplete(found).forEach((line) => context.output.warning(line));
        if (stopped === 0) return exitCode.ok;
        context.output.failure(
          `${count(stopped, 'tenant')}: a comparison would remove too much, and has stopped before it`,
          'look in Notion whether those databases are gone; then mirror reconcile run <tenant> --accept-removals',
        );
        return exitCode.failed;
      });
    });

  reconcile
    .command('run')
    .description('asks a running sync-worker to compare a tenant with Notion now, and to scan all its rows')
    .argument('<tenant>')
    .option('--accept-removals', 'remove databases that Notion no longer shows, however many')
    .option('--wait', 'wait until it and its scans have ended')
    .addOption(reasonFlag())
    .addHelpText(
      'after',
      `
With --wait, exit code 1: it stopped before too many removals, the rows of a data source are incomplete, or their scan failed.`,
    )
    .action(async (workspaceId: string, options: RunOptions) => {
      await act(async (context) => run(configured(context), workspaceId, options));
    });
}

async function run(context: ConfiguredContext, workspaceId: string, options: RunOptions): Promise<ExitCode> {
  const { output, signal } = context;
  const reason = reasonOption(options);
  const acceptRemovals = options.acceptRemovals === true;
  return useMongo(context, async ({ db }) => {
    const order = { action: 'reconcile.run', workspaceId, target: acceptRemovals ? { acceptRemovals } : {}, reason } as const;
    const asked = await recordAction(context, db, order, async () => requestSweep(db, workspaceId, { acceptRemovals }));
    if (options.wait !== true) {
      output.result(true, { asked: workspaceId }, () => `requested; see mirror reconcile status ${oneLine(workspaceId)}`);
      return exitCode.ok;
    }
    const status = await sweepEnded(db, workspaceId, asked, signal);
    renderIncomplete([status]).forEach((line) => output.warning(line));
    const scanned = await sweptScansEnded(context, db, workspaceId, status.last.startedAt);
    const isOk = !status.last.stopped && scanned.every(({ state, failures }) => state === 'complete' && failures === 0);
    output.result(isOk, { ...sweepJson(status), dataSources: scanned.map(sourceJson) }, (colors) =>
      [renderSweeps([status], colors), ...(scanned.length === 0 ? [] : [renderSources(scanned, colors)])].join('\n\n'),
    );
    return isOk ? exitCode.ok : exitCode.failed;
  });
}
