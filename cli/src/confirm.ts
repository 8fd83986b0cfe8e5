import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import type { CommandContext } from './command-context.ts';
import { OperatorError } from '@notion-mirror/operations/operator-error';
import { usageError } from './exit-code.ts';

/**
 * Whether the operator agrees: asks at a terminal, where Enter is no. Elsewhere nobody could answer, and a script must say that it means it:
 * throws a usage error that names `--yes` and the command. `question` is one sentence without the answers.
 */
async function isConfirmed({ stdin, output, signal }: CommandContext, command: string, question: string): Promise<boolean> {
  if (stdin.isTTY !== true || output.isJson) throw usageError(`${command} needs --yes when there is no terminal to ask at`);
  // Not as a terminal: Ctrl-C stays a signal to the process.
  const prompt = createInterface({ input: stdin, output: process.stderr, terminal: false });
  try {
    const asked = prompt.question(`${question} [y/N] `, { signal });
    const answer = await Promise.race([asked, once(prompt, 'close').then(() => 'no')]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}

/** Resolves when the operator said `--yes` or agrees; otherwise throws what says that nothing was done, in the word `done`. */
export async function confirm(
  context: CommandContext,
  {
    yes,
    command,
    question,
    done,
  }: { readonly yes: boolean | undefined; readonly command: string; readonly question: string; readonly done: string },
): Promise<void> {
  if (yes !== true && !(await isConfirmed(context, command, question))) throw new OperatorError('not_confirmed', `nothing was ${done}`);
}
