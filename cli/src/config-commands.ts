import { readFileSync, writeFileSync } from 'node:fs';
import type { Command as Program } from 'commander';
import type { Act } from './command-context.ts';
import { configurationDocs } from './configuration-docs.ts';
import { OperatorError } from '@notion-mirror/operations/operator-error';
import { exitCode, usageError } from './exit-code.ts';
import { oneLine } from '@notion-mirror/operations/text';
import { table, type Colors } from './output.ts';
import { checkConfiguration, type ConfigurationReport } from '@notion-mirror/operations/config-report';

export function addConfigCommands(program: Program, act: Act): void {
  const config = program.command('config').description('the configuration of the mirror');
  config
    .command('check')
    .description('shows every variable, the source of its value, and any problem; secrets are not shown')
    .action(async () => {
      await act(async ({ env, output }) => {
        const report = checkConfiguration(env);
        const isGood = report.problems.length === 0;
        output.result(isGood, { ...report }, (colors) => render(report, colors));
        return isGood ? exitCode.ok : exitCode.badConfiguration;
      });
    });
  config
    .command('docs')
    .description('prints docs/configuration.md, generated from the table of variables')
    .option('--check <file>', 'fail when the file differs from the output')
    .option('--write <file>', 'write the file instead of printing it')
    .action(async (options: { check?: string; write?: string }) => {
      await act(async ({ output }) => {
        const { check, write } = options;
        if (check !== undefined && write !== undefined) throw usageError('--check and --write exclude each other');
        const markdown = configurationDocs();
        if (check !== undefined) {
          checkDocs(check, markdown);
          output.result(true, { file: check, upToDate: true }, () => `${check} is up to date`);
        } else if (write === undefined) {
          output.result(true, { markdown }, () => markdown);
        } else {
          writeFileSync(write, markdown);
          output.result(true, { file: write, written: true }, () => `${write} written`);
        }
        return exitCode.ok;
      });
    });
}

/** Reads a text file; a file that cannot be read counts as empty. */
function checkDocs(file: string, markdown: string): void {
  const remedy = `mirror config docs --write ${file}`;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new OperatorError('docs_unreadable', `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      remedy,
    });
  }
  if (text === markdown) return;
  const [actual, wanted] = [text.split('\n'), markdown.split('\n')];
  const index = wanted.findIndex((line, at) => line !== actual[at]);
  const at = index === -1 ? wanted.length : index;
  const message = `${file} is not what the variables say. Line ${at + 1}\n  is:        ${actual[at] ?? '(nothing)'}\n  should be: ${wanted[at] ?? '(nothing)'}`;
  throw new OperatorError('docs_outdated', message, { remedy });
}

function render({ settings, problems, unknown, advice }: ConfigurationReport, colors: Colors): string {
  const bad = new Set(problems.map(({ variable }) => variable.replace(/_FILE$/, '')));
  const rows = settings.map(({ variable, origin, shown }) => [
    { text: variable, style: bad.has(variable) ? colors.red : undefined },
    { text: origin, style: origin === 'default' || origin === 'missing' ? colors.dim : colors.cyan },
    { text: shown === '' ? '(empty)' : oneLine(shown), style: shown === '' || shown.startsWith('(') ? colors.dim : undefined },
  ]);
  const lines = [
    table(rows),
    '',
    ...problems.map(({ variable, problem, expected }) => `${colors.red('problem')} ${variable}: ${problem}\n        expected ${expected}`),
    ...unknown.map((name) => `${colors.yellow('warning')} ${name} is not a variable of the mirror; is it misspelt?`),
    ...advice.map(({ text, remedy }) => `${colors.yellow('warning')} ${text}\n        ${colors.cyan('→')} ${remedy}`),
    problems.length === 0
      ? colors.green('The configuration is valid.')
      : colors.red('The configuration is invalid: no process would start.'),
  ];
  return lines.join('\n');
}
