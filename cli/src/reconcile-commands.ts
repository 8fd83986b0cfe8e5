import { setTimeout as delay } from 'node:timers/promises';
import type { Command as Program } from 'commander';
import { createSweepLedger, type SweepLedger } from '@notion-mirror/mirror-store/sweep-ledger';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { CliError, exitCode, type ExitCode } from './exit-code.ts';
import { count, oneLine } from './output.ts';
import { useMongo } from './servers.ts';
import { renderIncomplete, renderSweeps, sweepJson } from './sweep-view.ts';

interface RunOptions {
  readonly acceptRemovals?: boolean;
  readonly wait?: boolean;
}

const lookEveryMs = 500;

export function addReconcileCommands(program: Program, act: Act): void {
  const reconcile = program
    .command('reconcile')
    .description('the comparisons of each tenant with Notion that find what webhooks did not tell');

  reconcile
    .command('status')
    .description('when each tenant was compared last, what came of it, and which ones wait for an operator')
    .argument('[tenant]', 'only this one')
    .action(async (workspaceId?: string) => {
      await act(async (context) => {
        const found = await withLedger(configured(context), async (ledger) => ledger.list(workspaceId));
        if (workspaceId !== undefined && found.length === 0) throw unknownTenant(workspaceId);
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
    .description('compares a tenant with Notion now; a running sync-worker does it')
    .argument('<tenant>')
    .option('--accept-removals', 'remove what Notion no longer shows, however much that is')
    .option('--wait', 'until it has ended')
    .action(async (workspaceId: string, options: RunOptions) => {
      await act(async (context) => run(configured(context), workspaceId, options));
    });
}

async function withLedger<T>(context: ConfiguredContext, use: (ledger: SweepLedger) => Promise<T>): Promise<T> {
  return useMongo(context, async ({ db }) => use(createSweepLedger(db)));
}

async function run(context: ConfiguredContext, workspaceId: string, options: RunOptions): Promise<ExitCode> {
  const { output, signal } = context;
  return withLedger(context, async (ledger) => {
    const asked = await ledger.request(workspaceId, { acceptRemovals: options.acceptRemovals === true });
    if (asked === null) throw unknownTenant(workspaceId);
    if (options.wait !== true) {
      output.result(true, { asked: workspaceId }, () => `asked for; see mirror reconcile status ${oneLine(workspaceId)}`);
      return exitCode.ok;
    }
    for (;;) {
      const [status] = await ledger.list(workspaceId);
      if (status === undefined) throw unknownTenant(workspaceId);
      if (status.last !== null && status.answered !== null && status.answered >= asked) {
        const { stopped } = status.last;
        output.result(!stopped, sweepJson(status), (colors) => renderSweeps([status], colors));
        renderIncomplete([status]).forEach((line) => output.warning(line));
        return stopped ? exitCode.failed : exitCode.ok;
      }
      if (status.failures > 0 && status.claimedBy === null) throw new CliError('sweep_failed', `it failed: ${status.failure ?? 'unknown'}`);
      await delay(lookEveryMs, undefined, { signal });
    }
  });
}

function unknownTenant(workspaceId: string): CliError {
  return new CliError('unknown_tenant', `nothing is known of a tenant ${oneLine(workspaceId)}`, {
    remedy: 'mirror reconcile status names them; a new one is there a few seconds after its connection became active',
  });
}
