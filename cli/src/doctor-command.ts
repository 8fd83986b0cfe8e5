import type { Command as Program } from 'commander';
import { configured, type Act, type CommandContext } from './command-context.ts';
import { gatherFacts } from '@notion-mirror/operations/doctor/gather-facts';
import { diagnose, type Check } from '@notion-mirror/operations/doctor/checks';
import { exitCode, type ExitCode } from './exit-code.ts';
import { httpUrlOption } from './option-values.ts';
import { count } from '@notion-mirror/operations/text';
import { type Colors } from './output.ts';

export function addDoctorCommand(program: Program, act: Act): void {
  program
    .command('doctor')
    .description('checks every dependency, the layout, the connections and the secrets; reports problems and how to fix them')
    .option('--url <url>', 'the base URL of a running ingress, e.g. http://localhost:3000: sends it a signed webhook that changes nothing')
    .action(async ({ url }: { url?: string }) => {
      await act(async (context) => doctor(context, url));
    });
}

async function doctor(context: CommandContext, url: string | undefined): Promise<ExitCode> {
  const ingressUrl = httpUrlOption('--url', url);
  const checks = diagnose(await gatherFacts(configured(context), { env: context.env, ingressUrl }));
  const problems = checks.filter(({ status }) => status === 'problem').length;
  const warnings = checks.filter(({ status }) => status === 'warning').length;
  const json = { problems, warnings, checks: checks.map((check) => ({ ...check })) };
  context.output.result(problems === 0, json, (colors) => renderChecks(checks, colors));
  return problems === 0 ? exitCode.ok : exitCode.failed;
}

export function renderChecks(checks: readonly Check[], colors: Colors): string {
  const marks = { ok: colors.green('✓'), warning: colors.yellow('!'), problem: colors.red('✗') };
  const areas = [...new Set(checks.map(({ area }) => area))];
  const lines = areas.flatMap((area) => [
    colors.bold(area),
    ...checks
      .filter((check) => check.area === area)
      .flatMap(({ status, detail, remedy }) => [
        `  ${marks[status]} ${detail}`,
        ...(remedy === null ? [] : [`      ${colors.cyan('→')} ${remedy}`]),
      ]),
  ]);
  return [...lines, '', summary(checks, colors)].join('\n');
}

function summary(checks: readonly Check[], colors: Colors): string {
  const problems = checks.filter(({ status }) => status === 'problem').length;
  const warnings = checks.filter(({ status }) => status === 'warning').length;
  const remarks = warnings === 0 ? '' : ` ${colors.yellow(count(warnings, 'warning'))}.`;
  return problems === 0
    ? `${colors.green('No problem found.')}${remarks}`
    : `${colors.red(`${count(problems, 'problem')} found.`)}${remarks}`;
}
