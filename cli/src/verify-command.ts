import type { Command as Program } from 'commander';
import { useMongo } from '@notion-mirror/operations/servers';
import { verifyRows } from '@notion-mirror/operations/verify/verify-rows';
import { verifyTenants } from '@notion-mirror/operations/verify/verify-tenants';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { exitCode, usageError, type ExitCode } from './exit-code.ts';
import { opaqueId } from './option-values.ts';
import { renderRowVerification, renderVerification, rowVerificationJson, verificationJson } from './verify-view.ts';

interface VerifyOptions {
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
  if (options.rows === true) {
    const { found, appended } = await useMongo(context, async ({ db }) => verifyRows(context, db, { ...order, text: workspace }));
    const isEqual = found.differences.length === 0 && found.unanswered.length === 0 && found.beyond.length === 0;
    context.output.result(isEqual, { ...rowVerificationJson(found), appended }, (colors) => renderRowVerification(found, appended, colors));
    return isEqual ? exitCode.ok : exitCode.failed;
  }
  const workspaceId = workspace === null ? null : opaqueId('tenant', '[workspace]', workspace);
  const { found, appended } = await useMongo(context, async ({ db }) => verifyTenants(context, db, { ...order, workspaceId }));
  const isGood = found.differences.length === 0 && found.unanswered.length === 0;
  context.output.result(isGood, { ...verificationJson(found), appended }, (colors) => renderVerification(found, appended, colors));
  return isGood ? exitCode.ok : exitCode.failed;
}

function numberOption(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < min || value > max) {
    throw usageError(`${option} takes a number from ${min} to ${max}`);
  }
  return value;
}
