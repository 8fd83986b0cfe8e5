import type { Command as Program } from 'commander';
import { onlyTenant, recordAction, type ActionNotes, type ActionOrder } from '@notion-mirror/operations/audit/record-action';
import { scopeOf } from '@notion-mirror/operations/rows/row-scope';
import { useMongo } from '@notion-mirror/operations/servers';
import type { Comparison } from '@notion-mirror/operations/verify/compare-entities';
import { verifyRows } from '@notion-mirror/operations/verify/verify-rows';
import { verifyTenants } from '@notion-mirror/operations/verify/verify-tenants';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { exitCode, usageError, type ExitCode } from './exit-code.ts';
import { opaqueId } from './option-values.ts';
import { reasonFlag, reasonOption, type ReasonOptions } from './reason-option.ts';
import { renderRowVerification, renderVerification, rowVerificationJson, verificationJson } from './verify-view.ts';

interface VerifyOptions extends ReasonOptions {
  readonly rows?: boolean;
  readonly fix?: boolean;
  readonly requestsPerMinute: string;
  readonly grace: string;
}

export function addVerifyCommand(program: Program, act: Act): void {
  program
    .command('verify')
    .description('compares the mirror with the current state of Notion, and prints each difference')
    .argument('[workspace]', 'only this tenant (default: all that have an active connection); with --rows also a data source or database')
    .option('--rows', 'compare rows instead of databases')
    .option('--fix', 'append a sync event for each difference, so that the workers fix it')
    .option('--requests-per-minute <n>', "calls to Notion for each connection, in addition to the workers' own", '60')
    .option('--grace <seconds>', 'how long a difference must persist, since an event may be in flight', '10')
    .addOption(reasonFlag())
    .addHelpText(
      'after',
      `
Examples:
  mirror verify acme
  mirror verify --rows acme
  mirror verify --rows 263104cd-477e-804b-8c32-000b2fcd241a
  mirror verify --fix --json > report.json

Exit code 0: equal. 1: a difference, or something could not be compared.`,
    )
    .action(async (workspace: string | undefined, options: VerifyOptions) => {
      await act(async (context) => verify(configured(context), workspace ?? null, options));
    });
}

async function verify(context: ConfiguredContext, workspace: string | null, options: VerifyOptions): Promise<ExitCode> {
  const order = {
    requestsPerMinute: numberOption('--requests-per-minute', options.requestsPerMinute, 1, 10_000),
    graceMs: numberOption('--grace', options.grace, 0, 3_600) * 1_000,
    fixes: options.fix === true,
  };
  const reason = reasonOption(options);
  if (options.rows === true) {
    const { found, appended } = await useMongo(context, async ({ db }) => {
      const work = async () => verifyRows(context, db, { ...order, text: workspace });
      if (!order.fixes) return work();
      const { tenants, query } = await scopeOf(db, workspace);
      const target = query.id === undefined ? { rows: true } : { rows: true, id: query.id };
      const fix = fixOf(workspace === null ? null : onlyTenant(tenants), target, reason);
      return recordAction(context, db, fix, async (notes) => noted(notes, await work()));
    });
    const isEqual = found.differences.length === 0 && found.unanswered.length === 0 && found.beyond.length === 0;
    context.output.result(isEqual, { ...rowVerificationJson(found), appended }, (colors) => renderRowVerification(found, appended, colors));
    return isEqual ? exitCode.ok : exitCode.failed;
  }
  const workspaceId = workspace === null ? null : opaqueId('tenant', '[workspace]', workspace);
  const { found, appended } = await useMongo(context, async ({ db }) => {
    const work = async () => verifyTenants(context, db, { ...order, workspaceId });
    if (!order.fixes) return work();
    return recordAction(context, db, fixOf(workspaceId, {}, reason), async (notes) => noted(notes, await work()));
  });
  const isGood = found.differences.length === 0 && found.unanswered.length === 0;
  context.output.result(isGood, { ...verificationJson(found), appended }, (colors) => renderVerification(found, appended, colors));
  return isGood ? exitCode.ok : exitCode.failed;
}

function fixOf(workspaceId: string | null, target: ActionOrder['target'], reason: string | null): ActionOrder {
  return { action: 'verify.fix', workspaceId, target, reason };
}

function noted<T extends Comparison>(notes: ActionNotes, result: { readonly found: T; readonly appended: number }): typeof result {
  notes.counts = { compared: result.found.compared, differences: result.found.differences.length, appended: result.appended };
  return result;
}

function numberOption(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < min || value > max) {
    throw usageError(`${option} takes a number from ${min} to ${max}`);
  }
  return value;
}
