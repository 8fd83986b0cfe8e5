import { createHash, randomBytes } from 'node:crypto';
import type { Command as Program } from 'commander';
import type { Act, CommandContext } from './command-context.ts';
import { exitCode, usageError, type ExitCode } from './exit-code.ts';
import { oneLine } from '@notion-mirror/operations/text';

export function addConsoleCommands(program: Program, act: Act): void {
  const console = program.command('console').description('access to the operator console');
  console
    .command('token')
    .description('makes a token for a person: prints it once, and the line for MIRROR_CONSOLE_TOKENS, which holds only its hash')
    .argument('<name>', 'whose it is, as the console shows it')
    .option('--operator', 'who has it may act; without this option, only look')
    .action(async (name: string, { operator }: { operator?: boolean }) => {
      await act(async (context) => Promise.resolve(makeToken(context, name, operator === true ? 'operator' : 'viewer')));
    });
}

function makeToken({ output }: CommandContext, name: string, role: 'viewer' | 'operator'): ExitCode {
  if (!/^[\w.@-]{1,100}$/.test(name)) {
    throw usageError(`"${oneLine(name)}" is no name of a token: letters, digits and . _ @ - only, such as an e-mail address`);
  }
  // Random enough that its hash needs no salt.
  const token = `nmc_${randomBytes(32).toString('base64url')}`;
  const line = `${name} ${role} sha256:${createHash('sha256').update(token).digest('hex')}`;
  output.result(true, { name, role, token, line }, () =>
    [
      `The token of ${name}, shown only now: ${token}`,
      '',
      'Add this line to MIRROR_CONSOLE_TOKENS, or to the file that MIRROR_CONSOLE_TOKENS_FILE names, and restart the console:',
      line,
    ].join('\n'),
  );
  return exitCode.ok;
}
